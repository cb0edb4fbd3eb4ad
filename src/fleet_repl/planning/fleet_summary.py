"""An inventory in numbers: accounts, registries, links and rules. Pure."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from fleet_repl.ecr.rules import rules_for
from fleet_repl.inventory import Inventory
from fleet_repl.planning.acknowledgements import as_warning, noted
from fleet_repl.planning.desired_state import desired_state
from fleet_repl.planning.discovery import discovery_warnings
from fleet_repl.planning.plan import Warning
from fleet_repl.topology import NOTICES, RouteSummary, registries
from fleet_repl.values.errors import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSummary:
    """An inventory in numbers, with its routes and its warnings."""

    name: str
    accounts: int
    registries: int
    externals: int
    """Registries of other people's accounts that may receive images."""
    links: int
    rules: int
    routes: tuple[RouteSummary, ...]
    warnings: tuple[Warning, ...]
    acknowledged: int = 0
    """Warnings that the inventory acknowledges, and that are not listed."""


def describe_fleet(inventory: Inventory) -> FleetSummary:
    """Returns the counts, routes and warnings of an inventory, all of it offline."""
    if inventory.needs_discovery:
        return _undiscovered(inventory)
    desired, topology = desired_state(inventory)
    warnings = map(as_warning, topology.notices)
    known = noted(warnings, inventory, judged=NOTICES)
    rules = sum(
        len(rules_for(desired.links_out(source), filters=desired.limits.filters))
        for source in desired.outgoing
    )
    return FleetSummary(
        name=inventory.name,
        accounts=len(inventory.accounts),
        registries=len(desired.registries),
        externals=sum(len(external.regions) for external in inventory.externals),
        links=len(topology.links),
        rules=rules,
        routes=topology.routes,
        warnings=(*known.warnings, *discovery_warnings(inventory), *map(_unset, inventory.unset)),
        acknowledged=known.acknowledged,
    )


def _undiscovered(inventory: Inventory) -> FleetSummary:
    message = (
        "the accounts of this fleet are discovered, which was not done yet, and its routes are "
        f"checked only then: see fleet-repl accounts {shlex.quote(inventory.path)}"
    )
    return FleetSummary(
        name=inventory.name,
        accounts=len(inventory.listed),
        registries=len(registries(inventory)),
        externals=sum(len(external.regions) for external in inventory.externals),
        links=0,
        rules=0,
        routes=tuple(
            RouteSummary(name=route.name, sources=0, destinations=0, links=0, by_name=route.by_name)
            for route in inventory.routes
        ),
        warnings=(Warning(kind="not-discovered", message=message), *map(_unset, inventory.unset)),
    )


def _unset(problem: Problem) -> Warning:
    message = f"{problem.key}: {problem.message}; where AWS is called that is an error"
    return Warning(kind="unset-variable", message=message)
