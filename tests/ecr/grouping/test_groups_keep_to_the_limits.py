"""Groups where one may hold only so many prefixes and destinations."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest
from hypothesis import given, strategies as st
from tests.ecr.grouping.conftest import Oracle

from fleet_repl.ecr.grouping import Group, fewest_groups
from fleet_repl.values.prefixes import EVERY_REPOSITORY, Prefixes, reduce

Links = Mapping[str, Prefixes]
NESTED = st.lists(st.text("ab", min_size=1, max_size=2), max_size=4)
FLAT = st.lists(st.sampled_from(["a/", "b/", "c/", "d/", "e/"]), max_size=5)
PREFIXES = st.one_of(st.just([""]), FLAT, NESTED).map(reduce)
LINKS = st.dictionaries(st.sampled_from("ABCDE"), PREFIXES, max_size=5)


def numbered(name: str, count: int) -> tuple[str, ...]:
    return tuple(f"{name}-{number:03}/" for number in range(count))


def pieces(destinations: int, prefixes: int, limits: Mapping[str, int]) -> int:
    """How many groups one of that size is cut into."""
    return -(-destinations // limits["most_members"]) * -(-prefixes // limits["most_prefixes"])


def by_prefixes(links: Links, limits: Mapping[str, int]) -> int:
    """The count when destinations with equal prefixes are put together."""
    kept = [some for some in links.values() if some]
    return sum(pieces(kept.count(some), len(some), limits) for some in {*kept})


def by_destinations(links: Links, limits: Mapping[str, int]) -> int:
    """The count when prefixes with equal destinations are put together."""
    prefixes = {item for some in links.values() for item in some}
    receiving = [
        tuple(there for there, some in links.items() if prefix in some)
        for prefix in sorted(prefixes)
    ]
    return sum(pieces(len(some), receiving.count(some), limits) for some in {*receiving})


def cut(links: Links, limits: Mapping[str, int]) -> int:
    """The count when the fewest groups of any size are cut to size."""
    whole = fewest_groups(links, most_prefixes=999, most_members=999)
    return sum(pieces(len(item.members), len(item.prefixes), limits) for item in whole)


@given(links=LINKS, most_prefixes=st.integers(1, 3), most_members=st.integers(1, 3))
def test_never_more_than_what_is_plain(
    links: Links, most_prefixes: int, most_members: int, fewest_by_force: Oracle
) -> None:
    """Groupings and cut groups are bounds from above, a solver that tries all from below."""
    limits = {"most_prefixes": most_prefixes, "most_members": most_members}
    count = len(fewest_groups(links, **limits))
    assert count <= min(
        cut(links, limits), by_prefixes(links, limits), by_destinations(links, limits)
    )
    assert fewest_by_force(links, **limits) <= count


@pytest.mark.parametrize("seed", range(6))
def test_never_more_than_what_is_plain_in_large_relations(seed: int) -> None:
    """12 destinations with up to 150 prefixes of some routes, 40 to a group."""
    source = random.Random(seed)
    routes = [(numbered(f"team{number}", source.randint(5, 60))) for number in range(5)]
    links = {
        f"D{row:02}": tuple(
            sorted(item for some in routes if source.random() < 0.5 for item in some)
        )
        for row in range(12)
    }
    limits = {"most_prefixes": 40, "most_members": 100}
    count = len(fewest_groups(links, **limits))
    plain = (cut(links, limits), by_prefixes(links, limits), by_destinations(links, limits))
    assert count <= min(plain)


def test_prefixes_beyond_the_limit_go_on_in_another() -> None:
    """150 prefixes to one destination, 100 to a group, in order."""
    prefixes = numbered("team", 150)
    groups = fewest_groups({"A": prefixes}, most_prefixes=100, most_members=100)
    assert groups == (
        Group(members=("A",), prefixes=prefixes[:100]),
        Group(members=("A",), prefixes=prefixes[100:]),
    )


def test_destinations_beyond_the_limit_go_on_in_another() -> None:
    """Every repository to five destinations, two to a group."""
    groups = fewest_groups(
        dict.fromkeys("ABCDE", EVERY_REPOSITORY), most_prefixes=1, most_members=2
    )
    assert [item.members for item in groups] == [("A", "B"), ("C", "D"), ("E",)]


def test_what_two_share_is_worth_a_group_where_both_would_be_cut() -> None:
    """Two groups of 110 prefixes are four of at most 100; with the shared 50 apart, three."""
    shared, a, b = numbered("base", 50), numbered("shop", 60), numbered("till", 60)
    links = {"A": shared + a, "B": shared + b}
    assert fewest_groups(links, most_prefixes=100, most_members=100) == (
        Group(members=("A", "B"), prefixes=shared),
        Group(members=("A",), prefixes=a),
        Group(members=("B",), prefixes=b),
    )


def test_groups_that_share_are_found_where_neither_grouping_does() -> None:
    """Two of three prefix sets share a group and the third stays whole: a mixture."""
    links = {
        "A": numbered("base", 50) + numbered("shop", 60),
        "B": numbered("base", 50) + numbered("till", 60),
        "C": numbered("edge", 20) + numbered("lake", 20),
        "D": numbered("edge", 20) + numbered("main", 20),
        "E": numbered("lake", 20) + numbered("main", 20),
    }
    limits = {"most_prefixes": 100, "most_members": 100}
    assert len(fewest_groups(links, **limits)) == 6
