"""Links: what one registry replicates into another, and the routes that ask for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from fleet_repl.inventory import Route
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import LinkScope, Prefixes, reduce

About: TypeAlias = tuple[frozenset[str], ...]
"""The names that acknowledge a warning, all of a group: routes, waves, account ids and Sids."""

NOTICES: Final = frozenset({"idle-wave", "not-transitive", "retired-route"})
"""The kinds of notices that there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """All that routes ask for between two registries."""

    source: Registry
    destination: Registry
    scope: LinkScope
    routes: tuple[str, ...]
    """Names of the routes behind it, in the inventory's order."""

    @property
    def prefixes(self) -> Prefixes:
        """The prefixes that it replicates."""
        return self.scope.prefixes

    @property
    def crosses_accounts(self) -> bool:
        """Returns whether the destination has to grant it: it belongs to another account."""
        return self.source.account != self.destination.account


def _bounds(route: Route) -> Prefixes:
    return route.bounds


def scope_of(
    routes: Sequence[Route], prefixes_of: Callable[[Route], Prefixes] = _bounds
) -> LinkScope:
    """Returns what several routes between the same two registries ask for together. `prefixes_of`
    gives the prefixes of each: by default all that a route by name may ask for."""
    deleting = [route for route in routes if route.replicate_deletes]
    return LinkScope(
        prefixes=reduce(prefix for route in routes for prefix in prefixes_of(route)),
        deletes=reduce(prefix for route in deleting for prefix in prefixes_of(route)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A remark about routes or waves that stops nothing."""

    kind: str
    message: str
    about: About = field(default=(), repr=False, compare=False)
