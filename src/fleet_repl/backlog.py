"""Which destinations are to receive what was pushed before their rules were in place.

All of a route's, for somebody who asks, or those of the links that a run has made. Whether a
backfill is needed, and can start now, is another question.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from fleet_repl.desired import Desired
from fleet_repl.inventory import Route
from fleet_repl.names import Registry
from fleet_repl.outcomes import ChangeOutcome, Outcome, RegistryOutcome
from fleet_repl.ownership import Due
from fleet_repl.plan import Change, LinkEnd, Plan, RegistryPlan, Resource, Warning
from fleet_repl.prefixes import NOTHING, Prefixes, beyond, intersect, union
from fleet_repl.rules import NOWHERE, Outgoing, parse_document


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """The destinations of one source, as far as its rules are as they should be."""

    in_place: tuple[Registry, ...] = ()
    missing: Mapping[Registry, Prefixes] = field(default_factory=dict)
    """Destination → prefixes that are not in the source's rules."""


def asked_for(
    desired: Desired, routes: Sequence[Route], sources: Iterable[Registry]
) -> dict[Registry, Outgoing]:
    """Source → the links out of it that `routes` ask for; one without any is left out."""
    prefixes = {one.name: one.prefixes for one in routes}
    found: dict[Registry, Outgoing] = {}
    for source in sorted(sources):
        links: dict[Registry, Prefixes] = {}
        for link in desired.outgoing.get(source, ()):
            for route in link.routes:
                if route in prefixes:
                    so_far = links.get(link.destination, NOTHING)
                    links[link.destination] = union(so_far, prefixes[route])
        if links:
            found[source] = links
    return found


def backlog_of(links: Outgoing, present: Outgoing) -> Backlog:
    """The links of a source held against what its rules replicate."""
    lacking = {one: beyond(links[one], present.get(one, NOTHING)) for one in sorted(links)}
    return Backlog(
        in_place=tuple(one for one, prefixes in lacking.items() if not prefixes),
        missing={one: prefixes for one, prefixes in lacking.items() if prefixes},
    )


def foreseen(registries: Iterable[RegistryPlan], routes: Sequence[Route]) -> Iterator[Warning]:
    """What a plan has to say of the backfills that will follow it."""
    wanting = _wanting(routes)
    changes = [(one.registry, change) for one in registries for change in one.changes]
    ends = [
        (source, end.registry, route)
        for source, end in _added(changes)
        for route in end.routes
        if intersect(end.prefixes, wanting.get(route, NOTHING))
    ]
    if ends:
        names = sorted({route for _, _, route in ends})
        number = len({(source, destination) for source, destination, _ in ends})
        yield Warning(
            kind="backfill",
            message=f"after the apply, ECR is asked to copy what was pushed before along "
            f"{number} {'link' if number == 1 else 'links'} of "
            f"{'route' if len(names) == 1 else 'routes'} {', '.join(names)}",
        )


def owing(plan: Plan, routes: Sequence[Route], since: datetime) -> dict[Registry, Due]:
    """Source → what the links that a plan will add are owed, from `since` on."""
    wanting = _wanting(routes)
    found: dict[Registry, Due] = {}
    for registry, end in _added(plan.changes):
        if any(intersect(end.prefixes, wanting.get(route, NOTHING)) for route in end.routes):
            found[registry] = {**found.get(registry, {}), end.registry: since}
    return found


def of_new_links(
    plan: Plan, outcomes: Iterable[RegistryOutcome], routes: Sequence[Route]
) -> dict[Registry, tuple[Registry, ...]]:
    """Source → the destinations of links that a run has made for a route that wants a backfill."""
    wanting = _wanting(routes)
    if not wanting:
        return {}
    written = {one.registry: _written(one.changes) for one in outcomes}
    found: dict[Registry, tuple[Registry, ...]] = {}
    for registry, end in _added(plan.changes):
        there = written.get(registry, NOWHERE).get(end.registry, NOTHING)
        made = intersect(end.prefixes, there)
        if any(intersect(made, wanting.get(route, NOTHING)) for route in end.routes):
            found[registry] = (*found.get(registry, ()), end.registry)
    return {one: tuple(sorted(set(ends))) for one, ends in sorted(found.items())}


def _wanting(routes: Iterable[Route]) -> dict[str, Prefixes]:
    """The prefixes of routes whose new links are backfilled."""
    return {one.name: one.prefixes for one in routes if one.backfill == "new-links"}


def _added(changes: Iterable[tuple[Registry, Change]]) -> Iterator[tuple[Registry, LinkEnd]]:
    for registry, change in changes:
        if change.resource is Resource.REPLICATION_CONFIGURATION:
            for end in change.links_added:
                yield registry, end


def _written(changes: Iterable[ChangeOutcome]) -> Outgoing:
    """The links that were written to a registry, and read back."""
    for one in changes:
        rules = one.resource is Resource.REPLICATION_CONFIGURATION
        if rules and one.outcome is Outcome.APPLIED and one.after is not None:
            return parse_document(one.after).outgoing
    return NOWHERE
