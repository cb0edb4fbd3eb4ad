"""Summaries of routes: counts, near misses, and routes that link nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from fleet_repl.inventory import Inventory
from fleet_repl.topology.expansion import Expansion, expand
from fleet_repl.topology.index import Fleet, index
from fleet_repl.topology.links import Notice
from fleet_repl.topology.near_misses import COMPARE, near_misses, unmatched, unmatched_because
from fleet_repl.values.errors import Problem
from fleet_repl.values.text import counted

RETIRED_ROUTE: Final = "retired-route"


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteSummary:
    """The counts of one route by itself, before it is merged with others."""

    name: str
    sources: int
    """Registries that it replicates from."""
    destinations: int
    """Registries that it replicates to."""
    links: int
    near_misses: tuple[str, ...] = ()
    """Sentences such as `to: 40 accounts match but list no eu-west-1`."""
    by_name: bool = False
    """Its prefixes follow from the repositories that each source has at each run."""


def summarize(expansion: Expansion, fleet: Fleet) -> RouteSummary:
    """Counts a route without listing its links."""
    counts = [expansion.count(source) for source in expansion.sources]
    return RouteSummary(
        name=expansion.name,
        sources=sum(count > 0 for count in counts),
        destinations=expansion.ends(),
        links=sum(counts),
        near_misses=tuple(_route_misses(expansion, fleet)),
        by_name=expansion.route.by_name,
    )


def idle_routes(
    routes: Sequence[Expansion], inventory: Inventory, fleet: Fleet
) -> tuple[list[Problem], list[Notice]]:
    """Returns a problem for every route that links nothing, as an empty match never means "all";
    but a notice for a route that would link something if no account were retired."""
    idle = [route for route in routes if not _links_any(route)]
    retired: list[Expansion] = []
    if idle and any(account.retired for account in inventory.accounts):
        everyone = index(inventory, with_retired=True)
        retired = [
            route for route in idle if _links_any(expand(route.number, route.route, everyone))
        ]
    stuck = [route for route in idle if route not in retired]
    notices = [
        Notice(
            kind=RETIRED_ROUTE,
            message=f"route {route.name} links nothing any more, because every account that it "
            "starts from or leads to is retired; take it out together with them",
            about=(frozenset({route.name}),),
        )
        for route in retired
    ]
    return [problem for route in stuck for problem in _faults(route, inventory, fleet)], notices


def _links_any(route: Expansion) -> bool:
    return any(map(route.count, route.sources))


def _faults(route: Expansion, inventory: Inventory, fleet: Fleet) -> Iterator[Problem]:
    key = f"routes[{route.number}]"
    if not route.sources:
        yield unmatched(f"{key}.from", route.route.source, inventory, fleet)
    if not route.destinations:
        yield unmatched_because(f"{key}.to", _destination_misses(route, fleet), inventory)
    if route.sources and route.destinations:
        yield inventory.problem(key, f"links no registries: {_why_no_pair(route)}", COMPARE)


def _route_misses(expansion: Expansion, fleet: Fleet) -> Iterator[str]:
    for miss in near_misses(fleet, expansion.route.source):
        yield f"from: {miss}"
    for miss in _destination_misses(expansion, fleet):
        yield f"to: {miss}"
    # A registry that is only its own destination is no miss: a mesh leaves that pair out.
    stuck = [source for source in expansion.sources if not expansion.candidates(source)]
    if stuck and len(stuck) < len(expansion.sources):
        verb = "has" if len(stuck) == 1 else "have"
        yield f"{counted(len(stuck), 'source')} {verb} no destination, such as {stuck[0]}"


def _destination_misses(expansion: Expansion, fleet: Fleet) -> tuple[str, ...]:
    selector = expansion.route.destination
    within = {source.account for source in expansion.sources} if selector.same_account else None
    return near_misses(fleet, selector, within)


def _why_no_pair(expansion: Expansion) -> str:
    match expansion.route.destination:
        case selector if selector.same_account and selector.same_region:
            return "only a registry itself has both its account and its region"
        case selector if selector.same_account:
            return "no source's account has another registry among the destinations"
        case selector if selector.same_region:
            return "no source's region has another registry among the destinations"
        case _:
            return f"{expansion.sources[0]} is its only source and its only destination"
