"""Connecting: routes → links, with everything that is wrong or noteworthy about them.

Exact: a pair of registries is linked if and only if some route asks for it. Sources over
ECR's limit are problems and get no links, so that the result always stays of a sane size.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from fleet_repl.inventory import Inventory, Template
from fleet_repl.topology.conflicts import Departures, find_crowding
from fleet_repl.topology.disputes import find_disputes
from fleet_repl.topology.hops import hop_notices
from fleet_repl.topology.index import Fleet, index
from fleet_repl.topology.links import Link
from fleet_repl.topology.notices import Notice
from fleet_repl.topology.protecting import Protection, protect
from fleet_repl.topology.reach import Reach, reach
from fleet_repl.topology.summaries import RouteSummary, idle_routes, summarize
from fleet_repl.topology.templates import place_templates
from fleet_repl.topology.waves import Turns, Waves, place_waves
from fleet_repl.values.errors import Problem
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import Prefixes, reduce


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """What an inventory's routes mean."""

    links: tuple[Link, ...]
    """Merged over all routes, by source and destination."""
    routes: tuple[RouteSummary, ...]
    """In the inventory's order."""
    templates: Mapping[Registry, tuple[Template, ...]] = field(default_factory=dict)
    """The creation templates of each registry that gets some, in order of the prefix."""
    waves: Waves = field(default_factory=Waves)
    protected: frozenset[Registry] = frozenset()
    """Registries that lose no link unless somebody says so."""
    notices: tuple[Notice, ...] = ()
    problems: tuple[Problem, ...] = ()
    """By line. With any, the links are incomplete and not to be used."""


def connect(inventory: Inventory) -> Topology:
    """Resolve every route of `inventory`. Raises nothing: what is wrong is in `problems`."""
    fleet = index(inventory)
    reaches = [reach(number, route, fleet) for number, route in enumerate(inventory.routes)]
    departures = _departures(reaches)
    crowding = find_crowding(departures, inventory, fleet)
    links = tuple(_links(departures, crowding.sources))
    disputes = find_disputes(reaches, links, inventory)
    idle = idle_routes(reaches, inventory, fleet)
    placing = place_templates(inventory, fleet)
    turns, protection = _care(inventory, fleet, links, placing.templates)
    problems = [
        *idle.problems,
        *crowding.problems,
        *disputes,
        *placing.problems,
        *turns.problems,
        *protection.problems,
    ]
    return Topology(
        links=links,
        routes=tuple(summarize(one, fleet) for one in reaches),
        templates=placing.templates,
        waves=turns.waves,
        protected=protection.registries,
        notices=(
            *idle.notices,
            *hop_notices(links, {one.name: one.prefixes for one in reaches}),
            *turns.notices,
        ),
        problems=tuple(sorted(problems, key=lambda problem: problem.line or 0)),
    )


def _care(
    inventory: Inventory,
    fleet: Fleet,
    links: Sequence[Link],
    templates: Mapping[Registry, tuple[Template, ...]],
) -> tuple[Turns, Protection]:
    """The order of writes, and what may not go; both concern retired accounts too."""
    if not (inventory.waves or inventory.safety.protected):
        return Turns(waves=Waves()), Protection()
    retired = any(account.retired for account in inventory.accounts)
    everyone = index(inventory, with_retired=True) if retired else fleet
    turns = place_waves(inventory, everyone, links, templates)
    return turns, protect(inventory, everyone)


def _departures(reaches: Sequence[Reach]) -> Departures:
    departures: dict[Registry, list[Reach]] = defaultdict(list)
    for one in reaches:
        for source in one.sources:
            if one.count(source):
                departures[source].append(one)
    return departures


def _links(departures: Departures, left_out: frozenset[Registry]) -> Iterator[Link]:
    merged: dict[tuple[int, ...], _Merged] = {}
    for source in sorted(departures):
        if source in left_out:
            continue
        asking: dict[Registry, list[Reach]] = defaultdict(list)
        for one in departures[source]:
            for end in one.candidates(source):
                if end != source:
                    asking[end].append(one)
        for end in sorted(asking):
            key = tuple(one.number for one in asking[end])
            if key not in merged:
                merged[key] = _merge(asking[end])
            prefixes, deletes, routes = merged[key]
            yield Link(
                source=source, destination=end, prefixes=prefixes, deletes=deletes, routes=routes
            )


class _Merged(NamedTuple):
    prefixes: Prefixes
    deletes: Prefixes
    routes: tuple[str, ...]


def _merge(reaches: Sequence[Reach]) -> _Merged:
    """What several routes between the same two registries come to."""
    deleting = [one for one in reaches if one.route.replicate_deletes]
    return _Merged(
        prefixes=reduce(prefix for one in reaches for prefix in one.prefixes),
        deletes=reduce(prefix for one in deleting for prefix in one.prefixes),
        routes=tuple(one.name for one in reaches),
    )
