"""The clock that callers pass in, so that a test can pass one of its own."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Final, Protocol

import anyio

from fleet_repl.values.canonical_json import Json
from fleet_repl.values.errors import FleetError


def check_loop() -> None:
    """Raises FleetError outside of asyncio, the only event loop that the AWS SDK runs on."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise FleetError(
            "this event loop is not asyncio's, which the AWS SDK needs\n"
            "    run it with asyncio.run(main()), or with anyio.run(main), whose default it is"
        ) from None


def moment(value: Json) -> datetime | None:
    """The time of seconds since 1970, as AWS answers; None for what is no such time."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError):
        return None


class Clock(Protocol):
    """Time and waiting, which a test may replace."""

    def monotonic(self) -> float:
        """Seconds since some fixed instant; never goes back."""

    def now(self) -> datetime:
        """The date and time, aware and in UTC."""

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
