"""The sandbox's time: session expiry, lag, latency and push times all come from one clock.

Whoever runs the sandbox passes the clock in, so that a test can own time altogether.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Final, Protocol

import anyio


class Clock(Protocol):
    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...

    def now(self) -> datetime:
        """The time of day, in UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Come back after so many seconds."""
        ...


class SystemClock:
    """The time of this machine."""

    def monotonic(self) -> float:
        return time.monotonic()

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)


SYSTEM: Final = SystemClock()
