"""What a reader learns of retries while a run goes on, and what the report counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from fleet_repl.runs.events import CallRetried
from fleet_repl.values.errors import CallError, FaultKind

if TYPE_CHECKING:
    from tests.aws.conftest import Edge


async def test_each_retry_is_an_event(edge: Edge) -> None:
    """Account, call, error, the number of the attempt that failed, and the wait before the next."""
    edge.aws.script("DescribeRegistry", edge.aws.refuse("ThrottlingException"), edge.aws.reset)
    async with edge.open() as registries:
        await registries.describe(edge.registry())
    reported = [
        (event.account, event.operation, event.error.kind, event.attempt, event.delay)
        for event in edge.events
        if isinstance(event, CallRetried)
    ]
    assert reported == [
        ("000000000001", "DescribeRegistry", FaultKind.THROTTLED, 1, 0.25),
        ("000000000001", "DescribeRegistry", FaultKind.NETWORK, 2, 0.5),
    ]
    assert edge.clock.slept == [0.25, 0.5]


async def test_every_call_for_a_registry_counts(edge: Edge) -> None:
    """Retries too, and the AssumeRole of its account; not those of other registries."""
    edge.aws.script("AssumeRole", edge.aws.drop)
    edge.aws.script("DescribeRegistry", edge.aws.refuse("ServerException", "", 500))
    inventory = edge.inventory(edge.account(1), edge.account(2))
    async with edge.open(inventory) as registries:
        here, there, other = edge.registry(), edge.registry(1, "us-east-1"), edge.registry(2)
        assert registries.attempts(here) == 0
        await registries.describe(here)
        await registries.read_policy(here)
        await registries.put_policy(here, {"Statement": []})
        assert registries.attempts(here) == 2 + 2 + 1 + 1
        assert registries.attempts(there) == 2
        assert registries.attempts(other) == 0


async def test_after_the_last_attempt_nobody_need_start_over(edge: Edge) -> None:
    """What leaves a read is not transient, so that a retry around it does not multiply it."""
    edge.aws.script("DescribeRegistry", *[edge.aws.refuse("ServerException", "", 500)] * 4)
    async with edge.open() as registries:
        with pytest.raises(CallError) as caught:
            await registries.describe(edge.registry())
    assert caught.value.fault.kind is FaultKind.SERVICE
    assert not caught.value.transient
    assert registries.attempts(edge.registry()) == 5


async def test_no_delay_reaches_past_the_deadline(edge: Edge) -> None:
    """The run's deadline holds for retries behind the port."""
    edge.aws.script("DescribeRegistry", *[edge.aws.refuse("ThrottlingException")] * 4)
    async with edge.open(deadline=1000.5) as registries:
        with pytest.raises(CallError):
            await registries.describe(edge.registry())
    assert edge.clock.slept == [0.25]


async def test_a_read_that_hangs_is_given_up_and_tried_again(edge: Edge) -> None:
    """By the timeout of one attempt."""
    never = anyio.Event()
    async with edge.open(timeout=0.3) as registries:
        edge.aws.script("DescribeRegistry", edge.aws.hold(never))
        await registries.describe(edge.registry())
        never.set()
    # On a busy machine other attempts may take too long as well.
    reported = {
        (event.operation, event.error.kind, event.error.message)
        for event in edge.events
        if isinstance(event, CallRetried)
    }
    assert ("DescribeRegistry", FaultKind.TIMEOUT, "no answer within 0.3 s") in reported


async def test_cancellation_escapes_and_everything_is_closed(edge: Edge) -> None:
    """A call in flight is let go at once; unclosed connections would be warnings, so errors."""
    never, begun = anyio.Event(), anyio.Event()
    edge.aws.script("DescribeRegistry", edge.aws.hold(never, begun))
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as group:

            async def cancel() -> None:
                await begun.wait()
                scope.cancel()

            group.start_soon(cancel)
            async with edge.open() as registries:
                await registries.describe(edge.registry())
                raise AssertionError("it was cancelled")
    never.set()
    assert scope.cancelled_caught
    assert edge.events == []
