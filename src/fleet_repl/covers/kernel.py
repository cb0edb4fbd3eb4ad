"""What is left of a relation once everything that decides itself is taken out.

A cell follows another if every rectangle with the other can take it in as well; a cell whose
possible companions all fit into one rectangle decides that rectangle. Both are exact: a fewest
cover of the cells left open, and what was decided, make a fewest cover of all. (Reductions after
Ene et al., "Fast exact and heuristic methods for role minimization problems", 2008.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

from fleet_repl.covers.relation import Block, Relation, bits

Cell: TypeAlias = tuple[int, int]
"""Row and column."""

LOOKS: Final = 2_000
"""Cells looked at, after which a large relation is taken as it is."""


class Kernel:
    """A relation while cells are taken out of it."""

    __slots__ = ("_allowed_rows", "_decided", "_follows", "_open", "_relation")

    def __init__(self, relation: Relation) -> None:
        """Reduces at once; time grows with the cells, and is bounded."""
        self._relation = relation
        self._allowed_rows = [tuple(bits(rows)) for rows in relation.allowed_by]
        self._open = list(relation.wanted)
        self._decided: list[Block] = []
        self._follows: list[tuple[Cell, Block]] = []
        self._reduce()

    @property
    def cells(self) -> list[Cell]:
        """Those still open."""
        return [(row, column) for row, open_ in enumerate(self._open) for column in bits(open_)]

    @property
    def decided(self) -> int:
        """How many rectangles are sure already."""
        return len(self._decided)

    def whole(self, blocks: Sequence[Block]) -> list[Block]:
        """A cover of the relation, from one of the cells left open: as many, and the decided."""
        found = [*blocks, *self._decided]
        # Cells may join where the one they follow is: all others there were open with them.
        for (row, column), followers in reversed(self._follows):
            place, block = next(
                (place, block)
                for place, block in enumerate(found)
                if block.rows >> row & block.columns >> column & 1
            )
            found[place] = Block(block.rows | followers.rows, block.columns | followers.columns)
        return found

    def _reduce(self) -> None:
        looks, before, cells = LOOKS, 0, self.cells
        while looks > 0 and len(cells) != before:
            for row, column in cells[:looks]:
                if self._open[row] >> column & 1:
                    self._settle(row, column)
            looks -= len(cells)
            before, cells = len(cells), self.cells

    def _settle(self, row: int, column: int) -> None:
        """Take out what the cell decides."""
        allowed, open_ = self._relation.allowed, self._open
        beside, below = allowed[row], self._allowed_rows[column]
        # The companions' rows and columns, and the columns that all those rows allow.
        rows, columns, common = 0, 0, beside
        for other in below:
            if companions := open_[other] & beside:
                rows |= 1 << other
                columns |= companions
                common &= allowed[other]
        if not columns & ~common:
            self._decided.append(Block(rows, columns))
            for other in bits(rows):
                open_[other] &= ~columns
            return
        self._follow((row, column), columns, common)

    def _follow(self, leader: Cell, columns: int, common: int) -> None:
        """Take out the cells that go with all companions of the leader."""
        rows_taken = columns_taken = 0
        for other in self._allowed_rows[leader[1]]:
            if not columns & ~self._relation.allowed[other]:
                taken = self._open[other] & common
                if other == leader[0]:
                    taken &= ~(1 << leader[1])
                if taken:
                    rows_taken |= 1 << other
                    columns_taken |= taken
                    self._open[other] &= ~taken
        if rows_taken:
            self._follows.append((leader, Block(rows_taken, columns_taken)))
