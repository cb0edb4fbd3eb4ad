"""Outcomes of changes and registries as values, and the reasons why grants stay. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from fleet_repl.planning.change import Change, HeldLink, Phase
from fleet_repl.planning.plan import Effort, Plan, RegistryPlan
from fleet_repl.runs.outcomes import ChangeOutcome, Outcome, RegistryOutcome, worst
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry


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
) -> RegistryOutcome:
    """The outcome of a registry: the worst outcome of its changes."""
    outcome = worst({change.outcome for change in changes})
    if planned.fails:
        outcome = Outcome.FAILED
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
        moved=planned.changed_outside,
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
        )
        for planned in plan.registries
    )


def rules_left_out(*, in_doubt: bool) -> str:
    """Returns why rules are not written after an earlier write of the same rules has failed."""
    if in_doubt:
        return "it is not known whether an earlier change of its rules was written"
    return "an earlier change of its rules was not written"


def policy_left_out(failed: Phase, *, in_doubt: bool) -> str:
    """Returns why a policy is not written after its earlier write failed in the phase `failed`."""
    if in_doubt:
        return "it is not known whether an earlier change of its registry policy was written"
    if failed is Phase.GRANTS:
        return "the new grants of its registry policy were not written"
    return "an earlier withdrawal from its registry policy failed"


def still_used(unwritten: Collection[Registry], unknown: Collection[Registry]) -> str:
    """Returns why grants stay: the rules of their sources may not have been written."""
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
