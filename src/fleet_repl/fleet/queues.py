"""Opens a queue of SQS for a program that goes on: a watch."""

from __future__ import annotations

import math
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from fleet_repl.engine.ports import EventSink, Queue
from fleet_repl.engine.retry import Pace
from fleet_repl.inventory import Inventory
from fleet_repl.values.clock import SYSTEM, Clock
from fleet_repl.values.queues import QueueAddress

if TYPE_CHECKING:
    from fleet_repl.aws import Endpoint

_ATTEMPTS: Final = 4
"""Attempts at a call. Whoever reads the queue tries again later, and says so meanwhile."""
_TIMEOUT: Final = 30.0
"""Seconds of an attempt: a long poll takes 20."""


@asynccontextmanager
async def open_queue(
    inventory: Inventory,
    address: QueueAddress,
    *,
    on_event: EventSink,
    endpoint: Endpoint | None = None,
    clock: Clock = SYSTEM,
) -> AsyncIterator[Queue]:
    """Opens a queue by the base identity of an inventory, for as long as that may take.

    Raises IdentityError where the base identity is missing.
    """
    from fleet_repl.aws.queues import open_queue as opened  # noqa: PLC0415 - it loads the SDK

    pace = Pace(
        attempts=_ATTEMPTS,
        timeout=_TIMEOUT,
        deadline=math.inf,
        clock=clock,
        uniform=random.uniform,
    )
    aws = inventory.aws
    async with opened(aws, address, pace=pace, on_event=on_event, endpoint=endpoint) as queue:
        yield queue
