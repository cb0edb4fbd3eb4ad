"""The lines of an inventory that findings are shown at.

A document names its inventory by path and digest, and knows no lines of it, but those of mistakes.
Where the same inventory is at hand, a finding is shown at the account, the route, the wave or the
setting that it is about; otherwise at the first line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from fleet_repl.inventory import Inventory
from fleet_repl.inventory.findings import nearest_line
from fleet_repl.reports.sarif.finding import Finding

_ACCOUNT: Final = re.compile(r"(?<!\d)\d{12}(?!\d)")
_SETTINGS: Final = {
    "max-removals": "safety.max_removals",
    "max-changed": "safety.max_changed",
    "max-unreadable": "safety.max_unreadable",
    "foreign-rules": "ownership",
    "acknowledged-nothing": "warnings",
    "trusted-nothing": "ownership.trusted_statements",
    "state": "state",
}
"""By rule, the setting that it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The lines of one inventory, by what is there."""

    path: str
    digest: str
    accounts: Mapping[str, int] = field(default_factory=dict)
    """By account id."""
    names: Mapping[str, int] = field(default_factory=dict)
    """By name of a route, then of a wave."""
    settings: Mapping[str, int] = field(default_factory=dict)
    """By rule."""

    @classmethod
    def of(cls, inventory: Inventory) -> Places:
        lines = inventory.lines
        tables: dict[str, list[str]] = {
            "accounts": [account.id for account in inventory.listed or inventory.accounts],
            "waves": [wave.name for wave in inventory.waves],
            "routes": [route.name for route in inventory.routes],
        }
        accounts, waves, routes = (
            {
                name: line
                for nth, name in enumerate(names)
                if (line := nearest_line(lines, f"{table}[{nth}].name")) is not None
            }
            for table, names in tables.items()
        )
        return cls(
            path=inventory.path,
            digest=inventory.digest,
            accounts=accounts,
            names=waves | routes,
            settings={
                rule: line
                for rule, key in _SETTINGS.items()
                if (line := nearest_line(lines, key)) is not None
            },
        )

    def line(self, finding: Finding) -> int | None:
        """Returns the line that a finding is about; None where the inventory has none."""
        if finding.rule in self.settings:
            return self.settings[finding.rule]
        for account in _ACCOUNT.findall(finding.subject or finding.message):
            if account in self.accounts:
                return self.accounts[account]
        named = [name for name in self.names if _mentions(finding.message, name)]
        return self.names[max(named, key=len)] if named else None


def _mentions(message: str, name: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", message) is not None
