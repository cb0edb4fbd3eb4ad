"""What a picture of a fleet shows: nodes, edges, and what the reader should be warned about.

Pure. Up to 40 registries each link is an edge between two of them; above, where nobody could
follow the lines, each route is an edge between two regions, with counts. Where it is to be looked
at, hubs are taken out of their regions: they are what a fleet is built around.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from fleet_repl.inventory import Inventory, Route
from fleet_repl.planning.acknowledgements import as_warning, noted
from fleet_repl.planning.plan import Warning
from fleet_repl.topology import NOTICES, Link, Topology, external_registries, names, registries
from fleet_repl.values.names import AccountId, Region, Registry
from fleet_repl.values.prefixes import NOTHING, Prefixes
from fleet_repl.values.text import counted

MOST_REGISTRIES: Final = 40
"""More of them are drawn as regions."""
UNLINKED: Final = "unlinked"
FEWEST_ENDS: Final = 5
"""Other ends of links that a hub has at the least."""
STANDS_OUT: Final = 3
"""So many times as many of them as registries have on average."""

_EXAMPLES: Final = 3


class Kind(StrEnum):
    MANAGED = "managed"
    EXTERNAL = "external"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A registry; in a grouped graph, the registries of one kind in one region."""

    id: str
    """`account/region`; of a group its region, `external/region` or `retired/region`."""
    kind: Kind
    region: Region
    account: AccountId | None = None
    """None for a group, `name` too."""
    name: str | None = None
    registries: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A link; in a grouped graph, what one route asks for between two groups."""

    source: str
    """The id of a node."""
    destination: str
    routes: tuple[str, ...]
    prefixes: Prefixes
    deletes: Prefixes = NOTHING
    """Those of `prefixes` whose deletions travel too."""
    sources: int = 1
    destinations: int = 1
    links: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Nodes and edges in an order that depends on nothing but what they are."""

    fleet: str
    grouped: bool
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    warnings: tuple[Warning, ...] = ()
    acknowledged: int = 0


def graph_of(
    inventory: Inventory,
    topology: Topology,
    *,
    within: Collection[Registry] | None = None,
    with_hubs: bool = False,
) -> Graph:
    """The graph of a topology without problems.

    `with_hubs`: in a grouped graph, each hub is a node of its own.

    `within` narrows it to some registries, the links into and out of them, and the other ends of
    those; None draws everything that is listed, linked or not. The notices are always those of
    the whole topology.
    """
    links = tuple(sorted(_touching(topology.links, within), key=_ends))
    linked = {end for link in links for end in _ends(link)}
    managed = registries(inventory)
    listed = {*managed, *external_registries(inventory)} if within is None else {*within}
    drawn = sorted(listed | linked)
    grouped = len(drawn) > MOST_REGISTRIES
    fleet = _Fleet(
        names=names(inventory),
        kinds={one.id: Kind.RETIRED if one.retired else Kind.MANAGED for one in inventory.accounts}
        | {one.id: Kind.EXTERNAL for one in inventory.externals},
        hubs=_hubs(links) if grouped and with_hubs else frozenset(),
    )
    alone = [one for one in drawn if one not in linked and fleet.kind(one) is Kind.MANAGED]
    notices = (as_warning(one) for one in topology.notices)
    found = noted(
        (*notices, *_unlinked(alone, fleet)),
        inventory,
        judged=NOTICES if within is not None else {*NOTICES, UNLINKED},
    )
    return Graph(
        fleet=inventory.name,
        grouped=grouped,
        nodes=_groups(drawn, fleet) if grouped else tuple(map(fleet.node, drawn)),
        edges=_route_edges(links, inventory.routes, fleet) if grouped else _link_edges(links),
        warnings=found.warnings,
        acknowledged=found.acknowledged,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fleet:
    """What an inventory says of its accounts."""

    names: Mapping[AccountId, str]
    kinds: Mapping[AccountId, Kind]
    hubs: frozenset[Registry]
    """Registries that are no part of their region's group."""

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
        """The id of the group that a registry is drawn in, or its own."""
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


def _link_edges(links: Sequence[Link]) -> tuple[Edge, ...]:
    return tuple(
        Edge(
            source=str(link.source),
            destination=str(link.destination),
            routes=link.routes,
            prefixes=link.prefixes,
            deletes=link.deletes,
        )
        for link in links
    )


def _groups(drawn: Sequence[Registry], fleet: _Fleet) -> tuple[Node, ...]:
    counts: dict[tuple[Region, Kind, str], int] = {}
    hubs = tuple(fleet.node(one) for one in drawn if one in fleet.hubs)
    for one in drawn:
        if one in fleet.hubs:
            continue
        key = (one.region, fleet.kind(one), fleet.group(one))
        counts[key] = counts.get(key, 0) + 1
    order = list(Kind)
    groups = (
        Node(id=id_, kind=kind, region=region, registries=counts[region, kind, id_])
        for region, kind, id_ in sorted(counts, key=lambda key: (key[0], order.index(key[1])))
    )
    return (*hubs, *groups)


def _hubs(links: Sequence[Link]) -> frozenset[Registry]:
    """The registries with many more links than others; of too many to draw, those with the most."""
    ends: dict[Registry, set[Registry]] = {}
    for link in links:
        ends.setdefault(link.source, set()).add(link.destination)
        ends.setdefault(link.destination, set()).add(link.source)
    numbers = {registry: len(others) for registry, others in ends.items()}
    enough = max(FEWEST_ENDS, STANDS_OUT * sum(numbers.values()) / max(len(numbers), 1))
    ranked = sorted((number for number in numbers.values() if number >= enough), reverse=True)
    if len(ranked) > MOST_REGISTRIES:
        # Of equal ones either all are drawn or none.
        enough = ranked[MOST_REGISTRIES] + 1
    return frozenset(registry for registry, number in numbers.items() if number >= enough)


class _Bundle(NamedTuple):
    """The route's place in the inventory and the two groups that it joins."""

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
        sources=len(count.sources),
        destinations=len(count.destinations),
        links=count.links,
    )


def _unlinked(alone: Sequence[Registry], fleet: _Fleet) -> Iterator[Warning]:
    if not alone:
        return
    examples = ", ".join(_told(one, fleet.names[one.account]) for one in alone[:_EXAMPLES])
    verb = "has" if len(alone) == 1 else "have"
    such = ", such as" if len(alone) > _EXAMPLES else ":"
    yield Warning(
        kind=UNLINKED,
        message=f"{counted(len(alone), 'registry')} {verb} no link in or out{such} {examples}",
        about=(frozenset(str(one.account) for one in alone),),
    )


def _told(registry: Registry, name: str) -> str:
    return str(registry) if name == registry.account else f"{registry} ({name})"
