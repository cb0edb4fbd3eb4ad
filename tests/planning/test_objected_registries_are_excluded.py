"""Objections about single registries leave those out; objections about the fleet refuse a plan."""

from __future__ import annotations

import pytest
from tests.support.changes import change_of
from tests.support.registries import registry_of

from fleet_repl.planning.change import Action, Phase, Resource
from fleet_repl.planning.excluded import exclude_objected
from fleet_repl.planning.objections import OF_REGISTRIES
from fleet_repl.planning.plan import Objection, RegistryPlan, State

FIRST, SECOND = map(registry_of, "12")
CHANGE = change_of(
    resource=Resource.REPLICATION_CONFIGURATION,
    action=Action.UPDATE,
    phase=Phase.RULES,
    before={"rules": []},
    after={"rules": [{"destinations": []}]},
)
PLANS = tuple(
    RegistryPlan(registry=registry, name="team", state=State.CHANGED, changes=(CHANGE,))
    for registry in (FIRST, SECOND)
)


def objection(kind: str) -> Objection:
    return Objection(kind=kind, message=f"too much of {kind}")


@pytest.mark.parametrize("kind", sorted(OF_REGISTRIES))
def test_the_objected_registry_is_excluded(kind: str) -> None:
    """Nothing is written to it, its fault says why, and nothing refuses the others."""
    against = objection(kind)
    (first, second), left = exclude_objected(
        PLANS, (against,), lambda entry: (against,) if entry.registry == FIRST else ()
    )
    assert left == ()
    assert (first.writes, second.writes) == (False, True)
    assert (first.objections, second.objections) == ((against,), ())
    assert str(first.error) == (
        "PutReplicationConfiguration: conflict: excluded, as its correction is objected to: "
        f"{kind}: too much of {kind}"
    )


@pytest.mark.parametrize("kind", ["max-removals", "max-changed", "max-unreadable"])
def test_a_threshold_of_the_fleet_refuses_all(kind: str) -> None:
    """Also beside an objection to one registry, which is named all the same."""
    single, wide = objection("foreign-rules"), objection(kind)
    plans, left = exclude_objected(
        PLANS, (single, wide), lambda entry: (single,) if entry.registry == FIRST else ()
    )
    assert left == (single, wide)
    assert plans == PLANS
    assert [plan.objections for plan in plans] == [(single,), ()]


def test_where_nobody_else_is_left_the_plan_is_refused() -> None:
    """A run that could write nothing is not begun."""
    against = objection("protected")
    plans, left = exclude_objected(PLANS, (against,), lambda _one: (against,))
    assert left == (against,)
    assert all(plan.writes for plan in plans)
