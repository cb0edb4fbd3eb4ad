"""The fewest blocks that cover a relation: groupings, reductions and search, put together.

Exact while the search's effort lasts, and never more than the better of the two groupings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fleet_repl.covers.board import Board
from fleet_repl.covers.kernel import Cell, Kernel
from fleet_repl.covers.relation import Block, Relation, bits, by_columns, by_rows, trimmed
from fleet_repl.covers.search import Price, Search, one_rule

EFFORT: Final = 35_000
"""What a search may take; less where there are so many cells that each step takes longer."""
MOST_CELLS: Final = 4_096
"""Among more cells a search would come to nothing with that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """Blocks that hold every wanted cell, and none that is not allowed."""

    blocks: tuple[Block, ...]
    bound: int
    """What no cover is cheaper than; the price of this one, if it is known to be the cheapest."""


def fewest(relation: Relation) -> Cover:
    """As few blocks as are found; one of the groupings where that is as few."""
    grouped = min(by_rows(relation), by_columns(relation), key=len)
    most = len(grouped)
    # One block would do only if all rows, or all columns, were the same.
    found = Cover(blocks=(), bound=min(most, 2)) if most <= 2 else _reduced(relation, most)
    better = found.blocks and len(found.blocks) < most
    blocks = trimmed(relation, found.blocks) if better else grouped
    return Cover(blocks=tuple(blocks), bound=found.bound)


def cheapest(relation: Relation, price: Price, known: Cover) -> Cover:
    """Blocks at as low a price as is found, in total; `known` is the fewest, whatever they cost.

    Reductions do not hold where a larger block costs more, so it is searched as it is.
    """
    candidates = [by_rows(relation), by_columns(relation), known.blocks]
    best = min(candidates, key=lambda blocks: sum(map(price, blocks)))
    cells = [(row, column) for row, wanted in enumerate(relation.wanted) for column in bits(wanted)]
    found = _searched(relation, cells, sum(map(price, best)), price)
    if found.blocks and sum(map(price, found.blocks)) < sum(map(price, best)):
        best = found.blocks
    return Cover(blocks=tuple(best), bound=max(found.bound, known.bound))


def _reduced(relation: Relation, most: int) -> Cover:
    """The fewest blocks, if they are fewer than `most`, by way of the kernel."""
    if len(relation.wanted) > len(relation.wanted_by):
        turned = _reduced(relation.turned(), most)
        blocks = tuple(Block(rows, columns) for columns, rows in turned.blocks)
        return Cover(blocks=blocks, bound=turned.bound)
    kernel = Kernel(relation)
    found = _searched(relation, kernel.cells, most - kernel.decided)
    whole = kernel.whole(found.blocks) if found.blocks or not kernel.cells else ()
    return Cover(blocks=tuple(whole), bound=kernel.decided + found.bound)


def _searched(
    relation: Relation, cells: Sequence[Cell], most: int, price: Price = one_rule
) -> Cover:
    """The cheapest blocks that hold the cells; maybe none if that is not below `most`."""
    if len(cells) > MOST_CELLS:
        return Cover(blocks=(), bound=1)
    board, blocks, bound = Board(relation, cells), list[Block](), 0
    effort = EFFORT * 1000 // (1000 + len(cells))
    for part in board.parts():
        plain = min(board.lines(part), key=lambda lines: sum(map(price, lines)))
        below = min(most, sum(map(price, plain)))
        found = Search(board, part, price).run(effort, below)
        effort = found.effort
        blocks += found.blocks or plain
        bound += found.bound
    return Cover(blocks=tuple(blocks), bound=bound)
