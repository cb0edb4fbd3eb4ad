"""Rectangles against a second solver that tries everything, and against counts that are known."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_repl.covers import Rectangle, fewest_rectangles, lower_bound
from fleet_repl.prefixes import EVERY_REPOSITORY, Prefixes, reduce

WIDE: Mapping[str, int] = {"most_prefixes": 1000, "most_destinations": 1000}
DESTINATIONS = st.sampled_from("ABCDEF")
FLAT = st.lists(st.sampled_from(["a/", "b/", "c/", "d/", "e/", "f/"]), max_size=6)
NESTED = st.lists(st.text("ab", min_size=1, max_size=3), max_size=5)
PREFIXES = st.one_of(st.just([""]), FLAT, NESTED).map(reduce)
LINKS = st.dictionaries(DESTINATIONS, PREFIXES, max_size=6)


def rectangle(destinations: str, *prefixes: str) -> Rectangle[str]:
    return Rectangle(destinations=tuple(destinations), prefixes=prefixes)


def rows(*texts: str) -> dict[str, Prefixes]:
    """`abc` for the first destination: it has the prefixes `a/`, `b/` and `c/`."""
    return {f"D{number:02}": tuple(f"{one}/" for one in text) for number, text in enumerate(texts)}


def planted(source: random.Random, destinations: int, prefixes: int, routes: int) -> Any:
    """Links of routes, each from some prefixes to some destinations."""
    links: dict[str, set[str]] = {}
    for _ in range(routes):
        some = [f"team-{one:03}/" for one in range(prefixes) if source.random() < 0.2]
        for number in range(destinations):
            if source.random() < 0.3:
                links.setdefault(f"D{number:02}", set()).update(some)
    return {there: tuple(sorted(some)) for there, some in links.items()}


@given(links=LINKS)
@settings(max_examples=250)
def test_no_cover_has_fewer(links: dict[str, Prefixes], fewest_by_force: Any) -> None:
    """For small relations, nested prefixes and every repository among them."""
    assert len(fewest_rectangles(links, **WIDE)) == fewest_by_force(links)
    assert lower_bound(links, **WIDE) == fewest_by_force(links)


@given(links=LINKS, most_prefixes=st.integers(1, 4), most_destinations=st.integers(1, 4))
def test_the_rectangles_mean_exactly_the_links(
    links: dict[str, Prefixes], most_prefixes: int, most_destinations: int, meaning: Any
) -> None:
    """Never a link more or less, whatever the limits; and none is broken."""
    found = fewest_rectangles(
        links, most_prefixes=most_prefixes, most_destinations=most_destinations
    )
    assert meaning(found) == {there: some for there, some in links.items() if some}
    for one in found:
        assert 1 <= len(one.prefixes) <= most_prefixes
        assert 1 <= len(one.destinations) <= most_destinations


@given(links=LINKS, most_prefixes=st.integers(1, 4), most_destinations=st.integers(1, 4))
def test_nothing_is_listed_in_vain(
    links: dict[str, Prefixes], most_prefixes: int, most_destinations: int, meaning: Any
) -> None:
    """Without any one destination or prefix of a rectangle a link would be missing."""
    found = fewest_rectangles(
        links, most_prefixes=most_prefixes, most_destinations=most_destinations
    )
    whole = meaning(found)
    for place, one in enumerate(found):
        assert list(one.prefixes) == sorted(reduce(one.prefixes))
        assert list(one.destinations) == sorted(set(one.destinations))
        others = (*found[:place], *found[place + 1 :])
        smaller = [
            Rectangle(
                destinations=tuple(there for there in one.destinations if there != less),
                prefixes=one.prefixes,
            )
            for less in one.destinations
        ] + [
            Rectangle(
                destinations=one.destinations,
                prefixes=tuple(prefix for prefix in one.prefixes if prefix != less),
            )
            for less in one.prefixes
        ]
        for less in smaller:
            assert meaning((*others, less)) != whole


@pytest.mark.parametrize(
    ("links", "fewest"),
    [
        # A crown: each destination lacks one prefix of its own.
        (rows("bcde", "acde", "abde", "abce", "abcd"), 4),
        (rows("bcdef", "acdef", "abdef", "abcef", "abcdf", "abcde"), 4),
        # Four routes that overlap.
        (rows("ab", "abc", "bcd", "cde", "de"), 4),
    ],
)
def test_overlaps_are_found_that_no_grouping_has(links: dict[str, Prefixes], fewest: int) -> None:
    """Counts known from the theory: a crown of n needs the least k with C(k, k/2) >= n."""
    assert len(fewest_rectangles(links, **WIDE)) == fewest
    by_prefixes = len(set(links.values()))
    receiving = {
        tuple(there for there, some in links.items() if f"{one}/" in some) for one in "abcdef"
    }
    assert fewest < min(by_prefixes, len(receiving - {()}))


def test_the_smallest_links_that_both_groupings_miss() -> None:
    """Three sets of prefixes and three sets of destinations, but two rectangles."""
    links = {
        "A": ("base/", "shop/"),
        "B": ("base/", "lake/"),
        "C": ("base/", "lake/", "shop/"),
    }
    assert fewest_rectangles(links, **WIDE) == (
        rectangle("BC", "base/", "lake/"),
        rectangle("AC", "base/", "shop/"),
    )


def test_what_a_shorter_prefix_implies_is_free() -> None:
    """A has all of `a/`, so it may be listed with C's longer prefix and share a rectangle."""
    links = {"A": ("a/", "b/"), "B": ("a/",), "C": ("a/x/", "b/")}
    assert fewest_rectangles(links, **WIDE) == (
        rectangle("AB", "a/"),
        rectangle("AC", "a/x/", "b/"),
    )
    links["C"] = ("b/", "x/")
    assert len(fewest_rectangles(links, **WIDE)) == 3


def test_every_repository_takes_one_rectangle_for_all_that_have_it() -> None:
    """It is alone in its rectangle, and such a destination appears nowhere else."""
    links = {"A": EVERY_REPOSITORY, "B": ("a/",), "C": EVERY_REPOSITORY, "D": ("a/", "b/")}
    found = fewest_rectangles(links, **WIDE)
    assert found[0] == rectangle("AC", "")
    assert len(found) == 3


def test_where_a_grouping_is_as_good_it_is_taken() -> None:
    """Each destination is listed once then, which reads best."""
    links = {"A": ("a/",), "B": ("a/", "b/"), "C": ("a/", "b/"), "D": ("c/",)}
    assert fewest_rectangles(links, **WIDE) == (
        rectangle("A", "a/"),
        rectangle("BC", "a/", "b/"),
        rectangle("D", "c/"),
    )


def test_nothing_takes_no_rectangle() -> None:
    """No links, or destinations without any."""
    assert fewest_rectangles({}, **WIDE) == ()
    assert fewest_rectangles({"A": ()}, **WIDE) == ()
    assert lower_bound({}, **WIDE) == 0


@pytest.mark.parametrize(("routes", "seed"), [(3, 1), (6, 2), (8, 3), (10, 4), (12, 5)])
def test_routes_are_found_again_in_large_relations(routes: int, seed: int, meaning: Any) -> None:
    """25 destinations, 200 prefixes: never more rectangles than the routes behind them."""
    links = planted(random.Random(seed), 25, 200, routes)
    found = fewest_rectangles(links, **WIDE)
    assert len(found) == lower_bound(links, **WIDE) <= routes
    assert meaning(found) == links
