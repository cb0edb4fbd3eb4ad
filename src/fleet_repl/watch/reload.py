"""The inventory of each round: read anew; the last good one where it cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import anyio.to_thread

from fleet_repl.inventory import Inventory, acknowledged
from fleet_repl.reports.log_entry import Log, LogEntry
from fleet_repl.values.errors import FleetError, InventoryError
from fleet_repl.values.text import counted, first_line

LoadInventory: TypeAlias = Callable[[], Inventory]
"""Reads the inventory. Raises FleetError or OSError where that fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Current:
    """The inventory in force."""

    inventory: Inventory
    error: str | None = None
    """The reason why the inventory on disk cannot be used; None where this is the inventory on
    disk."""


async def read_first(load: LoadInventory) -> Current:
    """Load the inventory that a watch begins with. Raises FleetError where that fails."""
    try:
        return Current(inventory=await _read(load))
    except OSError as error:
        raise FleetError(f"the inventory cannot be read: {error.strerror}") from error


async def read_again(load: LoadInventory, last: Current, log: Log) -> Current:
    """Load the inventory again; where that fails, log why and return the last good one."""
    try:
        inventory = await _read(load)
    except (FleetError, OSError) as error:
        reason = _reason(error)
        message = f"the inventory cannot be used, so the last good one counts: {reason}"
        log(
            LogEntry(
                level="error",
                event="inventory-broken",
                message=message,
                fields={"digest": last.inventory.digest},
            )
        )
        inventory = await anyio.to_thread.run_sync(acknowledged, last.inventory)
        return Current(inventory=inventory, error=reason)
    if last.error is not None:
        log(LogEntry(event="inventory-mended", message="the inventory can be used again"))
    elif inventory.digest != last.inventory.digest:
        fields = {"digest": inventory.digest}
        log(LogEntry(event="inventory-changed", message="the inventory has changed", fields=fields))
    return Current(inventory=inventory)


async def _read(load: LoadInventory) -> Inventory:
    # In a thread: thousands of accounts take seconds, and /healthz has to answer meanwhile.
    return await anyio.to_thread.run_sync(load)


def _reason(error: FleetError | OSError) -> str:
    """The reason in one line; of several problems the first, and how many more there are."""
    match error:
        case InventoryError(problems=(first, *others)):
            more = f" (and {counted(len(others), 'more problem')})" if others else ""
            return f"{first_line(first)}{more}"
        case OSError():
            return f"{error.strerror or type(error).__name__}"
        case _:
            return first_line(error)
