"""Backfill targets: destinations that are to receive what was pushed before their rules existed.

These are all destinations of a route for the backfill command, and for a run the destinations of
the links that it has made. `ecr.backfills` decides whether a backfill is needed and can start now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from fleet_repl.ecr.backfills import BackfillOutcome, BackfillState
from fleet_repl.ecr.content import contents
from fleet_repl.ecr.rules import Outgoing, Replication, compare
from fleet_repl.inventory import Route
from fleet_repl.planning.change import Change, LinkEnd, Resource
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.enrolment import joining_sentence
from fleet_repl.planning.ownership import Due
from fleet_repl.planning.plan import Plan, RegistryPlan, Warning
from fleet_repl.runs.outcomes import ChangeOutcome, Outcome, RegistryOutcome
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.prefixes import NOTHING, Prefixes, beyond, intersect, union
from fleet_repl.values.text import counted, named


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """The destinations of one source, by whether its rules replicate to them as routes ask."""

    in_place: tuple[Registry, ...] = ()
    missing: Mapping[Registry, Prefixes] = field(default_factory=dict)
    """Destination → prefixes that are not in the source's rules."""


def asked_for(
    desired: Desired, routes: Sequence[Route], sources: Iterable[Registry]
) -> dict[Registry, Outgoing]:
    """Returns, by source, the links that `routes` ask for. Sources without links are left out."""
    bounds = {route.name: route.bounds for route in routes}
    by_name = {route.name for route in routes if route.by_name}
    outgoing_by_source: dict[Registry, Outgoing] = {}
    for source in sorted(sources):
        links: dict[Registry, Prefixes] = {}
        for link in desired.outgoing.get(source, ()):
            for route in link.routes:
                if route in bounds:
                    so_far = links.get(link.destination, NOTHING)
                    asked = bounds[route]
                    if route in by_name:
                        asked = intersect(asked, link.prefixes)
                    links[link.destination] = union(so_far, asked)
        if links:
            outgoing_by_source[source] = links
    return outgoing_by_source


def backlog_of(links: Outgoing, present: Outgoing) -> Backlog:
    """Compares the links of a source with the links that its rules make."""
    lacking = {
        destination: beyond(links[destination], present.get(destination, NOTHING))
        for destination in sorted(links)
    }
    return Backlog(
        in_place=tuple(destination for destination, prefixes in lacking.items() if not prefixes),
        missing={destination: prefixes for destination, prefixes in lacking.items() if prefixes},
    )


def without_joining(
    asked: Mapping[Registry, Outgoing], joining: Mapping[AccountId, str], state: BackfillState
) -> tuple[dict[Registry, Outgoing], tuple[BackfillOutcome, ...]]:
    """Returns the links whose accounts are not joining, and of the others an outcome in `state`,
    with the sentence of the account."""
    kept: dict[Registry, Outgoing] = {}
    outcomes: list[BackfillOutcome] = []
    for source, links in asked.items():
        because = {end: joining_sentence(joining, source, end) for end in links}
        if others := {end: links[end] for end in links if because[end] is None}:
            kept[source] = others
        outcomes += [
            BackfillOutcome(
                source=source, destination=end, state=state, because=sentence, joining=True
            )
            for end, sentence in because.items()
            if sentence is not None
        ]
    return kept, tuple(outcomes)


def foreseen(registries: Iterable[RegistryPlan], routes: Sequence[Route]) -> Iterator[Warning]:
    """Yields the warnings of a plan about the backfills that will follow its apply."""
    changes = (
        (registry_plan.registry, change)
        for registry_plan in registries
        for change in registry_plan.changes
    )
    links = list(_asking(changes, routes))
    if links:
        names = sorted({route.name for _, _, route in links})
        number = len({(source, end.registry) for source, end, _ in links})
        yield Warning(
            kind="backfill",
            message=f"after the apply, ECR is asked to copy what was pushed before along "
            f"{counted(number, 'link')} of {named('route', names)}",
            about=(frozenset(names),),
        )


def owing(plan: Plan, routes: Sequence[Route], since: datetime) -> dict[Registry, Due]:
    """Returns, by source, the destinations owed a backfill from `since` for links of a plan."""
    due_by_source: dict[Registry, Due] = {}
    for source, end, _ in _asking(plan.changes, routes):
        due_by_source[source] = {**due_by_source.get(source, {}), end.registry: since}
    return due_by_source


def of_new_links(
    plan: Plan, outcomes: Iterable[RegistryOutcome], routes: Sequence[Route]
) -> dict[Registry, tuple[Registry, ...]]:
    """Returns, by source, destinations of links made for a route that wants a backfill."""
    changes = {outcome.registry: outcome.changes for outcome in outcomes}
    written: dict[Registry, Outgoing] = {}
    new_links: dict[Registry, set[Registry]] = {}
    for source, end, route in _asking(plan.changes, routes):
        if source not in written:
            written[source] = _written(changes.get(source, ()))
        made = intersect(end.prefixes, written[source].get(end.registry, NOTHING))
        if intersect(made, route.prefixes):
            new_links.setdefault(source, set()).add(end.registry)
    return {source: tuple(sorted(ends)) for source, ends in sorted(new_links.items())}


def _asking(
    changes: Iterable[tuple[Registry, Change]], routes: Iterable[Route]
) -> Iterator[tuple[Registry, LinkEnd, Route]]:
    """The links that changes add, with each route that asks for them and wants a backfill."""
    wanting = {route.name: route for route in routes if route.backfill == "new-links"}
    for source, change in changes if wanting else ():
        if change.resource is Resource.REPLICATION_CONFIGURATION:
            for end in change.links_added:
                for name in end.routes:
                    route = wanting.get(name)
                    if route is not None and intersect(end.prefixes, route.prefixes):
                        yield source, end, route


def _written(changes: Iterable[ChangeOutcome]) -> Outgoing:
    """The links that a run has surely added to a registry: those after the last of its writes that
    were not there before the first."""
    writes = [
        change
        for change in changes
        if change.resource is Resource.REPLICATION_CONFIGURATION
        and change.outcome is Outcome.APPLIED
    ]
    if not writes:
        return {}
    (before, _), (_, after) = (contents(writes[at], Replication) for at in (0, -1))
    return compare(before.links, after.links).added
