"""Registries whose changes read the same, as groups with one block of text each.

For example, each of 20 hubs gets links from 30 spokes of its own. Their blocks differ in the spokes
only, so they are folded into one block that says `from 30 registries each`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from fleet_repl.reports.text.changes import Block, Line
from fleet_repl.reports.text.page import EXAMPLES
from fleet_repl.values.names import Registry
from fleet_repl.values.text import counted

Group: TypeAlias = "tuple[Block, list[Registry]]"
"""A block and the registries that it is about."""


def grouped(blocks: Mapping[Registry, Block], *, each: bool) -> list[Group]:
    """Returns each block once, with its registries; dangerous blocks come first.

    `each`: every registry keeps a block of its own. Otherwise equal blocks become one, and so do
    more than EXAMPLES blocks that differ only in the other ends of their links.
    """
    if each:
        groups: Iterable[Group] = [(block, [registry]) for registry, block in blocks.items()]
    else:
        groups = _folded(_alike(blocks))
    return sorted(groups, key=lambda group: not group[0].is_dangerous)


def _alike(blocks: Mapping[Registry, Block]) -> Iterable[Group]:
    """Returns equal blocks once, with their registries. The lines of a mesh become equal here.

    In a mesh of a, b and c, the line of a is `to b, c` and that of b is `to a, c`. With the
    registry itself among the ends, both are `to the others of a, b, c`. A line is widened so only
    where it equals no other line as it is, and equals another line when widened.
    """
    plain = Counter(line for block in blocks.values() for line in block.lines)
    widened = Counter(
        _to_others(line, registry) for registry, block in blocks.items() for line in block.lines
    )
    groups: dict[Block, list[Registry]] = {}
    for registry, block in blocks.items():
        lines = {line: _to_others(line, registry) for line in block.lines if plain[line] == 1}
        shared = {line: other for line, other in lines.items() if widened[other] > 1}
        groups.setdefault(block.with_lines(shared), []).append(registry)
    return groups.items()


def _to_others(line: Line, registry: Registry) -> Line:
    """Returns the line with the registry itself among its ends, which then says `the others`."""
    if len(line.ends) < 2:
        return line
    return replace(line, ends=line.ends | {registry}, others=True)


def _folded(groups: Iterable[Group]) -> Iterator[Group]:
    """Yields groups; those whose blocks differ only in their ends as one, if they are many."""
    shapes: dict[Block, list[Group]] = {}
    for block, members in groups:
        bare = {line: replace(line, ends=frozenset(), others=False) for line in block.lines}
        shapes.setdefault(block.with_lines(bare), []).append((block, members))
    for some in shapes.values():
        if len(some) <= EXAMPLES:
            yield from some
        else:
            yield _merged(some), [registry for _, members in some for registry in members]


def _merged(groups: Sequence[Group]) -> Block:
    """Returns a block that gives, for each line, the number of ends per registry and all ends."""
    first = groups[0][0]
    together = {}
    for line, *others in zip(*(block.lines for block, _ in groups), strict=True):
        lines = (line, *others)
        if line.ends:
            numbers = {len(alternative.ends) - alternative.others for alternative in lines}
            most = ("up to " if len(numbers) > 1 else "") + counted(max(numbers), "registry")
            ends = frozenset[Registry]().union(*(alternative.ends for alternative in lines))
            together[line] = replace(line, ends=ends, others=False, each=f"{most} each")
    return first.with_lines(together)
