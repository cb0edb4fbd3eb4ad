"""A quota that strangers share: throttles slow everybody, and nobody is lost to them.

A simulated server admits so many calls in a second; time passes only where everybody waits.
"""

from __future__ import annotations

import heapq
import itertools
import random
from dataclasses import dataclass, field

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given, settings, strategies as st
from tests.support.clock import VirtualClock

from fleet_repl.engine.rates import Rate, TokenBucket
from fleet_repl.engine.retry import Pace
from fleet_repl.values.errors import CallError, Fault, FaultKind


class EventClock(VirtualClock):
    """Time that goes on to the next sleeper once all sleep."""

    def __init__(self) -> None:
        super().__init__()
        self._sleepers: list[tuple[float, int, anyio.Event]] = []
        self._numbers = itertools.count()

    async def sleep(self, seconds: float) -> None:
        woken = anyio.Event()
        heapq.heappush(self._sleepers, (self.seconds + seconds, next(self._numbers), woken))
        await woken.wait()

    async def drive(self) -> None:
        """Wake the next sleeper whenever nobody can go on."""
        while True:
            # Enough turns for whoever was woken to come as far as to the next sleep.
            for _ in range(8):
                await anyio.lowlevel.checkpoint()
            if self._sleepers:
                self.seconds, _, woken = heapq.heappop(self._sleepers)
                woken.set()


@dataclass
class Server:
    """Admits `quota` calls a second, with a second's worth saved up, and refuses the others."""

    clock: EventClock
    quota: float
    latency: float
    calls: int = 0
    _left: float = field(init=False)
    _seen: float = 0.0

    def __post_init__(self) -> None:
        self._left = self.quota

    async def call(self) -> None:
        self.calls += 1
        await self.clock.sleep(self.latency)
        now = self.clock.seconds
        self._left = min(self.quota, self._left + (now - self._seen) * self.quota)
        self._seen = now
        if self._left < 1:
            fault = Fault(kind=FaultKind.THROTTLED, operation="AssumeRole", message="slowly")
            raise CallError(fault, transient=True)
        self._left -= 1


async def ask(bucket: TokenBucket, server: Server) -> None:
    """One attempt, as the edge makes it."""
    token = await bucket.take()
    try:
        await server.call()
    except CallError:
        bucket.throttled(token)
        raise
    bucket.answered(token)


def run(
    server: Server, rate: float, accounts: int, crew: int, seed: int = 0, attempts: int = 8
) -> int:
    """How many of `accounts` were answered, `crew` of them asked for at once."""
    clock, answered = server.clock, 0
    pace = Pace(
        attempts=attempts,
        timeout=30,
        deadline=7200,
        clock=clock,
        uniform=random.Random(seed).uniform,
    )
    bucket, waiting = TokenBucket(rate, clock), iter(range(accounts))

    async def work() -> None:
        nonlocal answered
        for _ in waiting:
            await pace.retry(lambda: ask(bucket, server))
            answered += 1

    async def whole() -> None:
        async with anyio.create_task_group() as outer:
            outer.start_soon(clock.drive)
            async with anyio.create_task_group() as group:
                for _ in range(crew):
                    group.start_soon(work)
            outer.cancel_scope.cancel()

    anyio.run(whole)
    return answered


@pytest.mark.parametrize("crew", [64, 400])
@pytest.mark.parametrize("latency", [0.02, 0.1, 0.4])
def test_what_is_left_of_a_quota_is_enough_for_everybody(crew: int, latency: float) -> None:
    """400 roles, 20 AssumeRole in a second left: all are given, within twice the time it takes
    and with two calls each at the most, although the configured rate is 400 and a call that
    fails otherwise is tried once only."""
    server = Server(EventClock(), quota=20, latency=latency)
    assert run(server, 400, 400, crew, attempts=1) == 400
    assert server.clock.seconds < 2 * 400 / 20
    assert server.calls <= 2 * 400


@given(seed=st.integers(0, 999), quota=st.floats(2, 60), latency=st.floats(0.01, 0.5))
@settings(max_examples=20)
def test_nobody_is_lost_to_throttles(seed: int, quota: float, latency: float) -> None:
    """Whatever is left of the quota, and however the delays fall."""
    server = Server(EventClock(), quota=quota, latency=latency)
    assert run(server, 400, 150, 64, seed, attempts=1) == 150


async def test_calls_under_way_tell_of_one_throttle(clock: VirtualClock) -> None:
    """Twenty that were sent before anybody knew halve the rate once; the next one does again."""
    bucket = TokenBucket(100, clock, burst=20)
    tokens = [await bucket.take() for _ in range(20)]
    for token in tokens:
        bucket.throttled(token)
    started = clock.seconds
    tokens = [await bucket.take() for _ in range(6)]
    # What was saved up for a burst is gone.
    assert clock.seconds - started == pytest.approx(6 / 50)
    for token in tokens:
        bucket.throttled(token)
    assert bucket.rate == Rate(highest=100, value=25)


async def test_what_was_sent_before_a_throttle_is_no_reason_to_go_faster(
    clock: VirtualClock,
) -> None:
    """Its answer is of the time when there was room."""
    bucket = TokenBucket(100, clock, burst=5)
    *throttled, last = [await bucket.take() for _ in range(5)]
    for token in throttled:
        bucket.throttled(token)
    bucket.answered(last)
    assert bucket.rate.value == 50
    bucket.answered(await bucket.take())
    assert bucket.rate.value > 50


@pytest.mark.parametrize("seed", range(5))
async def test_a_throttle_in_a_hundred_slows_nothing(clock: VirtualClock, seed: int) -> None:
    """AWS throttles some calls of a large fleet at any rate: halved for each of them, 600 calls a
    second would come down to about 35."""
    draw, bucket = random.Random(seed), TokenBucket(600, clock)
    for _ in range(6_000):
        token = await bucket.take()
        if draw.random() < 0.01:
            bucket.throttled(token)
        else:
            bucket.answered(token)
    assert clock.seconds < 1.15 * 6_000 / 600


@given(highest=st.floats(0.01, 10_000), throttled=st.lists(st.booleans(), max_size=200))
def test_the_laws_of_a_rate(highest: float, throttled: list[bool]) -> None:
    """Never above the highest and never at rest; half as fast after a throttle, faster after an
    answer, by a hundredth of the highest in a second."""
    rate = Rate(highest=highest, value=highest)
    for slower in throttled:
        after = rate.slowed() if slower else rate.grown()
        assert min(0.5, highest) <= after.value <= highest
        assert after.value <= rate.value if slower else after.value >= rate.value
        if slower and rate.value >= 1:
            assert after.value == rate.value / 2
        if not slower and after.value < highest:
            assert (after.value - rate.value) * rate.value == pytest.approx(max(1, highest / 100))
        rate = after


def test_the_rate_comes_back_with_the_quota() -> None:
    """What strangers have left is found out within a minute or two."""
    rate, seconds = Rate(highest=400, value=0.5), 0.0
    while rate.value < 400:
        seconds += 1 / rate.value
        rate = rate.grown()
    assert 60 < seconds < 120


def test_two_who_share_a_quota_come_to_equal_shares() -> None:
    """Whoever goes faster loses more by every throttle, and gains no more in between."""
    fast, slow = Rate(highest=400, value=400.0), Rate(highest=400, value=10.0)
    for _ in range(20):
        fast, slow = fast.slowed(), slow.slowed()
        for second in range(10):
            del second
            for _ in range(int(fast.value)):
                fast = fast.grown()
            for _ in range(int(slow.value)):
                slow = slow.grown()
    assert fast.value == pytest.approx(slow.value, rel=0.1)
