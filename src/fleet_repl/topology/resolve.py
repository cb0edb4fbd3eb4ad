"""Resolves routes to links, with everything that is wrong or noteworthy about them.

Exact: a pair of registries is linked if and only if some route asks for it. Sources over
ECR's limit are problems and get no links, so that the result always stays of a sane size.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from fleet_repl.inventory import Inventory, Template
from fleet_repl.topology.chains import chain_notices
from fleet_repl.topology.conflicts import BySource, deletion_conflicts, sources_over_limit
from fleet_repl.topology.expansion import Expansion, expand
from fleet_repl.topology.index import Fleet, index
from fleet_repl.topology.links import Link, Notice, scope_of
from fleet_repl.topology.summaries import RouteSummary, idle_routes, summarize
from fleet_repl.topology.templates import place_templates
from fleet_repl.topology.waves import Protection, Turns, Waves, place_waves, protect
from fleet_repl.values.errors import Problem
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import LinkScope


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """An inventory's routes, templates and waves, resolved."""

    links: tuple[Link, ...]
    """Merged over all routes, by source and destination."""
    routes: tuple[RouteSummary, ...]
    """In the inventory's order."""
    templates: Mapping[Registry, tuple[Template, ...]] = field(default_factory=dict)
    """The creation templates of each registry that gets some, in order of the prefix."""
    waves: Waves = field(default_factory=Waves)
    protected: frozenset[Registry] = frozenset()
    """Registries that lose no link unless the operator allows it."""
    notices: tuple[Notice, ...] = ()
    problems: tuple[Problem, ...] = ()
    """By line. With any, the links are incomplete and not to be used."""


def connect(inventory: Inventory) -> Topology:
    """Resolves every route of `inventory`. Raises nothing: everything wrong is in `problems`."""
    fleet = index(inventory)
    routes = [expand(number, route, fleet) for number, route in enumerate(inventory.routes)]
    by_source = _by_source(routes)
    over_limit, limit_problems = sources_over_limit(by_source, inventory, fleet)
    links = tuple(_links(by_source, over_limit))
    idle_problems, idle_notices = idle_routes(routes, inventory, fleet)
    placed = place_templates(inventory, fleet)
    turns, protection = _care(inventory, fleet, links, placed.templates)
    problems = [
        *idle_problems,
        *limit_problems,
        *deletion_conflicts(routes, links, inventory),
        *placed.problems,
        *turns.problems,
        *protection.problems,
    ]
    prefixes = {route.name: route.prefixes for route in routes}
    return Topology(
        links=links,
        routes=tuple(summarize(route, fleet) for route in routes),
        templates=placed.templates,
        waves=turns.waves,
        protected=protection.registries,
        notices=(*idle_notices, *chain_notices(links, prefixes), *turns.notices),
        problems=tuple(sorted(problems, key=lambda problem: problem.line or 0)),
    )


def _care(
    inventory: Inventory,
    fleet: Fleet,
    links: Sequence[Link],
    templates: Mapping[Registry, tuple[Template, ...]],
) -> tuple[Turns, Protection]:
    """The waves, and the protected registries. Both have retired accounts in them too."""
    if not (inventory.waves or inventory.safety.protected):
        return Turns(waves=Waves()), Protection()
    retired = any(account.retired for account in inventory.accounts)
    everyone = index(inventory, with_retired=True) if retired else fleet
    turns = place_waves(inventory, everyone, links, templates)
    return turns, protect(inventory, everyone)


def _by_source(routes: Sequence[Expansion]) -> BySource:
    by_source: dict[Registry, list[Expansion]] = defaultdict(list)
    for route in routes:
        for source in route.sources:
            if route.count(source):
                by_source[source].append(route)
    return by_source


def _links(by_source: BySource, left_out: frozenset[Registry]) -> Iterator[Link]:
    scopes: dict[tuple[int, ...], tuple[LinkScope, tuple[str, ...]]] = {}
    for source in sorted(by_source):
        if source in left_out:
            continue
        asking: dict[Registry, list[Expansion]] = defaultdict(list)
        for route in by_source[source]:
            for destination in route.candidates(source):
                if destination != source:
                    asking[destination].append(route)
        for destination, routes in sorted(asking.items(), key=itemgetter(0)):
            key = tuple(route.number for route in routes)
            if key not in scopes:
                names = tuple(route.name for route in routes)
                scopes[key] = scope_of([route.route for route in routes]), names
            scope, names = scopes[key]
            yield Link(source=source, destination=destination, scope=scope, routes=names)
