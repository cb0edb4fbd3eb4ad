"""The token bucket: the rate holds in every stretch of time, and the queue is fair."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given, strategies as st
from tests.support.clock import VirtualClock

from fleet_repl.engine.rates import TokenBucket

ROUNDING = 1e-6


@given(
    rate=st.floats(0.1, 1000),
    burst=st.integers(1, 20),
    pauses=st.lists(st.floats(0, 3), min_size=1, max_size=40),
)
def test_never_more_than_the_rate_and_a_burst(
    new_clock: Callable[[], VirtualClock], rate: float, burst: int, pauses: list[float]
) -> None:
    """In any stretch of t seconds: rate * t + burst, however the asking is spread."""
    clock, taken = new_clock(), list[float]()
    bucket = TokenBucket(rate, clock, burst=burst)

    async def run() -> None:
        for pause in pauses:
            clock.seconds += pause
            await bucket.take()
            taken.append(clock.seconds)

    anyio.run(run)
    for first, start in enumerate(taken):
        for last in range(first, len(taken)):
            count, seconds = last - first + 1, taken[last] - start
            assert count <= rate * seconds + burst + ROUNDING * (1 + rate)


@given(rate=st.floats(0.5, 500), burst=st.integers(1, 10), number=st.integers(1, 60))
def test_the_rate_is_used_in_full(
    new_clock: Callable[[], VirtualClock], rate: float, burst: int, number: int
) -> None:
    """Without a pause, the n-th token comes as soon as the rate allows."""
    clock = new_clock()
    bucket = TokenBucket(rate, clock, burst=burst)

    async def run() -> None:
        for _ in range(number):
            await bucket.take()

    anyio.run(run)
    assert clock.seconds == pytest.approx(max(0, number - burst) / rate)


async def test_first_come_first_served(clock: VirtualClock) -> None:
    """Those who wait get their tokens in the order they asked, evenly spaced."""
    bucket, served = TokenBucket(10, clock, burst=1), list[tuple[int, float]]()

    async def take(number: int) -> None:
        await bucket.take()
        served.append((number, clock.seconds))

    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(take, number)
            await anyio.lowlevel.checkpoint()
    assert [number for number, _ in served] == list(range(20))
    gaps = [second - first for (_, first), (_, second) in pairwise(served)]
    assert gaps == pytest.approx([0.1] * 19)


async def test_who_is_cancelled_takes_no_token(clock: VirtualClock) -> None:
    """Neither at the head of the queue nor further back."""
    bucket = TokenBucket(1, clock, burst=1)
    await bucket.take()
    for _ in range(5):
        with anyio.CancelScope() as scope:
            scope.cancel()
            await bucket.take()
        assert scope.cancelled_caught
    assert clock.seconds == 0
    await bucket.take()
    assert clock.seconds == pytest.approx(1)


async def test_a_small_burst_unless_one_is_given(clock: VirtualClock) -> None:
    """What comes in a twentieth of a second: enough for timers, too little to be noticed."""
    bucket = TokenBucket(400, clock)
    for _ in range(20):
        await bucket.take()
    assert clock.slept == []
    await bucket.take()
    assert clock.slept == pytest.approx([1 / 400])
