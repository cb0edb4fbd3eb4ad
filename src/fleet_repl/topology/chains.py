"""Chains: routes in a row, from A to B and from B to C, that look as if C received A's images.

It does not: ECR replicates an image that is pushed to a registry, but none that arrived there by
replication.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from fleet_repl.topology.links import Link, Notice
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import EVERY_REPOSITORY, NOTHING, Prefixes, beyond, intersect
from fleet_repl.values.text import counted, listed

NOT_TRANSITIVE: Final = "not-transitive"

_PREFIXES_SHOWN: Final = 3

Outgoing: TypeAlias = Mapping[Registry, Mapping[Registry, Link]]
_Pair: TypeAlias = tuple[str, str]
"""The names of the first route and of the route that goes on from its destinations."""


@dataclass(slots=True, kw_only=True)
class _Chain:
    """A pair of routes that follow each other."""

    example: tuple[Link, Link]
    prefixes: Prefixes
    """The prefixes that the example's last registry gets neither by the chain nor directly."""
    middles: set[Registry] = field(default_factory=set)


def chain_notices(links: Sequence[Link], prefixes: Mapping[str, Prefixes]) -> tuple[Notice, ...]:
    """Returns a notice for each pair of routes where the second asks for images that its sources
    only receive by the first, and that its destinations do not get directly.

    `prefixes`: route → its prefixes. Registries that replicate to each other give no notice.
    """
    outgoing: dict[Registry, dict[Registry, Link]] = defaultdict(dict)
    for link in links:
        outgoing[link.source][link.destination] = link
    finder = _Finder(outgoing, prefixes)
    for link in links:
        finder.follow(link)
    return tuple(
        _notice(incoming, onward, chain) for (incoming, onward), chain in finder.chains.items()
    )


class _Finder:
    def __init__(self, outgoing: Outgoing, prefixes: Mapping[str, Prefixes]) -> None:
        self.chains: dict[_Pair, _Chain] = {}
        self._outgoing = outgoing
        self._prefixes = prefixes
        self._known: dict[object, Sequence[tuple[_Pair, Prefixes]]] = {}

    def follow(self, first: Link) -> None:
        """Adds the chains of `first` and every link out of its destination to `chains`."""
        onward = self._outgoing.get(first.destination)
        if onward is None:
            return
        direct = self._outgoing[first.source]
        for end, second in onward.items():
            if end == first.source:
                continue
            got = direct[end].prefixes if end in direct else NOTHING
            for pair, prefixes in self._lacking(first.routes, second.routes, got):
                chain = self.chains.setdefault(
                    pair, _Chain(example=(first, second), prefixes=prefixes)
                )
                chain.middles.add(first.destination)

    def _lacking(
        self, incoming: tuple[str, ...], onward: tuple[str, ...], got: Prefixes
    ) -> Sequence[tuple[_Pair, Prefixes]]:
        """Returns the pairs of routes with prefixes in common beyond `got`, and these prefixes. A
        few routes make many links, so the answer is mostly known."""
        key = (incoming, onward, got)
        if key not in self._known:
            self._known[key] = tuple(self._compare(incoming, onward, got))
        return self._known[key]

    def _compare(
        self, incoming: tuple[str, ...], onward: tuple[str, ...], got: Prefixes
    ) -> Iterator[tuple[_Pair, Prefixes]]:
        for first in incoming:
            for second in onward:
                shared = intersect(self._prefixes[first], self._prefixes[second])
                if lacking := beyond(shared, got):
                    yield (first, second), lacking


def _notice(incoming: str, onward: str, chain: _Chain) -> Notice:
    first, second = chain.example
    of = ""
    if chain.prefixes != EVERY_REPOSITORY:
        of = f" of {listed(chain.prefixes, _PREFIXES_SHOWN)}"
    return Notice(
        kind=NOT_TRANSITIVE,
        message=f"route {onward} starts from {counted(len(chain.middles), 'registry')} that "
        f"route {incoming} replicates to, but ECR does not pass on what arrived by replication: "
        f"{first.source} → {first.destination} → {second.destination} carries "
        f"nothing{of}; let a route lead there from {first.source} if it should",
        about=(frozenset({onward}), frozenset({incoming})),
    )
