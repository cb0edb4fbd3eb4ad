"""Reads several documents of a store at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeVar

import anyio

from fleet_repl.values.errors import StateError

_AT_A_TIME: Final = 16

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


async def read_all(
    items: Iterable[_Item], read: Callable[[_Item], Awaitable[_Result]]
) -> tuple[_Result, ...]:
    """Returns `read` of each item, in their order. Raises the first StateError."""
    results: dict[int, _Result] = {}
    failures: list[StateError] = []
    limiter = anyio.CapacityLimiter(_AT_A_TIME)

    async def read_item(nth: int, item: _Item) -> None:
        async with limiter:
            # After a failure the rest is not tried: it would most likely fail in the same way.
            if failures:
                return
            try:
                results[nth] = await read(item)
            except StateError as error:
                failures.append(error)

    async with anyio.create_task_group() as group:
        for nth, item in enumerate(items):
            group.start_soon(read_item, nth, item)
    if failures:
        raise failures[0]
    return tuple(results[nth] for nth in sorted(results))
