"""Discovery: the accounts of an inventory that lists them only in part, and their regions.

Composes: AWS is asked, what was kept of the last time is looked at, and `planning` decides.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread

from fleet_repl.engine.ports import EventSink
from fleet_repl.engine.stores import Store
from fleet_repl.engine.workers import work_through
from fleet_repl.fleet.context import new_run_id, run_pace
from fleet_repl.fleet.event_sinks import guarded, ignored
from fleet_repl.fleet.load import check_secrets
from fleet_repl.fleet.open_state import open_place, place_of
from fleet_repl.fleet.worlds import world_of
from fleet_repl.inventory import Account, Discovery, Inventory
from fleet_repl.planning.desired_state import desired_state
from fleet_repl.planning.discovery import (
    left_out,
    resolved,
    unknown_regions_problems,
)
from fleet_repl.planning.kept_discovery import continued, lost_too_many, unlike
from fleet_repl.state import discovery_name, read_discovery, write_discovery
from fleet_repl.values.clock import SYSTEM, Clock, check_loop
from fleet_repl.values.errors import (
    CallError,
    Fault,
    InventoryError,
    RefusedError,
    StateError,
    reason_of,
)
from fleet_repl.values.names import AccountId, Region
from fleet_repl.values.text import below, day_and_time, timestamp

if TYPE_CHECKING:
    from fleet_repl.aws import Endpoint
    from fleet_repl.aws.enabled_regions import EnabledRegions
    from fleet_repl.aws.organizations import Organizations


async def discover(
    inventory: Inventory,
    *,
    endpoint: Endpoint | None = None,
    on_event: EventSink | None = None,
    state: str | Path | None = None,
    clock: Clock = SYSTEM,
    cached: bool = False,
    routes_checked: bool = True,
) -> Inventory:
    """The inventory with every account of its organization, and with the regions that accounts have
    enabled; an inventory that lists all of them is returned as it is.

    What was discovered is kept in the state, and compared with what was kept there before. With
    `cached` AWS is not asked, and what is kept there counts. An account that does not tell its
    regions keeps those of the last discovery: `discovery.unanswered` of the result says why.

    Without `routes_checked` the inventory may have routes that do not fit its accounts, for callers
    that only look at the accounts.

    Raises RefusedError where the organization cannot be listed, is another organization than the
    inventory's or has lost more than a tenth of its accounts, and with `cached` where nothing is
    kept; InventoryError for what is wrong with the inventory now that its accounts are known;
    IdentityError and StateError as `connect` does.
    """
    if inventory.reading is None:
        return inventory
    check_loop()
    if endpoint is None:
        check_secrets(inventory)
    place = place_of(inventory, state)
    world = await world_of(inventory.aws, endpoint, os.environ)
    async with open_place(place, aws=inventory.aws, endpoint=endpoint, world=world) as store:
        kept = await _kept(store, inventory)
        if not cached:
            sink = guarded(on_event) if on_event is not None else ignored
            discovery = await _discovered(inventory, kept, store, clock, endpoint, sink)
            discovery = await _keep(store, inventory, discovery)
        elif kept is None:
            raise RefusedError(
                f"no discovery of fleet {inventory.name} is kept in {store}\n"
                "    run without --cached once"
            )
        elif (because := unlike(kept, inventory)) is not None:
            raise RefusedError(
                f"the discovery of {day_and_time(kept.at)} that is kept in {store} is not what the "
                f"inventory asks for: {because}\n    run without --cached once"
            )
        else:
            discovery = replace(kept, cached=True)
    check = partial(_checked, inventory, discovery, routes_checked=routes_checked)
    return await anyio.to_thread.run_sync(check)


async def recall(inventory: Inventory) -> Inventory | None:
    """The inventory with the accounts that were discovered last, if it has a folder that keeps
    them, and asks for the same. Calls no AWS. Raises StateError, and InventoryError as `discover`
    does."""
    if inventory.reading is None:
        return inventory
    if inventory.state.folder is None:
        return None
    world = await world_of(inventory.aws, None, os.environ)
    async with open_place(inventory.state, aws=inventory.aws, world=world) as store:
        kept = await _kept(store, inventory)
    if kept is None or unlike(kept, inventory) is not None:
        return None
    return _checked(inventory, replace(kept, cached=True))


@contextmanager
def _after_discovery() -> Iterator[None]:
    """Says of an InventoryError that it showed only now."""
    try:
        yield
    except InventoryError as error:
        raised = InventoryError(error.problems, discovered=True)
    else:
        return
    raise raised


def _checked(
    inventory: Inventory, discovery: Discovery, *, routes_checked: bool = True
) -> Inventory:
    """The inventory with what was discovered. Raises InventoryError."""
    with _after_discovery():
        whole = resolved(inventory, discovery)
        unasked = [account.id for account in _asked(whole) if account.id not in discovery.regions]
        unanswered = dict(sorted({**dict.fromkeys(unasked), **discovery.unanswered}.items()))
        whole = replace(whole, discovery=replace(discovery, unanswered=unanswered))
        try:
            if routes_checked:
                desired_state(whole)
        except InventoryError as error:
            raise InventoryError((*error.problems, *unknown_regions_problems(whole))) from None
    return whole


def _asked(inventory: Inventory) -> list[Account]:
    """The accounts that are asked which regions they have enabled."""
    accounts = inventory.accounts
    return [account for account in accounts if account.asks_regions and not account.retired]


async def _kept(store: Store, inventory: Inventory) -> Discovery | None:
    """Returns the last discovery of the fleet, under its name or a former name. Raises
    StateError."""
    for name in (inventory.name, *inventory.ownership.formerly):
        kept = await read_discovery(store, name)
        if kept is not None:
            return kept
    return None


async def _keep(store: Store, inventory: Inventory, discovery: Discovery) -> Discovery:
    """Keep the discovery. A run that only reads goes on where the state cannot be written."""
    try:
        await write_discovery(store, inventory.name, discovery)
    except StateError as error:
        return replace(discovery, not_kept=reason_of(error))
    return discovery


async def _discovered(
    inventory: Inventory,
    kept: Discovery | None,
    store: Store,
    clock: Clock,
    endpoint: Endpoint | None,
    on_event: EventSink,
) -> Discovery:
    """Ask AWS. Raises RefusedError."""
    from fleet_repl.aws import open_discovery  # noqa: PLC0415 - it loads the SDK

    opened = open_discovery(
        inventory,
        run_id=new_run_id(clock),
        pace=run_pace(inventory, clock),
        endpoint=endpoint,
        on_event=on_event,
    )
    async with opened as (organizations, regions):
        discovery = Discovery(at=clock.now())
        if inventory.organization is not None:
            try:
                discovery = await _listed(inventory, organizations, discovery)
            except CallError as error:
                raise _refusal(inventory, error, kept) from None
            reason = lost_too_many(discovery, kept, left_out(inventory))
            if reason is not None:
                raise RefusedError(
                    f"the discovery of fleet {inventory.name} is refused: {reason}\n"
                    "    see that whoever lists the organization may see all of it; --cached goes "
                    "on with the accounts of that day; if they really have left, move "
                    f"{store}/{discovery_name(inventory.name)} away"
                )
        with _after_discovery():
            whole = resolved(inventory, discovery)
        asked, retired = (
            _asked(whole),
            [account.id for account in whole.accounts if account.retired],
        )
        enabled, unanswered = await _enabled(asked, regions, inventory.apply.concurrency)
    return continued(replace(discovery, regions=enabled, unanswered=unanswered), kept, retired)


async def _listed(
    inventory: Inventory, organizations: Organizations, discovery: Discovery
) -> Discovery:
    """The accounts of the inventory's organization. Raises CallError, and RefusedError where
    another organization answers."""
    organization = inventory.organization
    if organization is None:
        return discovery
    answered = await organizations.organization_id()
    if organization.id not in (None, answered):
        raise RefusedError(
            f"organization {answered} answers, and [organization] id is {organization.id}\n"
            "    use credentials of that organization, or correct the id"
        )
    return replace(
        discovery,
        organization=answered,
        ous=tuple(sorted(organization.ous)),
        members=await organizations.members(organization),
        tagged=bool(organization.labels_from_tags),
    )


def _refusal(inventory: Inventory, error: CallError, kept: Discovery | None) -> RefusedError:
    instead = ""
    if kept is not None and unlike(kept, inventory) is None:
        instead = f"\n    --cached goes on with the accounts of {timestamp(kept.at)}"
    message = f"the accounts of fleet {inventory.name} cannot be discovered: {error.fault}"
    return RefusedError(f"{message}{below(error.fault.hint)}{instead}")


async def _enabled(
    accounts: list[Account], regions: EnabledRegions, concurrency: int
) -> tuple[dict[AccountId, tuple[Region, ...]], dict[AccountId, Fault | None]]:
    """The regions of each account that tells them, and why the others do not."""
    enabled: dict[AccountId, tuple[Region, ...]] = {}
    unanswered: dict[AccountId, Fault | None] = {}

    async def ask(account: Account) -> None:
        try:
            enabled[account.id] = await regions.of(account)
        except CallError as error:
            unanswered[account.id] = error.fault

    await work_through(accounts, ask, concurrency=concurrency, stop=None)
    return enabled, unanswered
