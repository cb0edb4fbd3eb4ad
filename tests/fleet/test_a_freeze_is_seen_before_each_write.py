"""A fleet that is frozen while a run writes: no write follows the freeze.

Plans are carried out under the lock, whose sign of life looks for a freeze: `test_freezing` and
`test_the_gate_of_a_run` are about those. Here are the writes of runs without a lock.
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from unittest import mock

import pytest
from tests.fleet.test_backfilling import FULL, NEW_LINKS, OLD, QUIET
from tests.support.simulated import Simulated, simulate

from fleet_repl import (
    BackfillReport,
    BackfillState,
    CoverageReport,
    Fleet,
    Purpose,
    Status,
    to_json,
)
from fleet_repl.fleet.images import FleetImages
from fleet_repl.reports.text.backfills import backfill_text
from fleet_repl.runs.reput import ReputState
from fleet_repl.sandbox import FaultRule, Mishap, Scenario

FROZEN: Final = "the fleet is frozen since 20"
ONE_BY_ONE: Final = "[apply]\nconcurrency = 1\n"
WRITES: Final = ("StartReplicationBackfill", "PutImage")


@contextmanager
def frozen_at(aws: Simulated, *operations: str, lost: bool = False) -> Iterator[list[str]]:
    """A fleet that is frozen once AWS gets the first call of some operations; yields these calls.
    `lost`: the freeze cannot be read."""
    file, writes = aws.state / "freeze.json", list[str]()
    content = b"{}" if lost else file.read_bytes()
    file.unlink(missing_ok=True)

    class Calls(Counter[str]):
        def __setitem__(self, operation: str, calls: int) -> None:
            super().__setitem__(operation, calls)
            if operation in operations:
                writes.append(operation)
                file.write_bytes(content)

    with mock.patch.object(aws.world, "calls", Calls()):
        yield writes


async def lacking(aws: Simulated) -> CoverageReport:
    """Put a fleet in place whose images were pushed before, and freeze it; returns what is where
    by then."""
    await aws.applied()
    aws.clock.seconds += 60
    async with aws.connected(purpose=None) as fleet:
        report = await fleet.coverage(images=True)
    async with aws.history() as history:
        await history.freeze(aws.inventory.name, who="anna", why="release")
    return report


async def backfill(fleet: Fleet, document: Any) -> BackfillReport:
    return await fleet.backfill()


async def backfill_and_wait(fleet: Fleet, document: Any) -> BackfillReport:
    return await fleet.backfill(wait=True)


async def repair(fleet: Fleet, document: Any) -> BackfillReport:
    return await fleet.repair(document)


async def repair_and_wait(fleet: Fleet, document: Any) -> BackfillReport:
    return await fleet.repair(document, wait=True)


async def put_again(fleet: Fleet, document: Any) -> BackfillReport:
    return await fleet.repair(document, reput=True)


WORK: Final = (backfill, backfill_and_wait, repair, repair_and_wait, put_again)


def test_every_call_that_writes_is_walked() -> None:
    """A new one without a test here or of the lock is noticed."""
    calls = {
        name
        for kind in (Fleet, FleetImages)
        for name, call in inspect.getmembers(kind, inspect.isfunction)
        if "check_may_write" in inspect.getsource(call)
    }
    assert calls == {"apply", "backfill", "repair"}


@pytest.mark.parametrize("work", WORK)
async def test_nothing_is_written_after_a_freeze(
    work: Callable[[Fleet, Any], Awaitable[BackfillReport]],
) -> None:
    """What was started goes on; the rest is not started, and says why."""
    async with simulate(QUIET + ONE_BY_ONE, OLD) as aws:
        document = await lacking(aws)
        with frozen_at(aws, *WRITES) as writes:
            async with aws.connected(purpose=Purpose.REPAIR) as fleet:
                report = await work(fleet, document)
    assert len(writes) == 1
    assert report.status is Status.PARTIAL
    assert FROZEN in to_json(report)
    assert FROZEN in backfill_text(report)
    done = sum(outcome.started for outcome in report.backfills)
    done += sum(reput.state is ReputState.PUT for reput in report.reputs)
    idle = (BackfillState.NOT_STARTED, BackfillState.QUEUED)
    left = sum(outcome.state in idle for outcome in report.backfills)
    left += sum(reput.state is ReputState.SKIPPED for reput in report.reputs)
    assert (done, left) == (1, len(report.backfills) + len(report.reputs) - 1)


async def test_backfills_of_an_apply_are_not_started_either() -> None:
    """They follow the writes of its plan, and a freeze may come between two of them."""
    async with simulate(NEW_LINKS + ONE_BY_ONE, OLD) as aws:
        async with aws.history() as history:
            await history.freeze(aws.inventory.name, who="anna", why="release")
        with frozen_at(aws, "StartReplicationBackfill") as writes:
            report = await aws.applied()
    assert writes == ["StartReplicationBackfill"]
    assert (report.status, len(report.backfills)) == (Status.PARTIAL, 3)
    because = [outcome.because for outcome in report.backfills if not outcome.started]
    assert len(because) == 2
    assert all(FROZEN in (text or "") for text in because)


@pytest.mark.parametrize("work", [repair, put_again])
async def test_an_attempt_is_a_write_too(
    work: Callable[[Fleet, Any], Awaitable[BackfillReport]],
) -> None:
    """A throttled start or put is not tried again at a fleet that is frozen by then."""
    throttled = FaultRule(kind=Mishap.THROTTLED, first=1, operations=WRITES)
    async with simulate(
        QUIET + ONE_BY_ONE, Scenario(registries=(FULL,), faults=(throttled,))
    ) as aws:
        document = await lacking(aws)
        with frozen_at(aws, *WRITES) as writes:
            async with aws.connected(purpose=Purpose.REPAIR) as fleet:
                report = await work(fleet, document)
    assert len(writes) == 1
    errors = [outcome.error for outcome in report.backfills]
    errors += [reput.error for reput in report.reputs]
    codes = [error.code for error in errors if error is not None and error.code is not None]
    assert codes == ["ThrottlingException"]


async def test_a_state_that_is_lost_halts_too() -> None:
    """A freeze that cannot be read is not none."""
    async with simulate(QUIET + ONE_BY_ONE, OLD) as aws:
        await aws.applied()
        with frozen_at(aws, *WRITES, lost=True) as writes:
            async with aws.connected() as fleet:
                report = await fleet.backfill()
    assert len(writes) == 1
    because = " ".join(outcome.because or "" for outcome in report.backfills)
    assert "whether the fleet is frozen cannot be known any more: " in because
