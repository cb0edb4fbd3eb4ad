"""A bounded number of concurrent tasks that work through a list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import anyio

from fleet_repl.engine.stop import Stop

T = TypeVar("T")


async def work_through(
    items: Sequence[T], work: Callable[[T], Awaitable[object]], *, crew: int, stop: Stop
) -> None:
    """Do `work` on every item, at most `crew` at a time; nothing starts after `stop`.

    `work` turns its own failures into values: an exception here ends the whole run.
    """
    rest = iter(items)

    async def worker() -> None:
        for item in rest:
            if stop.requested:
                return
            await work(item)

    async with anyio.create_task_group() as group:
        for _ in range(min(crew, len(items))):
            group.start_soon(worker)
