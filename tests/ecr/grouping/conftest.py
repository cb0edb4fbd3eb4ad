"""A second way to the fewest rectangles: plain sets, every rectangle, every choice of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import TypeAlias

import pytest

from fleet_repl.ecr.grouping import Group
from fleet_repl.values.prefixes import Prefixes, covers, reduce

Links: TypeAlias = Mapping[str, Prefixes]
Cells: TypeAlias = frozenset[tuple[str, str]]
Oracle: TypeAlias = Callable[..., int]
Meaning: TypeAlias = Callable[[tuple[Group[str], ...]], dict[str, Prefixes]]


def _subsets(items: tuple[str, ...], most: int) -> list[tuple[str, ...]]:
    return [
        some for size in range(1, min(most, len(items)) + 1) for some in combinations(items, size)
    ]


def _rectangles(links: Links, most_prefixes: int, most_members: int) -> set[Cells]:
    """The links that each allowed rectangle has, for every rectangle that has any."""
    prefixes = tuple(sorted({item for some in links.values() for item in some}))
    rectangles: set[Cells] = set()
    for destinations in _subsets(tuple(links), most_members):
        allowed = tuple(
            prefix
            for prefix in prefixes
            if all(covers(links[there], prefix) for there in destinations)
        )
        # Without a limit that bites, more prefixes are never worse.
        whole = [allowed] if len(allowed) <= most_prefixes else _subsets(allowed, most_prefixes)
        for some in whole:
            cells = {
                (there, item) for there in destinations for item in some if item in links[there]
            }
            rectangles.add(frozenset(cells))
    return {item for item in rectangles if not any(item < other for other in rectangles)}


def _fewest(wanted: Cells, rectangles: set[Cells], most: int) -> int | None:
    """How many of the rectangles cover all that is wanted, if `most` of them can."""
    if not wanted:
        return 0
    if most <= 0:
        return None
    best = None
    hardest = min(
        sorted(wanted), key=lambda cell: sum(cell in rectangle for rectangle in rectangles)
    )
    for rectangle in rectangles:
        if hardest in rectangle:
            rest = _fewest(wanted - rectangle, rectangles, (most if best is None else best - 1) - 1)
            best = best if rest is None else rest + 1
    return best


@pytest.fixture(scope="session")
def fewest_by_force() -> Oracle:
    """The least number of rectangles, by trying all of them."""

    def fewest(links: Links, *, most_prefixes: int = 99, most_members: int = 99) -> int:
        wanted = frozenset((there, item) for there, some in links.items() for item in some)
        links = {there: some for there, some in links.items() if some}
        least = _fewest(wanted, _rectangles(links, most_prefixes, most_members), len(wanted))
        assert least is not None
        return least

    return fewest


@pytest.fixture(scope="session")
def meaning() -> Meaning:
    """The links that rectangles make together."""

    def meaning(rectangles: tuple[Group[str], ...]) -> dict[str, Prefixes]:
        linked: dict[str, list[str]] = {}
        for rectangle in rectangles:
            for there in rectangle.members:
                linked.setdefault(there, []).extend(rectangle.prefixes)
        return {there: reduce(some) for there, some in linked.items()}

    return meaning
