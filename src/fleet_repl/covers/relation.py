"""Which destinations want which prefixes, as bits: rows, columns, and what may stand together.

Rows are sets of prefixes that differ; columns are prefixes that no row tells apart. A cell that
is wanted has to be in some rectangle; one that is allowed may be, because a shorter prefix of
its row implies it; every other cell must not be. Nothing here searches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress, count
from typing import Final, NamedTuple

from fleet_repl.prefixes import Prefixes

DENSE: Final = 8
"""A set with more than one in so many bits is gone through bit by bit."""


class Block(NamedTuple):
    """A rectangle as bits: every row of `rows` with every column of `columns`."""

    rows: int
    columns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """Which cells are wanted and allowed, as bits both ways."""

    wanted: tuple[int, ...]
    """Per row, the columns that it wants."""
    allowed: tuple[int, ...]
    """Per row, the columns that it may stand with."""
    wanted_by: tuple[int, ...]
    """Per column, the rows that want it."""
    allowed_by: tuple[int, ...]
    """Per column, the rows that may stand with it."""

    def turned(self) -> Relation:
        """The same with rows and columns swapped."""
        return Relation(
            wanted=self.wanted_by,
            allowed=self.allowed_by,
            wanted_by=self.wanted,
            allowed_by=self.allowed,
        )


def bits(mask: int) -> Iterator[int]:
    """The numbers of the bits that are set, from the lowest."""
    if mask.bit_count() * DENSE > mask.bit_length():
        # Going through all of them in C is faster than taking out each in Python.
        return compress(count(), map("1".__eq__, bin(mask)[:1:-1]))
    return _few_bits(mask)


def _few_bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def relation_of(rows: Sequence[Prefixes], *, merge: bool = True) -> tuple[Relation, list[Prefixes]]:
    """The relation of rows, each a reduced set with something in it, and its columns' prefixes.

    Prefixes that the same rows want and the same rows imply make one column, unless told not to.
    """
    wanting: dict[str, int] = {}
    for number, row in enumerate(rows):
        for prefix in row:
            wanting[prefix] = wanting.get(prefix, 0) | 1 << number
    columns: dict[tuple[int, int] | str, list[str]] = {}
    masks: list[tuple[int, int]] = []
    # Sorted order puts a prefix before all that it implies; the shorter ones are still open.
    shorter: list[tuple[str, int]] = [("", 0)]
    for prefix in sorted(wanting):
        while not prefix.startswith(shorter[-1][0]):
            shorter.pop()
        both = (wanting[prefix], wanting[prefix] | shorter[-1][1])
        shorter.append((prefix, both[1]))
        key = both if merge else prefix
        if key not in columns:
            masks.append(both)
        columns.setdefault(key, []).append(prefix)
    wanted_by, allowed_by = zip(*masks, strict=True)
    relation = Relation(
        wanted=_turned(wanted_by, len(rows)),
        allowed=_turned(allowed_by, len(rows)),
        wanted_by=wanted_by,
        allowed_by=allowed_by,
    )
    return relation, [tuple(prefixes) for prefixes in columns.values()]


def components(relation: Relation) -> list[int]:
    """Sets of rows, in bits, of which no two can meet in a rectangle."""
    found: list[tuple[int, int]] = []
    for number, allowed in enumerate(relation.allowed):
        rows, columns, apart = 1 << number, allowed, []
        for part in found:
            if part[1] & columns:
                rows, columns = rows | part[0], columns | part[1]
            else:
                apart.append(part)
        found = [*apart, (rows, columns)]
    return sorted((rows for rows, _ in found), key=lambda rows: rows & -rows)


def by_rows(relation: Relation) -> list[Block]:
    """One block for each row."""
    return [Block(1 << row, wanted) for row, wanted in enumerate(relation.wanted)]


def by_columns(relation: Relation) -> list[Block]:
    """One block for all columns that the same rows want."""
    sharing: dict[int, int] = {}
    for column, rows in enumerate(relation.wanted_by):
        sharing[rows] = sharing.get(rows, 0) | 1 << column
    return [Block(rows, columns) for rows, columns in sharing.items()]


def trimmed(relation: Relation, blocks: Sequence[Block]) -> list[Block]:
    """The blocks without rows, columns and whole blocks that add nothing to the others.

    Small blocks shrink first, so that what most share is said once.
    """
    kept = sorted(blocks, key=lambda one: (one.rows.bit_count() * one.columns.bit_count(), one))
    for place, block in enumerate(kept):
        others = [one for one in kept if one is not block]
        kept[place] = _needed(relation, block, others)
    return [one for one in kept if one.rows]


def _needed(relation: Relation, block: Block, others: Sequence[Block]) -> Block:
    alone: dict[int, int] = {}
    columns = 0
    for row in bits(block.rows):
        left = relation.wanted[row] & block.columns
        for other in others:
            if other.rows >> row & 1:
                left &= ~other.columns
        if left:
            alone[row] = left
            columns |= left
    return Block(sum(1 << row for row in alone), columns)


def _turned(masks: Sequence[int], width: int) -> tuple[int, ...]:
    turned = [0] * width
    for number, mask in enumerate(masks):
        one = 1 << number
        for bit in bits(mask):
            turned[bit] |= one
    return tuple(turned)
