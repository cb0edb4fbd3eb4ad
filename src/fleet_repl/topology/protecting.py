"""Protecting: the registries that lose no link unless somebody says so."""

from __future__ import annotations

from dataclasses import dataclass

from fleet_repl.inventory import Inventory
from fleet_repl.topology.index import Fleet
from fleet_repl.topology.unmatched import unmatched
from fleet_repl.values.errors import Problem
from fleet_repl.values.names import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """What `protected` comes to."""

    registries: frozenset[Registry] = frozenset()
    problems: tuple[Problem, ...] = ()
    """With any, some registries may be missing."""


def protect(inventory: Inventory, fleet: Fleet) -> Protection:
    """Resolve the selectors of `protected`; `fleet` has the retired accounts too."""
    found: set[Registry] = set()
    problems: list[Problem] = []
    for number, selector in enumerate(inventory.safety.protected):
        selected = fleet.sources(selector)
        found.update(selected)
        if not selected:
            problems.append(unmatched(f"safety.protected[{number}]", selector, inventory, fleet))
    return Protection(registries=frozenset(found), problems=tuple(problems))
