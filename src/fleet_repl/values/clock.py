"""Time as a value that callers pass in, so that a test can own it."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Final, Protocol

import anyio

from fleet_repl.values.errors import FleetError


def check_loop() -> None:
    """Raises FleetError outside asyncio: the AWS SDK waits for nothing else."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise FleetError(
            "this event loop is not asyncio's, which the AWS SDK needs\n"
            "    run it with asyncio.run(main()), or with anyio.run(main), whose default it is"
        ) from None


class Clock(Protocol):
    """Time, so that a test can own it."""

    def monotonic(self) -> float:
        """Seconds since some fixed moment."""
        ...

    def now(self) -> datetime:
        """The date and time, aware and in UTC."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class _SystemClock:
    """The machine's own time."""

    def monotonic(self) -> float:
        return time.monotonic()

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)


SYSTEM: Final[Clock] = _SystemClock()
