"""Links: which registry replicates which prefixes into which other registry, and why."""

from __future__ import annotations

from dataclasses import dataclass

from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import NOTHING, Prefixes


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
