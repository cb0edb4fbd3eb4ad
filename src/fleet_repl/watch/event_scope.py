"""The scope of the round that an event asks for, and the inventory with the accounts of the fleet.

An event says which registry or account to look at, and nothing else. Which accounts the fleet has
is found out by a full discovery, which refuses to lose more of them than may go unnoticed: no event
removes an account.
"""

from __future__ import annotations

from contextlib import suppress

from fleet_repl.engine.ports import EventSink
from fleet_repl.fleet.discover import discover
from fleet_repl.inventory import Inventory
from fleet_repl.planning.desired_state import desired_state
from fleet_repl.runs.session_names import is_session_of
from fleet_repl.topology import EVERYTHING, Selection, registries
from fleet_repl.values.errors import InventoryError, RefusedError
from fleet_repl.values.names import AccountId
from fleet_repl.watch.eventbridge import AccountChange, Ignored, RegistryWrite, WholeFleet


async def scope_of(
    target: WholeFleet | RegistryWrite | AccountChange,
    inventory: Inventory,
    *,
    state: str | None,
    on_event: EventSink,
) -> tuple[Inventory, Selection | Ignored]:
    """The inventory, with its accounts where the scope depends on them, and the scope of the round.

    `state`: the state location in place of the inventory's. Raises FleetError as `discover` does.
    """
    match target:
        case WholeFleet():
            return inventory, EVERYTHING
        case RegistryWrite():
            inventory = await with_accounts(inventory, state, on_event)
            return inventory, _written(target, inventory)
        case AccountChange():
            return await _rediscovered(target, inventory, state, on_event)


async def with_accounts(inventory: Inventory, state: str | None, on_event: EventSink) -> Inventory:
    """The inventory with the accounts that were discovered last, which events of one registry do
    not change; discovered now if none were. Raises FleetError."""
    try:
        return await discover(inventory, state=state, cached=True)
    except RefusedError:
        return await discover(inventory, state=state, on_event=on_event)


def _written(write: RegistryWrite, inventory: Inventory) -> Selection | Ignored:
    """The registry that was written, unless it is of another fleet, or was written by this one."""
    registry = write.registry
    if registry not in registries(inventory):
        return Ignored(because=f"{registry} is no registry of the fleet {inventory.name}")
    if _is_own(write, inventory):
        return Ignored(because=f"the fleet {inventory.name} wrote {registry} itself")
    return Selection(accounts=(registry.account,), regions=(registry.region,))


def _is_own(write: RegistryWrite, inventory: Inventory) -> bool:
    """Returns whether a run of this fleet wrote: a session of another fleet is not ours, as what it
    wrote may differ from this inventory, and anybody may give sessions of another role such names.
    """
    if write.session is None or not is_session_of(write.session, [inventory.name]):
        return False
    roles = {account.id: account.role for account in inventory.accounts}
    role = roles.get(write.registry.account)
    return role is None or write.role == role.path.rpartition("/")[2]


async def _rediscovered(
    change: AccountChange, inventory: Inventory, state: str | None, on_event: EventSink
) -> tuple[Inventory, Selection | Ignored]:
    """Discover the accounts anew; returns the inventory with them, and as the scope the account of
    the event with those at the other ends of its links, as they were before and as they are now.

    For example, an account that has left is none of the fleet any more, and the links to it that
    others still have are known only from the discovery before.
    """
    organization, account, fleet = inventory.organization, change.account, inventory.name
    if organization is None:
        return inventory, Ignored(because=f"the fleet {fleet} discovers no accounts")
    if account in organization.exclude:
        return inventory, Ignored(because=f"account {account} is excluded from the fleet {fleet}")
    before: Inventory | None = None
    # Without an earlier discovery that this inventory can use, only what is there now counts.
    with suppress(RefusedError, InventoryError):
        before = await discover(inventory, state=state, cached=True)
    after = await discover(inventory, state=state, on_event=on_event)
    concerned = _linked(after, account) | (_linked(before, account) if before else set())
    managed = sorted(concerned & desired_state(after)[0].by_account.keys())
    if not managed:
        because = f"account {account} is not in the fleet {fleet}, and nothing is linked with it"
        return after, Ignored(because=because)
    return after, Selection(accounts=tuple(managed))


def _linked(inventory: Inventory, account: AccountId) -> set[AccountId]:
    """The account and those at the other ends of its links; none where the inventory lacks it."""
    desired, _ = desired_state(inventory)
    managed = desired.by_account.get(account, ())
    links = [
        link
        for registry in managed
        for link in (*desired.outgoing.get(registry, ()), *desired.incoming.get(registry, ()))
    ]
    ends = {end.account for link in links for end in (link.source, link.destination)}
    return ends | {registry.account for registry in managed}
