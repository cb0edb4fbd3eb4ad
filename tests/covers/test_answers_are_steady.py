"""The same links get the same rectangles, whatever their order, and however hard they are."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from fleet_repl.covers import fewest_rectangles, lower_bound
from fleet_repl.prefixes import Prefixes, reduce

WIDE: Mapping[str, int] = {"most_prefixes": 1000, "most_destinations": 1000}
PREFIXES = st.lists(st.text("ab", min_size=1, max_size=3), max_size=5).map(reduce)
LINKS = st.dictionaries(st.integers(0, 9), PREFIXES, max_size=9)
HARD = """
import random
from fleet_repl.covers import fewest_rectangles
source = random.Random(5)
links = {
    f"D{row:02}": tuple(f"p{column:02}/" for column in range(16) if source.random() < 0.7)
    for row in range(14)
}
print(fewest_rectangles(links, most_prefixes=9, most_destinations=6))
"""


def scattered(seed: int, destinations: int, prefixes: int, share: float) -> dict[str, Prefixes]:
    """Links without any order in them, the hardest there are."""
    source = random.Random(seed)
    return {
        f"D{row:02}": tuple(f"p{one:03}/" for one in range(prefixes) if source.random() < share)
        for row in range(destinations)
    }


@given(links=LINKS, source=st.randoms(use_true_random=False))
def test_order_makes_no_difference(links: dict[int, Prefixes], source: random.Random) -> None:
    """The mapping's order has no say in which rectangles, nor in their order."""
    shuffled = list(links.items())
    source.shuffle(shuffled)
    assert fewest_rectangles(dict(shuffled), **WIDE) == fewest_rectangles(links, **WIDE)


@given(links=LINKS)
def test_names_of_destinations_make_no_difference_to_the_shape(
    links: dict[int, Prefixes],
) -> None:
    """Renamed so that they sort the other way round, they get the same rectangles renamed."""
    turned = fewest_rectangles({-one: some for one, some in links.items()}, **WIDE)
    again = {(tuple(sorted(-one for one in some.destinations)), some.prefixes) for some in turned}
    found = fewest_rectangles(links, **WIDE)
    assert again == {(some.destinations, some.prefixes) for some in found}


def test_the_seed_of_hashes_makes_no_difference() -> None:
    """Two processes with other seeds, on links that the search has to work for."""
    answers = {
        subprocess.run(
            [sys.executable, "-c", HARD],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(answers) == 1


@given(links=LINKS, more=st.integers(10, 12))
def test_a_further_destination_takes_one_rectangle_at_the_most(
    links: dict[int, Prefixes], more: int
) -> None:
    """Never fewer than without it; none more with a set of prefixes that is there already."""
    known = len(fewest_rectangles(links, **WIDE))
    for prefixes in (*links.values(), ("a",), ("ab", "ba")):
        found = len(fewest_rectangles({**links, more: prefixes}, **WIDE))
        assert known <= found <= known + (prefixes not in links.values())


def test_large_links_without_any_order_are_covered_all_the_same() -> None:
    """What cannot be solved is still exact, and no worse than a grouping."""
    for share in (0.3, 0.7, 0.9):
        links = scattered(1, 25, 200, share)
        found = fewest_rectangles(links, **WIDE)
        again: dict[str, set[str]] = {}
        for one in found:
            for there in one.destinations:
                again.setdefault(there, set()).update(one.prefixes)
        assert again == {there: set(some) for there, some in links.items()}
        assert lower_bound(links, **WIDE) <= len(found) <= 25


def test_links_far_beyond_any_registry_are_grouped() -> None:
    """Hundreds of destinations with thousands of links: no search, and an answer still."""
    links = scattered(2, 120, 150, 0.5)
    assert 1 <= lower_bound(links, **WIDE) <= len(fewest_rectangles(links, **WIDE)) <= 120
