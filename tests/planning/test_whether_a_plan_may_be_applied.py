"""One decision, from what speaks against a plan and what overrides that."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.plans import plan_of

from fleet_repl.planning.authorize import Authorized, Refused, authorize
from fleet_repl.planning.plan import Objection, Plan

PROTECTED, ROLLED_BACK, MANY = (
    Objection(kind=kind, message="no") for kind in ("protected", "rolled-back", "max-removals")
)


def decide(
    plan: Plan, *new: Objection, force: bool = False, allow: tuple[str, ...] = ()
) -> Authorized | Refused:
    """What is decided where `new` has come up since the plan was made."""
    return authorize(plan, force=force, allow=allow, objections=new, digest=lambda _: "another")


def plan_with(*objections: Objection) -> Plan:
    """A plan without registries, and what speaks against it."""
    return replace(plan_of(digest="first"), objections=objections)


def test_nothing_speaks_against_it() -> None:
    """Force that overrides nothing is not told, and the plan is the same one."""
    plan = plan_with()
    decision = decide(plan, force=True, allow=("protected", "protected"))
    assert decision == Authorized(plan=plan, objections=(), forced=False, allowed=("protected",))
    assert decision.plan is plan


@pytest.mark.parametrize("new", [(), (ROLLED_BACK,)])
def test_it_takes_force(new: tuple[Objection, ...]) -> None:
    """For what the plan knows and for what has come up since alike."""
    plan = plan_with(MANY)
    refused = decide(plan, *new)
    assert isinstance(refused, Refused)
    kinds = ", ".join(objection.kind for objection in (MANY, *new))
    assert refused.because == f"the plan was refused: {kinds}"
    forced = decide(plan, *new, force=True)
    assert isinstance(forced, Authorized)
    assert (forced.forced, forced.objections) == (True, (MANY, *new))


def test_force_does_not_clear_protection() -> None:
    """Only the word for it does, and that clears nothing else."""
    plan = plan_with(PROTECTED, MANY)
    forced, allowed = decide(plan, force=True), decide(plan, allow=("protected",))
    assert isinstance(forced, Refused)
    assert forced.because == "the plan was refused: protected"
    assert isinstance(allowed, Refused)
    assert allowed.because == "the plan was refused: max-removals"
    assert isinstance(decide(plan, force=True, allow=("protected",)), Authorized)


def test_an_objection_of_a_kind_counts_once() -> None:
    """That of the plan stays, and the one that has come up since says nothing new."""
    decision = decide(plan_with(ROLLED_BACK), replace(ROLLED_BACK, message="since"))
    assert decision.objections == (ROLLED_BACK,)
