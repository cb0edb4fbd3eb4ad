"""A connection to a fleet: its state, clients, credentials, the clock, a run's deadline."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread

from fleet_repl.engine.ports import EventSink
from fleet_repl.engine.stop import Stop
from fleet_repl.fleet.access import Access
from fleet_repl.fleet.context import RunContext, new_run_id, run_pace
from fleet_repl.fleet.discover import discover
from fleet_repl.fleet.event_sinks import guarded, ignored
from fleet_repl.fleet.fleet import Fleet
from fleet_repl.fleet.load import check_secrets
from fleet_repl.fleet.open_state import open_place, place_of
from fleet_repl.fleet.record import Memory
from fleet_repl.fleet.shard_readers import shard_readers
from fleet_repl.fleet.worlds import world_of
from fleet_repl.inventory import Inventory
from fleet_repl.planning.acknowledgements import as_warning
from fleet_repl.planning.desired import desired_state
from fleet_repl.planning.discovery import discovery_warnings
from fleet_repl.runs.history import Purpose
from fleet_repl.state import RunRecords
from fleet_repl.values.clock import SYSTEM, Clock, check_loop

if TYPE_CHECKING:
    from fleet_repl.aws import Endpoint


@asynccontextmanager
async def connect(  # noqa: PLR0913 - each says a thing of its own about the run
    inventory: Inventory,
    *,
    endpoint: Endpoint | None = None,
    on_event: EventSink | None = None,
    state: str | Path | None = None,
    clock: Clock = SYSTEM,
    purpose: Purpose | None = Purpose.APPLY,
    locked: bool = False,
    executor: Executor | None = None,
    workers: int | None = None,
) -> AsyncIterator[Fleet]:
    """Connects a fleet: opens one pool of clients and credentials, and starts its deadline.

    `endpoint` is where a simulated AWS answers; without it the SDK's configuration holds.
    `state` is a folder or an `s3://` location in place of that in the inventory's [state]; what is
    remembered of another endpoint than AWS's is kept apart there. `purpose`: what others are told
    while it writes; None: it writes nothing, and the sessions in its accounts may make no call that
    writes. With `locked` the fleet's lock is held from before anything else until the end;
    otherwise it is taken for each plan that is applied.

    `executor` reads for this process, as `shard_readers` says, with `workers` shards of accounts at
    a time; it is not shut down. Plans and every write stay in this process.

    The accounts of an inventory that `discover` has not resolved are discovered first.

    Raises FleetError under another event loop than asyncio's, InventoryError where an external id
    is missing, IdentityError where the base identity is missing or of another partition,
    StateError for a state that cannot be used, and RefusedError where another run holds the lock
    or the fleet is frozen.
    """
    check_loop()
    if endpoint is None:
        check_secrets(inventory)
    if inventory.needs_discovery:
        # Its accounts have to be known to those who share registries before a lock is taken.
        inventory = await discover(
            inventory, endpoint=endpoint, on_event=on_event, state=state, clock=clock
        )
    place = place_of(inventory, state)
    world = await world_of(inventory.aws, endpoint, os.environ)
    pace = run_pace(inventory, clock)
    run_id = new_run_id(clock)
    sink = guarded(on_event) if on_event is not None else ignored
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(
            open_place(place, aws=inventory.aws, endpoint=endpoint, world=world)
        )
        access = Access(
            store=store,
            fleet=inventory.name,
            formerly=inventory.ownership.formerly,
            accounts=frozenset(account.id for account in inventory.accounts),
            run_id=run_id,
            on_event=sink,
            purpose=purpose or Purpose.APPLY,
        )
        if locked:
            # Before anything that takes time: whoever has to wait is to be told at once.
            await stack.enter_async_context(access.held())
        # Importing the library loads no AWS code, and neither does being refused.
        from fleet_repl.aws import open_aws  # noqa: PLC0415

        # In a thread: of a large fleet this takes a while, and the lock has to be renewed.
        desired, topology = await anyio.to_thread.run_sync(desired_state, inventory)
        registries = await stack.enter_async_context(
            open_aws(
                inventory,
                run_id=run_id,
                pace=pace,
                endpoint=endpoint,
                on_event=sink,
                read_only=purpose is None,
            )
        )
        readers = None
        if executor is not None:
            readers = shard_readers(
                executor, workers, inventory, registries, run_id, endpoint=endpoint, on_event=sink
            )
        fleet = Fleet(
            RunContext(
                run_id=run_id,
                started=clock.now(),
                inventory=inventory,
                world=world,
                desired=desired,
                warnings=(
                    *map(as_warning, topology.notices),
                    *discovery_warnings(inventory),
                ),
                registries=registries,
                store=store,
                folder=place.folder,
                memory=Memory(store, inventory),
                records=RunRecords(store, inventory.name),
                access=access,
                pace=pace,
                stop=Stop(clock, pace.deadline, inventory.apply.deadline),
                on_event=sink,
                read_only=purpose is None,
                workers=readers,
            )
        )
        stack.push_async_callback(access.wind_up, fleet.stop)
        yield fleet
