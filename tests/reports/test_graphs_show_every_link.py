"""A graph shows each link exactly once, or each route's links counted, and every registry."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st
from hypothesis.strategies import DataObject
from tests.support.links import make_link

from fleet_repl.inventory import Account, External, Inventory, Match, Route, Selector
from fleet_repl.reports.graph import MOST_REGISTRIES, Graph, Kind, graph_of
from fleet_repl.topology import Link, Topology, connect, external_registries, registries
from fleet_repl.topology.links import Notice
from fleet_repl.values.names import AccountId, Region, Registry
from fleet_repl.values.prefixes import EVERY_REPOSITORY, NOTHING

REGIONS = tuple(map(Region, ("ap-south-1", "eu-west-1", "us-east-1", "us-west-2")))
ROUTES = (
    Route(name="z", source=Selector(), destination=Selector(), prefixes=("base/", "z/")),
    Route(name="a", source=Selector(), destination=Selector(), replicate_deletes=True),
)


def fleet(accounts: int, *, externals: int = 0, retired: int = 0) -> Inventory:
    """Accounts in four regions each, the last of them retired; externals in one."""
    return Inventory(
        path="demo.toml",
        digest="",
        name="demo",
        accounts=tuple(
            Account(
                id=AccountId(f"{number:012}"),
                name=f"account-{number}",
                regions=REGIONS,
                role=None,
                retired=number >= accounts - retired,
            )
            for number in range(accounts)
        ),
        externals=tuple(
            External(id=AccountId(f"9{number:011}"), name=f"x-{number}", regions=REGIONS[:1])
            for number in range(externals)
        ),
        routes=ROUTES,
    )


SMALL = fleet(9, externals=2, retired=1)
LARGE = fleet(13, externals=2, retired=1)


def living(inventory: Inventory) -> list[Registry]:
    """The registries that can be a source."""
    retired = {account.id for account in inventory.accounts if account.retired}
    return [registry for registry in registries(inventory) if registry.account not in retired]


def draw_links(data: DataObject, inventory: Inventory) -> tuple[Link, ...]:
    """Some links between registries that can have any."""
    sources = living(inventory)
    ends = st.sampled_from([*sources, *sorted(external_registries(inventory))])
    pairs = st.tuples(st.sampled_from(sources), ends).filter(lambda pair: pair[0] != pair[1])
    asked = st.sampled_from([("z",), ("a",), ("z", "a")])
    return tuple(
        make_link(
            source=source,
            destination=destination,
            prefixes=EVERY_REPOSITORY if "a" in routes else ("base/", "z/"),
            deletes=EVERY_REPOSITORY if routes == ("a",) else NOTHING,
            routes=routes,
        )
        for source, destination in data.draw(st.lists(pairs, max_size=30, unique=True))
        for routes in [data.draw(asked)]
    )


def shown(graph: Graph) -> set[str]:
    return {node.id for node in graph.nodes}


@given(data=st.data())
def test_each_link_is_one_edge(data: DataObject) -> None:
    """With what it carries and why; and nothing else is an edge."""
    links = draw_links(data, SMALL)
    graph = graph_of(SMALL, Topology(links=links, routes=()))
    assert not graph.grouped
    assert Counter(
        (edge.source, edge.destination, edge.prefixes, edge.deletes, edge.routes)
        for edge in graph.edges
    ) == Counter(
        (str(link.source), str(link.destination), link.prefixes, link.scope.deletes, link.routes)
        for link in links
    )
    assert all((edge.sources, edge.destinations, edge.links) == (1, 1, 1) for edge in graph.edges)


@given(data=st.data())
def test_counts_of_groups_sum_to_the_links(data: DataObject) -> None:
    """An edge for each route and pair of groups; a link counts once for each of its routes."""
    links = draw_links(data, LARGE)
    graph = graph_of(LARGE, Topology(links=links, routes=()))
    assert graph.grouped
    keys = [(edge.source, edge.destination, edge.routes) for edge in graph.edges]
    assert len(set(keys)) == len(keys)
    for route in ROUTES:
        edges = [edge for edge in graph.edges if edge.routes == (route.name,)]
        assert sum(edge.links for edge in edges) == sum(route.name in link.routes for link in links)
        assert {edge.prefixes for edge in edges} <= {route.prefixes}
        assert all(bool(edge.deletes) is route.replicate_deletes for edge in edges)
    for edge in graph.edges:
        assert (
            max(edge.sources, edge.destinations) <= edge.links <= edge.sources * edge.destinations
        )


@given(data=st.data(), large=st.booleans())
def test_every_registry_is_in_one_node(data: DataObject, *, large: bool) -> None:
    """Linked or not, by kind; and edges join nodes that there are."""
    inventory = LARGE if large else SMALL
    graph = graph_of(inventory, Topology(links=draw_links(data, inventory), routes=()))
    counts = Counter[Kind]()
    for node in graph.nodes:
        counts[node.kind] += node.registries
    assert counts == {
        Kind.MANAGED: len(living(inventory)),
        Kind.RETIRED: 4,
        Kind.EXTERNAL: 2,
    }
    assert len(shown(graph)) == len(graph.nodes)
    assert {end for edge in graph.edges for end in (edge.source, edge.destination)} <= shown(graph)


@given(data=st.data(), large=st.booleans())
def test_the_order_depends_on_nothing(data: DataObject, *, large: bool) -> None:
    """Accounts and links in any order make the same graph."""
    inventory = LARGE if large else SMALL
    links = draw_links(data, inventory)
    mixed = replace(inventory, accounts=tuple(data.draw(st.permutations(inventory.accounts))))
    again = tuple(data.draw(st.permutations(links)))
    assert graph_of(mixed, Topology(links=again, routes=())) == graph_of(
        inventory, Topology(links=links, routes=())
    )


@given(data=st.data())
def test_narrowing_keeps_what_touches_the_selection(data: DataObject) -> None:
    """Its registries, links into and out of it, and their other ends."""
    links = draw_links(data, LARGE)
    within = data.draw(st.frozensets(st.sampled_from(registries(LARGE)), min_size=1, max_size=3))
    touching = [link for link in links if within & {link.source, link.destination}]
    graph = graph_of(LARGE, Topology(links=links, routes=()), within=within)
    ends = {end for link in touching for end in (link.source, link.destination)}
    assert graph.grouped is (len(within | ends) > MOST_REGISTRIES)
    assert sum(edge.links for edge in graph.edges) == len(touching)
    assert shown(graph) == {str(end) for end in within | ends}


def test_one_more_than_can_be_followed() -> None:
    """40 registries are drawn one by one, 41 by region."""
    nothing = Topology(links=(), routes=())
    assert not graph_of(fleet(10), nothing).grouped
    assert graph_of(fleet(10, externals=1), nothing).grouped


def test_a_route_counts_what_validate_counts() -> None:
    """Over the edges of a route the links are those of its summary."""
    hub = Selector(match=Match(accounts=frozenset({AccountId("0" * 12)})))
    near = Selector(same_region=True)
    routes = (
        Route(name="golden", source=hub, destination=near, prefixes=("base/",)),
        Route(name="again", source=hub, destination=near, prefixes=("base/x/", "b/")),
    )
    inventory = replace(fleet(14), routes=routes)
    topology = connect(inventory)
    graph = graph_of(inventory, topology)
    assert topology.problems == ()
    assert [(edge.source, edge.destination, edge.routes) for edge in graph.edges] == [
        (region, region, (route.name,)) for region in REGIONS for route in routes
    ]
    assert {(edge.sources, edge.destinations, edge.links) for edge in graph.edges} == {(1, 13, 13)}
    assert [route.links for route in topology.routes] == [4 * 13, 4 * 13]


@pytest.mark.parametrize(
    ("linked", "message"),
    [
        (8, None),
        (7, "1 registry has no link in or out: 000000000001/us-west-2 (account-1)"),
        (
            5,
            (
                "3 registries have no link in or out: 000000000001/eu-west-1 (account-1), "
                "000000000001/us-east-1 (account-1), 000000000001/us-west-2 (account-1)"
            ),
        ),
        (
            4,
            (
                "4 registries have no link in or out, such as 000000000001/ap-south-1 (account-1), "
                "000000000001/eu-west-1 (account-1), 000000000001/us-east-1 (account-1)"
            ),
        ),
    ],
)
def test_registries_that_nothing_reaches(linked: int, message: str | None) -> None:
    """Counted, with a few by name; retired and external ones need no link."""
    inventory = fleet(3, externals=1, retired=1)
    ends = living(inventory)[:linked]
    links = tuple(
        make_link(source=ends[0], destination=end, prefixes=("b/",), routes=("z",))
        for end in ends[1:]
    )
    graph = graph_of(inventory, Topology(links=links, routes=()))
    assert [warning.message for warning in graph.warnings] == ([message] if message else [])
    assert {warning.kind for warning in graph.warnings} <= {"unlinked"}


def test_an_account_without_a_name_is_reported_by_its_id() -> None:
    """Which is what its name is then."""
    inventory = fleet(1)
    account = replace(inventory.accounts[0], name="0" * 12, regions=REGIONS[:1])
    nameless = replace(inventory, accounts=(account,))
    (warning,) = graph_of(nameless, Topology(links=(), routes=())).warnings
    assert warning.message == "1 registry has no link in or out: 000000000000/ap-south-1"


def test_notices_come_first() -> None:
    """Chains that carry nothing are warned about in any graph, narrowed or not."""
    notice = Notice(kind="not-transitive", message="b starts where a ends")
    topology = Topology(links=(), routes=(), notices=(notice,))
    for within in (None, registries(LARGE)[:1]):
        kinds = [warning.kind for warning in graph_of(LARGE, topology, within=within).warnings]
        assert kinds == ["not-transitive", "unlinked"]
