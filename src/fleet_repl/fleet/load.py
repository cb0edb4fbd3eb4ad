"""What can be said of an inventory without calling anything."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from fleet_repl.ecr.rules import rules_for
from fleet_repl.inventory import Inventory, parse
from fleet_repl.planning.acknowledgements import as_warning, noted
from fleet_repl.planning.desired import desired_state
from fleet_repl.planning.plan import Warning
from fleet_repl.topology import NOTICES, RouteSummary, Topology
from fleet_repl.values.errors import InventoryError, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSummary:
    """What an inventory amounts to."""

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


def load_inventory(
    path: str | Path,
    *,
    environ: Mapping[str, str] | None = None,
    routes_required: bool = True,
    secrets_required: bool = True,
    stdin: BinaryIO | None = None,
) -> Inventory:
    """Read, check and resolve an inventory file. Calls nothing.

    With `stdin` it is read from there instead, as if it stood in a file called `path`.

    Without `routes_required` it may have no `routes`, which is good for importing and not for
    plans: they would take every link away. Without `secrets_required`, external ids may be
    missing whose variables are not set; the inventory is then good for everything that does not
    call AWS, and its `unset` says what is missing.

    Raises InventoryError, whose `problems` name everything wrong with it at once.
    """
    inventory = parse(
        path,
        environ=os.environ if environ is None else environ,
        routes_required=routes_required,
        secrets_required=secrets_required,
        stdin=stdin,
    )
    desired_state(inventory)
    return inventory


def check_secrets(inventory: Inventory) -> None:
    """Raises InventoryError where an external id is missing, before AWS is called."""
    if inventory.unset:
        raise InventoryError(inventory.unset)


def describe_fleet(inventory: Inventory) -> FleetSummary:
    """What an inventory amounts to, offline."""
    desired, topology = desired_state(inventory)
    found = noted(notices(topology), inventory, judged=NOTICES)
    rules = sum(
        len(
            rules_for(
                desired.links_out(source),
                desired.deletes_out(source),
                filters=desired.limits.filters,
            )
        )
        for source in desired.outgoing
    )
    return FleetSummary(
        name=inventory.name,
        accounts=len(inventory.accounts),
        registries=len(desired.registries),
        externals=sum(len(one.regions) for one in inventory.externals),
        links=len(topology.links),
        rules=rules,
        routes=topology.routes,
        warnings=(*found.warnings, *map(_unset, inventory.unset)),
        acknowledged=found.acknowledged,
    )


def _unset(problem: Problem) -> Warning:
    message = f"{problem.key}: {problem.message}; where AWS is called that is an error"
    return Warning(kind="unset-variable", message=message)


def notices(topology: Topology) -> tuple[Warning, ...]:
    """What the routes themselves give reason to warn about."""
    return tuple(map(as_warning, topology.notices))
