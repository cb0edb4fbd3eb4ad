"""The prefixes of one route by name out of one source, from the repositories that are there. Pure.

A route with `exclude` or `only` asks for repositories by whole names, and ECR's filters are
prefixes. So its prefixes are the fewest that carry what it asks for there, and nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from fleet_repl.inventory import Route
from fleet_repl.values.fewest_prefixes import Bounds, Collateral, fewest_prefixes
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import Prefixes, selects
from fleet_repl.values.repositories import folder_of


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutePrefixes:
    """The prefixes of a route by name out of one source."""

    source: Registry
    route: str
    prefixes: Prefixes
    """Empty where the source has no repository that the route asks for."""
    collateral: tuple[Collateral, ...] = ()
    """Repositories that the prefixes carry although the route does not ask for them."""
    left: tuple[str, ...] = ()
    """Repositories that the route asks for and leaves, as they were created later."""
    repositories: tuple[str, ...] = field(default=(), repr=False, compare=False)
    """The repositories that the prefixes are made for, where the route leaves new ones."""


def route_prefixes(
    source: Registry,
    route: Route,
    repositories: Collection[str],
    *,
    apart: Iterable[str] = (),
    kept: Collection[str] | None = None,
) -> RoutePrefixes:
    """Returns the prefixes of a route out of a source that has these repositories.

    `apart`: prefixes of other routes, which no prefix of this one may overlap. `kept`: of a route
    that leaves new repositories, those that its prefixes were made for when it was first applied;
    None before that. Those of them that are gone count as if they were there, so that the prefixes
    stay, unless they would carry what is barred.
    """
    wanted = {name for name in repositories if route.wants(name)}
    barred = {*repositories, *apart} - wanted
    carried = wanted
    if kept is not None:
        asked = set(filter(route.wants, kept))
        gone = {
            name for name in asked - wanted if not any(other.startswith(name) for other in barred)
        }
        carried = (asked & wanted) | gone
    whole = tuple(map(folder_of, route.only)) if route.only else route.prefixes
    bounds = Bounds(within=route.bounds, avoided=route.exclude, whole=whole)
    fewest = fewest_prefixes(carried, barred, bounds)
    return RoutePrefixes(
        source=source,
        route=route.name,
        prefixes=fewest.prefixes,
        collateral=fewest.collateral,
        left=tuple(sorted(name for name in wanted if not selects(fewest.prefixes, name))),
        repositories=tuple(sorted(carried)) if route.new_repositories == "leave" else (),
    )
