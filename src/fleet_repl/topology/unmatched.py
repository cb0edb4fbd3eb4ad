"""Selectors of settings that match no registry: a slip, for an empty match never means "all"."""

from __future__ import annotations

from fleet_repl.inventory import Inventory, Selector
from fleet_repl.inventory.findings import nearest_line
from fleet_repl.topology.index import Fleet
from fleet_repl.topology.near_misses import near_misses
from fleet_repl.values.errors import Problem


def unmatched(key: str, selector: Selector, inventory: Inventory, fleet: Fleet) -> Problem:
    """The problem with `selector`, written at `key`: what it nearly matches."""
    misses = near_misses(fleet, selector)
    return Problem(
        file=inventory.path,
        line=nearest_line(inventory.lines, key),
        key=key,
        message=f"matches no registry{': ' if misses else ''}{'; '.join(misses)}",
        remedy="compare its conditions with the labels and regions of the accounts",
    )
