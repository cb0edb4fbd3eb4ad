"""The fewest rectangles for the cells of a board, by branch and bound.

As cells either can share a rectangle or cannot, this is the colouring of a graph: cells that
exclude each other bound it from below, and the cell with the fewest choices comes next. Effort
is counted, never timed, so the same cells always get the same answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple, TypeAlias

from fleet_repl.covers.board import Board
from fleet_repl.covers.relation import Block, bits

Price: TypeAlias = Callable[[Block], int]
"""How many rules a block takes, one at least; a larger block never takes fewer."""

LOOK_AHEAD: Final = 6
STEP: Final = 8
"""The effort that a step takes, and one more for each group that it goes through."""


def one_rule(_: Block) -> int:
    """The price of a block where a rule may be of any size."""
    return 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search came by."""

    blocks: tuple[Block, ...]
    bound: int
    """What no cover is cheaper than; the price of this one, if it is known to be the cheapest."""
    effort: int
    """What is left of it."""


class _Group(NamedTuple):
    """A block as it grows."""

    block: Block
    in_rows: int
    in_columns: int
    room: int
    """Cells that still fit in, those in the block included."""
    price: int


class _State(NamedTuple):
    left: int
    """Cells in no block."""
    groups: tuple[_Group, ...]
    price: int


class _Move(NamedTuple):
    """A state in which one group is replaced, or one more is opened."""

    state: _State
    place: int
    group: _Group
    price: int
    """Of the state after it."""


class Search:
    """The search for one part of a board."""

    __slots__ = ("_board", "_part", "_price")

    def __init__(self, board: Board, part: int, price: Price = one_rule) -> None:
        self._board = board
        self._part = part
        self._price = price

    def run(self, effort: int, most: int) -> Found:
        """The cheapest cover below `most`, or none; exact if effort is left over."""
        rivals = self._board.rivals(self._part)
        start = _State(self._part, (), 0)
        *others, last = (self._alone(cell) for cell in rivals)
        for group in others:
            start = _after(_opened(start, group))
        moves = [_opened(start, last)]
        blocks: tuple[Block, ...] = ()
        while moves and effort > 0 and most > len(rivals):
            move = moves.pop()
            if move.price < most:
                state = _after(move)
                effort -= STEP + len(state.groups)
                if state.left:
                    moves += self._moves(state, most)
                else:
                    blocks, most = tuple(group.block for group in state.groups), state.price
        bound = len(rivals) if effort <= 0 else most
        return Found(blocks=blocks, bound=bound, effort=effort)

    def _moves(self, state: _State, most: int) -> list[_Move]:
        """What can be done with the next cell, the most promising last."""
        cell = self._next_cell(state, most)
        if cell is None:
            return []
        ranked: list[tuple[int, int, _Move]] = []
        for place, group in enumerate(state.groups):
            if group.room >> cell & 1:
                move = self._joined(state, place, cell)
                room = group.room & state.left
                lost = (room & ~move.group.room).bit_count()
                if not lost and self._price is one_rule:
                    # Whatever may still join the group goes with the cell: no choice is better.
                    return [move]
                ranked.append((move.price, 1000 * lost // room.bit_count(), move))
        ranked.sort(key=lambda one: one[:2], reverse=True)
        moves = [_opened(state, self._alone(cell)), *(move for _, _, move in ranked)]
        return [move for move in moves if move.price < most]

    def _next_cell(self, state: _State, most: int) -> int | None:
        """The cell with the fewest choices, or None if the rest takes too much."""
        once = twice = thrice = 0
        for group in state.groups:
            thrice |= twice & group.room
            twice |= once & group.room
            once |= group.room
        lonely = state.left & ~once
        if lonely and state.price + self._board.apart(lonely) >= most:
            return None
        near = self._board.near
        few = lonely or state.left & ~twice or state.left & ~thrice or state.left
        return min(
            islice(bits(few), LOOK_AHEAD), key=lambda one: (near[one] & state.left).bit_count()
        )

    def _alone(self, cell: int) -> _Group:
        board, (row, column) = self._board, self._board.cells[cell]
        block = Block(1 << row, 1 << column)
        price = self._price(block)
        return _Group(block, board.in_row[row], board.in_column[column], board.near[cell], price)

    def _joined(self, state: _State, place: int, cell: int) -> _Move:
        group, board, (row, column) = state.groups[place], self._board, self._board.cells[cell]
        block = Block(group.block.rows | 1 << row, group.block.columns | 1 << column)
        grown = _Group(
            block,
            group.in_rows | board.in_row[row],
            group.in_columns | board.in_column[column],
            group.room & board.near[cell],
            self._price(block),
        )
        return _Move(state, place, grown, state.price + grown.price - group.price)


def _opened(state: _State, group: _Group) -> _Move:
    return _Move(state, len(state.groups), group, state.price + group.price)


def _after(move: _Move) -> _State:
    groups, group, place = move.state.groups, move.group, move.place
    return _State(
        move.state.left & ~(group.in_rows & group.in_columns),
        (*groups[:place], group, *groups[place + 1 :]),
        move.price,
    )
