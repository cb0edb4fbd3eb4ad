"""Links, counts and limits against the plain definition of a route, over any small fleet."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import TypeAlias

from hypothesis import given, settings, strategies as st

from fleet_repl.inventory import Account, External, Inventory, Limits, Match, Route, Selector
from fleet_repl.topology import RouteSummary, connect, registries
from fleet_repl.values import prefixes
from fleet_repl.values.names import AccountId, Region, Registry

Pair: TypeAlias = tuple[Registry, Registry]

IDS = [AccountId(f"{number:012d}") for number in range(6)]
REGIONS = [Region("eu-west-1"), Region("us-east-1"), Region("us-west-2")]
LABELS = st.dictionaries(st.sampled_from(["env", "tier"]), st.sampled_from("abc"))
SOME_REGIONS = st.lists(st.sampled_from(REGIONS), unique=True, min_size=1).map(tuple)

MATCHES = st.builds(
    Match,
    accounts=st.none() | st.frozensets(st.sampled_from(IDS), min_size=1),
    labels=st.dictionaries(
        st.sampled_from(["env", "tier"]), st.frozensets(st.sampled_from("abc"), min_size=1)
    ),
    regions=st.none() | st.frozensets(st.sampled_from(REGIONS), min_size=1),
)
SOURCES = st.builds(Selector, match=MATCHES, exclude=st.none() | MATCHES)
DESTINATIONS = st.builds(
    Selector,
    match=MATCHES,
    exclude=st.none() | MATCHES,
    same_account=st.booleans(),
    same_region=st.booleans(),
)
PREFIXES = st.lists(st.sampled_from(["", "a/", "a/b/", "b/"]), min_size=1).map(prefixes.reduce)


@st.composite
def inventories(draw: st.DrawFn, destinations: int = 1_000) -> Inventory:
    """Up to four managed and two external accounts, and up to three routes."""
    managed = draw(st.lists(st.sampled_from(IDS[:4]), unique=True, min_size=1))
    others = draw(st.lists(st.sampled_from(IDS[4:]), unique=True))
    return Inventory(
        path="fleet.toml",
        digest="",
        name="fleet",
        accounts=tuple(
            Account(id=item, name=item, regions=draw(SOME_REGIONS), labels=draw(LABELS), role=None)
            for item in managed
        ),
        externals=tuple(
            External(id=other, name=other, regions=draw(SOME_REGIONS)) for other in others
        ),
        routes=tuple(
            Route(
                name=f"route-{number}",
                source=draw(SOURCES),
                destination=draw(DESTINATIONS),
                prefixes=draw(PREFIXES),
            )
            for number in range(draw(st.integers(0, 3)))
        ),
        limits=Limits(destinations=destinations),
    )


def _meets(match: Match, registry: Registry, labels: Mapping[str, str]) -> bool:
    return (
        (match.accounts is None or registry.account in match.accounts)
        and all(labels.get(key) in values for key, values in match.labels.items())
        and (match.regions is None or registry.region in match.regions)
    )


def _selects(selector: Selector, registry: Registry, inventory: Inventory) -> bool:
    """The definition of a selector, word by word; an external account has no labels."""
    managed = {account.id: account.labels for account in inventory.accounts}
    labels = managed.get(registry.account, {})
    if registry.account not in managed and selector.match.accounts is None:
        return False
    taken_away = selector.exclude is not None and _meets(selector.exclude, registry, labels)
    return _meets(selector.match, registry, labels) and not taken_away


def _pairs(route: Route, inventory: Inventory) -> set[Pair]:
    """The definition of a route."""
    managed = registries(inventory)
    everywhere = [
        *managed,
        *(
            Registry(external.id, region)
            for external in inventory.externals
            for region in external.regions
        ),
    ]
    to = route.destination
    return {
        (source, end)
        for source in managed
        for end in everywhere
        if source != end
        and _selects(route.source, source, inventory)
        and _selects(to, end, inventory)
        and (not to.same_account or source.account == end.account)
        and (not to.same_region or source.region == end.region)
    }


def _definition(inventory: Inventory) -> dict[Pair, tuple[prefixes.Prefixes, tuple[str, ...]]]:
    asking: dict[Pair, list[Route]] = defaultdict(list)
    for route in inventory.routes:
        for pair in _pairs(route, inventory):
            asking[pair].append(route)
    return {
        pair: (
            prefixes.reduce(prefix for route in routes for prefix in route.prefixes),
            tuple(route.name for route in routes),
        )
        for pair, routes in asking.items()
    }


@settings(max_examples=300)
@given(inventories())
def test_links_are_the_definition(inventory: Inventory) -> None:
    """Not a link more or less, each with all its prefixes and routes, in order."""
    links = connect(inventory).links
    connected_links = {
        (link.source, link.destination): (link.prefixes, link.routes) for link in links
    }
    assert connected_links == _definition(inventory)
    assert list(connected_links) == sorted(connected_links)
    assert len(connected_links) == len(links)


@given(inventories())
def test_summaries_count_what_there_is(inventory: Inventory) -> None:
    """The sums that are made without counting out the links are right."""
    for route, summary in zip(inventory.routes, connect(inventory).routes, strict=True):
        pairs = _pairs(route, inventory)
        assert summary == RouteSummary(
            name=route.name,
            sources=len({source for source, _ in pairs}),
            destinations=len({end for _, end in pairs}),
            links=len(pairs),
            near_misses=summary.near_misses,
        )


@given(inventories())
def test_a_route_without_links_is_a_problem(inventory: Inventory) -> None:
    """And no other route is."""
    idle = {
        f"routes[{number}]"
        for number, route in enumerate(inventory.routes)
        if not _pairs(route, inventory)
    }
    problems = connect(inventory).problems
    assert {problem.key.removesuffix(".from").removesuffix(".to") for problem in problems} == idle


@given(inventories(destinations=2))
def test_a_source_over_the_limit_has_a_problem_and_no_links(inventory: Inventory) -> None:
    """Every other source has all of its links."""
    definition = _definition(inventory)
    ends: dict[Registry, set[Registry]] = defaultdict(set)
    for source, end in definition:
        ends[source].add(end)
    crowded = {source for source, destinations in ends.items() if len(destinations) > 2}
    topology = connect(inventory)
    assert {(link.source, link.destination) for link in topology.links} == {
        pair for pair in definition if pair[0] not in crowded
    }
    messages = [
        problem.message for problem in topology.problems if "would replicate to" in problem.message
    ]
    others = [re.search(r"so would (\d+) other", message) for message in messages]
    assert len(messages) + sum(int(other[1]) for other in others if other) == len(crowded)
