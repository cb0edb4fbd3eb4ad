"""What the shell completes beside commands and flags: names out of the inventory, and run ids.

Nothing here calls AWS. A shell that completes has no place for an error, so whatever cannot be
read completes nothing; the command itself says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

import anyio
import typer

from fleet_repl.cli.flags import STANDARD_INPUT
from fleet_repl.cli.library import Library
from fleet_repl.inventory import Account, External, Inventory, located
from fleet_repl.topology import REST
from fleet_repl.values.errors import FleetError

Item = tuple[str, str]
"""A text that completes, and what it is, for shells that show that."""

_MOST: Final = 200
"""Items that a shell is offered at the most."""


def complete(kind: str, context: typer.Context, incomplete: str) -> list[Item]:
    """The items of a kind that begin with `incomplete`: `accounts`, `labels`, `regions`,
    `registries`, `routes`, `waves` or `runs`."""
    try:
        items = runs(context) if kind == "runs" else _OF_INVENTORY[kind](_inventory(context))
        matching = (item for item in items if item[0].startswith(incomplete))
        return [*islice(matching, _MOST)]
    except (FleetError, OSError, LookupError):
        return []


def accounts(inventory: Inventory) -> Iterator[Item]:
    """The names of accounts with their ids, then the ids with their names."""
    yield from ((account.name, account.id) for account in inventory.accounts)
    yield from ((account.id, account.name) for account in inventory.accounts)


def labels(inventory: Inventory) -> Iterable[Item]:
    """Every label as `KEY=VALUE`, with how many accounts have it."""
    counts: dict[str, int] = {}
    for account in inventory.accounts:
        for key, value in account.labels.items():
            counts[f"{key}={value}"] = counts.get(f"{key}={value}", 0) + 1
    return ((text, f"accounts: {count}") for text, count in sorted(counts.items()))


def regions(inventory: Inventory) -> Iterable[Item]:
    """Every region of the fleet."""
    listed = {region for account in inventory.accounts for region in account.regions}
    return ((region, "") for region in sorted(listed))


def registries(inventory: Inventory) -> Iterator[Item]:
    """Every registry as ACCOUNT/REGION, first by the names of accounts and then by their ids."""
    accounts: tuple[Account | External, ...] = (*inventory.accounts, *inventory.externals)
    ends = [(account, region) for account in accounts for region in account.regions]
    yield from ((f"{account.name}/{region}", account.id) for account, region in ends)
    yield from ((f"{account.id}/{region}", account.name) for account, region in ends)


def routes(inventory: Inventory) -> Iterable[Item]:
    """The names of the routes."""
    return ((route.name, "") for route in inventory.routes)


def waves(inventory: Inventory) -> Iterator[Item]:
    """The names of the waves, in order, and that of the rest."""
    yield from ((wave.name, "") for wave in inventory.waves)
    yield REST, "all others"


_OF_INVENTORY: Final = {
    function.__name__: function
    for function in (accounts, labels, regions, registries, routes, waves)
}


def runs(context: typer.Context) -> list[Item]:
    """The ids of remembered runs, newest first, each with its fleet and its purpose; and `last`.

    None for a state in a bucket, which only a call of AWS could list.
    """
    place: Inventory | Path = Path(".fleet-repl")
    if context.params.get("inventory") is not None:
        place = _inventory(context)
    state: str | None = context.params.get("state")
    if state is not None:
        folder = located(state).folder
    else:
        folder = place.state.folder if isinstance(place, Inventory) else place
    if folder is None:
        return []
    newest = "the newest that wrote" if context.info_name == "rollback" else "the newest"
    return [("last", newest), *anyio.run(partial(_remembered, place, state))]


async def _remembered(place: Inventory | Path, state: str | None) -> list[Item]:
    async with Library().history(place, state=state) as history:
        listed = await history.runs()
    return [(run.meta.run_id, f"{run.meta.fleet}, {run.meta.purpose}") for run in listed]


def _inventory(context: typer.Context) -> Inventory:
    """The inventory that the command line names so far, with accounts that were discovered last.
    Raises FleetError, and LookupError where none is named."""
    # While a flag lacks its value, the words before it are not parsed yet.
    path = context.params.get("inventory") or next(iter(context.args), None)
    if path is None or Path(path) == STANDARD_INPUT:
        raise LookupError
    library = Library()
    inventory = library.load_inventory(Path(path), routes_required=False, secrets_required=False)
    return library.recall(inventory) or inventory
