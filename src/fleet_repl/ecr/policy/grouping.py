"""The grants in one registry put into statements, in as short a text as is found.

In a statement each source may do each action with each prefix. Actions that are granted together
make statements of their own. For each such set, sources with equal prefixes share a statement,
or prefixes with equal sources do, whichever is shorter:

    grants          by source             by prefix
    1  a/ b/        1  a/ b/              1 2  a/ b/
    2  a/ b/ c/     2  a/ b/ c/           2 3  c/
    3  c/           3  c/

A statement takes about 200 characters, each of its sources 33, and each of its prefixes about 60.
So two statements with four sources and three prefixes are shorter here than three statements with
three sources and six prefixes. Plain groups are easy to read. Only where they do not fit into the
policy are groups taken that overlap, if these are shorter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from fleet_repl.ecr.grouping import Group, by_member, by_prefix, overlapping
from fleet_repl.ecr.policy.model import Grant
from fleet_repl.values.names import AccountId
from fleet_repl.values.prefixes import Prefixes

Actions: TypeAlias = tuple[str, ...]
"""In descending order: `ecr:ReplicateImage` first."""


class Block(NamedTuple):
    """A statement's content: every source may do every action with every prefix, all sorted."""

    sources: tuple[AccountId, ...]
    actions: Actions
    prefixes: Prefixes


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """Characters of the parts of a statement, each with the comma behind it."""

    statement: int
    """All but its three lists."""
    source: int
    resource: int
    """A resource without its prefix."""

    def of(self, blocks: Iterable[Block]) -> int:
        """Characters of a statement for each block, with a comma behind each."""
        return sum(map(self._of, blocks))

    def _of(self, block: Block) -> int:
        sources, actions, prefixes = block
        texts = sum(map(len, (*actions, *prefixes))) + 3 * len(actions)
        lists = len(sources) * self.source + len(prefixes) * self.resource + texts
        # A list has two brackets and no comma at its end; a single item has neither.
        return self.statement + lists + sum(1 if len(part) > 1 else -1 for part in block)


def shortest(grants: frozenset[Grant], lengths: Lengths, room: int) -> tuple[Block, ...]:
    """Blocks that mean exactly `grants`, no two of which imply each other.

    No longer than a block for each set of prefixes, or for each set of sources. The blocks
    overlap only where these would take more than `room` characters.
    """
    needs = _by_actions(grants)
    plain = [block for actions, links in needs.items() for block in _plain(links, actions, lengths)]
    if len(plain) == 1 or lengths.of(plain) <= room:
        return tuple(plain)
    return tuple(
        block for actions, links in needs.items() for block in _shortest(links, actions, lengths)
    )


def _by_actions(grants: Iterable[Grant]) -> dict[Actions, dict[AccountId, Prefixes]]:
    """The prefixes of each source, by the actions that it may do with them."""
    together: dict[tuple[AccountId, str], list[str]] = defaultdict(list)
    for source, prefix, action in sorted(grants, reverse=True):
        together[source, prefix].append(action)
    needs: dict[Actions, dict[AccountId, list[str]]] = {}
    for (source, prefix), actions in reversed(together.items()):
        needs.setdefault(tuple(actions), {}).setdefault(source, []).append(prefix)
    return {
        key: {source: tuple(prefixes) for source, prefixes in links.items()}
        for key, links in needs.items()
    }


def _plain(links: Mapping[AccountId, Prefixes], actions: Actions, lengths: Lengths) -> list[Block]:
    """The shorter of both plain groupings."""
    blocks = _blocks(by_member(links), actions)
    if len(blocks) == 1:
        return blocks
    return min(blocks, _blocks(by_prefix(links), actions), key=lengths.of)


def _shortest(
    links: Mapping[AccountId, Prefixes], actions: Actions, lengths: Lengths
) -> list[Block]:
    """Returns overlapping blocks where they are shorter than plain blocks, else the latter."""
    prefixes = {prefix for listed in links.values() for prefix in listed}
    resource = lengths.resource + sum(map(len, prefixes)) // len(prefixes)
    groups = overlapping(
        links,
        lambda sources, count: lengths.statement + sources * lengths.source + count * resource,
    )
    return min(_plain(links, actions, lengths), _blocks(groups, actions), key=lengths.of)


def _blocks(groups: Iterable[Group[AccountId]], actions: Actions) -> list[Block]:
    return [Block(group.members, actions, group.prefixes) for group in groups]
