"""Cells by number, and which of them can share a rectangle.

Two cells can when the rectangle's other two corners are allowed; cells of which any two can
share one all fit into one together. Sets of cells are bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from fleet_repl.covers.kernel import Cell
from fleet_repl.covers.relation import Block, Relation, bits

STARTS: Final = 4


class Board:
    """Cells in the order of their numbers, those that share with few first."""

    __slots__ = ("cells", "in_column", "in_row", "near")

    def __init__(self, relation: Relation, cells: Sequence[Cell]) -> None:
        columns_of, rows_of = relation.allowed, relation.allowed_by

        def companions(cell: Cell) -> tuple[int, Cell]:
            return columns_of[cell[0]].bit_count() * rows_of[cell[1]].bit_count(), cell

        self.cells = sorted(cells, key=companions)
        self.in_row = [0] * len(columns_of)
        self.in_column = [0] * len(rows_of)
        for number, (row, column) in enumerate(self.cells):
            self.in_row[row] |= 1 << number
            self.in_column[column] |= 1 << number
        beside = [_union(self.in_column, columns) for columns in columns_of]
        below = [_union(self.in_row, rows) for rows in rows_of]
        self.near = [beside[row] & below[column] for row, column in self.cells]
        """For each cell those that can share a rectangle with it, itself included."""

    def parts(self) -> Iterator[int]:
        """Sets of cells that share nothing with each other."""
        left = (1 << len(self.cells)) - 1
        while left:
            part, edge = 0, left & -left
            while edge:
                part |= edge
                edge = _union(self.near, edge) & ~part
            yield part
            left &= ~part

    def lines(self, part: int) -> tuple[list[Block], list[Block]]:
        """The part's cells row by row, and column by column."""
        rows: dict[int, int] = {}
        columns: dict[int, int] = {}
        for row, column in (self.cells[cell] for cell in bits(part)):
            rows[row] = rows.get(row, 0) | 1 << column
            columns[column] = columns.get(column, 0) | 1 << row
        return (
            [Block(1 << row, mask) for row, mask in rows.items()],
            [Block(mask, 1 << column) for column, mask in columns.items()],
        )

    def rivals(self, part: int) -> list[int]:
        """Cells of which no two can share a rectangle: many of them, but not always the most."""
        found: list[int] = []
        for start in islice(bits(part), STARTS):
            rivals, left = [start], part & ~self.near[start]
            while left:
                rivals.append(self._next_rival(left))
                left &= ~self.near[rivals[-1]]
            found = max(found, rivals, key=len)
        return found

    def apart(self, cells: int) -> int:
        """How many of the cells share nothing, at the least, counted quickly."""
        count = 0
        while cells:
            cells &= ~self.near[(cells & -cells).bit_length() - 1]
            count += 1
        return count

    def _next_rival(self, left: int) -> int:
        # A row holds one rival at most: the row with the fewest cells left is the most pressing.
        row = min(filter(None, (row & left for row in self.in_row)), key=int.bit_count)
        return max(bits(row), key=lambda cell: (left & ~self.near[cell]).bit_count())


def _union(sets: Sequence[int], numbers: int) -> int:
    union = 0
    for number in bits(numbers):
        union |= sets[number]
    return union
