"""Proposing: for one shipment, routes that carry it nowhere but where it may go.

A proposal starts from sources with the same destinations, or destinations with the same sources,
widens to whatever else fits, and is then described by selectors. The search is bounded: what is
beyond the bound is proposed as it is, by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from fleet_repl.importing.describing import ANOTHER_ROUTE, Choice, Describer, Pick
from fleet_repl.importing.places import Frame, Places, bits
from fleet_repl.importing.shipments import Shipment

SEARCHES: Final = 400
"""Groups, over all shipments, that are widened and described in full."""
_FEWEST: Final = 12
"""Groups of each shipment that are, as long as the bound allows."""


class Path(NamedTuple):
    """Where a route leads, whatever it carries."""

    source: Choice
    destination: Choice
    frame: Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A path with what it comes to."""

    path: Path
    sources: int
    destinations: int
    cost: float
    """In words that a reader has to take in."""

    def leads(self, source: int, places: Places) -> int:
        """The destinations of one of its sources."""
        return self.destinations & places.reach(self.path.frame, source)


class _Group(NamedTuple):
    """Sources that are alike, or destinations."""

    weight: int
    frame: Frame
    by_destination: bool
    sources: int
    destinations: int


class Proposer:
    """Proposes routes for the shipments of one fleet, and keeps to the bound over all of them."""

    def __init__(self, places: Places, links: int) -> None:
        self._places = places
        self._describer = Describer(places)
        self._left = SEARCHES
        self._links = max(links, 1)

    def proposals(self, shipment: Shipment) -> tuple[Proposal, ...]:
        """Together they carry the whole shipment."""
        groups = sorted(set(self._groups(shipment)), key=_order)
        # What small shipments do not use is left for the next ones.
        share = min(self._left, max(_FEWEST, self._left * shipment.size // self._links))
        self._left -= min(len(groups), share)
        self._links -= shipment.size
        found: dict[Path, Proposal] = {}
        for number, group in enumerate(groups):
            if number >= share:
                some = self._plainly(group)
            elif group.by_destination:
                some = self._from_destinations(group, shipment)
            else:
                some = self._from_sources(group, shipment)
            for one in some:
                found.setdefault(one.path, one)
        return tuple(found.values())

    def _groups(self, shipment: Shipment) -> Iterator[_Group]:
        for frame in Frame:
            alike: dict[object, list[int]] = {}
            for source, mask in shipment.wanted.items():
                within = mask & self._places.reach(frame, source)
                if within:
                    for key in self._signatures(frame, source, within):
                        alike.setdefault(key, []).append(source)
            for sources in alike.values():
                yield self._group(frame, sources, shipment)
        yield from self._columns(shipment)

    def _signatures(self, frame: Frame, source: int, within: int) -> Iterator[object]:
        """What makes sources alike. In a mesh all are, once each counts as its own end."""
        match frame:
            case Frame.NOTHING:
                yield within
                yield -(within | 1 << source)
            case Frame.REGION:
                yield tuple(one.account for one in self._places.at(within))
            case Frame.ACCOUNT:
                yield tuple(one.region for one in self._places.at(within))

    def _group(self, frame: Frame, sources: list[int], shipment: Shipment) -> _Group:
        mask = ends = weight = 0
        for source in sources:
            within = shipment.wanted[source] & self._places.reach(frame, source)
            mask |= 1 << source
            ends |= within
            weight += within.bit_count()
        return _Group(weight, frame, False, mask, ends)  # noqa: FBT003

    def _columns(self, shipment: Shipment) -> Iterator[_Group]:
        """Destinations with the same sources."""
        sources: dict[int, int] = {}
        for source, mask in shipment.wanted.items():
            for end in bits(mask):
                sources[end] = sources.get(end, 0) | 1 << source
        alike: dict[int, int] = {}
        for end, mask in sources.items():
            alike[mask] = alike.get(mask, 0) | 1 << end
        for mask, ends in alike.items():
            weight = mask.bit_count() * ends.bit_count()
            yield _Group(weight, Frame.NOTHING, True, mask, ends)  # noqa: FBT003

    def _from_sources(self, group: _Group, shipment: Shipment) -> Iterator[Proposal]:
        for to in self._ends(group.sources, group.frame, shipment):
            must, may = self._starts(to.mask, group.frame, shipment)
            for source in self._describer.sources(must, may):
                yield _proposal(source, to, group.frame)

    def _from_destinations(self, group: _Group, shipment: Shipment) -> Iterator[Proposal]:
        _, may = self._starts(group.destinations, group.frame, shipment)
        for source in self._describer.sources(group.sources, may):
            for to in self._ends(source.mask, group.frame, shipment):
                yield _proposal(source, to, group.frame)

    def _plainly(self, group: _Group) -> Iterator[Proposal]:
        """Sources with the same destinations, to the letter. All links are in such groups."""
        if group.by_destination or group.frame is not Frame.NOTHING:
            return
        for source in self._describer.by_name(group.sources, group.sources):
            for to in self._describer.by_name(group.destinations, group.destinations):
                yield _proposal(source, to, group.frame)

    def _ends(self, sources: int, frame: Frame, shipment: Shipment) -> tuple[Pick, ...]:
        """Selectors for everything that all of these sources may send to."""
        blocked = wanted = 0
        for source in bits(sources):
            within = self._places.reach(frame, source)
            blocked |= within & ~shipment.allowed.get(source, 0)
            wanted |= within & shipment.wanted.get(source, 0)
        may = self._places.everything & ~blocked
        must = wanted & may
        return self._describer.destinations(must, may, frame) if must else ()

    def _starts(self, ends: int, frame: Frame, shipment: Shipment) -> tuple[int, int]:
        """The sources that want some of these destinations and may have all that are in reach,
        and with them those that have none in reach."""
        must = may = 0
        for source in bits(self._places.managed):
            within = ends & self._places.reach(frame, source)
            if within & ~shipment.allowed.get(source, 0):
                continue
            may |= 1 << source
            if within & shipment.wanted.get(source, 0):
                must |= 1 << source
        return must, may


def _proposal(source: Pick, to: Pick, frame: Frame) -> Proposal:
    return Proposal(
        path=Path(source.choice, to.choice, frame),
        sources=source.mask,
        destinations=to.mask,
        cost=ANOTHER_ROUTE + source.cost + to.cost + (frame is not Frame.NOTHING),
    )


def _order(group: _Group) -> tuple[int, int, bool, int, int]:
    """The heaviest first; beyond that, any order that is always the same."""
    return (-group.weight, group.frame, group.by_destination, group.sources, group.destinations)
