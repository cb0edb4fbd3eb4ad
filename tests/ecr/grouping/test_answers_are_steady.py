"""The same links get the same groups, whatever their order, and however hard they are."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Mapping
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, strategies as st

from fleet_repl.ecr.grouping import MOST_CELLS, fewest_groups, overlapping
from fleet_repl.values.prefixes import Prefixes, reduce

WIDE: Mapping[str, int] = {"most_prefixes": 1000, "most_members": 1000}
PREFIXES = st.lists(st.text("ab", min_size=1, max_size=3), max_size=5).map(reduce)
LINKS = st.dictionaries(st.integers(0, 9), PREFIXES, max_size=9)
HARD = """
import random
from fleet_repl.ecr.grouping import MOST_CELLS, fewest_groups, overlapping
source = random.Random(5)
links = {
    f"D{row:02}": tuple(f"p{column:02}/" for column in range(16) if source.random() < 0.7)
    for row in range(14)
}
print(fewest_groups(links, most_prefixes=9, most_members=6))
"""


def scattered(seed: int, destinations: int, prefixes: int, share: float) -> dict[str, Prefixes]:
    """Links without any order in them, the hardest there are."""
    source = random.Random(seed)
    return {
        f"D{row:02}": tuple(
            f"p{number:03}/" for number in range(prefixes) if source.random() < share
        )
        for row in range(destinations)
    }


@given(links=LINKS, source=st.randoms(use_true_random=False))
def test_order_makes_no_difference(links: dict[int, Prefixes], source: random.Random) -> None:
    """The mapping's order has no say in which groups, nor in their order."""
    shuffled = list(links.items())
    source.shuffle(shuffled)
    assert fewest_groups(dict(shuffled), **WIDE) == fewest_groups(links, **WIDE)


@given(links=LINKS)
def test_names_of_destinations_make_no_difference_to_the_shape(
    links: dict[int, Prefixes],
) -> None:
    """Renamed so that they sort the other way round, they get the same groups renamed."""
    turned = fewest_groups({-destination: some for destination, some in links.items()}, **WIDE)
    again = {(tuple(sorted(-member for member in some.members)), some.prefixes) for some in turned}
    groups = fewest_groups(links, **WIDE)
    assert again == {(some.members, some.prefixes) for some in groups}


def test_the_seed_of_hashes_makes_no_difference() -> None:
    """Two processes with other seeds, on links for which groups overlap."""
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


def test_large_links_without_any_order_are_covered_all_the_same() -> None:
    """Where no groups overlap well, they are still exact, and no more than plain ones."""
    for share in (0.3, 0.7, 0.9):
        links = scattered(1, 25, 200, share)
        groups = fewest_groups(links, **WIDE)
        again: dict[str, set[str]] = {}
        for group in groups:
            for there in group.members:
                again.setdefault(there, set()).update(group.prefixes)
        assert again == {there: set(some) for there, some in links.items()}
        assert len(groups) <= 25


def test_links_far_beyond_any_registry_are_grouped() -> None:
    """Hundreds of destinations with thousands of links: no search, and an answer still."""
    links = scattered(2, 120, 150, 0.5)
    assert 1 <= len(fewest_groups(links, **WIDE)) <= 120


@pytest.mark.parametrize(("destinations", "prefixes"), [(25, 655), (100, 163)])
def test_the_work_is_bounded(destinations: int, prefixes: int) -> None:
    """The hardest links for which groups may overlap: calls are counted, built-in ones included."""
    links = scattered(3, destinations, prefixes, 0.5)
    calls = 0

    def see(_: FrameType, event: str, __: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(see)
    try:
        overlapping(links, lambda *_: 1)
    finally:
        sys.setprofile(before)
    assert calls < 40 * MOST_CELLS
