"""Proposals: routes that carry one shipment, and carry it nowhere but where it may go.

A proposal starts from sources with the same destinations, widens to whatever else fits, and is
then described by selectors. For example, of the links

    build/eu → shop/eu, pay/eu      build/us → shop/us, pay/us

both sources have the same destinations once only the own region counts, so one route leads from
build to shop and pay with `same_region`. The search is bounded: what is beyond the bound is
proposed as it is, by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from fleet_repl.planning.importing.bitsets import Frame, Registries, bits, union
from fleet_repl.planning.importing.selectors import (
    ANOTHER_ROUTE,
    Conditions,
    Describer,
    Pick,
    Picks,
)
from fleet_repl.planning.importing.shipments import Shipment

SEARCHES: Final = 400
"""Groups, over all shipments, that are widened and described in full."""
_FEWEST: Final = 12
"""Groups of each shipment that are, as long as the bound allows."""


class Path(NamedTuple):
    """The ends of a route, whatever prefixes it carries."""

    source: Conditions
    destination: Conditions
    frame: Frame


class Proposal(NamedTuple):
    """A path with what it comes to."""

    path: Path
    sources: int
    destinations: int
    cost: float
    """In words that a reader has to take in."""

    def leads(self, source: int, registries: Registries) -> int:
        """The destinations of one of its sources."""
        return self.destinations & registries.reach(self.path.frame, source)


class _Group(NamedTuple):
    """Sources that are alike, and their destinations."""

    minus_weight: int
    """Counts the links: the heaviest group is the first in order."""
    frame: Frame
    sources: int
    destinations: int


class Proposer:
    """Proposes routes for the shipments of one fleet, and keeps to the bound over all of them."""

    def __init__(self, registries: Registries, links: int) -> None:
        self._registries = registries
        self._describer = Describer(registries)
        self._searches_left = SEARCHES
        self._links_left = max(links, 1)

    def proposals(self, shipment: Shipment) -> tuple[Proposal, ...]:
        """Routes that together carry the whole shipment."""
        groups = sorted(set(self._groups(shipment)))
        # What small shipments do not use is left for the next ones.
        share = max(_FEWEST, self._searches_left * shipment.size // self._links_left)
        share = min(self._searches_left, share)
        self._searches_left -= min(len(groups), share)
        self._links_left -= shipment.size
        proposals: dict[Path, Proposal] = {}
        for number, group in enumerate(groups):
            search = self._search(group, shipment) if number < share else self._by_name(group)
            for source, to in search:
                path = Path(source.conditions, to.conditions, group.frame)
                if path not in proposals:
                    cost = (
                        ANOTHER_ROUTE + source.cost + to.cost + (group.frame is not Frame.NOTHING)
                    )
                    proposals[path] = Proposal(path, source.mask, to.mask, cost)
        return tuple(proposals.values())

    def _groups(self, shipment: Shipment) -> Iterator[_Group]:
        for frame in Frame:
            alike: dict[object, list[int]] = {}
            for source, ends in shipment.wanted.items():
                if within := ends & self._registries.reach(frame, source):
                    for key in self._signatures(frame, source, within):
                        alike.setdefault(key, []).append(source)
            for sources in alike.values():
                rows = [
                    shipment.wanted[source] & self._registries.reach(frame, source)
                    for source in sources
                ]
                weight = sum(row.bit_count() for row in rows)
                mask = union(1 << source for source in sources)
                yield _Group(-weight, frame, mask, union(rows))

    def _signatures(self, frame: Frame, source: int, within: int) -> Iterator[object]:
        """Yields what makes sources alike. In a mesh all are, once each counts as its own end."""
        match frame:
            case Frame.NOTHING:
                yield within
                yield -(within | 1 << source)
            case Frame.REGION:
                yield tuple(registry.account for registry in self._registries.at(within))
            case Frame.ACCOUNT:
                yield tuple(registry.region for registry in self._registries.at(within))

    def _search(self, group: _Group, shipment: Shipment) -> Iterator[tuple[Pick, Pick]]:
        """Selectors for the sources and the destinations of a group, as wide as they may be."""
        for to in self._ends(group.sources, group.frame, shipment):
            must, may = self._starts(to.mask, group.frame, shipment)
            for source in self._describer.describe(must, may, Frame.NOTHING):
                yield source, to

    def _by_name(self, group: _Group) -> Iterator[tuple[Pick, Pick]]:
        """Sources with the same destinations, to the letter. All links are in such groups."""
        if group.frame is Frame.NOTHING:
            for source in self._describer.by_name(group.sources, group.sources):
                for to in self._describer.by_name(group.destinations, group.destinations):
                    yield source, to

    def _ends(self, sources: int, frame: Frame, shipment: Shipment) -> Picks:
        """Selectors for everything that all of these sources may send to."""
        blocked = wanted = 0
        for source in bits(sources):
            within = self._registries.reach(frame, source)
            blocked |= within & ~shipment.allowed.get(source, 0)
            wanted |= within & shipment.wanted.get(source, 0)
        may = self._registries.everything & ~blocked
        must = wanted & may
        return self._describer.describe(must, may, frame) if must else ()

    def _starts(self, ends: int, frame: Frame, shipment: Shipment) -> tuple[int, int]:
        """The sources that want some of these destinations and may have all that are in reach,
        and with them those that have none in reach."""
        must = may = 0
        for source in bits(self._registries.managed):
            within = ends & self._registries.reach(frame, source)
            if not within & ~shipment.allowed.get(source, 0):
                may |= 1 << source
                if within & shipment.wanted.get(source, 0):
                    must |= 1 << source
        return must, may
