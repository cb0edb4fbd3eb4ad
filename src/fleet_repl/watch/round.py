"""A round as a value, and what it amounts to. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from fleet_repl.inventory import Inventory
from fleet_repl.planning.plan import Mover, Objection, Plan, RegistryPlan, State
from fleet_repl.reports import ExitCode, plan_exit
from fleet_repl.runs.outcomes import SETTLED, Outcome, RegistryOutcome, Report, Status
from fleet_repl.values.names import Registry
from fleet_repl.watch.flapping import Sight


class Verdict(StrEnum):
    """What a round came to."""

    IN_SYNC = "in-sync"
    DRIFT = "drift"
    """Registries differ, and correcting them was not asked for."""
    CORRECTED = "corrected"
    PARTIAL = "partial"
    """Something failed, is held, left alone, excluded or could not be read."""
    FAILED = "failed"
    """Nothing could be read, or nothing was brought about."""
    REFUSED = "refused"
    """Objections speak against correcting it."""
    BUSY = "busy"
    """Registries differ, and another run was writing."""
    FROZEN = "frozen"
    """Registries differ, and the fleet is frozen."""
    INTERRUPTED = "interrupted"
    BROKEN = "broken"
    """There was no plan to be had, or no way to carry it out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One look at the fleet, with what was done about it."""

    number: int
    fleet: str
    inventory: Inventory = field(repr=False)
    """The one that it went by."""
    run_id: str | None = None
    verdict: Verdict
    exit_code: ExitCode
    started_at: datetime
    finished_at: datetime
    fix: bool = False
    plan: Plan | None = field(default=None, repr=False)
    """None where there was none to be had."""
    report: Report | None = field(default=None, repr=False)
    """None where nothing was written."""
    left_alone: tuple[Registry, ...] = ()
    """Registries that flap, in their order."""
    drift_since: datetime | None = None
    """When the drift that is left was first seen."""
    inventory_error: str | None = None
    """Why the inventory on disk is not the one that counts."""
    error: str | None = None
    """Why the round is broken, or why nothing was corrected."""

    @property
    def objections(self) -> tuple[Objection, ...]:
        """What refused it as a whole."""
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
        """What became of each registry, where anything was written."""
        return (
            {outcome.registry: outcome for outcome in self.report.registries} if self.report else {}
        )

    @property
    def drifted(self) -> tuple[RegistryPlan, ...]:
        """Registries that differed when the round looked."""
        return (
            tuple(planned for planned in self.plan.registries if planned.changes)
            if self.plan
            else ()
        )

    @property
    def differing(self) -> tuple[RegistryPlan, ...]:
        """Registries that still differed when it ended."""
        outcomes = self.outcomes
        return tuple(
            planned
            for planned in self.drifted
            if planned.registry not in outcomes or outcomes[planned.registry].outcome not in SETTLED
        )

    @property
    def failing(self) -> tuple[tuple[RegistryPlan, RegistryOutcome | None], ...]:
        """Registries that could not be read, or not be brought to what is wanted; or that have
        links held."""
        outcomes = self.outcomes
        return tuple(
            (planned, outcomes.get(planned.registry))
            for planned in (self.plan.registries if self.plan else ())
            if _falls_short(planned, outcomes.get(planned.registry))
        )

    @property
    def counts(self) -> Mapping[str, int]:
        """Registries by what became of them: `changed` and `unreadable` as in plans, else an
        outcome; each one once."""
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
    """What a plan amounts to of which nothing is written; `fix`: as nothing can be."""
    short = any(planned.fails or planned.held for planned in plan.registries)
    code = plan_exit(plan, detailed=True)
    if plan.changes and not fix:
        return Verdict.DRIFT, code
    if (
        plan.registries
        and all(planned.state is State.UNREADABLE for planned in plan.registries)
        and short
    ):
        return Verdict.FAILED, code
    return (Verdict.PARTIAL if short or plan.changes else Verdict.IN_SYNC), code


def carried_out(report: Report) -> Verdict:
    """What a run amounts to."""
    if report.status is Status.OK and not report.writes.applied:
        # By the time of each write somebody had already made it so.
        return Verdict.IN_SYNC
    return _VERDICTS[report.status]


def sights(plan: Plan, report: Report | None) -> Mapping[Registry, Sight]:
    """How the round came upon each registry that it could read."""
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
    # Where the inventory has moved, or nothing was ever written, nobody has undone our work.
    ours = planned.moved is not None and planned.moved.by in (Mover.INVENTORY, Mover.UNKNOWN)
    return Sight.CORRECTED if corrected and not ours else Sight.DIFFERING


def _falls_short(planned: RegistryPlan, outcome: RegistryOutcome | None) -> bool:
    if outcome is None:
        return planned.fails or bool(planned.held)
    excused = planned.excuse is not None
    return bool(outcome.held) or (outcome.outcome not in SETTLED and not excused)
