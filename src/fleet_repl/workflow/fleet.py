"""A connected fleet: make plans of it, apply them, stop."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from fleet_repl.backlog import foreseen, owing
from fleet_repl.delivery import DeliveryReport
from fleet_repl.desired import Desired
from fleet_repl.engine import Applying, Backfilling, Observing, Stop, Writing, apply_plan, untouched
from fleet_repl.errors import FleetError, StateError
from fleet_repl.importing import Imported
from fleet_repl.inventory import Inventory
from fleet_repl.names import Registry
from fleet_repl.outcomes import (
    BackfillReport,
    Outcome,
    PlanMade,
    RegistryFinished,
    RegistryOutcome,
    Report,
    RunFinished,
    RunStarted,
    Status,
)
from fleet_repl.ownership import Record
from fleet_repl.pacing import Pace
from fleet_repl.plan import Effort, InventoryRef, Plan, Warning
from fleet_repl.planning import plan_registries, summarize
from fleet_repl.ports import EventSink
from fleet_repl.recording import announced, concluded
from fleet_repl.reports import plan_digest
from fleet_repl.safety import objections
from fleet_repl.topology import Selection, select
from fleet_repl.workflow.backfilling import Backfiller
from fleet_repl.workflow.importing import import_registries
from fleet_repl.workflow.remembering import Memory
from fleet_repl.workflow.sinks import both
from fleet_repl.workflow.surveying import survey
from fleet_repl.workflow.verifying import Surroundings, verify_links

if TYPE_CHECKING:
    from fleet_repl.aws import AwsRegistries

EVERYTHING: Final = Selection()
"""The selection that narrows nothing."""


class Interrupted(FleetError):  # noqa: N818 - an interruption is no error of anybody
    """The run was stopped before there was a plan, or whatever else it was to make."""


class PlanError(FleetError):
    """A plan that does not belong to this fleet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a run works with."""

    run_id: str
    registries: AwsRegistries
    memory: Memory
    pace: Pace
    on_event: EventSink


class Fleet:
    """A fleet that is connected: make plans of it and apply them."""

    def __init__(
        self,
        *,
        inventory: Inventory,
        desired: Desired,
        warnings: tuple[Warning, ...],
        means: Means,
    ) -> None:
        self.run_id = means.run_id
        self._inventory = inventory
        self._desired = desired
        self._warnings = warnings
        self._registries = means.registries
        self._memory = means.memory
        self._pace = pace = means.pace
        self._on_event = means.on_event
        self._stop = Stop(pace.clock, pace.deadline, inventory.apply.deadline)
        self._started = pace.clock.now()
        self._efforts: Mapping[Registry, Effort] = {}
        """What an interrupted plan had taken so far."""

    def stop(self) -> None:
        """Start nothing new; writes in flight finish and are read back."""
        self._stop.interrupt()

    async def plan(self, *, selection: Selection = EVERYTHING, allow: Collection[str] = ()) -> Plan:
        """Observe the fleet and say what it takes to make it as the inventory wants it.

        `selection` narrows what may be changed, never what is wanted. `allow` may hold
        "unknown-fields". Raises SelectionError, and Interrupted after `stop()`.
        """
        scope = select(self._inventory, selection)
        self._tell_start(scope)
        record = await self._memory.recall()
        observation, efforts = await survey(scope, self._desired, self._observing(record))
        if self._stop.interrupted:
            self._efforts = efforts
            raise Interrupted("stopped before there was a plan")
        planned = plan_registries(self._desired, observation, scope, record=record, allow=allow)
        plan = Plan(
            digest="",
            created_at=self._pace.clock.now(),
            fleet=self._inventory.name,
            inventory=self._inventory_ref,
            summary=summarize(planned.registries),
            registries=planned.registries,
            objections=objections(planned.registries, record),
            warnings=(
                *self._warnings,
                *planned.warnings,
                *foreseen(planned.registries, self._inventory.routes),
            ),
            efforts=efforts,
        )
        plan = replace(plan, digest=plan_digest(plan))
        self._on_event(PlanMade(plan=plan))
        return plan

    async def apply(
        self, plan: Plan, *, force: bool = False, on_event: EventSink | None = None
    ) -> Report:
        """Carry out a plan of this fleet. Every registry that fails is a value in the report.

        A plan with objections is refused as a whole, without a write, unless `force`. Raises
        PlanError for a plan that was made from another inventory.
        """
        if plan.inventory.digest != self._inventory.digest:
            raise PlanError("the plan was made from another inventory, or another version of it")
        if plan.objections and not force:
            kinds = ", ".join(dict.fromkeys(one.kind for one in plan.objections))
            return self.refuse(plan, f"the plan was refused: {kinds}", on_event=on_event)
        sink = both(self._on_event, on_event)
        began = self._pace.clock.now()
        owed = owing(plan, self._inventory.routes, began)
        before = await self._memory.recall()
        await self._memory.revise(lambda record: announced(record, plan, owed))
        writing = Writing(
            reader=self._registries,
            writer=self._registries,
            owner=self._desired.owner,
            pace=self._pace,
            stop=self._stop,
            on_event=sink,
        )
        how = Applying(
            desired=self._desired,
            writing=writing,
            crew=self._inventory.apply.concurrency,
            stop=self._stop,
            on_event=sink,
        )
        outcomes = await apply_plan(plan, how)
        report = self._report(plan, outcomes, forced=force and bool(plan.objections))
        report = await self._put_on_record(
            report, lambda record: concluded(record, before, plan, report.registries, owed)
        )
        report = await self._backfiller(sink).follow_up(report, plan, since=began)
        sink(RunFinished(report=report))
        return report

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
        under way and none complete; `again`: complete ones do not count. `wait`: start those that
        ECR has no room for yet as well, and follow all to their end. Raises SelectionError.
        """
        backfiller = self._backfiller(both(self._on_event, on_event))
        return await backfiller.start(selection, route, wait=wait, again=again)

    async def backfill_status(
        self, *, selection: Selection = EVERYTHING, route: str | None = None
    ) -> BackfillReport:
        """The latest backfill to each destination. Starts nothing. Raises SelectionError."""
        return await self._backfiller(self._on_event).status(selection, route)

    def refuse(self, plan: Plan, because: str, *, on_event: EventSink | None = None) -> Report:
        """The report of a plan that is not carried out."""
        sink = both(self._on_event, on_event)
        outcomes = untouched(plan, because)
        for outcome in outcomes:
            sink(RegistryFinished(outcome=outcome))
        report = self._report(plan, outcomes, forced=False)
        report = replace(report, status=Status.REFUSED)
        sink(RunFinished(report=report))
        return report

    def interrupted(self, *, selection: Selection = EVERYTHING) -> Report:
        """The report of a run that was stopped before there was a plan."""
        names = self._desired.names
        return Report(
            run_id=self.run_id,
            status=Status.INTERRUPTED,
            started_at=self._started,
            finished_at=self._pace.clock.now(),
            fleet=self._inventory.name,
            inventory=self._inventory_ref,
            plan_digest=None,
            warnings=self._warnings,
            registries=tuple(
                RegistryOutcome(
                    registry=one,
                    name=names[one.account],
                    outcome=Outcome.CANCELLED,
                    attempts=self._efforts.get(one, Effort()).attempts,
                    because="interrupted before there was a plan",
                )
                for one in sorted(select(self._inventory, selection))
            ),
        )

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
        around = Surroundings(
            run_id=self.run_id,
            started_at=self._started,
            inventory=self._inventory_ref,
            desired=self._desired,
            registries=self._registries,
            crew=self._inventory.apply.concurrency,
            stop=self._stop,
            clock=self._pace.clock,
            on_event=both(self._on_event, on_event),
        )
        return await verify_links(select(self._inventory, selection), count, age, around)

    async def import_inventory(self) -> Imported:
        """The fleet's file with routes that ask for exactly the links that are in place.

        Of the inventory that it was connected with, routes, external accounts and ownership of
        rules do not count. Writes nothing. A registry that cannot be read is a value in the
        result. Raises InventoryError for a file that was changed meanwhile, and Interrupted after
        `stop()`.
        """
        self._tell_start(select(self._inventory, EVERYTHING))
        result = await import_registries(self._inventory, self._observing({}))
        if result is None:
            raise Interrupted("stopped before everything was read")
        return result

    def _tell_start(self, scope: Collection[Registry]) -> None:
        self._on_event(
            RunStarted(
                run_id=self.run_id,
                registries=len(scope),
                accounts=len({one.account for one in scope}),
            )
        )

    async def _put_on_record(self, report: Report, change: Callable[[Record], Record]) -> Report:
        """Remember what was applied. Failing that the run is what it is, and says so."""
        try:
            await self._memory.revise(change)
        except StateError as error:
            warning = Warning(kind="not-recorded", message=_not_recorded(error))
            return replace(report, warnings=(*report.warnings, warning))
        return report

    def _observing(self, record: Record) -> Observing:
        templates = {registry for registry, applied in record.items() if applied.templates}
        return Observing(
            reader=self._registries,
            owner=self._desired.owner if self._desired.manages_grants else None,
            with_templates=templates | self._desired.templates.keys(),
            crew=self._inventory.apply.concurrency,
            stop=self._stop,
            clock=self._pace.clock,
            on_event=self._on_event,
        )

    def _backfiller(self, on_event: EventSink) -> Backfiller:
        how = Backfilling(
            backfills=self._registries,
            pace=self._pace,
            stop=self._stop,
            crew=self._inventory.apply.concurrency,
            on_event=on_event,
        )
        return Backfiller(
            inventory=self._inventory,
            desired=self._desired,
            run_id=self.run_id,
            reader=self._registries,
            memory=self._memory,
            how=how,
        )

    @property
    def _inventory_ref(self) -> InventoryRef:
        return InventoryRef(path=self._inventory.path, digest=self._inventory.digest)

    def _report(self, plan: Plan, outcomes: tuple[RegistryOutcome, ...], *, forced: bool) -> Report:
        return Report(
            run_id=self.run_id,
            status=_status(outcomes, interrupted=self._stop.interrupted),
            started_at=self._started,
            finished_at=self._pace.clock.now(),
            fleet=plan.fleet,
            inventory=plan.inventory,
            plan_digest=plan.digest,
            forced=forced,
            objections=plan.objections,
            warnings=plan.warnings,
            registries=outcomes,
        )


def _not_recorded(error: StateError) -> str:
    said = str(error).partition("\n")[0]
    return (
        f"what was applied could not be put on record: {said}; the record still holds what was "
        "announced before the first write"
    )


def _status(outcomes: tuple[RegistryOutcome, ...], *, interrupted: bool) -> Status:
    good = [one for one in outcomes if one.outcome in (Outcome.APPLIED, Outcome.UNCHANGED)]
    if interrupted:
        return Status.INTERRUPTED
    if len(good) == len(outcomes):
        return Status.PARTIAL if any(one.held for one in outcomes) else Status.OK
    return Status.PARTIAL if good else Status.FAILED
