"""The graph of an inventory's links. Pure.

A graph of up to 40 registries has an edge for each link. In a larger graph nobody could follow the
lines, so its nodes are regions, and its edges are routes between two regions, with counts. Hubs,
the registries with many more links than others, may stay nodes of their own there, because a fleet
is built around them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from fleet_repl.inventory import Inventory, Route
from fleet_repl.planning.acknowledgements import as_warning, noted
from fleet_repl.planning.plan import Warning
from fleet_repl.reports.graph.model import MOST_REGISTRIES, UNLINKED, Edge, Graph, Kind, Node
from fleet_repl.topology import NOTICES, Link, Topology, external_registries, names, registries
from fleet_repl.values.names import AccountId, Region, Registry
from fleet_repl.values.prefixes import NOTHING
from fleet_repl.values.text import counted

FEWEST_ENDS: Final = 5
"""The fewest registries that a hub is linked with."""
STANDS_OUT: Final = 3
"""A hub is linked with at least this many times the registries that others are on average."""

_EXAMPLES: Final = 3
"""The most registries that a warning names."""


def graph_of(
    inventory: Inventory,
    topology: Topology,
    *,
    within: Collection[Registry] | None = None,
    with_hubs: bool = False,
) -> Graph:
    """Returns the graph of a topology.

    `within`: only these registries, their links, and the other ends of those; None takes every
    listed registry, linked or not. Warnings are always about the whole topology. `with_hubs`: in a
    grouped graph, each hub is a node of its own.
    """
    links = tuple(sorted(_touching(topology.links, within), key=_ends))
    linked = {end for link in links for end in _ends(link)}
    managed = registries(inventory)
    listed = {*managed, *external_registries(inventory)} if within is None else {*within}
    drawn = sorted(listed | linked)
    grouped = len(drawn) > MOST_REGISTRIES
    fleet = _Fleet(
        names=names(inventory),
        kinds=_kinds(inventory),
        hubs=_hubs(links) if grouped and with_hubs else frozenset(),
    )
    alone = [
        registry
        for registry in drawn
        if registry not in linked and fleet.kind(registry) is Kind.MANAGED
    ]
    known = noted(
        (*map(as_warning, topology.notices), *_unlinked(alone, fleet)),
        inventory,
        judged=NOTICES if within is not None else {*NOTICES, UNLINKED},
    )
    return Graph(
        fleet=inventory.name,
        grouped=grouped,
        nodes=_groups(drawn, fleet) if grouped else tuple(map(fleet.node, drawn)),
        edges=_route_edges(links, inventory.routes, fleet)
        if grouped
        else _link_edges(links, inventory.routes),
        warnings=known.warnings,
        acknowledged=known.acknowledged,
    )


def _kinds(inventory: Inventory) -> dict[AccountId, Kind]:
    kinds = {
        account.id: Kind.RETIRED if account.retired else Kind.MANAGED
        for account in inventory.accounts
    }
    return kinds | {external.id: Kind.EXTERNAL for external in inventory.externals}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fleet:
    """The names and kinds of accounts, and which registries are hubs."""

    names: Mapping[AccountId, str]
    kinds: Mapping[AccountId, Kind]
    hubs: frozenset[Registry]
    """Registries that are nodes of their own in a grouped graph."""

    def kind(self, registry: Registry) -> Kind:
        return self.kinds[registry.account]

    def node(self, registry: Registry) -> Node:
        return Node(
            id=str(registry),
            kind=self.kind(registry),
            region=registry.region,
            account=registry.account,
            name=self.names[registry.account],
        )

    def group(self, registry: Registry) -> str:
        """Returns the id of a registry's node in a grouped graph: of its group, or its own."""
        if registry in self.hubs:
            return str(registry)
        kind = self.kind(registry)
        return registry.region if kind is Kind.MANAGED else f"{kind}/{registry.region}"


def _ends(link: Link) -> tuple[Registry, Registry]:
    return link.source, link.destination


def _touching(links: Sequence[Link], within: Collection[Registry] | None) -> Iterator[Link]:
    for link in links:
        if within is None or link.source in within or link.destination in within:
            yield link


def _link_edges(links: Sequence[Link], routes: Sequence[Route]) -> tuple[Edge, ...]:
    live = {route.name for route in routes if route.by_name}
    return tuple(
        Edge(
            source=str(link.source),
            destination=str(link.destination),
            routes=link.routes,
            prefixes=link.prefixes,
            deletes=link.scope.deletes,
            live=tuple(name for name in link.routes if name in live),
        )
        for link in links
    )


def _groups(drawn: Sequence[Registry], fleet: _Fleet) -> tuple[Node, ...]:
    counts: dict[tuple[Region, Kind, str], int] = {}
    hubs = tuple(fleet.node(registry) for registry in drawn if registry in fleet.hubs)
    for registry in drawn:
        if registry in fleet.hubs:
            continue
        key = (registry.region, fleet.kind(registry), fleet.group(registry))
        counts[key] = counts.get(key, 0) + 1
    order = list(Kind)
    groups = (
        Node(id=id_, kind=kind, region=region, registries=counts[region, kind, id_])
        for region, kind, id_ in sorted(counts, key=lambda key: (key[0], order.index(key[1])))
    )
    return (*hubs, *groups)


def _hubs(links: Sequence[Link]) -> frozenset[Registry]:
    """Returns the registries that are linked with many more registries than others.

    If these are too many for nodes of their own, only the most linked are hubs.
    """
    ends: dict[Registry, set[Registry]] = {}
    for link in links:
        ends.setdefault(link.source, set()).add(link.destination)
        ends.setdefault(link.destination, set()).add(link.source)
    numbers = {registry: len(others) for registry, others in ends.items()}
    enough = max(FEWEST_ENDS, STANDS_OUT * sum(numbers.values()) / max(len(numbers), 1))
    ranked = sorted((number for number in numbers.values() if number >= enough), reverse=True)
    if len(ranked) > MOST_REGISTRIES:
        # Registries with equally many links are either all hubs or none.
        enough = ranked[MOST_REGISTRIES] + 1
    return frozenset(registry for registry, number in numbers.items() if number >= enough)


class _Bundle(NamedTuple):
    """Two groups and a route between them, by its place in the inventory."""

    source: str
    destination: str
    number: int


@dataclass(slots=True)
class _Count:
    sources: set[Registry] = field(default_factory=set)
    destinations: set[Registry] = field(default_factory=set)
    links: int = 0


def _route_edges(links: Sequence[Link], routes: Sequence[Route], fleet: _Fleet) -> tuple[Edge, ...]:
    numbers = {route.name: number for number, route in enumerate(routes)}
    counts: dict[_Bundle, _Count] = {}
    for link in links:
        source, destination = fleet.group(link.source), fleet.group(link.destination)
        for name in link.routes:
            count = counts.setdefault(_Bundle(source, destination, numbers[name]), _Count())
            count.sources.add(link.source)
            count.destinations.add(link.destination)
            count.links += 1
    return tuple(_route_edge(key, routes[key.number], counts[key]) for key in sorted(counts))


def _route_edge(bundle: _Bundle, route: Route, count: _Count) -> Edge:
    return Edge(
        source=bundle.source,
        destination=bundle.destination,
        routes=(route.name,),
        prefixes=route.prefixes,
        deletes=route.prefixes if route.replicate_deletes else NOTHING,
        live=(route.name,) if route.by_name else (),
        sources=len(count.sources),
        destinations=len(count.destinations),
        links=count.links,
    )


def _unlinked(alone: Sequence[Registry], fleet: _Fleet) -> Iterator[Warning]:
    if not alone:
        return
    examples = ", ".join(
        _label(registry, fleet.names[registry.account]) for registry in alone[:_EXAMPLES]
    )
    verb = "has" if len(alone) == 1 else "have"
    such = ", such as" if len(alone) > _EXAMPLES else ":"
    yield Warning(
        kind=UNLINKED,
        message=f"{counted(len(alone), 'registry')} {verb} no link in or out{such} {examples}",
        about=(frozenset(str(registry.account) for registry in alone),),
    )


def _label(registry: Registry, name: str) -> str:
    return str(registry) if name == registry.account else f"{registry} ({name})"
