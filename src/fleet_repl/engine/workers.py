"""A bounded number of concurrent tasks that work through a list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sized
from typing import TypeVar

import anyio

from fleet_repl.engine.stop import Stop

T = TypeVar("T")


async def work_through(
    items: Iterable[T],
    work: Callable[[T], Awaitable[object]],
    *,
    concurrency: int,
    stop: Stop | None,
) -> None:
    """Do `work` on every item, `concurrency` of them at a time. After `stop` nothing is started;
    None: nothing stops it. Items that are made one by one are made when they are worked on.

    `work` has to turn its own failures into values: an exception here ends the whole run.
    """
    rest = iter(items)

    async def worker() -> None:
        for item in rest:
            if stop is not None and stop.requested:
                return
            await work(item)

    async with anyio.create_task_group() as group:
        most = len(items) if isinstance(items, Sized) else concurrency
        for _ in range(min(concurrency, most)):
            group.start_soon(worker)
