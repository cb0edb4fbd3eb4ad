"""A clock that only sleeping moves, and a pace on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import anyio.lowlevel
import pytest

from fleet_repl.engine.retry import Pace


class VirtualClock:
    """Time that passes only where somebody sleeps."""

    def __init__(self) -> None:
        self.time = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.time

    def now(self) -> datetime:
        return datetime(2026, 11, 23, tzinfo=UTC) + timedelta(seconds=self.time)

    async def sleep(self, seconds: float) -> None:
        until = self.time + seconds
        await anyio.lowlevel.checkpoint()
        self.slept.append(seconds)
        self.time = max(self.time, until)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture(scope="session")
def new_clock() -> Callable[[], VirtualClock]:
    """Clocks for examples that each need their own."""
    return VirtualClock


@pytest.fixture
def make_pace(clock: VirtualClock) -> Callable[..., Pace]:
    """A pace whose delays are as long as they may be."""

    def make(**fields: object) -> Pace:
        values: dict[str, object] = {
            "attempts": 5,
            "timeout": 5.0,
            "deadline": 1e9,
            "clock": clock,
            "uniform": lambda low, high: high,
        }
        return Pace(**{**values, **fields})  # type: ignore[arg-type]

    return make
