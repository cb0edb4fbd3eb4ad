"""Choosing: proposals → few routes that carry every shipment, and nothing that was not observed.

Greedy: what carries most for the fewest words first, a path that is taken already for almost
nothing; in the end, whatever the others carry as well is dropped.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from fleet_repl.importing.expressing import Cargo
from fleet_repl.importing.places import Places, bits
from fleet_repl.importing.proposing import Path, Proposal, Proposer
from fleet_repl.importing.shipments import Rows, Shipment, shipments, together
from fleet_repl.names import Registry
from fleet_repl.prefixes import Prefixes, reduce

_ANOTHER_PREFIX = 1.0
"""What one more prefix on a route costs, in words."""
_MOST_CHECKED = 80
"""Paths of one shipment among which needless ones are looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A route to be, without a name."""

    path: Path
    prefixes: Prefixes
    deletes: bool
    links: int


def passages(
    links: Mapping[Registry, Mapping[Registry, Cargo]], places: Places
) -> tuple[Passage, ...]:
    """Routes that make exactly `links`, those with the most links first."""
    found = shipments(links, places)
    proposer = Proposer(places, sum(one.size for one in found))
    taken = _Taken(places)
    for one in found:
        proposals = proposer.proposals(one)
        cover = _Cover(one, places, (*taken.fitting(one), *proposals))
        taken.take(one, cover.chosen())
    return taken.passages()


class _Taken:
    """The paths taken so far, with what they carry."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._carried: dict[tuple[bool, Path], list[str]] = {}
        self._proposals: dict[Path, Proposal] = {}
        self._through: dict[tuple[bool, int, int], list[Path]] = {}
        """By one link of each path, to find those that may fit."""

    def fitting(self, shipment: Shipment) -> tuple[Proposal, ...]:
        """The paths that this shipment may take too."""
        found: dict[Path, None] = {}
        for source, mask in shipment.allowed.items():
            for end in bits(mask):
                for path in self._through.get((shipment.deletes, source, end), ()):
                    if _fits(self._proposals[path], shipment, self._places):
                        found[path] = None
        return tuple(replace(self._proposals[path], cost=_ANOTHER_PREFIX) for path in found)

    def take(self, shipment: Shipment, proposals: Iterable[Proposal]) -> None:
        for one in proposals:
            key = (shipment.deletes, one.path)
            if key not in self._carried:
                self._proposals.setdefault(one.path, one)
                source, end = _first_link(one, self._places)
                self._through.setdefault((shipment.deletes, source, end), []).append(one.path)
            self._carried.setdefault(key, []).extend(shipment.prefixes)

    def passages(self) -> tuple[Passage, ...]:
        found = [
            Passage(
                path=path,
                prefixes=reduce(prefixes),
                deletes=deletes,
                links=_links(self._proposals[path], self._places),
            )
            for (deletes, path), prefixes in self._carried.items()
        ]
        return tuple(sorted(found, key=lambda one: -one.links))


class _Cover:
    """The proposals for one shipment, and what of it they would carry that nothing carries yet."""

    def __init__(self, shipment: Shipment, places: Places, proposals: Sequence[Proposal]) -> None:
        self._proposals = proposals
        self._left = dict(shipment.wanted)
        self._rows = [_wanted(one, shipment, places) for one in proposals]
        """The wanted links of each proposal."""

    def chosen(self) -> tuple[Proposal, ...]:
        """Enough of them to carry everything."""
        chosen: list[int] = []
        # What a proposal would add only shrinks: one that is first with a fresh score is best.
        heap = [self._entry(number) for number in range(len(self._proposals))]
        heapq.heapify(heap)
        while any(self._left.values()):
            number = heapq.heappop(heap)[2]
            fresh = self._entry(number)
            if heap and fresh > heap[0]:
                heapq.heappush(heap, fresh)
                continue
            chosen.append(number)
            for source, mask in self._rows[number].items():
                self._left[source] &= ~mask
        return tuple(self._proposals[number] for number in self._needed(chosen))

    def _entry(self, number: int) -> tuple[float, float, int]:
        rows, cost = self._rows[number], self._proposals[number].cost
        gain = sum((mask & self._left[source]).bit_count() for source, mask in rows.items())
        return (-gain / cost, cost, number)

    def _needed(self, chosen: list[int]) -> list[int]:
        """Without those that the others make needless, the longest first."""
        if len(chosen) > _MOST_CHECKED:
            return chosen
        needed = list(chosen)
        for number in sorted(chosen, key=lambda one: -self._proposals[one].cost):
            others = together(self._rows[one] for one in needed if one != number)
            rows = self._rows[number].items()
            if all(not mask & ~others.get(source, 0) for source, mask in rows):
                needed.remove(number)
        return needed


def _wanted(one: Proposal, shipment: Shipment, places: Places) -> Rows:
    wanted = shipment.wanted
    return {
        source: mask
        for source in bits(one.sources)
        if source in wanted and (mask := one.leads(source, places) & wanted[source])
    }


def _fits(one: Proposal, shipment: Shipment, places: Places) -> bool:
    """Whether every link of a path may carry the shipment."""
    return all(
        not one.leads(source, places) & ~shipment.allowed.get(source, 0)
        for source in bits(one.sources)
    )


def _first_link(one: Proposal, places: Places) -> tuple[int, int]:
    return next(
        (source, next(bits(ends)))
        for source in bits(one.sources)
        if (ends := one.leads(source, places))
    )


def _links(one: Proposal, places: Places) -> int:
    return sum(one.leads(source, places).bit_count() for source in bits(one.sources))
