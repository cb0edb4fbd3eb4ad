"""Needs as a grid of bits and blocks as boxes in it: whole numbers instead of sets.

A cell is one action of one row on one prefix; sources with the same needs are one row. Sets of
rows, actions, prefixes and cells are integers with a bit for each member, so that a search can
compare whole statements at once. A box never holds a cell that is not allowed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from fleet_repl.grants.blocks import Actions, Block, Lengths, Needs
from fleet_repl.names import AccountId


class Box(NamedTuple):
    """Some actions of some rows on some prefixes."""

    actions: int
    rows: int
    prefixes: int


class Grid:
    """All needs of one registry. Remembers what it has worked out about boxes."""

    def __init__(self, needs: Needs, lengths: Lengths) -> None:
        alike: dict[tuple[tuple[str, Actions], ...], list[AccountId]] = defaultdict(list)
        for source in sorted(needs):
            alike[tuple(sorted(needs[source].items()))].append(source)
        named = {(prefix, action) for row in alike for prefix, some in row for action in some}
        self._rows = tuple(alike.values())
        self._prefixes = tuple(sorted({prefix for prefix, _ in named}))
        self._actions = tuple(sorted({action for _, action in named}, reverse=True))
        self._lengths = lengths
        self._width = len(self._prefixes)
        self._row_width = self._width * len(self._actions)
        self._cells: dict[Box, int] = {}
        self._costs: dict[Box, int] = {}
        self._shrunk: dict[tuple[Box, int], Box] = {}
        by_row = [self._needed(dict(row)) for row in alike]
        self.needed = union(
            some << row * self._row_width + action * self._width
            for row, by_action in enumerate(by_row)
            for action, some in enumerate(by_action)
        )
        """The cells that have to be in some box."""
        self._allowed = self._implied(by_row)

    @property
    def size(self) -> int:
        """The number of cells."""
        return len(self._rows) * self._row_width

    def box(self, block: Block) -> Box:
        """A block by its numbers; it has all sources of a row or none."""
        members = set(block.sources)
        return Box(
            bits(at for at, action in enumerate(self._actions) if action in block.actions),
            bits(at for at, row in enumerate(self._rows) if row[0] in members),
            bits(at for at, prefix in enumerate(self._prefixes) if prefix in block.prefixes),
        )

    def block(self, box: Box) -> Block:
        """The other way round."""
        return Block(
            tuple(sorted(one for row in numbers(box.rows) for one in self._rows[row])),
            tuple(self._actions[one] for one in numbers(box.actions)),
            tuple(self._prefixes[one] for one in numbers(box.prefixes)),
        )

    def cost(self, box: Box) -> int:
        """Characters of the statement."""
        found = self._costs.get(box)
        if found is None:
            found = self._costs[box] = self._lengths.of(self.block(box))
        return found

    def cells(self, box: Box) -> int:
        """The cells in a box."""
        found = self._cells.get(box)
        if found is None:
            row = union(box.prefixes << one * self._width for one in numbers(box.actions))
            found = union(row << one * self._row_width for one in numbers(box.rows))
            self._cells[box] = found
        return found

    def shrunk(self, box: Box, cells: int) -> Box:
        """The smallest box that has these cells of `box`."""
        found = self._shrunk.get((box, cells))
        if found is None:
            found = self._shrunk[box, cells] = self._bounds(box, cells)
        return found

    def widest(self, most: int) -> tuple[Box, ...]:
        """Boxes that cannot be widened, at the most so many for each set of actions; those with
        the most needed cells come first."""
        found = []
        for actions in range(1, 1 << len(self._actions)):
            allowed = [common(row[one] for one in numbers(actions)) for row in self._allowed]
            for prefixes in _closed(allowed, most):
                rows = bits(at for at, some in enumerate(allowed) if not prefixes & ~some)
                found.append(Box(actions, rows, prefixes))
        return tuple(
            sorted(found, key=lambda box: (-(self.cells(box) & self.needed).bit_count(), box))
        )

    def _needed(self, row: dict[str, Actions]) -> list[int]:
        """The prefixes that a row needs, by action."""
        return [
            bits(at for at, prefix in enumerate(self._prefixes) if action in row.get(prefix, ()))
            for action in self._actions
        ]

    def _implied(self, by_row: list[list[int]]) -> list[list[int]]:
        """With the prefixes below those needed: to name them again grants nothing more."""
        below = [
            bits(at for at, other in enumerate(self._prefixes) if other.startswith(prefix))
            for prefix in self._prefixes
        ]
        return [
            [union(below[one] for one in numbers(some)) for some in by_action]
            for by_action in by_row
        ]

    def _bounds(self, box: Box, cells: int) -> Box:
        row_mask, mask = (1 << self._row_width) - 1, (1 << self._width) - 1
        rows = any_row = actions = prefixes = 0
        for row in numbers(box.rows):
            if some := cells >> row * self._row_width & row_mask:
                rows |= 1 << row
                any_row |= some
        for action in numbers(box.actions):
            if some := any_row >> action * self._width & mask:
                actions |= 1 << action
                prefixes |= some
        return Box(actions, rows, prefixes)


def union(sets: Iterable[int]) -> int:
    """What is in any of the sets."""
    found = 0
    for one in sets:
        found |= one
    return found


def common(sets: Iterable[int]) -> int:
    """What is in all of the sets, of which there is at least one."""
    found = -1
    for one in sets:
        found &= one
    return found


def bits(members: Iterable[int]) -> int:
    """The set of these numbers."""
    return union(1 << one for one in members)


def numbers(some: int) -> Iterator[int]:
    """The numbers in a set, from the smallest."""
    while some:
        lowest = some & -some
        yield lowest.bit_length() - 1
        some ^= lowest


def _closed(sets: Iterable[int], most: int) -> list[int]:
    """Sets, what all that share a member have in common, and what any of these have in common."""
    start = sorted(set(sets) - {0})
    shared = (common(one for one in start if one >> at & 1) for at in numbers(union(start)))
    found = dict.fromkeys([*start, *shared])
    fresh = list(found)
    while fresh and len(found) < most:
        new = {one & two for one in fresh for two in start} - found.keys() - {0}
        fresh = sorted(new, key=lambda some: (-some.bit_count(), some))[: most - len(found)]
        found.update(dict.fromkeys(fresh))
    return list(found)
