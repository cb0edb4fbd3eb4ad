"""From what became of each change to what became of each registry."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from fleet_repl.planning.plan import Change, Effort, HeldLink, Plan, RegistryPlan
from fleet_repl.runs.outcomes import ChangeOutcome, Outcome, RegistryOutcome, worst
from fleet_repl.values.errors import Fault, FaultKind, FleetError
from fleet_repl.values.names import Registry
from fleet_repl.values.text import first_line


def change_outcome(
    change: Change,
    outcome: Outcome,
    request_id: str | None = None,
    *,
    in_doubt: bool = False,
    because: str | None = None,
) -> ChangeOutcome:
    """What became of one change."""
    return ChangeOutcome(
        resource=change.resource,
        action=change.action,
        wave=change.wave,
        outcome=outcome,
        request_id=request_id,
        before=change.before,
        after=change.after,
        in_doubt=in_doubt,
        because=because if outcome in (Outcome.SKIPPED, Outcome.CANCELLED) else None,
    )


def registry_outcome(
    one: RegistryPlan,
    changes: Sequence[ChangeOutcome],
    *,
    held: tuple[HeldLink, ...],
    effort: Effort,
    error: Fault | None = None,
    because: str | None = None,
) -> RegistryOutcome:
    """One registry's line in the report: as bad as the worst of its changes."""
    found = {change.outcome for change in changes}
    outcome = worst(found)
    if one.fails:
        outcome = Outcome.FAILED
    if outcome is Outcome.UNCHANGED:
        because = one.excuse
    return RegistryOutcome(
        registry=one.registry,
        name=one.name,
        wave=one.wave,
        outcome=outcome,
        attempts=effort.attempts,
        duration_ms=round(effort.seconds * 1000),
        changes=tuple(changes),
        held=held,
        error=error or (one.error if one.fails else None),
        because=because,
    )


def untouched(plan: Plan, because: str | None) -> tuple[RegistryOutcome, ...]:
    """The registries of a plan that is not carried out at all."""
    return tuple(
        registry_outcome(
            one,
            [change_outcome(change, Outcome.SKIPPED, because=because) for change in one.changes],
            held=one.held,
            effort=plan.efforts.get(one.registry, Effort()),
            because=because,
        )
        for one in plan.registries
    )


def reason_of(error: Exception) -> str:
    """Why something failed, in one line: the text of an error of ours, the kind of any other."""
    if isinstance(error, FleetError):
        return first_line(error)
    return f"unforeseen {type(error).__name__}"


def unforeseen(operation: str, error: Exception) -> Fault:
    """A failure that no code foresaw, told without its text, which may hold anything."""
    return Fault(
        kind=FaultKind.INTERNAL,
        operation=operation,
        message=reason_of(error),
        hint="this is a defect of fleet-repl; please report it",
    )


def still_used(unwritten: Collection[Registry], unknown: Collection[Registry]) -> str:
    """Why grants stay: what became of the rules of their sources."""
    reasons = []
    if unwritten:
        reasons.append(
            f"the rules of {_named(unwritten)} were not written and may still use its grants"
        )
    if unknown:
        reasons.append(
            f"it is not known whether the rules of {_named(unknown)} were written; they may still "
            "use its grants"
        )
    return "; ".join(reasons)


def _named(registries: Collection[Registry]) -> str:
    return ", ".join(map(str, sorted(registries)))
