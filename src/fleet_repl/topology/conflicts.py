"""Conflicts: sources that routes send to more destinations than ECR takes, and routes that
disagree about deletions on one link.

Sources over the limit are found from sizes, so that a careless `to = {}` is a problem and not a
full memory.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import TypeAlias

from fleet_repl.inventory import Inventory, Route
from fleet_repl.topology.expansion import Expansion
from fleet_repl.topology.index import Fleet
from fleet_repl.topology.links import Link
from fleet_repl.values.errors import Problem
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import touches
from fleet_repl.values.repositories import folder_of, lists, lists_some
from fleet_repl.values.text import counted, named

BySource: TypeAlias = Mapping[Registry, Sequence[Expansion]]
"""The routes that ask for links out of each source, in the inventory's order."""


def sources_over_limit(
    by_source: BySource, inventory: Inventory, fleet: Fleet
) -> tuple[frozenset[Registry], list[Problem]]:
    """Returns the sources over the limit, and a problem for each set of routes that causes it."""
    limit = inventory.limits.destinations
    by_routes: dict[tuple[int, ...], list[Registry]] = defaultdict(list)
    for source, routes in by_source.items():
        counts = [route.count(source) for route in routes]
        # Only counting out tells how far routes overlap; here each is known to be short.
        if sum(counts) > limit and (
            max(counts) > limit or len(_destinations(source, routes)) > limit
        ):
            by_routes[tuple(route.number for route in routes)].append(source)
    sources = frozenset(source for alike in by_routes.values() for source in alike)
    return sources, [
        _over_limit(alike, by_source[alike[0]], inventory, fleet)
        for _, alike in sorted(by_routes.items())
    ]


def _destinations(source: Registry, routes: Sequence[Expansion]) -> set[Registry]:
    return {end for route in routes for end in route.candidates(source)} - {source}


def _over_limit(
    sources: Sequence[Registry], routes: Sequence[Expansion], inventory: Inventory, fleet: Fleet
) -> Problem:
    example = sources[0]
    name = fleet.accounts[example.account].name
    count = len(_destinations(example, routes))
    others = f"; so would {counted(len(sources) - 1, 'other registry')}" if sources[1:] else ""
    return inventory.problem(
        f"routes[{routes[0].number}].to",
        f"{example} ({name}) would replicate to {count:,} registries, and ECR takes "
        f"{inventory.limits.destinations:,} unique destinations, because of "
        f"{named('route', [route.name for route in routes])}{others}",
        "narrow `to`; or push to several source registries, each with its share of the "
        "destinations; or replicate to one hub in each region and let the others pull through it",
    )


def deletion_conflicts(
    routes: Sequence[Expansion], links: Sequence[Link], inventory: Inventory
) -> Iterator[Problem]:
    """Yields a problem, with an example, for each pair of routes that ask for the same repositories
    on one link, one route with deletions and the other without: no rule can do both."""
    if len({route.route.replicate_deletes for route in routes}) < 2:
        return
    by_name = {route.name: route for route in routes}
    shared: dict[tuple[str, str], list[Link]] = {}
    known: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for link in links:
        if link.routes not in known:
            known[link.routes] = _disagreeing([by_name[name] for name in link.routes])
        for pair in known[link.routes]:
            shared.setdefault(pair, []).append(link)
    for (first, second), some in shared.items():
        yield _conflict(by_name[first], by_name[second], some, inventory)


def _disagreeing(routes: Sequence[Expansion]) -> list[tuple[str, str]]:
    return [
        (first.name, second.name)
        for first, second in combinations(routes, 2)
        if first.route.replicate_deletes != second.route.replicate_deletes
        and _shared(first, second) is not None
    ]


def _shared(first: Expansion, second: Expansion) -> str | None:
    """Returns the beginnings of names of repositories that both routes may ask for."""
    entries = {*first.route.only, *second.route.only}
    excluded = (*first.route.exclude, *second.route.exclude)
    folders = tuple(map(folder_of, excluded))
    for start, other in product(first.prefixes, second.prefixes):
        if _meet(start, other, first.route, second.route):
            longer = max(start, other, key=len)
            if not longer.startswith(folders) and not (longer in excluded and longer in entries):
                return longer
    return None


def _meet(start: str, other: str, first: Route, second: Route) -> bool:
    """Returns whether a repository may be within both: `start` is a prefix of the first route, or
    an entry of its `only`; `other` of the second."""
    if first.only and second.only:
        return lists((start,), other) or lists((other,), start)
    if first.only:
        return lists_some(start, other)
    return lists_some(other, start) if second.only else touches((start,), other)


def _conflict(
    first: Expansion, second: Expansion, links: Sequence[Link], inventory: Inventory
) -> Problem:
    repositories = _shared(first, second) or "every repository"
    link = links[0]
    with_deletes, without = (first, second) if first.route.replicate_deletes else (second, first)
    return inventory.problem(
        f"routes[{second.number}]",
        f"route {with_deletes.name} replicates deletions and route {without.name} does not, but "
        f"both lead {repositories} from {link.source} to {link.destination} "
        f"({counted(len(links), 'link')})",
        "give both the same replicate_deletes, or prefixes that have nothing in common",
    )
