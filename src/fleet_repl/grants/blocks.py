"""Blocks, how long they get as statements, and the two plain ways to find some.

By equal needs of sources, and by equal sources of prefixes: either can be many times as long
as the other, and both as what the search finds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from fleet_repl.names import AccountId
from fleet_repl.prefixes import Prefixes

Actions: TypeAlias = tuple[str, ...]
"""In descending order: `ecr:ReplicateImage` first."""

Needs: TypeAlias = Mapping[AccountId, Mapping[str, Actions]]
"""The actions of each source by prefix. No action has both a prefix and a shorter one of it."""


class Block(NamedTuple):
    """Every source may do every action with every prefix. Sources and prefixes are sorted."""

    sources: tuple[AccountId, ...]
    actions: Actions
    prefixes: Prefixes


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """Characters of a statement's parts, each with the comma behind it."""

    statement: int
    """Whatever does not depend on its lists."""
    source: int
    resource: int
    """A resource without its prefix."""

    def of(self, block: Block) -> int:
        """Characters of one statement."""
        sources, actions, prefixes = block
        return (
            self.statement
            + _listed(len(sources), len(sources) * self.source)
            + _listed(len(actions), sum(map(len, actions)) + 3 * len(actions))
            + _listed(len(prefixes), sum(map(len, prefixes)) + self.resource * len(prefixes))
        )

    def of_all(self, blocks: Iterable[Block]) -> int:
        """Characters of several statements."""
        return sum(map(self.of, blocks))


def by_source(needs: Needs) -> tuple[Block, ...]:
    """A block for each set of sources that need the same actions with the same prefixes."""
    sharing: dict[tuple[Actions, Prefixes], list[AccountId]] = defaultdict(list)
    for source in sorted(needs):
        together: dict[Actions, list[str]] = defaultdict(list)
        for prefix, actions in needs[source].items():
            together[actions].append(prefix)
        for actions, prefixes in together.items():
            sharing[actions, tuple(sorted(prefixes))].append(source)
    return tuple(
        Block(tuple(sources), actions, prefixes)
        for (actions, prefixes), sources in sorted(sharing.items())
    )


def by_prefix(needs: Needs) -> tuple[Block, ...]:
    """A block for each set of prefixes that the same sources need for the same actions."""
    together: dict[tuple[str, Actions], list[AccountId]] = defaultdict(list)
    for source in sorted(needs):
        for prefix, actions in needs[source].items():
            together[prefix, actions].append(source)
    sharing: dict[tuple[Actions, tuple[AccountId, ...]], list[str]] = defaultdict(list)
    for (prefix, actions), sources in together.items():
        sharing[actions, tuple(sources)].append(prefix)
    return tuple(
        Block(sources, actions, tuple(sorted(prefixes)))
        for (actions, sources), prefixes in sorted(sharing.items())
    )


def _listed(count: int, characters: int) -> int:
    # A list has two brackets and no comma behind its last item; one item alone is no list.
    return characters + (1 if count > 1 else -1)
