"""Inventories out of files: read and checked, without a call to AWS."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from fleet_repl.inventory import Inventory, parse
from fleet_repl.planning.desired_state import desired_state
from fleet_repl.values.errors import InventoryError


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
    call AWS, and its `unset` says what is missing. Where `needs_discovery` of the inventory is
    true, `discover` tells the rest of its accounts, and its routes are checked by then.

    Raises InventoryError, whose `problems` name everything wrong with it at once.
    """
    inventory = parse(
        path,
        environ=os.environ if environ is None else environ,
        routes_required=routes_required,
        secrets_required=secrets_required,
        stdin=stdin,
    )
    if not inventory.needs_discovery:
        desired_state(inventory)
    return inventory


def check_secrets(inventory: Inventory) -> None:
    """Raises InventoryError where an external id is missing, before AWS is called."""
    if inventory.unset:
        raise InventoryError(inventory.unset)
