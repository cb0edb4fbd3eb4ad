"""A round as a value, and its verdict. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from fleet_repl.inventory import Inventory
from fleet_repl.planning.attribution import Mover
from fleet_repl.planning.change import fall_short
from fleet_repl.planning.objections import differs
from fleet_repl.planning.plan import Objection, Plan, RegistryPlan, State, regions_unknown
from fleet_repl.reports.exit_codes import plan_exit
from fleet_repl.runs.outcomes import AS_PLANNED, Outcome, RegistryOutcome, Report, Status
from fleet_repl.state import LockAndFreeze
from fleet_repl.values.errors import StateError
from fleet_repl.values.exit_code import ExitCode
from fleet_repl.values.names import Registry
from fleet_repl.watch.suppression import Sight


class Verdict(StrEnum):
    """The result of a round in one word."""

    IN_SYNC = "in-sync"
    DRIFT = "drift"
    """Registries differ, and the round was not asked to correct them."""
    CORRECTED = "corrected"
    PARTIAL = "partial"
    """A registry failed, is left alone, excluded or unreadable, or a link is held. Accounts that
    are joining do not count."""
    FAILED = "failed"
    """No registry could be read, or no write succeeded."""
    REFUSED = "refused"
    """Registries differ, and objections forbid correcting them."""
    BUSY = "busy"
    """Registries differ, and another run was writing."""
    FROZEN = "frozen"
    """Registries differ, and the fleet is frozen."""
    INTERRUPTED = "interrupted"
    BROKEN = "broken"
    """There was no plan, or no way to carry it out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One look at the fleet, with its plan and, where something was written, its report."""

    number: int
    fleet: str
    inventory: Inventory = field(repr=False)
    """The inventory in force."""
    run_id: str | None = None
    verdict: Verdict
    exit_code: ExitCode
    started_at: datetime
    finished_at: datetime
    fix: bool = False
    plan: Plan | None = field(default=None, repr=False)
    """None where no plan could be made."""
    report: Report | None = field(default=None, repr=False)
    """None where nothing was written."""
    left_alone: tuple[Registry, ...] = ()
    """Registries that flap and are not corrected, sorted."""
    drift_since: datetime | None = None
    """The time when the drift that is left was first seen."""
    inventory_error: str | None = None
    """The reason why the inventory on disk cannot be used, where the last good inventory is in
    force."""
    error: str | None = None
    """The reason why the round is broken, or why nothing was corrected."""
    lock_and_freeze: LockAndFreeze | StateError | None = field(default=None, repr=False)
    """The lock and the freeze of the fleet when the round ended, or the reason why they could not
    be read; None where they were not looked at."""

    @property
    def objections(self) -> tuple[Objection, ...]:
        """The objections to the plan as a whole."""
        if self.report is not None:
            return self.report.objections
        return self.plan.objections if self.plan else ()

    @property
    def excluded(self) -> tuple[RegistryPlan, ...]:
        """Registries that were not corrected because objections are about them."""
        return (
            tuple(planned for planned in self.plan.registries if planned.objections)
            if self.plan
            else ()
        )

    @property
    def outcomes(self) -> Mapping[Registry, RegistryOutcome]:
        """The outcome of each registry; empty where nothing was written."""
        return (
            {outcome.registry: outcome for outcome in self.report.registries} if self.report else {}
        )

    @property
    def drifted(self) -> tuple[RegistryPlan, ...]:
        """Registries that differed when the round read them."""
        return (
            tuple(planned for planned in self.plan.registries if planned.changes)
            if self.plan
            else ()
        )

    @property
    def differing(self) -> tuple[RegistryPlan, ...]:
        """Registries that still differed when the round ended."""
        outcomes = self.outcomes
        return tuple(
            planned
            for planned in self.drifted
            if planned.registry not in outcomes
            or outcomes[planned.registry].outcome not in AS_PLANNED
        )

    @property
    def joining(self) -> tuple[RegistryPlan, ...]:
        """Registries of accounts that are joining."""
        plans = self.plan.registries if self.plan else ()
        return tuple(planned for planned in plans if planned.joining is not None)

    @property
    def failing(self) -> tuple[tuple[RegistryPlan, RegistryOutcome | None], ...]:
        """Registries that could not be read, could not be brought into sync, or have held links;
        each with its outcome, where something was written."""
        outcomes = self.outcomes
        return tuple(
            (planned, outcomes.get(planned.registry))
            for planned in (self.plan.registries if self.plan else ())
            if _falls_short(planned, outcomes.get(planned.registry))
        )

    @property
    def counts(self) -> Mapping[str, int]:
        """The number of registries by outcome; `changed` and `unreadable` for registries without
        one. Each registry counts once."""
        outcomes = self.outcomes
        return Counter(
            planned.state.value
            if planned.state is State.UNREADABLE or planned.registry not in outcomes
            else outcomes[planned.registry].outcome.value
            for planned in (self.plan.registries if self.plan else ())
        )


def kinds_against(planned: RegistryPlan) -> tuple[str, ...]:
    """The kinds of objection to the changes of a registry."""
    return tuple(objection.kind for objection in planned.objections)


_VERDICTS: Final = {
    Status.OK: Verdict.CORRECTED,
    Status.STAGED: Verdict.PARTIAL,
    Status.PARTIAL: Verdict.PARTIAL,
    Status.FAILED: Verdict.FAILED,
    Status.REFUSED: Verdict.REFUSED,
    Status.INTERRUPTED: Verdict.INTERRUPTED,
}


def looked(plan: Plan, *, fix: bool) -> tuple[Verdict, ExitCode]:
    """The verdict and exit code of a round that wrote nothing.

    `fix`: the round was to correct, and the plan has nothing that can be written.
    """
    short = any(planned.falls_short for planned in plan.registries)
    partial = short or bool(plan.changes) or regions_unknown(plan.warnings)
    code = plan_exit(plan, detailed=True)
    if differs(plan) and not fix:
        return Verdict.DRIFT, code
    if differs(plan) and not plan.changes:
        return Verdict.REFUSED, ExitCode.REFUSED
    if (
        plan.registries
        and all(planned.state is State.UNREADABLE for planned in plan.registries)
        and short
    ):
        return Verdict.FAILED, code
    return (Verdict.PARTIAL if partial else Verdict.IN_SYNC), code


def carried_out(report: Report) -> Verdict:
    """The verdict of a round that carried its plan out."""
    if report.status is Status.OK and not report.writes.applied:
        # Before each write somebody else had already made the same change.
        return Verdict.IN_SYNC
    return _VERDICTS[report.status]


def sights(plan: Plan, report: Report | None) -> Mapping[Registry, Sight]:
    """Returns the sight of each registry that the round could read."""
    written = (
        {
            outcome.registry
            for outcome in report.registries
            if any(change.outcome is Outcome.APPLIED for change in outcome.changes)
        }
        if report
        else set()
    )
    return {
        planned.registry: _sight(planned, corrected=planned.registry in written)
        for planned in plan.registries
        if planned.state is not State.UNREADABLE
    }


def _sight(planned: RegistryPlan, *, corrected: bool) -> Sight:
    if not planned.changes:
        return Sight.AS_WANTED
    # Where only the inventory has changed, or nothing was ever written, nobody undid our writes.
    ours = planned.moved is not None and planned.moved.by in (Mover.INVENTORY, Mover.UNKNOWN)
    return Sight.CORRECTED if corrected and not ours else Sight.DIFFERING


def _falls_short(planned: RegistryPlan, outcome: RegistryOutcome | None) -> bool:
    if outcome is None:
        return planned.falls_short
    excused = planned.excuse is not None
    return fall_short(outcome.held) or (outcome.outcome not in AS_PLANNED and not excused)
