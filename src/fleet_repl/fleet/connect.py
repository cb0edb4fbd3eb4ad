"""A connection to a fleet: its state, clients, credentials, the clock, a run's deadline."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread

from fleet_repl.engine.ports import EventSink
from fleet_repl.engine.retry import Pace
from fleet_repl.engine.shards import ShardReaders
from fleet_repl.engine.stop import Stop
from fleet_repl.engine.stores import Store
from fleet_repl.fleet.access import Access
from fleet_repl.fleet.context import RunContext, new_run_id, run_pace
from fleet_repl.fleet.event_sinks import guarded, ignored
from fleet_repl.fleet.fleet import Fleet
from fleet_repl.fleet.load import check_secrets
from fleet_repl.fleet.open_state import open_place, place_of
from fleet_repl.fleet.record import Memory
from fleet_repl.fleet.worlds import world_of
from fleet_repl.inventory import Inventory, State
from fleet_repl.planning.acknowledgements import as_warning
from fleet_repl.planning.attribution import NO_CALLS, KnownCalls
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.desired_state import desired_state
from fleet_repl.runs.history import Purpose
from fleet_repl.state import RunRecords
from fleet_repl.topology import Topology
from fleet_repl.values.clock import SYSTEM, Clock, check_loop

if TYPE_CHECKING:
    from fleet_repl.aws import AwsRegistries, Endpoint


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
    known_calls: KnownCalls = NO_CALLS,
) -> AsyncIterator[Fleet]:
    """Connects a fleet: opens one pool of clients and credentials, and starts its deadline.

    `endpoint` is where a simulated AWS answers; without it the SDK's configuration holds.
    `state` is a folder or an `s3://` location in place of that in the inventory's [state]; what is
    remembered of another endpoint than AWS's is kept apart there. `purpose`: what others are told
    while it writes; None: it writes nothing, and the sessions in its accounts may make no call that
    writes; only with `Purpose.REPAIR` may they put images. With `locked` the fleet's lock is held
    from before anything else until the end; otherwise it is taken for each plan that is applied.

    `executor` reads for this process, as `shard_readers` says, with `workers` shards of accounts at
    a time; it is not shut down. Plans and every write stay in this process.

    `known_calls` by registry are writes of others, such as the one in a CloudTrail event: plans ask
    CloudTrail who has changed a registry only where these do not tell.

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
        from fleet_repl.fleet.discover import discover  # noqa: PLC0415 - most fleets are listed

        # Its accounts have to be known to those who share registries before a lock is taken.
        inventory = await discover(
            inventory, endpoint=endpoint, on_event=on_event, state=state, clock=clock
        )
    opening = _Opening(
        inventory=inventory,
        endpoint=endpoint,
        place=place_of(inventory, state),
        world=await world_of(inventory.aws, endpoint, os.environ),
        run_id=new_run_id(clock),
        pace=run_pace(inventory, clock),
        on_event=guarded(on_event) if on_event is not None else ignored,
        purpose=purpose,
        known_calls=known_calls,
    )
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(opening.store())
        access = opening.access(store)
        if locked:
            # Before anything that takes time: whoever has to wait is to be told at once.
            await stack.enter_async_context(access.held())
        # In a thread: of a large fleet this takes a while, and the lock has to be renewed.
        wanted = await anyio.to_thread.run_sync(desired_state, inventory)
        registries = await stack.enter_async_context(opening.registries())
        readers = None if executor is None else opening.readers(executor, workers, registries)
        fleet = Fleet(opening.context(store, access, wanted, registries, readers))
        stack.push_async_callback(access.wind_up, fleet.stop)
        yield fleet


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opening:
    """A connection of which nothing is open yet."""

    inventory: Inventory
    endpoint: Endpoint | None
    place: State
    world: str | None
    run_id: str
    pace: Pace
    on_event: EventSink
    purpose: Purpose | None
    """None for a run that writes nothing."""
    known_calls: KnownCalls

    def store(self) -> AbstractAsyncContextManager[Store]:
        """Where the fleet keeps what it remembers."""
        return open_place(
            self.place, aws=self.inventory.aws, endpoint=self.endpoint, world=self.world
        )

    def access(self, store: Store) -> Access:
        """The run's right to write to the fleet."""
        inventory = self.inventory
        return Access(
            store=store,
            fleet=inventory.name,
            formerly=inventory.ownership.formerly,
            accounts=frozenset(account.id for account in inventory.accounts),
            run_id=self.run_id,
            on_event=self.on_event,
            purpose=self.purpose or Purpose.APPLY,
        )

    def registries(self) -> AbstractAsyncContextManager[AwsRegistries]:
        """The clients and credentials of the run."""
        # Importing the library loads no AWS code, and neither does being refused.
        from fleet_repl.aws import open_aws  # noqa: PLC0415

        return open_aws(
            self.inventory,
            run_id=self.run_id,
            pace=self.pace,
            endpoint=self.endpoint,
            on_event=self.on_event,
            read_only=self.purpose is None,
            puts_images=self.purpose is Purpose.REPAIR,
        )

    def readers(
        self, executor: Executor, workers: int | None, registries: AwsRegistries
    ) -> ShardReaders:
        """The workers that read for the run."""
        from fleet_repl.fleet.shard_readers import shard_readers  # noqa: PLC0415

        return shard_readers(
            executor,
            workers,
            self.inventory,
            registries,
            self.run_id,
            endpoint=self.endpoint,
        )

    def context(
        self,
        store: Store,
        access: Access,
        wanted: tuple[Desired, Topology],
        registries: AwsRegistries,
        readers: ShardReaders | None,
    ) -> RunContext:
        """The context of the run, once everything is open."""
        inventory, pace, (desired, topology) = self.inventory, self.pace, wanted
        return RunContext(
            run_id=self.run_id,
            started=pace.clock.now(),
            inventory=inventory,
            world=self.world,
            desired=desired,
            warnings=tuple(map(as_warning, topology.notices)),
            registries=registries,
            store=store,
            folder=self.place.folder,
            memory=Memory(store, inventory),
            records=RunRecords(store, inventory.name),
            access=access,
            pace=pace,
            stop=Stop(pace.clock, pace.deadline, inventory.apply.deadline),
            on_event=self.on_event,
            read_only=self.purpose is None,
            puts_images=self.purpose is Purpose.REPAIR,
            known_calls=self.known_calls,
            workers=readers,
        )
