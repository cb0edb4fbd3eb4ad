"""One attempt: bounded in real time, and not mistaken for anybody else's end."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import pytest

from fleet_repl.engine.retry import Pace
from fleet_repl.values.errors import CallError, Fault, FaultKind

MakePace = Callable[..., Pace]


async def answer() -> str:
    return "answer"


async def test_an_answer_in_time_is_given_back(make_pace: MakePace) -> None:
    """Whatever it is."""
    assert await make_pace().attempt("DescribeRegistry", answer) == "answer"


async def test_an_attempt_without_an_answer_ends(make_pace: MakePace) -> None:
    """It may pass, and nobody knows what became of it."""
    with pytest.raises(CallError) as caught:
        await make_pace(timeout=0.02).attempt("PutRegistryPolicy", anyio.sleep_forever)
    error = caught.value
    assert error.fault == Fault(
        kind=FaultKind.TIMEOUT,
        operation="PutRegistryPolicy",
        message="no answer within 0.02 s",
    )
    assert (error.transient, error.uncertain) == (True, True)
    assert error.__context__ is None


async def test_the_deadline_does_not_cut_an_attempt_short(make_pace: MakePace) -> None:
    """A write that is cut short is one that nobody knows the end of."""
    assert await make_pace(deadline=-1.0).attempt("PutRegistryPolicy", answer) == "answer"


async def test_a_timeout_from_inside_is_not_ours(make_pace: MakePace) -> None:
    """It passes through as what it is."""

    async def once() -> None:
        raise TimeoutError("somebody else's")

    with pytest.raises(TimeoutError, match="somebody else's"):
        await make_pace().attempt("DescribeRegistry", once)


async def test_a_cancellation_from_outside_is_not_ours(make_pace: MakePace) -> None:
    """The outer scope catches it, and nothing turns it into a failed call."""
    with anyio.move_on_after(0.02) as scope:
        await make_pace(timeout=10).attempt("DescribeRegistry", anyio.sleep_forever)
        raise AssertionError("it went on")
    assert scope.cancelled_caught


async def test_an_outer_timeout_at_the_same_moment_wins(make_pace: MakePace) -> None:
    """Who set the outer limit is told by its own means."""
    with pytest.raises(TimeoutError):
        with anyio.fail_after(0):
            await make_pace(timeout=0).attempt("DescribeRegistry", anyio.sleep_forever)
