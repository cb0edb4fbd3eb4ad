"""The search for the shortest text: a cover of the needs, made better box by box.

A box that cannot be widened is added wherever it spares more in the others than it costs, until
none does. A cover never gets longer, so neither plain grouping is ever shorter than what is
found. Steps are counted, time is not looked at: the same needs give the same blocks everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import Final

from fleet_repl.grants.blocks import Block, Lengths, Needs, by_prefix, by_source
from fleet_repl.grants.boxes import Box, Grid, union

AMPLE: Final = 2_048
"""Characters up to which the better plain grouping stays. There is room enough, plain groups are
easier to read, and most registries have a few sources only: they must cost next to nothing."""
MOST_CELLS: Final = 50_000
"""Sources by prefixes by actions up to which it is made. With more of them, to name each source
and each prefix only once takes more than ECR's 10,240 characters already."""
_CANDIDATES: Final = 200
"""Boxes that are tried, for each set of actions."""
_STEPS: Final = 40_000
"""How much of covers one search looks at, in boxes of a thousand cells."""


def shortest(needs: Needs, lengths: Lengths, *, ample: int = AMPLE) -> tuple[Block, ...]:
    """Blocks that mean exactly `needs`, in the shortest text that was found.

    The search is made only where plain groups take more than `ample` characters, and where a
    policy could hold the result.
    """
    plain = by_source(needs)
    if len(plain) < 2:
        return plain
    other = by_prefix(needs)
    if lengths.of_all(other) < lengths.of_all(plain):
        plain, other = other, plain
    if lengths.of_all(plain) <= ample:
        return plain
    grid = Grid(needs, lengths)
    if grid.size > MOST_CELLS:
        return plain
    candidates = grid.widest(_CANDIDATES)
    covers = (
        [grid.box(one) for one in plain],
        [grid.box(one) for one in other],
        _greedy(grid, candidates),
    )
    # The first of equals: needs that change little shall not change the whole text.
    best = min(
        (_improved(grid, one, candidates) for one in covers), key=lambda one: _cost(grid, one)
    )
    return tuple(grid.block(box) for box in best)


def _greedy(grid: Grid, candidates: Sequence[Box]) -> list[Box]:
    """A cover of boxes that each say the most for their length."""
    found: list[Box] = []
    missing = grid.needed
    while missing:
        best = max(
            candidates, key=lambda box: (grid.cells(box) & missing).bit_count() / grid.cost(box)
        )
        found.append(best)
        missing &= ~grid.cells(best)
    return found


def _improved(grid: Grid, cover: list[Box], candidates: Sequence[Box]) -> list[Box]:
    """The cover with candidates added for as long as that pays."""
    cover = _pruned(grid, cover)
    cost = _cost(grid, cover)
    weight = 1 + grid.size // 1_000
    steps, idle, turns = _STEPS, 0, cycle(candidates)
    while idle < len(candidates) and steps > 0:
        changed = _with(grid, cover, next(turns))
        steps -= weight * len(cover)
        idle += 1
        if (now := _cost(grid, changed)) < cost:
            cover, cost, idle = changed, now, 0
    return cover


def _with(grid: Grid, cover: list[Box], one: Box) -> list[Box]:
    """The cover with another box in it, and without what that makes needless."""
    cells = grid.cells(one)
    apart = [box for box in cover if not grid.cells(box) & cells]
    near = [box for box in cover if grid.cells(box) & cells]
    near.sort(key=lambda box: (grid.cost(box), box))
    return apart + _pruned(grid, [*near, one], union(map(grid.cells, apart)))


def _pruned(grid: Grid, boxes: list[Box], covered: int = 0) -> list[Box]:
    """Boxes without the rows, actions and prefixes that the others or `covered` make needless.
    What stands first loses first."""
    later = [0]
    for box in reversed(boxes[1:]):
        later.append(later[-1] | grid.cells(box))
    found = []
    for box in boxes:
        alone = grid.cells(box) & grid.needed & ~(covered | later.pop())
        if alone:
            kept = grid.shrunk(box, alone)
            found.append(kept)
            covered |= grid.cells(kept)
    return found


def _cost(grid: Grid, boxes: Sequence[Box]) -> int:
    return sum(map(grid.cost, boxes))
