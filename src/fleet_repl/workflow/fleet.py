"""A connected fleet: make plans of it, apply them, stop."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from fleet_repl.desired import Desired
from fleet_repl.engine import Applying, Observing, Stop, Writing, apply_plan, untouched
from fleet_repl.errors import FleetError
from fleet_repl.inventory import Inventory
from fleet_repl.names import Registry
from fleet_repl.outcomes import (
    Outcome,
    PlanMade,
    RegistryFinished,
    RegistryOutcome,
    Report,
    RunFinished,
    RunStarted,
    Status,
)
from fleet_repl.pacing import Pace
from fleet_repl.plan import Effort, InventoryRef, Plan, Warning
from fleet_repl.planning import plan_registries, summarize
from fleet_repl.ports import EventSink
from fleet_repl.reports import plan_digest
from fleet_repl.safety import objections
from fleet_repl.topology import Selection, select
from fleet_repl.workflow.sinks import both
from fleet_repl.workflow.surveying import survey

if TYPE_CHECKING:
    from fleet_repl.aws import AwsRegistries

EVERYTHING: Final = Selection()
"""The selection that narrows nothing."""


class Interrupted(FleetError):  # noqa: N818 - an interruption is no error of anybody
    """The run was stopped before there was a plan."""


class PlanError(FleetError):
    """A plan that does not belong to this fleet."""


class Fleet:
    """A fleet that is connected: make plans of it and apply them."""

    def __init__(
        self,
        *,
        inventory: Inventory,
        desired: Desired,
        warnings: tuple[Warning, ...],
        registries: AwsRegistries,
        pace: Pace,
        run_id: str,
        on_event: EventSink,
    ) -> None:
        self.run_id = run_id
        self._inventory = inventory
        self._desired = desired
        self._warnings = warnings
        self._registries = registries
        self._pace = pace
        self._on_event = on_event
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
        self._on_event(
            RunStarted(
                run_id=self.run_id,
                registries=len(scope),
                accounts=len({one.account for one in scope}),
            )
        )
        observation, efforts = await survey(scope, self._desired, self._observing)
        if self._stop.interrupted:
            self._efforts = efforts
            raise Interrupted("stopped before there was a plan")
        planned = plan_registries(self._desired, observation, scope, allow=allow)
        plan = Plan(
            digest="",
            created_at=self._pace.clock.now(),
            fleet=self._inventory.name,
            inventory=self._inventory_ref,
            summary=summarize(planned.registries),
            registries=planned.registries,
            objections=objections(planned.registries),
            warnings=(*self._warnings, *planned.warnings),
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
        sink(RunFinished(report=report))
        return report

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

    @property
    def _observing(self) -> Observing:
        return Observing(
            reader=self._registries,
            owner=self._desired.owner,
            with_policies=self._desired.manages_grants,
            crew=self._inventory.apply.concurrency,
            stop=self._stop,
            clock=self._pace.clock,
            on_event=self._on_event,
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


def _status(outcomes: tuple[RegistryOutcome, ...], *, interrupted: bool) -> Status:
    good = [one for one in outcomes if one.outcome in (Outcome.APPLIED, Outcome.UNCHANGED)]
    if interrupted:
        return Status.INTERRUPTED
    if len(good) == len(outcomes):
        return Status.PARTIAL if any(one.held for one in outcomes) else Status.OK
    return Status.PARTIAL if good else Status.FAILED
