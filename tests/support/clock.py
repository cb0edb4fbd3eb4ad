"""Clocks for tests: nobody waits for time that passes only by sleeping."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import anyio.lowlevel

from fleet_repl.values.clock import SYSTEM

MORNING: Final = datetime(2026, 11, 23, 8, tzinfo=UTC)
NOON: Final = datetime(2026, 11, 23, 12, tzinfo=UTC)
_TURNS: Final = 3
"""So many turns others get before a sleep ends: whoever starts to sleep meanwhile does so at the
same moment, as tasks that sleep at once do."""


class VirtualClock:
    """Time passes by sleeping, which takes none, or where a test adds to `seconds`.

    `slept` lists the seconds of every sleep in the order in which they began.
    """

    def __init__(self, start: datetime = MORNING, seconds: float = 0) -> None:
        self.start = start
        self.seconds = seconds
        self.suspended = 0.0
        """Seconds that the machine slept: the date goes on, the monotonic clock does not."""
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.seconds + self.suspended)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        until = self.seconds + seconds
        for _ in range(_TURNS):
            await anyio.lowlevel.checkpoint()
        self.seconds = max(self.seconds, until)


class MachineClock:
    """The machine's time, set ahead by `ahead` seconds."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return SYSTEM.monotonic() + self.ahead

    def now(self) -> datetime:
        return SYSTEM.now() + timedelta(seconds=self.ahead)

    async def sleep(self, seconds: float) -> None:
        await SYSTEM.sleep(seconds)
