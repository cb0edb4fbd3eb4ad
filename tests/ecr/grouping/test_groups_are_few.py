"""Groups against a second solver that tries everything, and against counts that are known."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from tests.ecr.grouping.conftest import Meaning, Oracle

from fleet_repl.ecr.grouping import Group, by_member, by_prefix, fewest_groups
from fleet_repl.values.prefixes import EVERY_REPOSITORY, Prefixes, reduce

WIDE: Mapping[str, int] = {"most_prefixes": 1000, "most_members": 1000}
DESTINATIONS = st.sampled_from("ABCDEF")
FLAT = st.lists(st.sampled_from(["a/", "b/", "c/", "d/", "e/", "f/"]), max_size=6)
NESTED = st.lists(st.text("ab", min_size=1, max_size=3), max_size=5)
PREFIXES = st.one_of(st.just([""]), FLAT, NESTED).map(reduce)
LINKS = st.dictionaries(DESTINATIONS, PREFIXES, max_size=6)


def group(destinations: str, *prefixes: str) -> Group[str]:
    return Group(members=tuple(destinations), prefixes=prefixes)


def rows(*texts: str) -> dict[str, Prefixes]:
    """`abc` for the first destination: it has the prefixes `a/`, `b/` and `c/`."""
    return {
        f"D{number:02}": tuple(f"{character}/" for character in text)
        for number, text in enumerate(texts)
    }


def planted(source: random.Random, destinations: int, prefixes: int, routes: int) -> Any:
    """Links of routes, each from some prefixes to some destinations."""
    links: dict[str, set[str]] = {}
    for _ in range(routes):
        some = [f"team-{number:03}/" for number in range(prefixes) if source.random() < 0.2]
        for number in range(destinations):
            if source.random() < 0.3:
                links.setdefault(f"D{number:02}", set()).update(some)
    return {there: tuple(sorted(some)) for there, some in links.items()}


@given(links=LINKS)
@settings(max_examples=250)
def test_the_groups_are_few(links: dict[str, Prefixes], fewest_by_force: Oracle) -> None:
    """Between the fewest that there can be, by trying all, and the better of both plain groupings:
    for small relations, nested prefixes and every repository among them."""
    prefixes = {prefix for some in links.values() for prefix in some}
    receiving = {
        frozenset(there for there, some in links.items() if prefix in some) for prefix in prefixes
    }
    plain = min(len(set(links.values()) - {()}), len(receiving))
    assert fewest_by_force(links) <= len(fewest_groups(links, **WIDE)) <= plain


@given(links=LINKS, most_prefixes=st.integers(1, 4), most_members=st.integers(1, 4))
def test_the_groups_mean_exactly_the_links(
    links: dict[str, Prefixes], most_prefixes: int, most_members: int, meaning: Meaning
) -> None:
    """Never a link more or less, whatever the limits; and none is broken."""
    groups = fewest_groups(links, most_prefixes=most_prefixes, most_members=most_members)
    assert meaning(groups) == {there: some for there, some in links.items() if some}
    for group in groups:
        assert 1 <= len(group.prefixes) <= most_prefixes
        assert 1 <= len(group.members) <= most_members


@given(links=LINKS, most_prefixes=st.integers(1, 4), most_members=st.integers(1, 4))
def test_nothing_is_listed_in_vain(
    links: dict[str, Prefixes], most_prefixes: int, most_members: int, meaning: Meaning
) -> None:
    """Without any one destination or prefix of a group a link would be missing."""
    groups = fewest_groups(links, most_prefixes=most_prefixes, most_members=most_members)
    whole = meaning(groups)
    for place, group in enumerate(groups):
        assert list(group.prefixes) == sorted(reduce(group.prefixes))
        assert list(group.members) == sorted(set(group.members))
        others = (*groups[:place], *groups[place + 1 :])
        smaller = [
            Group(
                members=tuple(there for there in group.members if there != less),
                prefixes=group.prefixes,
            )
            for less in group.members
        ] + [
            Group(
                members=group.members,
                prefixes=tuple(prefix for prefix in group.prefixes if prefix != less),
            )
            for less in group.prefixes
        ]
        for less in smaller:
            assert meaning((*others, less)) != whole


def test_overlaps_are_found_that_no_grouping_has() -> None:
    """Four routes that overlap take four groups, and both plain groupings five."""
    links = rows("ab", "abc", "bcd", "cde", "de")
    assert len(fewest_groups(links, **WIDE)) == 4
    assert len(by_member(links)) == len(by_prefix(links)) == 5


def test_the_smallest_links_that_both_groupings_miss() -> None:
    """Three sets of prefixes and three sets of destinations, but two groups."""
    links = {
        "A": ("base/", "shop/"),
        "B": ("base/", "lake/"),
        "C": ("base/", "lake/", "shop/"),
    }
    assert fewest_groups(links, **WIDE) == (
        group("BC", "base/", "lake/"),
        group("AC", "base/", "shop/"),
    )


def test_what_a_shorter_prefix_implies_is_free() -> None:
    """A has all of `a/`, so it may be listed with C's longer prefix and share a group."""
    links = {"A": ("a/", "b/"), "B": ("a/",), "C": ("a/x/", "b/")}
    assert fewest_groups(links, **WIDE) == (
        group("AB", "a/"),
        group("AC", "a/x/", "b/"),
    )
    links["C"] = ("b/", "x/")
    assert len(fewest_groups(links, **WIDE)) == 3


def test_every_repository_takes_one_group_for_all_that_have_it() -> None:
    """It is alone in its group, and such a destination appears nowhere else."""
    links = {"A": EVERY_REPOSITORY, "B": ("a/",), "C": EVERY_REPOSITORY, "D": ("a/", "b/")}
    groups = fewest_groups(links, **WIDE)
    assert groups[0] == group("AC", "")
    assert len(groups) == 3


def test_where_a_grouping_is_as_good_it_is_taken() -> None:
    """Each destination is listed once then, which reads best."""
    links = {"A": ("a/",), "B": ("a/", "b/"), "C": ("a/", "b/"), "D": ("c/",)}
    assert fewest_groups(links, **WIDE) == (
        group("A", "a/"),
        group("BC", "a/", "b/"),
        group("D", "c/"),
    )


def test_nothing_takes_no_group() -> None:
    """No links, or destinations without any."""
    assert fewest_groups({}, **WIDE) == ()
    assert fewest_groups({"A": ()}, **WIDE) == ()


@pytest.mark.parametrize(("routes", "seed"), [(3, 1), (6, 2), (8, 3), (10, 4), (12, 5)])
def test_routes_are_found_again_in_large_relations(
    routes: int, seed: int, meaning: Meaning
) -> None:
    """25 destinations, 200 prefixes: about as many groups as there are routes behind the links, and
    at the most half of what prefixes with equal destinations take."""
    links = planted(random.Random(seed), 25, 200, routes)
    groups = fewest_groups(links, **WIDE)
    assert len(groups) <= routes + 2
    assert len(groups) <= len(by_prefix(links)) / 2
    assert meaning(groups) == links
