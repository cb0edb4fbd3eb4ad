"""Routes by name in a fleet: the links that they come to, once repositories are known. Pure.

A source whose repositories could not be read is not resolved here: its registry counts as
unreadable, so that neither its rules nor the grants for it change.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from fleet_repl.inventory import Inventory, Route
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.plan import Warning
from fleet_repl.planning.route_prefixes import RoutePrefixes, route_prefixes
from fleet_repl.topology import Link, scope_of
from fleet_repl.values.canonical_json import short_digest
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import Prefixes, starting_with
from fleet_repl.values.repositories import folder_of
from fleet_repl.values.text import counted, listed

_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class KeptRoute:
    """The repositories that a route out of a source was first applied for."""

    asked: str
    """The digest of what it asked for then."""
    repositories: tuple[str, ...]


Kept: TypeAlias = Mapping[Registry, Mapping[str, KeptRoute]]
"""Source → route → what was kept; only of routes that leave new repositories."""
There: TypeAlias = Mapping[Registry, Mapping[str, frozenset[str]]]
"""Source → route → the repositories that count. Of a source or route that is missing, all do."""


def resolve_routes(
    inventory: Inventory,
    desired: Desired,
    repositories: Mapping[Registry, Collection[str]],
    there: There,
) -> tuple[RoutePrefixes, ...]:
    """Resolves the routes by name out of the sources whose repositories are given. `there`: the
    repositories that count, of routes that leave new ones."""
    routes = {route.name: route for route in inventory.routes}
    return tuple(
        prefixes
        for source in sorted(repositories)
        for prefixes in _of_source(
            source,
            desired.outgoing.get(source, ()),
            routes,
            repositories[source],
            there.get(source, {}),
        )
    )


def _of_source(
    source: Registry,
    links: Sequence[Link],
    routes: Mapping[str, Route],
    repositories: Collection[str],
    there: Mapping[str, Collection[str]],
) -> Iterator[RoutePrefixes]:
    for name in dict.fromkeys(name for link in links for name in link.routes):
        route = routes[name]
        if not route.by_name:
            continue
        beside = {other for link in links if name in link.routes for other in link.routes}
        yield route_prefixes(
            source,
            route,
            repositories,
            # On one link, rules that replicate deletions must not overlap others.
            apart=(
                prefix
                for other in beside
                if routes[other].replicate_deletes != route.replicate_deletes
                for prefix in routes[other].bounds
            ),
            kept=there.get(route.name),
        )


def asked_digest(route: Route) -> str:
    """Returns a digest of what a route asks for: of a route that asks for something else by now,
    nothing that was kept counts."""
    asked = [list(route.prefixes), sorted(route.only), sorted(route.exclude)]
    return short_digest(asked)


def repositories_there(kept: Kept, inventory: Inventory) -> There:
    """Returns the repositories that count, of the routes that leave new ones and that still ask
    for what they asked for when they were first applied."""
    leaving = _leaving(inventory)
    return {
        source: {
            route: frozenset(made_for.repositories)
            for route, made_for in by_route.items()
            if leaving.get(route) == made_for.asked
        }
        for source, by_route in kept.items()
    }


def _leaving(inventory: Inventory) -> Mapping[str, str]:
    """The routes that leave new repositories → a digest of what they ask for."""
    return {
        route.name: asked_digest(route)
        for route in inventory.routes
        if route.new_repositories == "leave"
    }


def kept_after(
    kept: Kept,
    inventory: Inventory,
    resolved: Iterable[RoutePrefixes],
    applied: Collection[Registry],
) -> Kept:
    """Returns what is kept for `resolved`, applied to these registries. A route that includes
    new repositories begins anew if it leaves them later."""
    leaving = _leaving(inventory)
    now = {
        source: {name: made_for for name, made_for in by_route.items() if name in leaving}
        for source, by_route in kept.items()
    }
    for item in resolved:
        if item.source in applied and item.route in leaving and item.repositories:
            made_for = KeptRoute(leaving[item.route], item.repositories)
            now.setdefault(item.source, {})[item.route] = made_for
    return {source: by_route for source, by_route in now.items() if by_route}


def released(kept: Kept, before: Kept, unapplied: Iterable[RoutePrefixes]) -> Kept:
    """Returns what is kept without the claims of a run for routes that it has not applied after
    all. `before`: what was kept before it claimed."""
    now = {source: dict(by_route) for source, by_route in kept.items()}
    for item in unapplied:
        by_route = now.setdefault(item.source, {})
        by_route.pop(item.route, None)
        if (made_for := before.get(item.source, {}).get(item.route)) is not None:
            by_route[item.route] = made_for
    return now


def linked_by_name(
    inventory: Inventory, desired: Desired, resolved: Iterable[RoutePrefixes]
) -> Desired:
    """The desired state with these prefixes in place of all that routes by name may match. A link
    that is left without any is none."""
    by_source: dict[Registry, dict[str, Prefixes]] = {}
    for item in resolved:
        by_source.setdefault(item.source, {})[item.route] = item.prefixes
    if not by_source:
        return desired
    routes = {route.name: route for route in inventory.routes}
    links: list[Link] = []
    for source, outgoing in desired.outgoing.items():
        prefixes = by_source.get(source)
        links += outgoing if prefixes is None else _narrowed(outgoing, routes, prefixes)
    return desired.linked_by(links)


def _narrowed(
    links: Iterable[Link], routes: Mapping[str, Route], prefixes: Mapping[str, Prefixes]
) -> Iterator[Link]:
    def prefixes_of(route: Route) -> Prefixes:
        return prefixes.get(route.name, route.bounds)

    for link in links:
        asking = [routes[name] for name in link.routes if prefixes_of(routes[name])]
        if asking:
            yield replace(
                link,
                scope=scope_of(asking, prefixes_of),
                routes=tuple(route.name for route in asking),
            )


def _unknown(entries: Iterable[str], names: Collection[str]) -> list[str]:
    """The entries that name none of these repositories."""
    ordered = sorted(names)
    return [
        entry
        for entry in entries
        if entry not in names and not starting_with(ordered, folder_of(entry))
    ]


def repository_warnings(
    inventory: Inventory,
    resolved: Sequence[RoutePrefixes],
    repositories: Mapping[Registry, Collection[str]],
) -> Iterator[Warning]:
    """Yields a warning for each route by name that makes no rule in some of its sources, or that
    leaves new repositories, or names some that no source has."""
    for route in inventory.routes:
        own = [item for item in resolved if item.route == route.name]
        if empty := [item.source for item in own if not item.prefixes]:
            yield Warning(
                kind="no-repository",
                message=f"route {route.name} makes no rule in {listed(empty, _SHOWN)}, which "
                f"{'has' if len(empty) == 1 else 'have'} no repository that it asks for",
                about=(frozenset({route.name}),),
            )
        names = {name for item in own for name in repositories[item.source]}
        unknown = _unknown(route.only, names)
        if own and unknown and len(empty) < len(own):
            yield Warning(
                kind="no-repository",
                message=f"route {route.name} names {listed(unknown, _SHOWN)} under only, and no "
                "source has such a repository",
                about=(frozenset({route.name}),),
            )
        if left := [(name, item.source) for item in own for name in item.left]:
            yield Warning(
                kind="left-repositories",
                message=f"route {route.name} leaves {counted(len(left), 'repository')} out that "
                f"it asks for, such as {left[0][0]} in {left[0][1]}: created after it was first "
                'applied. new_repositories = "include" takes them in',
                about=(frozenset({route.name}),),
            )
