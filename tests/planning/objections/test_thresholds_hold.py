"""Thresholds never pass a plan that does more than is allowed, whatever is unreadable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

from hypothesis import given, strategies as st
from tests.planning.objections.conftest import Make

from fleet_repl.inventory import Amount, Safety
from fleet_repl.planning.objections import objections
from fleet_repl.planning.plan import RegistryPlan
from fleet_repl.planning.thresholds import FEWEST
from fleet_repl.values.names import Registry

limits = st.one_of(
    st.integers(0, 40).map(lambda count: Amount(count=count)),
    st.integers(0, 100_000).map(lambda share: Amount(percent=Fraction(share, 1000))),
)
readable = st.integers(0, 25).flatmap(
    lambda there: st.tuples(st.integers(0, there), st.just(there))
)
"""Links that go, of links in place."""
fleets = st.lists(readable | st.none(), max_size=12)
"""None: could not be read."""


def kinds(plans: list[RegistryPlan], **settings: Any) -> set[str]:
    """What is objected to, besides whose the links are."""
    warnings = objections(plans, {}, safety=Safety(**settings))
    return {warning.kind for warning in warnings} - {"foreign-rules"}


def planned(fleet: list[tuple[int, int] | None], losing: Any, unread: Any) -> list[RegistryPlan]:
    return [
        unread(number) if size is None else losing(number, *size)
        for number, size in enumerate(fleet)
    ]


@given(fleet=fleets, limit=limits)
def test_no_plan_passes_that_removes_more(
    fleet: list[tuple[int, int] | None], limit: Amount, losing: Make, unread: Make
) -> None:
    """Exactly: it objects if and only if more goes than the limit allows of what was seen."""
    lost = sum(item[0] for item in fleet if item)
    there = sum(item[1] for item in fleet if item)
    if limit.count is not None:
        too_many = lost > limit.count
    else:
        assert limit.percent is not None
        too_many = there >= FEWEST and Fraction(lost * 100, there) > limit.percent
    objected = kinds(planned(fleet, losing, unread), max_removals=limit)
    assert ("max-removals" in objected) == too_many


@given(fleet=fleets, limit=limits, more=st.integers(1, 60))
def test_unreadable_registries_excuse_nothing(
    fleet: list[tuple[int, int] | None], limit: Amount, more: int, losing: Make, unread: Make
) -> None:
    """However many there are, they make no share of removals smaller."""
    plans = planned(fleet, losing, unread)
    blind = [*plans, *(unread(100 + number) for number in range(more))]
    few, many = (kinds(item, max_removals=limit) for item in (plans, blind))
    assert ("max-removals" in few) == ("max-removals" in many)


@given(fleet=fleets, limit=limits, which=st.integers(0, 11))
def test_one_removal_more_is_never_better(
    fleet: list[tuple[int, int] | None], limit: Amount, which: int, losing: Make, unread: Make
) -> None:
    """A plan that is refused stays refused if another link goes."""
    before = kinds(planned(fleet, losing, unread), max_removals=limit)
    size = fleet[which] if which < len(fleet) else None
    if size is not None and size[0] < size[1]:
        fleet = [*fleet[:which], (size[0] + 1, size[1]), *fleet[which + 1 :]]
    after = kinds(planned(fleet, losing, unread), max_removals=limit)
    assert ("max-removals" in before) <= ("max-removals" in after)


@given(lost=st.integers(1, 25), there=st.integers(10, 25))
def test_the_border_is_exact(lost: int, there: int, losing: Make) -> None:
    """The very share that goes is allowed, and the least bit less is not."""
    lost = min(lost, there)
    exact = Fraction(lost * 100, there)
    plans = [losing(1, lost, there)]
    assert kinds(plans, max_removals=Amount(percent=exact)) == set()
    less = exact - Fraction(1, 10**12)
    assert kinds(plans, max_removals=Amount(percent=less)) == {"max-removals"}


@given(lost=st.integers(10, 25))
def test_a_plan_that_does_not_say_what_is_in_place(lost: int, losing: Make) -> None:
    """What goes was there, so that all of it going is noticed at the least."""
    assert kinds([replace(losing(1, lost, lost), in_place=0)]) == {"max-removals"}


@given(
    changed=st.integers(0, 8),
    unchanged=st.integers(0, 8),
    unreadable=st.integers(0, 20),
    limit=limits,
)
def test_registries_are_counted_by_state(
    changed: int,
    unchanged: int,
    unreadable: int,
    limit: Amount,
    losing: Make,
    idle: Make,
    unread: Make,
) -> None:
    """Of all in scope; a share of fewer than ten unreadable ones says nothing."""
    plans = [
        *(losing(number, 0, 1) for number in range(changed)),
        *(idle(100 + number) for number in range(unchanged)),
        *(unread(200 + number) for number in range(unreadable)),
    ]
    whole = len(plans)
    objected = kinds(plans, max_changed=limit, max_unreadable=limit)
    assert ("max-changed" in objected) == (changed > limit.most(whole))
    many = unreadable >= FEWEST or limit.count is not None
    assert ("max-unreadable" in objected) == (many and unreadable > limit.most(whole))


@given(fleet=fleets, chosen=st.sets(st.integers(0, 11)))
def test_protected_registries_lose_nothing(
    fleet: list[tuple[int, int] | None],
    chosen: set[int],
    losing: Make,
    unread: Make,
    place: Callable[[int], Registry],
) -> None:
    """If and only if one of them would lose a link, its plan is refused."""
    plans = planned(fleet, losing, unread)
    warnings = objections(plans, {}, protected={place(number) for number in chosen})
    loses = any(size is not None and size[0] > 0 and n in chosen for n, size in enumerate(fleet))
    assert any(warning.kind == "protected" for warning in warnings) == loses
