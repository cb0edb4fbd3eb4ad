"""Several tasks of one connection: one plan at a time, and the lock is given back by the last."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from tests.state.places.conftest import MemoryObjects
from tests.support.clock import VirtualClock
from tests.support.inventories import fleet_text
from tests.support.simulated import Simulated, simulate

from fleet_repl import Fleet, Report, Status
from fleet_repl.engine.stores import Stored
from fleet_repl.fleet.access import Access
from fleet_repl.runs.events import WriteSettled, WriteStarted
from fleet_repl.state import BucketStore
from fleet_repl.values.errors import RefusedError


def holder(aws: Simulated) -> Any:
    """Who holds the lock by the state."""
    return json.loads((aws.state / "lock.json").read_text())["holder"]


class Held:
    """Notes for each write that has settled whether the lock was held by then."""

    def __init__(self, aws: Simulated) -> None:
        self.seen: list[bool] = []
        self.started = anyio.Event()
        self._aws = aws

    def __call__(self, event: object) -> None:
        if isinstance(event, WriteStarted):
            self.started.set()
        if isinstance(event, WriteSettled):
            self.seen.append(holder(self._aws) is not None)


async def test_a_second_plan_is_refused_meanwhile() -> None:
    """Both would be one run in the state. The first one goes on with its lock."""
    async with simulate(fleet_text("1>2,3,4 base/")) as aws, aws.connected() as fleet:
        plan, held, reports = await fleet.plan(), Held(aws), list[Report]()

        async def first() -> None:
            reports.append(await fleet.apply(plan, on_event=held))

        async with anyio.create_task_group() as group:
            group.start_soon(first)
            await held.started.wait()
            with pytest.raises(RefusedError, match="carries out a plan already"):
                await fleet.apply(plan)
            # Looking is allowed at any time.
            await fleet.plan()
        assert held.seen == [True] * 4
        assert [report.status for report in reports] == [Status.OK]
        assert holder(aws) is None


async def test_the_last_block_gives_the_lock_back() -> None:
    """The task that took it may be done first: it waits for whoever still writes."""
    async with simulate(fleet_text("1>2,3,4 base/")) as aws, aws.connected() as fleet:
        plan, held = await fleet.plan(), Held(aws)

        async def first() -> None:
            async with fleet.writing():
                await held.started.wait()

        async def second() -> None:
            while not fleet.holds_lock:
                await anyio.lowlevel.checkpoint()
            assert (await fleet.apply(plan, on_event=held)).status is Status.OK

        async with anyio.create_task_group() as group:
            group.start_soon(first)
            group.start_soon(second)
        assert held.seen == [True] * 4
        assert not fleet.holds_lock
        assert holder(aws) is None


async def test_blocks_one_after_the_other_take_it_anew() -> None:
    """Also while it is being given back: the new block has a lock of its own."""
    async with simulate(fleet_text("1>2 base/")) as aws, aws.connected() as fleet:

        async def block() -> None:
            for _ in range(5):
                async with fleet.writing():
                    await anyio.lowlevel.checkpoint()
                    assert holder(aws) is not None
                await anyio.lowlevel.checkpoint()

        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(block)
        assert holder(aws) is None


def access(objects: MemoryObjects, run_id: str) -> Access:
    """The right of another connection to write, with its state in this store."""
    return Access(
        store=BucketStore(objects),
        fleet="prod",
        formerly=(),
        accounts=frozenset(),
        run_id=run_id,
        on_event=lambda event: None,
    )


async def test_a_block_waits_while_the_lock_is_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A block that began meanwhile would be left without a lock: the block before it gives back
    whatever lock the run has, and another run may write beside it."""
    objects = MemoryObjects(VirtualClock())
    own, other = access(objects, "20261123T080001Z-1"), access(objects, "20261123T080002Z-2")
    giving_back, answered, get = anyio.Event(), anyio.Event(), objects.get

    async def get_slowly(key: str) -> Stored | None:
        if key == "prod/lock.json" and not giving_back.is_set():
            giving_back.set()
            await answered.wait()
        return await get(key)

    async def answer() -> None:
        await giving_back.wait()
        for _ in range(100):
            await anyio.lowlevel.checkpoint()
        answered.set()

    async def next_block() -> None:
        await giving_back.wait()
        async with own.held():
            await answered.wait()
            for _ in range(100):
                await anyio.lowlevel.checkpoint()
            with pytest.raises(RefusedError, match="is busy"):
                async with other.held():
                    pass

    async with anyio.create_task_group() as group, own.held():
        monkeypatch.setattr(objects, "get", get_slowly)
        group.start_soon(next_block)
        group.start_soon(answer)
    assert giving_back.is_set()


@pytest.mark.parametrize("locked", [False, True])
async def test_a_connection_ends_after_its_writes(*, locked: bool) -> None:
    """A plan that another task carries out starts nothing new, and what is in flight is read
    back while there are clients and a lock."""
    more = "[apply]\nconcurrency = 1\n"
    async with simulate(fleet_text("1>2,3,4 base/", more=more)) as aws:
        held, reports = Held(aws), list[Report]()

        async def apply(fleet: Fleet) -> None:
            reports.append(await fleet.apply(await fleet.plan(), on_event=held))

        async with anyio.create_task_group() as group, AsyncExitStack() as stack:
            fleet = await stack.enter_async_context(aws.connected(locked=locked))
            group.start_soon(apply, fleet)
            await held.started.wait()
        (report,) = reports
        assert report.status is Status.INTERRUPTED
        assert 1 <= len(held.seen) < 4
        assert all(held.seen)
        assert holder(aws) is None
        assert (await aws.applied()).warnings == ()


async def test_a_lock_that_is_not_to_be_had_leaves_nothing_behind() -> None:
    """The next attempt of the same connection begins anew."""
    async with simulate(fleet_text("1>2 base/")) as aws, aws.connected() as fleet:
        plan = await fleet.plan()
        async with aws.connected(locked=True):
            for _ in range(2):
                with pytest.raises(RefusedError, match="is busy"):
                    await fleet.apply(plan)
        assert (await fleet.apply(plan)).status is Status.OK
