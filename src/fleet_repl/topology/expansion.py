"""Route expansion: the sources and destinations of a route, without listing its links.

A route over 100,000 registries may ask for billions of links. How many of them leave one source is
known from the size of its group of destinations.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from fleet_repl.inventory import Route, Selector
from fleet_repl.topology.index import Fleet
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import Prefixes, reduce

Common: TypeAlias = "Registry | str | None"
"""The common part of a source and its destinations: None, account, region, or both (registry)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """A route with the registries that its selectors match."""

    number: int
    """The route's place in the inventory, from 0."""
    route: Route
    prefixes: Prefixes
    """Of a route by name, all that its prefixes may match."""
    sources: tuple[Registry, ...]
    destinations: tuple[Registry, ...]
    members: frozenset[Registry]
    """The destinations as a set."""
    groups: Mapping[Common, tuple[Registry, ...]]
    """The destinations by what they have in common with their sources."""

    def candidates(self, source: Registry) -> tuple[Registry, ...]:
        """The destinations of `source`, maybe with itself among them, sorted."""
        return self.groups.get(self.common(source), ())

    def count(self, source: Registry) -> int:
        """Returns the number of links that the route makes out of `source`."""
        return len(self.candidates(source)) - (source in self.members)

    def ends(self) -> int:
        """Returns how many different registries the route replicates to."""
        starts = Counter(self.common(source) for source in self.sources)
        ends = sum(len(group) for common, group in self.groups.items() if starts[common])
        # A registry that is the only source of its group receives nothing: it is its own end.
        return ends - sum(
            source in self.members and starts[self.common(source)] == 1 for source in self.sources
        )

    def common(self, registry: Registry) -> Common:
        """Returns what `registry` has in common with the other ends of its links."""
        return _common(self.route.destination, registry)

    @property
    def name(self) -> str:
        return self.route.name


def expand(number: int, route: Route, fleet: Fleet) -> Expansion:
    """Resolves the selectors of a route. `number` is its place in the inventory, from 0."""
    destinations = fleet.destinations(route.destination)
    groups: dict[Common, list[Registry]] = defaultdict(list)
    for registry in destinations:
        groups[_common(route.destination, registry)].append(registry)
    return Expansion(
        number=number,
        route=route,
        prefixes=reduce(route.bounds),
        sources=fleet.sources(route.source),
        destinations=destinations,
        members=frozenset(destinations),
        groups={group: tuple(members) for group, members in groups.items()},
    )


def _common(selector: Selector, registry: Registry) -> Common:
    if selector.same_account and selector.same_region:
        return registry
    if selector.same_account:
        return registry.account
    return registry.region if selector.same_region else None
