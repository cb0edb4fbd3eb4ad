"""Retries: of transient failures alone, at the right times, and no more than asked for."""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Awaitable, Callable

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given, strategies as st
from tests.support.clock import VirtualClock

from fleet_repl.engine.retry import Pace
from fleet_repl.values.clock import SYSTEM
from fleet_repl.values.errors import CallError, Fault, FaultKind

MakePace = Callable[..., Pace]


def error(
    message: str = "busy", *, transient: bool = True, kind: FaultKind = FaultKind.SERVICE
) -> CallError:
    fault = Fault(kind=kind, operation="DescribeRegistry", message=message)
    return CallError(fault, transient=transient)


class Flaky:
    """Something that fails a number of times and then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    async def once(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


async def test_an_answer_is_given_back_at_once(make_pace: MakePace, clock: VirtualClock) -> None:
    """Nothing is waited for that works."""
    assert await make_pace().retry(Flaky().once) == "answer"
    assert clock.slept == []


async def test_delays_double_up_to_the_longest(make_pace: MakePace, clock: VirtualClock) -> None:
    """A quarter of a second first, twenty seconds at most."""
    flaky = Flaky(*[error()] * 9)
    assert await make_pace(attempts=10).retry(flaky.once) == "answer"
    assert clock.slept == [0.25, 0.5, 1, 2, 4, 8, 16, 20, 20]


async def test_jitter_is_full(make_pace: MakePace, clock: VirtualClock) -> None:
    """Anything from nothing up to the delay, so that many who failed at once do not return so."""
    asked: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        asked.append((low, high))
        return high / 3

    await make_pace(uniform=uniform, first_delay=3.0).retry(Flaky(error(), error()).once)
    assert asked == [(0.0, 3.0), (0.0, 6.0)]
    assert clock.slept == [1.0, 2.0]


async def test_the_last_error_is_raised_as_it_came(make_pace: MakePace) -> None:
    """No wrapper of the retry library around it."""
    errors = [error(str(number)) for number in range(5)]
    flaky = Flaky(*errors)
    with pytest.raises(CallError) as caught:
        await make_pace(attempts=5).retry(flaky.once)
    assert caught.value is errors[-1]
    assert flaky.calls == 5


@pytest.mark.parametrize("failure", [error(transient=False), ValueError("x"), TimeoutError()])
async def test_anything_else_fails_at_once(make_pace: MakePace, failure: Exception) -> None:
    """What cannot pass, and what is no failed call at all."""
    flaky = Flaky(failure)
    with pytest.raises(type(failure)) as caught:
        await make_pace().retry(flaky.once)
    assert caught.value is failure
    assert flaky.calls == 1


async def test_retries_are_reported_before_the_wait(
    make_pace: MakePace, clock: VirtualClock
) -> None:
    """With the attempt that failed and the delay; the last failure is raised and not told."""
    reported: list[tuple[str, int, float, float]] = []

    def tell(failure: CallError, attempt: int, delay: float) -> None:
        reported.append((failure.fault.message, attempt, delay, clock.seconds))

    flaky = Flaky(error("a"), error("b"), error("c"))
    with pytest.raises(CallError, match="c"):
        await make_pace(attempts=3).retry(flaky.once, on_retry=tell)
    assert reported == [("a", 1, 0.25, 0.0), ("b", 2, 0.5, 0.25)]


async def test_no_delay_reaches_past_the_deadline(make_pace: MakePace, clock: VirtualClock) -> None:
    """It fails rather than wait for nothing; up to the deadline itself is in time."""
    flaky = Flaky(*[error()] * 9)
    with pytest.raises(CallError):
        await make_pace(deadline=1.75).retry(flaky.once)
    assert clock.slept == [0.25, 0.5, 1.0]
    assert flaky.calls == 4


async def test_throttles_are_waited_out(make_pace: MakePace, clock: VirtualClock) -> None:
    """They are no attempts: only what else fails counts, and only the deadline ends them."""
    throttle = error(kind=FaultKind.THROTTLED)
    flaky = Flaky(*[throttle] * 9, error("a"), *[throttle] * 9, error("b"))
    with pytest.raises(CallError, match="b"):
        await make_pace(attempts=2).retry(flaky.once)
    assert flaky.calls == 20
    endless = Flaky(*[throttle] * 999)
    with pytest.raises(CallError):
        await make_pace(attempts=1, deadline=clock.seconds + 100).retry(endless.once)
    assert 5 < endless.calls < 999


async def test_without_a_deadline_throttles_are_attempts(make_pace: MakePace) -> None:
    """Or nothing would end them."""
    flaky = Flaky(*[error(kind=FaultKind.THROTTLED)] * 9)
    with pytest.raises(CallError):
        await make_pace(attempts=3, deadline=math.inf).retry(flaky.once)
    assert flaky.calls == 3


async def test_concurrent_retries_do_not_mix(make_pace: MakePace) -> None:
    """Each has its own attempts and its own error."""
    pace, got = make_pace(attempts=3), {}

    async def run(name: str, times: int) -> None:
        flaky = Flaky(*[error(name)] * times)
        try:
            got[name] = await pace.retry(flaky.once), flaky.calls
        except CallError as failure:
            got[name] = failure.fault.message, flaky.calls

    async with anyio.create_task_group() as group:
        for times in range(5):
            group.start_soon(run, f"failed {times}", times)
    assert got == {
        "failed 0": ("answer", 1),
        "failed 1": ("answer", 2),
        "failed 2": ("answer", 3),
        "failed 3": ("failed 3", 3),
        "failed 4": ("failed 4", 3),
    }


async def test_cancellation_escapes(make_pace: MakePace) -> None:
    """It is no failure to be retried, neither in an attempt nor in a wait."""
    calls = 0

    async def once() -> None:
        nonlocal calls
        calls += 1
        scope.cancel()
        await anyio.lowlevel.checkpoint()

    with anyio.CancelScope() as scope:
        await make_pace().retry(once)
        raise AssertionError("it went on")
    assert scope.cancelled_caught
    assert calls == 1


async def test_anything_that_can_be_awaited_is_retried(make_pace: MakePace) -> None:
    """A plain function that makes a coroutine, and a partial one."""
    flaky = Flaky(error(), error())
    awaitables: list[Callable[[], Awaitable[str]]] = [
        lambda: flaky.once(),  # noqa: PLW0108 - that is the case
        functools.partial(Flaky.once, flaky),
    ]
    for once in awaitables:
        assert await make_pace().retry(once) == "answer"


@given(
    attempts=st.integers(1, 12),
    failures=st.integers(0, 15),
    deadline=st.floats(0, 40),
    seed=st.integers(0, 99),
)
def test_the_laws_of_retrying(
    new_clock: Callable[[], VirtualClock],
    attempts: int,
    failures: int,
    deadline: float,
    seed: int,
) -> None:
    """Never more attempts than asked for, never a wait past the deadline, no answer given up."""
    clock, flaky = new_clock(), Flaky(*[error()] * failures)
    pace = Pace(
        attempts=attempts,
        timeout=1,
        deadline=deadline,
        clock=clock,
        uniform=random.Random(seed).uniform,
    )

    async def run() -> bool:
        try:
            return await pace.retry(flaky.once) == "answer"
        except CallError:
            return False

    answered = anyio.run(run)
    assert flaky.calls <= min(attempts, failures + 1)
    assert clock.seconds <= deadline
    assert answered == (flaky.calls == failures + 1)
    # Given up early only where the next delay might not have fitted.
    if not answered and flaky.calls < attempts:
        assert clock.seconds + min(20, 0.25 * 2 ** (flaky.calls - 1)) > deadline


async def test_the_systems_clock_is_time_itself() -> None:
    """Aware, in UTC, going forward."""
    before, offset = SYSTEM.monotonic(), SYSTEM.now().utcoffset()
    await SYSTEM.sleep(0)
    assert SYSTEM.monotonic() >= before
    assert offset is not None
    assert offset.total_seconds() == 0
