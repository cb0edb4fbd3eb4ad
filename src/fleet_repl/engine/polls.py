"""Repeated reads, for reads that may lag behind a write."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from fleet_repl.values.clock import Clock

T = TypeVar("T")

ARRIVAL_DELAYS: Final = (0.1, 0.2, 0.4, 0.8)
"""Seconds between the reads that find out whether a write whose answer was lost has happened."""
READ_BACK_DELAYS: Final = (0.1, 0.2, 0.4, 0.8, 1.5, 2.0, 2.0, 3.0)
"""Seconds between reads that still show the document before the write; about 10 s in all."""


async def poll(
    read: Callable[[], Awaitable[T]],
    good: Callable[[T], bool],
    clock: Clock,
    delays: Sequence[float] = READ_BACK_DELAYS,
) -> T:
    """Read until an answer is `good`, or the delays are used up; returns the last answer."""
    for delay in delays:
        answer = await read()
        if good(answer):
            return answer
        await clock.sleep(delay)
    return await read()
