"""What of a plan belongs to which wave, and how many failures a wave may have."""

from __future__ import annotations

from fractions import Fraction

import pytest
from tests.support.changes import change_of
from tests.support.registries import registry_of

from fleet_repl.engine.waves import Batch, batches, ends_after, too_many_failures
from fleet_repl.inventory import Amount, Selector, Wave
from fleet_repl.planning.change import Action, Change, Phase, Resource
from fleet_repl.planning.plan import RegistryPlan, State
from fleet_repl.topology import REST
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import Registry

A, B, C = map(registry_of, "123")
DENIED = Fault(kind=FaultKind.ACCESS_DENIED, operation="AssumeRole", message="no")


def change(wave: str) -> Change:
    return change_of(
        resource=Resource.REGISTRY_POLICY,
        action=Action.UPDATE,
        phase=Phase.GRANTS,
        wave=wave,
        before={},
        after={},
    )


def planned(
    registry: Registry, wave: str, *writes: str, error: Fault | None = None
) -> RegistryPlan:
    return RegistryPlan(
        registry=registry,
        name="name",
        wave=wave,
        state=State.UNREADABLE if error else State.CHANGED if writes else State.UNCHANGED,
        changes=tuple(map(change, writes)),
        error=error,
    )


def batch(size: int) -> Batch:
    registries = frozenset(registry_of(number) for number in range(size))
    return Batch(name="canary", own=registries, writing=frozenset())


def wave(amount: Amount) -> Wave:
    return Wave(name="canary", select=Selector(), max_failures=amount)


def test_a_registry_belongs_to_its_wave_and_to_those_that_write_it() -> None:
    """B is of the rest, and its policy is written for the canary as well."""
    batched = batches([planned(A, "canary"), planned(B, REST, "canary", REST)], ("canary", REST))
    assert batched == (
        Batch(name="canary", own=frozenset({A}), writing=frozenset({B})),
        Batch(name=REST, own=frozenset({B}), writing=frozenset({B})),
    )
    assert [item.size for item in batched] == [2, 1]


def test_a_wave_may_be_empty() -> None:
    """It keeps its place, so that a run can end with it."""
    batched = batches([planned(A, REST, REST)], ("canary", "early", REST))
    assert [(item.name, item.size) for item in batched] == [("canary", 0), ("early", 0), (REST, 1)]


def test_a_wave_that_nobody_knows_is_carried_out_before_the_rest() -> None:
    """No write of a plan is ever forgotten."""
    batched = batches([planned(A, REST, "strange", REST)], ("canary", REST))
    assert [item.name for item in batched] == ["canary", "strange", REST]


def test_what_could_not_be_read_has_failed_already() -> None:
    """In its own wave; a policy of it is written in none."""
    first, _ = batches([planned(A, "canary", error=DENIED), planned(C, REST)], ("canary", REST))
    assert first.failing == {A}


@pytest.mark.parametrize(
    ("amount", "failed", "size", "because"),
    [
        (Amount(count=0), 0, 10, None),
        (
            Amount(count=0),
            2,
            10,
            "wave canary: 2 of 10 registries failed, and max_failures is 0",
        ),
        (Amount(count=0), 1, 1, "wave canary: 1 of 1 registry failed, and max_failures is 0"),
        (Amount(count=2), 2, 2, None),
        (Amount(percent=Fraction(10)), 1, 10, None),
        (
            Amount(percent=Fraction(10)),
            2,
            19,
            "wave canary: 2 of 19 registries failed, and max_failures is 10%",
        ),
        (Amount(percent=Fraction(0)), 0, 0, None),
    ],
)
def test_how_many_may_fail(amount: Amount, failed: int, size: int, because: str | None) -> None:
    """Exactly as many as max_failures says; a share is of the wave's registries."""
    assert too_many_failures(batch(size), wave(amount), failed) == because


def test_the_rest_has_no_limit() -> None:
    """Nothing comes after it."""
    assert too_many_failures(batch(3), None, 3) is None


def test_the_reason_names_the_flag() -> None:
    """Whoever reads the report sees why half of the fleet was left alone."""
    assert ends_after("canary") == "the run ends after wave canary (--wave)"
