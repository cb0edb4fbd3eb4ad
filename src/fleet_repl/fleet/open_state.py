"""Opens the store of a state location: a folder, or a bucket by the base identity."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fleet_repl.engine.retry import Pace
from fleet_repl.engine.stores import Store
from fleet_repl.fleet.worlds import folder_of
from fleet_repl.inventory import Aws, Inventory, State, located
from fleet_repl.state import BucketStore, FolderStore
from fleet_repl.values.clock import SYSTEM, check_loop

if TYPE_CHECKING:
    from fleet_repl.aws import Endpoint

ATTEMPTS: Final = 6
"""The attempts at each call on a bucket."""
TIMEOUT: Final = 15.0
"""The seconds of an attempt. Several attempts must fit into the lease of a lock."""


def place_of(inventory: Inventory, state: str | Path | None) -> State:
    """The state of an inventory, or that at the location `state`. Raises StateError for a text that
    is no location."""
    if state is None:
        return inventory.state
    return located(str(state), shared=inventory.state.shared)


@asynccontextmanager
async def open_place(
    state: State,
    *,
    aws: Aws | None = None,
    endpoint: Endpoint | None = None,
    world: str | None = None,
) -> AsyncIterator[Store]:
    """Opens the store in which fleets keep their documents of a world.

    Raises IdentityError where a bucket cannot be asked for want of a base identity, and FleetError
    where the event loop is not asyncio's. A folder loads no AWS code.
    """
    within = folder_of(world)
    if state.folder is not None:
        yield FolderStore(state.folder, within=within, shared=state.shared)
        return
    check_loop()
    from fleet_repl.aws.open_objects import open_objects  # noqa: PLC0415

    pace = Pace(
        attempts=ATTEMPTS,
        timeout=TIMEOUT,
        # Calls are few and short, and the last ones are made after a run's own deadline.
        deadline=float("inf"),
        clock=SYSTEM,
        uniform=random.uniform,
    )
    location = f"{state.location.rstrip('/')}/{within}" if within else state.location
    async with open_objects(aws or Aws(), location, pace=pace, endpoint=endpoint) as objects:
        yield BucketStore(objects)
