"""A clock that only sleeping moves, and a pace on it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.support.clock import VirtualClock

from fleet_repl.engine.retry import Pace


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
