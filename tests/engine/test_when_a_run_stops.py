"""When a run starts nothing new, and what becomes of work that may be given up."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import pytest
from tests.support.engine import Bench

from fleet_repl.engine.stop import Stop

INTERRUPT: Callable[[Stop], None] = Stop.interrupt


def halt(stop: Stop) -> None:
    stop.halt("the fleet is frozen")


@pytest.mark.parametrize("end", [INTERRUPT, halt])
@pytest.mark.parametrize("before", [False, True])
async def test_what_may_be_given_up_is_given_up(
    bench: Bench, end: Callable[[Stop], None], *, before: bool
) -> None:
    """Whether it is under way, or begins a moment later: nobody waits for a read or a pause."""
    stop = Stop(bench.clock, 7200, 7200)
    if before:
        end(stop)
    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            if not before:
                group.start_soon(_end_soon, end, stop)
            with stop.abandonable() as scope:
                await anyio.sleep_forever()
    assert scope.cancelled_caught


async def _end_soon(end: Callable[[Stop], None], stop: Stop) -> None:
    end(stop)


async def test_what_is_kept_goes_on(bench: Bench) -> None:
    """A write that has been sent is not given up any more."""
    stop = Stop(bench.clock, 7200, 7200)
    with stop.abandonable() as scope:
        stop.keep(scope)
        stop.interrupt()
        await anyio.lowlevel.checkpoint()
    assert not scope.cancel_called


def test_the_deadline_is_part_of_it(bench: Bench) -> None:
    """Nothing begins at the deadline itself."""
    stop = Stop(bench.clock, 60, 60)
    for seconds, requested in ((59.9, False), (60.0, True), (60.1, True)):
        bench.clock.seconds = seconds
        assert stop.requested is requested
    assert stop.because == "the run's deadline of 60 s had passed"
