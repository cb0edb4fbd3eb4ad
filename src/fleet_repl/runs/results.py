"""The outcomes of planned changes and registries, from the outcomes of their writes. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from fleet_repl.planning.attribution import Moved
from fleet_repl.planning.change import Change, HeldLink
from fleet_repl.planning.plan import Effort, Plan, RegistryPlan
from fleet_repl.runs.outcomes import ChangeOutcome, Outcome, RegistryOutcome, worst
from fleet_repl.values.errors import Fault


def change_outcome(
    change: Change,
    outcome: Outcome,
    request_id: str | None = None,
    *,
    in_doubt: bool = False,
    because: str | None = None,
) -> ChangeOutcome:
    """The outcome of a change. `in_doubt`: it is unknown whether it was written."""
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
    planned: RegistryPlan,
    changes: Sequence[ChangeOutcome],
    *,
    held: tuple[HeldLink, ...],
    effort: Effort,
    error: Fault | None = None,
    because: str | None = None,
    moved: Moved | None = None,
) -> RegistryOutcome:
    """The outcome of a registry: the worst outcome of its changes."""
    outcomes = {change.outcome for change in changes}
    outcome = Outcome.FAILED if planned.fails else worst(outcomes)
    if outcome is Outcome.UNCHANGED:
        because = planned.excuse
    return RegistryOutcome(
        registry=planned.registry,
        name=planned.name,
        wave=planned.wave,
        outcome=outcome,
        attempts=effort.attempts,
        duration_ms=round(effort.seconds * 1000),
        changes=tuple(changes),
        held=held,
        error=error or (planned.error if planned.fails else None),
        because=because,
        moved=moved,
    )


def untouched(plan: Plan, because: str | None) -> tuple[RegistryOutcome, ...]:
    """The outcomes of the registries of a plan that is not carried out at all."""
    return tuple(
        registry_outcome(
            planned,
            [
                change_outcome(change, Outcome.SKIPPED, because=because)
                for change in planned.changes
            ],
            held=planned.held,
            effort=plan.efforts.get(planned.registry, Effort()),
            because=because,
            moved=planned.changed_outside,
        )
        for planned in plan.registries
    )
