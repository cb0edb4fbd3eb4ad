"""A connection to a fleet: clients, credentials, the clock, and the deadline of its run."""

from __future__ import annotations

import random
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fleet_repl.desired import desired_state
from fleet_repl.inventory import Inventory, located
from fleet_repl.pacing import SYSTEM, Clock, Pace
from fleet_repl.ports import EventSink
from fleet_repl.store import open_store
from fleet_repl.workflow.fleet import Fleet, Means
from fleet_repl.workflow.offline import notices
from fleet_repl.workflow.remembering import Memory
from fleet_repl.workflow.sinks import guarded, ignored

if TYPE_CHECKING:
    from fleet_repl.aws import Endpoint


@asynccontextmanager
async def connect(
    inventory: Inventory,
    *,
    endpoint: Endpoint | None = None,
    on_event: EventSink | None = None,
    state: str | Path | None = None,
    clock: Clock = SYSTEM,
) -> AsyncIterator[Fleet]:
    """One pool of clients and credentials for a fleet, and the start of its deadline.

    `endpoint` is where a simulated AWS answers; without it the SDK's configuration holds.
    `state` is a folder in place of the inventory's [state]. Raises IdentityError where the base
    identity is missing or of another partition, and StateError for a state that cannot be used.
    """
    from fleet_repl.aws import open_aws  # noqa: PLC0415 - importing the library loads no AWS code

    place = inventory.state if state is None else located(str(state))
    memory = Memory(open_store(place), inventory)
    desired, topology = desired_state(inventory)
    settings = inventory.apply
    deadline = clock.monotonic() + settings.deadline
    pace = Pace(
        attempts=settings.attempts,
        timeout=settings.timeout,
        deadline=deadline,
        clock=clock,
        uniform=random.uniform,
    )
    run_id = f"{clock.now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    sink = guarded(on_event) if on_event is not None else ignored
    async with open_aws(
        inventory, run_id=run_id, pace=pace, endpoint=endpoint, on_event=sink
    ) as registries:
        yield Fleet(
            inventory=inventory,
            desired=desired,
            warnings=notices(topology),
            means=Means(
                run_id=run_id, registries=registries, memory=memory, pace=pace, on_event=sink
            ),
        )
