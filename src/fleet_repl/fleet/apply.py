"""Carrying out a plan of a connected fleet: on record before, journalled meanwhile, told after.

Nothing is written unless what a rollback or a later run needs to know is durable first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from fleet_repl.engine.apply import Applying, apply_plan
from fleet_repl.engine.concluding import reason_of, untouched
from fleet_repl.engine.ports import EventSink
from fleet_repl.engine.registry_documents import Writing
from fleet_repl.engine.waves import ends_after
from fleet_repl.fleet.backfill import Backfiller
from fleet_repl.fleet.context import Means
from fleet_repl.fleet.rollback import forget_rollback, lift_marks, mark_rolled_back
from fleet_repl.fleet.write_guard import JournalGate
from fleet_repl.inventory.model import InventoryRef
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.ownership import Record
from fleet_repl.planning.plan import Objection, Plan, Warning
from fleet_repl.runs.backfills import owing
from fleet_repl.runs.drift import traced
from fleet_repl.runs.events import RegistryFinished, RunFinished
from fleet_repl.runs.history import RunMeta
from fleet_repl.runs.outcomes import (
    SETTLED,
    Outcome,
    RegistryOutcome,
    Report,
    Status,
    wave_outcomes,
)
from fleet_repl.runs.record import Owed, announced, concluded
from fleet_repl.state import Journal, Lease, Marks, revise_traces
from fleet_repl.values.errors import StateError

_LOST: Final = "the lock was lost, and another run may have written to the record"
_UNRECORDED: Final = "what was applied could not be put on record"
_ANNOUNCED: Final = "the record still holds what was announced before the first write"


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """A plan that is to be carried out, and what was decided about that."""

    plan: Plan
    digests: frozenset[str]
    """The plan's own, and the one it had before something was allowed: runs of the same plan."""
    means: Means
    desired: Desired
    """What the rules are held against: the fleet's own wish or, for a rollback, what comes back."""
    objections: tuple[Objection, ...]
    """The plan's, and those that have come up since it was made."""
    warnings: tuple[Warning, ...]
    forced: bool
    allowed: tuple[str, ...]
    until: str | None
    latest: bool
    """No other run has ended since the plan looked at the fleet."""
    backfiller: Backfiller
    on_event: EventSink

    async def run(self, lease: Lease) -> Report:
        """Do what the plan says. Raises StateError before the first write, and never after."""
        means, plan = self.means, self.plan
        began = means.pace.clock.now()
        owed = {} if plan.rolls_back else owing(plan, means.inventory.routes, began)
        before = await means.memory.recall()
        if plan.writes:
            await means.access.begin_writing(lease)
            # Otherwise there would be nothing to roll back.
            await means.records.begin(self._meta(began), plan, before)
        await means.memory.revise(lambda record: announced(record, plan, owed))
        marks = await self._mark() if plan.writes else None
        report = await self._carry_out(lease)
        if lease.held:
            report = await self._put_on_record(report, before, owed)
        else:
            report = _warned(report, StateError(_LOST), _UNRECORDED, _ANNOUNCED)
        report = await self._leave_traces(report, began)
        report = await self._unmark(report, marks)
        if not plan.rolls_back:
            report = await self._follow_up(report, began)
        if plan.writes:
            report = await self._keep(report)
        self.on_event(RunFinished(report=report))
        return report

    async def nothing_to_do(self) -> Report:
        """The report of a plan without a write. It is not remembered as a run."""
        report = self._report(self._told(untouched(self.plan, None)))
        record = await self.means.memory.recall()
        report = await self._put_on_record(report, record, {})
        self.on_event(RunFinished(report=report))
        return report

    def refused(self, because: str) -> Report:
        """The report of a plan that is not carried out."""
        outcomes = self._told(untouched(self.plan, because))
        report = replace(self._report(outcomes), status=Status.REFUSED, forced=False, allowed=())
        self.on_event(RunFinished(report=report))
        return report

    def _told(self, outcomes: tuple[RegistryOutcome, ...]) -> tuple[RegistryOutcome, ...]:
        for outcome in outcomes:
            self.on_event(RegistryFinished(outcome=outcome))
        return outcomes

    async def _carry_out(self, lease: Lease) -> Report:
        """Write, and put down what is written as long as that can be."""
        outcomes: tuple[RegistryOutcome, ...] | None = None
        try:
            async with self.means.records.journal(self.means.run_id) as journal:
                outcomes = await apply_plan(self.plan, self._applying(lease, journal))
        except Exception as error:
            if outcomes is None:
                raise
            return _warned(
                self._report(outcomes),
                error,
                "the run's journal is not complete",
                "this report says what was done",
            )
        return self._report(outcomes)

    def _applying(self, lease: Lease, journal: Journal) -> Applying:
        means, inventory = self.means, self.means.inventory
        gate = JournalGate(
            lease=lease,
            journal=journal,
            turns=means.access.turns,
            timeout=inventory.apply.timeout,
            clock=means.pace.clock,
        )
        writing = Writing(
            reader=means.registries,
            writer=means.registries,
            owner=self.desired.owner,
            pace=means.pace,
            stop=means.stop,
            gate=gate,
            on_event=self.on_event,
            limits=self.desired.limits,
        )
        return Applying(
            desired=self.desired,
            writing=writing,
            crew=inventory.apply.concurrency,
            stop=means.stop,
            on_event=self.on_event,
            waves={} if self.plan.rolls_back else {one.name: one for one in inventory.waves},
            until=self.until,
        )

    def _meta(self, began: datetime) -> RunMeta:
        means, plan = self.means, self.plan
        return RunMeta(
            run_id=means.run_id,
            fleet=plan.fleet,
            purpose=means.access.purpose,
            holder=means.access.holder,
            started_at=began,
            inventory=self._inventory_ref(),
            plan_digest=plan.digest,
            forced=self.forced,
            allowed=self.allowed,
            rolls_back=plan.rolls_back,
            changes=len(plan.changes),
        )

    def _inventory_ref(self) -> InventoryRef:
        """Seen from the folder of the state, so that it is found from anywhere."""
        folder = self.means.folder
        if folder is None:
            return self.means.inventory_ref
        return self.means.inventory_seen_from(folder)

    def _report(self, outcomes: tuple[RegistryOutcome, ...]) -> Report:
        means, plan = self.means, self.plan
        return Report(
            run_id=means.run_id,
            status=self._status(outcomes),
            started_at=means.started,
            finished_at=means.pace.clock.now(),
            fleet=plan.fleet,
            inventory=plan.inventory,
            plan_digest=plan.digest,
            forced=self.forced,
            allowed=self.allowed,
            rolls_back=plan.rolls_back,
            objections=self.objections,
            warnings=self.warnings,
            acknowledged=plan.acknowledged,
            registries=outcomes,
            waves=wave_outcomes(outcomes, self.desired.waves.names),
        )

    def _status(self, outcomes: tuple[RegistryOutcome, ...]) -> Status:
        """What the run amounts to, before its backfills."""
        if self.means.stop.interrupted:
            return Status.INTERRUPTED
        if all(one.outcome in SETTLED for one in outcomes):
            return Status.PARTIAL if any(one.held for one in outcomes) else Status.OK
        if self.until is not None and all(_done_up_to(self.until, one) for one in outcomes):
            return Status.STAGED
        good = any(one.outcome in (*SETTLED, Outcome.PARTIAL) for one in outcomes)
        return Status.PARTIAL if good else Status.FAILED

    async def _put_on_record(self, report: Report, before: Record, owed: Owed) -> Report:
        """Remember what is the fleet's own now."""
        return await _or_warn(
            report,
            lambda: self.means.memory.revise(
                lambda record: concluded(
                    record, before, self.plan, report.registries, owed, latest=self.latest
                )
            ),
            _UNRECORDED,
            _ANNOUNCED,
        )

    async def _mark(self) -> Marks | None:
        """Before the first write: what is taken back is not to be applied again by itself, and
        what somebody insists on may be. Of a rollback, the marks from before it."""
        if self.plan.rolls_back is not None:
            return await mark_rolled_back(self.plan.rolls_back, self.means)
        if self.forced:
            await lift_marks(self.means)
        return None

    async def _unmark(self, report: Report, before: Marks | None) -> Report:
        """A rollback that has changed nothing has taken nothing back."""
        if before is None or any(map(_may_have_changed, report.registries)):
            return report
        return await _or_warn(
            report,
            lambda: forget_rollback(before, self.means),
            "that nothing was rolled back could not be put on record",
            "applying the inventory is held off, or not, as if it had been",
        )

    async def _leave_traces(self, report: Report, began: datetime) -> Report:
        """Remember how the run has left every registry."""
        means = self.means
        return await _or_warn(
            report,
            lambda: revise_traces(
                means.store,
                means.inventory.name,
                lambda traces: traced(
                    traces,
                    report.registries,
                    run_id=means.run_id,
                    at=began,
                    inventory_digest=means.inventory.digest,
                ),
            ),
            "how registries were left could not be put on record",
            "drift is then told without saying who has moved",
        )

    async def _follow_up(self, report: Report, began: datetime) -> Report:
        """Start the backfills of new links."""
        try:
            return await self.backfiller.follow_up(report, self.plan, since=began)
        except Exception as error:  # noqa: BLE001 - what was written must be told, whatever happened
            what = "what became of the backfills of new links could not be told"
            return _warned(report, error, what, "they are owed, and the next backfill starts them")

    async def _keep(self, report: Report) -> Report:
        return await _or_warn(
            report,
            lambda: self.means.records.finish(report),
            "the run's report could not be kept",
            "its journal says what was done",
        )


async def _or_warn(
    report: Report, work: Callable[[], Awaitable[None]], what: str, hence: str
) -> Report:
    """Failing that, for whatever reason, the run is what it is, and says so."""
    try:
        await work()
    except Exception as error:  # noqa: BLE001 - what was written must be told, whatever happened
        return _warned(report, error, what, hence)
    return report


def _warned(report: Report, error: Exception, what: str, hence: str) -> Report:
    warning = Warning(kind="not-recorded", message=f"{what}: {reason_of(error)}; {hence}")
    return replace(report, warnings=(*report.warnings, warning))


def _may_have_changed(one: RegistryOutcome) -> bool:
    return any(change.outcome is Outcome.APPLIED or change.in_doubt for change in one.changes)


def _done_up_to(wave: str, one: RegistryOutcome) -> bool:
    """Whether nothing of a registry is left but what comes after `wave`."""
    left = [change for change in one.changes if change.outcome not in SETTLED]
    as_asked = all(change.because == ends_after(wave) for change in left)
    return as_asked and not one.held and one.outcome is not Outcome.FAILED
