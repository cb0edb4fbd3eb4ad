"""A connected fleet: make plans of it, apply them, take runs back, stop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import anyio.to_thread

from fleet_repl.engine.ports import EventSink
from fleet_repl.fleet.apply import apply
from fleet_repl.fleet.backfill import Backfiller
from fleet_repl.fleet.context import RunContext
from fleet_repl.fleet.kept_plan import PlanError, check_accounts, check_registries, check_world
from fleet_repl.fleet.plan import PlanOptions, propose
from fleet_repl.fleet.run_reports import interrupted_report, refused_report
from fleet_repl.planning.plan import Effort, Plan
from fleet_repl.planning.stored import with_policies_read
from fleet_repl.reports.documents.plan import is_unaltered
from fleet_repl.runs.events import RunStarted
from fleet_repl.runs.outcomes import BackfillReport, Report, Statistics
from fleet_repl.state import LockAndFreeze, read_lock_and_freeze
from fleet_repl.topology import Selection, select
from fleet_repl.values.errors import Fault, FleetError, SelectionError
from fleet_repl.values.names import Registry

if TYPE_CHECKING:
    from fleet_repl.fleet.export import Target
    from fleet_repl.planning.elsewhere import HeldResource
    from fleet_repl.planning.explain import Explanation
    from fleet_repl.planning.importing import Imported
    from fleet_repl.reports.export import Exported
    from fleet_repl.runs.coverage import CoverageReport
    from fleet_repl.runs.delivery import DeliveryReport
    from fleet_repl.runs.doctor import DoctorReport
    from fleet_repl.runs.replication_events import ReplicationEvent
    from fleet_repl.runs.timed_deliveries import TimedDelivery

EVERYTHING: Final = Selection()
"""The selection that narrows nothing."""
NONE_EXCLUDED: Final[Mapping[Registry, Fault]] = MappingProxyType({})


class Interrupted(FleetError):  # noqa: N818 - an interruption is no error of anybody
    """The run was stopped before there was a plan, or whatever else it was to make."""


class Fleet:
    """A fleet that is connected: make plans of it and apply them.

    What plans and their application do not need is imported when it is first asked for.
    """

    def __init__(self, context: RunContext) -> None:
        self.name: Final = context.inventory.name
        self._context = context
        self._efforts: Mapping[Registry, Effort] = {}
        """The effort that an interrupted plan had taken so far."""
        self._latest: Plan | None = None
        """The plan that was made last: what it says need not be checked."""

    @property
    def run_id(self) -> str:
        """The id of this connection's run in the fleet's history."""
        return self._context.run_id

    def stop(self) -> None:
        """Start nothing new; writes in flight finish and are read back."""
        self._context.stop.interrupt()

    @property
    def holds_lock(self) -> bool:
        """Returns whether no other run can write to the fleet now."""
        return self._context.access.lease is not None

    def statistics(self) -> Statistics:
        """The calls that were made so far."""
        return self._context.registries.statistics()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Hold the fleet's lock, so that nobody else writes to it between a plan and its end.

        `apply` does so by itself where this has not been done. Raises RefusedError at once
        where another run holds it or the fleet is frozen, and StateError.
        """
        async with self._context.access.held():
            yield

    async def plan(  # noqa: PLR0913 - each narrows, allows or adds a thing of its own
        self,
        *,
        selection: Selection = EVERYTHING,
        allow: Collection[str] = (),
        over: float = 0.0,
        beside: Path | None = None,
        spare: Mapping[Registry, Fault] = NONE_EXCLUDED,
        force: bool = False,
        exclude_objected: bool = False,
        held: Collection[HeldResource] = (),
    ) -> Plan:
        """Observe the fleet and say what it takes to make it as the inventory wants it.

        `selection` narrows what may be changed, never what is wanted. `allow` may hold
        "collateral", "protected" and "unknown-fields". `over`: the seconds that reading is spread
        over.
        `beside`: the file that the plan will be kept in, from which its inventory is then found.
        `spare`: registries whose changes are shown, but must fail with that fault unwritten.
        `force`: rules of unknown meaning go where the rules are exclusive, with an objection.
        `exclude_objected`: spare registries too whose own changes are objected to, as long as
        others are left to write, instead of an objection to the whole plan.
        `held`: resources that Terraform manages, from `read_terraform_states`; the plan warns of
        those that it manages, too.
        Raises SelectionError, StateError, and Interrupted after `stop()`.
        """
        scope = select(self._context.inventory, selection)
        self._report_start(scope)
        options = PlanOptions(
            allow=allow,
            over=over,
            beside=beside,
            spare=spare,
            force=force,
            exclude_objected=exclude_objected,
            held=held,
        )
        made = await propose(scope, self._context, options)
        return self._unless_interrupted(made, "stopped before there was a plan")

    async def plan_rollback(self, run_id: str, *, force: bool = False) -> Plan:
        """Plans the writes that put back the documents from before a run.

        Registries that were changed since are refused unless `force`. Raises RunError where
        nobody remembers the run, StateError, and Interrupted after `stop()`.
        """
        from fleet_repl.fleet.rollback import propose_rollback  # noqa: PLC0415

        planned = await propose_rollback(
            run_id, self._context, force=force, report_start=self._report_start
        )
        return self._unless_interrupted(planned, "stopped before there was a plan")

    async def apply(
        self,
        plan: Plan,
        *,
        force: bool = False,
        allow: Collection[str] = (),
        wave: str | None = None,
        on_event: EventSink | None = None,
    ) -> Report:
        """Carry out a plan of this fleet. Every registry that fails is a value in the report.

        A plan with objections is refused as a whole, without a write, unless `force` and `allow`
        override all of them; the report says so. `wave`: the last one to be written. Raises
        SelectionError for a wave that is none, and then nothing is written. The same holds for
        PlanError: the plan was made from another inventory, was altered since, writes to
        registries that are none of it, or is stale, as another run has ended or the inventory's
        file was changed since it was made (`force` overrides that for a plan out of a file). And
        for RefusedError, where the lock is held or the fleet is frozen, and StateError, where the
        run cannot be remembered.
        """
        self._context.check_may_write()
        with self._context.access.carrying_out():
            await self._check(plan, wave)
            owner = self._context.desired.owner
            plan = await anyio.to_thread.run_sync(with_policies_read, plan, owner)
            return await apply(
                plan, self._context, force=force, allow=allow, until=wave, on_event=on_event
            )

    async def _check(self, plan: Plan, wave: str | None) -> None:
        """Checks that `plan` is a plan of this fleet, as it was made. Raises PlanError,
        SelectionError."""
        context = self._context
        if plan.inventory.digest != context.inventory.digest or plan.fleet != self.name:
            raise PlanError("the plan was made from another inventory, or another version of it")
        check_world(plan, context.world)
        kept = plan is not self._latest
        # In a thread: of a large plan this takes a while, and the lock has to be renewed.
        if kept and not await anyio.to_thread.run_sync(is_unaltered, plan):
            raise PlanError("the plan was altered after it was made: its digest does not fit")
        check_accounts(plan, context.inventory)
        check_registries(plan, context.desired.registries)
        names = context.desired.waves.names
        if wave is not None and wave not in names:
            raise SelectionError(f"no wave is called {wave!r}; there are {', '.join(names)}")

    async def backfill(
        self,
        *,
        selection: Selection = EVERYTHING,
        route: str | None = None,
        wait: bool = False,
        again: bool = False,
        on_event: EventSink | None = None,
    ) -> BackfillReport:
        """Copy what was pushed before its rule was in place, out of the sources in `selection`.

        Starts a backfill to each destination of a route (of all, without `route`) that has none
        under way and none complete; `again`: complete backfills do not count. `wait`: start those
        that ECR has no room for yet as well, and follow all to their end. Raises SelectionError,
        and RefusedError while the fleet is frozen.
        """
        self._context.check_may_write()
        await self._context.access.refuse_if_frozen()
        backfiller = Backfiller(context=self._context.reporting_to(on_event))
        return await backfiller.start(selection, route, wait=wait, again=again)

    async def backfill_status(
        self, *, selection: Selection = EVERYTHING, route: str | None = None
    ) -> BackfillReport:
        """The latest backfill to each destination. Starts nothing. Raises SelectionError."""
        return await Backfiller(context=self._context).status(selection, route)

    async def repair(
        self,
        document: str | Path | DeliveryReport | CoverageReport,
        *,
        wait: bool = False,
        reput: bool = False,
        dry_run: bool = False,
        max_age: timedelta = timedelta(hours=24),
        on_event: EventSink | None = None,
    ) -> BackfillReport:
        """Start one backfill for each link whose destination lacks images by a document of `verify`
        or `coverage`: a file, or the report itself.

        `wait`: start those that ECR has no room for yet as well, and follow all to their end.
        `reput`: start none, and put the images again that the document names, each under a tag of
        its own; of more than 20, that is refused. `dry_run`: start and put none. A backfill
        that began since the document was made will do.
        Raises FleetError for a file that cannot be read, and RefusedError while the fleet is
        frozen, for a document of another fleet or inventory or one older than `max_age`, and where
        a rule or a grant is missing, which `apply` puts in place.
        """
        from fleet_repl.fleet.repair import RepairOptions, repair  # noqa: PLC0415

        if not dry_run:
            self._context.check_may_write()
            await self._context.access.refuse_if_frozen()
        context = self._context.reporting_to(on_event)
        how = RepairOptions(wait=wait, reput=reput, dry_run=dry_run)
        return await repair(document, context, how=how, max_age=max_age)

    def refuse(self, plan: Plan, because: str, *, on_event: EventSink | None = None) -> Report:
        """The report of a plan that is not carried out."""
        return refused_report(
            self._context.reporting_to(on_event),
            plan,
            because,
            objections=plan.objections,
            warnings=plan.warnings,
        )

    def interrupted(
        self, *, selection: Selection = EVERYTHING, rolls_back: str | None = None
    ) -> Report:
        """The report of a run that was stopped before there was a plan. That of a rollback holds no
        registries: it was not known yet which registries it is about."""
        scope = select(self._context.inventory, selection) if rolls_back is None else ()
        return interrupted_report(self._context, scope, self._efforts, rolls_back=rolls_back)

    async def verify(
        self,
        *,
        selection: Selection = EVERYTHING,
        count: int = 10,
        age: timedelta = timedelta(days=7),
        on_event: EventSink | None = None,
    ) -> DeliveryReport:
        """Have recent images arrived: on links into and out of `selection`, `count` images of
        each source at the most, none pushed longer ago than `age`. Writes nothing.

        A registry that cannot be read is a value in the report. Raises SelectionError.
        """
        from fleet_repl.fleet.verify import verify_links  # noqa: PLC0415

        scope = select(self._context.inventory, selection)
        return await verify_links(scope, count, age, self._context.reporting_to(on_event))

    async def time_deliveries(
        self, events: Sequence[ReplicationEvent]
    ) -> tuple[TimedDelivery | None, ...]:
        """How long the deliveries took that ECR's events report, from the push of the image on;
        None for an event that no route asks for. Writes nothing.

        Where a source cannot be read, the time is not known.
        """
        from fleet_repl.fleet.deliveries import time_deliveries  # noqa: PLC0415

        return await time_deliveries(events, self._context)

    async def coverage(
        self,
        *,
        selection: Selection = EVERYTHING,
        images: bool = False,
        in_use: Collection[str] = (),
        kube_contexts: Sequence[str] = (),
    ) -> CoverageReport:
        """Is everything that routes carry where they send it: on links into and out of
        `selection`. Writes nothing.

        `images`: compare the digests of all images too, archived ones included. `in_use`: ask
        `"ecs"` and `"lambda"` in the selection what they run, and `"eks"` by `kube_contexts`, the
        contexts of a kubeconfig, and look those images up in other regions. Whatever cannot be
        read is a value in the report. Raises SelectionError.
        """
        from fleet_repl.fleet.coverage import CoverageOptions, cover_links  # noqa: PLC0415
        from fleet_repl.runs.coverage import runtimes_of  # noqa: PLC0415

        runtimes = runtimes_of(in_use, kube_contexts)
        scope = select(self._context.inventory, selection)
        self._report_start(scope)
        options = CoverageOptions(with_images=images, runtimes=runtimes, contexts=kube_contexts)
        return await cover_links(scope, self._context, options)

    async def doctor(self, *, selection: Selection = EVERYTHING) -> DoctorReport:
        """Examine whether every account in the selection can be reached, read and, as far as IAM
        tells, written; and the base identity, the quota of STS and the state. Writes nothing.

        An account that fails is a value in the report. Raises SelectionError.
        """
        from fleet_repl.fleet.doctor import examine_fleet  # noqa: PLC0415

        scope = select(self._context.inventory, selection, with_unknown=True)
        self._report_start(scope)
        return await examine_fleet(scope, self._context)

    async def explain(
        self, what: str, *, source: str | None = None, destination: str | None = None
    ) -> Explanation:
        """Where an image goes as AWS has it, where it does not go, and why. Writes nothing.

        `what`: a repository, `repository:tag` or `repository@sha256:…`. `source` and `destination`:
        ACCOUNT/REGION, the account by id or name. A registry that cannot be read is a value in the
        result. Raises SelectionError.
        """
        from fleet_repl.fleet.explain import explain_live  # noqa: PLC0415
        from fleet_repl.planning.explain import question_of  # noqa: PLC0415

        context = self._context
        ends = () if destination is None else (destination,)
        question = question_of(context.inventory, what, source=source, destinations=ends)
        return await explain_live(question, context)

    async def wait(
        self,
        what: str,
        *,
        source: str | None = None,
        destinations: Collection[str] = (),
        within: timedelta = timedelta(minutes=10),
        on_event: EventSink | None = None,
    ) -> Explanation:
        """Wait until an image is in `destinations`, else in the destinations of all links of routes
        that carry it. Writes nothing.

        `what`: `repository:tag` or `repository@sha256:…`. `source` and `destinations`:
        ACCOUNT/REGION, the account by id or name. Returns the explanation of the last look, whose
        `waited` says where the image is; before `within` where it cannot come any more. A tag that
        moves meanwhile is followed. Raises SelectionError.
        """
        from fleet_repl.fleet.wait import wait_for  # noqa: PLC0415
        from fleet_repl.planning.explain import question_of  # noqa: PLC0415

        context = self._context.reporting_to(on_event)
        question = question_of(context.inventory, what, source=source, destinations=destinations)
        return await wait_for(question, within, context)

    async def import_inventory(self, *, held: Collection[HeldResource] = ()) -> Imported:
        """The fleet's file with routes that ask for exactly the links that are in place.

        `held`: resources that Terraform manages, from `read_terraform_states`; the file marks them.

        Of the inventory that it was connected with, routes, external accounts and ownership of
        rules do not count. Writes nothing. A registry that cannot be read is a value in the
        result. Raises InventoryError for a file that was changed meanwhile, and Interrupted after
        `stop()`.
        """
        from fleet_repl.fleet.import_ import import_registries  # noqa: PLC0415

        self._report_start(select(self._context.inventory, EVERYTHING))
        result = await import_registries(self._context, held)
        if result is None:
            raise Interrupted("stopped before everything was read")
        return result

    async def lock_and_freeze(self) -> LockAndFreeze:
        """Who holds the fleet's lock now, and who has frozen the fleet. Raises StateError."""
        access = self._context.access
        return await read_lock_and_freeze(self._context.store, (self.name, *access.formerly))

    async def export(
        self, target: Target = "terraform", *, selection: Selection = EVERYTHING
    ) -> Exported:
        """The rules, registry policies and creation templates in place, as resources of
        "terraform" or "cloudformation", for whoever takes them over. Writes nothing.

        A registry that cannot be read is a value in the result. Raises SelectionError, and
        Interrupted after `stop()`.
        """
        from fleet_repl.fleet.export import export_registries  # noqa: PLC0415

        scope = select(self._context.inventory, selection)
        self._report_start(scope)
        result = await export_registries(scope, target, self._context)
        if result is None:
            raise Interrupted("stopped before everything was read")
        return result

    async def read_note(self, name: str) -> bytes | None:
        """A document of its own that somebody keeps beside the fleet's. Raises StateError."""
        return await self._context.store.read(f"{self.name}/{name}")

    async def write_note(self, name: str, content: bytes) -> None:
        """Keep such a document. Raises StateError."""
        await self._context.store.replace(f"{self.name}/{name}", content)

    def _unless_interrupted(self, planned: Plan | Mapping[Registry, Effort], because: str) -> Plan:
        if isinstance(planned, Plan):
            self._latest = planned
            return planned
        self._efforts = planned
        raise Interrupted(because)

    def _report_start(self, scope: Collection[Registry]) -> None:
        self._context.on_event(
            RunStarted(
                run_id=self.run_id,
                registries=len(scope),
                accounts=len({registry.account for registry in scope}),
            )
        )
