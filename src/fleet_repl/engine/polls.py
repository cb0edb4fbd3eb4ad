"""Reads that may lag behind a write: how long they are repeated."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from fleet_repl.values.clock import Clock

T = TypeVar("T")

ARRIVAL_DELAYS: Final = (0.1, 0.2, 0.4, 0.8)
"""Seconds between reads that look whether a write whose answer was lost has happened."""
READ_BACK_DELAYS: Final = (0.1, 0.2, 0.4, 0.8, 1.5, 2.0, 2.0, 3.0)
"""Seconds between reads that still show what was there before; about 10 s in all."""


async def poll(
    read: Callable[[], Awaitable[T]],
    good: Callable[[T], bool],
    clock: Clock,
    delays: Sequence[float] = READ_BACK_DELAYS,
) -> T:
    """Read until `good`, or for as long as reads may lag; the last answer."""
    for delay in delays:
        now = await read()
        if good(now):
            return now
        await clock.sleep(delay)
    return await read()
