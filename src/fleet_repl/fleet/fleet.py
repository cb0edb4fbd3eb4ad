"""A connected fleet: make plans of it, apply them, take runs back, stop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import anyio.to_thread

from fleet_repl.engine.ports import EventSink
from fleet_repl.fleet.apply import apply
from fleet_repl.fleet.context import RunContext
from fleet_repl.fleet.images import FleetImages
from fleet_repl.fleet.kept_plan import PlanError, check_accounts, check_registries, check_world
from fleet_repl.fleet.plan import PlanOptions, propose
from fleet_repl.fleet.run_reports import interrupted_report, refused_report
from fleet_repl.planning.plan import Effort, Plan
from fleet_repl.planning.stored import with_policies_read
from fleet_repl.reports.documents.plan import is_unaltered
from fleet_repl.runs.outcomes import Report, Statistics
from fleet_repl.state import LockAndFreeze, read_lock_and_freeze, revise
from fleet_repl.topology import EVERYTHING, Selection, select
from fleet_repl.values.errors import Fault, FleetError, SelectionError
from fleet_repl.values.names import Registry
from fleet_repl.values.queues import QueueAddress

if TYPE_CHECKING:
    from fleet_repl.fleet.export import Target
    from fleet_repl.planning.elsewhere import HeldResource
    from fleet_repl.planning.importing import Imported
    from fleet_repl.reports.export import Exported
    from fleet_repl.runs.doctor import DoctorReport

NONE_EXCLUDED: Final[Mapping[Registry, Fault]] = MappingProxyType({})


class Interrupted(FleetError):  # noqa: N818 - an interruption is no error of anybody
    """The run was stopped before there was a plan, or whatever else it was to make."""


class Fleet(FleetImages):
    """A fleet that is connected: make plans of it and apply them.

    What plans and their application do not need is imported when it is first asked for.
    """

    def __init__(self, context: RunContext) -> None:
        super().__init__(context)
        self.name: Final = context.inventory.name
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
            selection=selection,
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

    async def doctor(
        self, *, selection: Selection = EVERYTHING, deliveries: str | None = None
    ) -> DoctorReport:
        """Examine whether every account in the selection can be reached, read and, as far as IAM
        tells, written; and the base identity, the quota of STS and the state. Writes nothing.

        `deliveries`: the URL of a queue of SQS, of which the attributes are read; no message is
        received. What fails is a value in the report. Raises SelectionError, and FleetError for a
        text that is no URL of a queue.
        """
        from fleet_repl.fleet.doctor import examine_fleet  # noqa: PLC0415

        scope = select(self._context.inventory, selection, with_unknown=True)
        queue = None if deliveries is None else QueueAddress.parse(deliveries)
        self._report_start(scope)
        return await examine_fleet(scope, self._context, queue)

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
        self,
        target: Target = "terraform",
        *,
        selection: Selection = EVERYTHING,
        earlier: Collection[Registry] = (),
    ) -> Exported:
        """The rules, registry policies and creation templates in place, as resources of
        "terraform" or "cloudformation", for whoever takes them over. Writes nothing.

        `earlier`: registries that an earlier export has written files of, in the same folder.
        A registry that cannot be read is a value in the result. Raises SelectionError, and
        Interrupted after `stop()`.
        """
        from fleet_repl.fleet.export import export_registries  # noqa: PLC0415

        scope = select(self._context.inventory, selection)
        self._report_start(scope)
        result = await export_registries(scope, target, self._context, earlier=earlier)
        if result is None:
            raise Interrupted("stopped before everything was read")
        return result

    async def read_note(self, name: str) -> bytes | None:
        """A document of its own that somebody keeps beside the fleet's. Raises StateError."""
        return await self._context.store.read(f"{self.name}/{name}")

    async def write_note(self, name: str, content: bytes) -> None:
        """Keep such a document. Raises StateError."""
        await self._context.store.replace(f"{self.name}/{name}", content)

    async def revise_note(self, name: str, change: Callable[[bytes | None], bytes | None]) -> None:
        """Change such a document without losing what others write meanwhile: `change` gets its
        content, and may be called again. Raises StateError."""
        await revise(self._context.store, f"{self.name}/{name}", change)

    def _unless_interrupted(self, planned: Plan | Mapping[Registry, Effort], because: str) -> Plan:
        if isinstance(planned, Plan):
            self._latest = planned
            return planned
        self._efforts = planned
        raise Interrupted(because)
