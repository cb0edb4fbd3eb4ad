"""Links: which registry replicates which prefixes into which other registry, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from fleet_repl.inventory import Route
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import LinkScope, Prefixes, reduce

About: TypeAlias = tuple[frozenset[str], ...]
"""What has to be acknowledged for a warning to be known: every name of one of the groups. Names
are those of routes, account ids and Sids."""

NOTICES: Final = frozenset({"idle-wave", "not-transitive", "retired-route"})
"""The kinds of notices that there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What all routes together ask for between two registries."""

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
        """Whether the destination has to grant it."""
        return self.source.account != self.destination.account


def scope_of(routes: Sequence[Route]) -> LinkScope:
    """What several routes between the same two registries ask for together."""
    deleting = [route for route in routes if route.replicate_deletes]
    return LinkScope(
        prefixes=reduce(prefix for route in routes for prefix in route.prefixes),
        deletes=reduce(prefix for route in deleting for prefix in route.prefixes),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something about the routes that the reader should know and that stops nothing."""

    kind: str
    message: str
    about: About = field(default=(), repr=False, compare=False)
