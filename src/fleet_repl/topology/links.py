"""Links: which registry replicates which prefixes into which other registry, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import NOTHING, Prefixes

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
    prefixes: Prefixes
    deletes: Prefixes = NOTHING
    """Those of `prefixes` whose deletions travel too."""
    routes: tuple[str, ...]
    """Names of the routes behind it, in the inventory's order."""

    @property
    def crosses_accounts(self) -> bool:
        """Whether the destination has to grant it."""
        return self.source.account != self.destination.account


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something about the routes that the reader should know and that stops nothing."""

    kind: str
    message: str
    about: About = field(default=(), repr=False, compare=False)
