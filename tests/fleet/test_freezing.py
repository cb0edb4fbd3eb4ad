"""A frozen fleet is looked at and not written to, until somebody lifts that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import anyio
import pytest
from tests.support.inventories import fleet_text
from tests.support.simulated import Simulated, simulate

from fleet_repl import Fleet, Outcome, Status
from fleet_repl.reports.exit_codes import report_exit
from fleet_repl.runs.history import Purpose
from fleet_repl.state import Lock
from fleet_repl.values.errors import FrozenError, RefusedError


async def frozen(aws: Simulated, why: str = "release week") -> None:
    async with aws.history() as history:
        await history.freeze("prod", who="ops@example.com", why=why)


async def apply(fleet: Fleet, earlier: str) -> object:
    return await fleet.apply(await fleet.plan(), force=True)


async def roll_back(fleet: Fleet, earlier: str) -> object:
    return await fleet.apply(await fleet.plan_rollback(earlier), force=True)


async def backfill(fleet: Fleet, earlier: str) -> object:
    return await fleet.backfill()


async def repair(fleet: Fleet, earlier: str) -> object:
    return await fleet.repair(await fleet.coverage(images=True))


async def put_again(fleet: Fleet, earlier: str) -> object:
    return await fleet.repair(await fleet.coverage(images=True), reput=True)


async def hold_the_lock(fleet: Fleet, earlier: str) -> object:
    async with fleet.writing():
        pytest.fail("it may write")


@pytest.mark.parametrize("work", [apply, roll_back, backfill, repair, put_again, hold_the_lock])
async def test_every_write_is_refused(work: Callable[[Fleet, str], Awaitable[object]]) -> None:
    """With who and why, whoever insists."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        earlier = await aws.applied()
        aws.rewrite(fleet_text("1>2 base/ team/"))
        await frozen(aws)
        writes = list(aws.world.writes)
        purpose = Purpose.REPAIR if work is put_again else Purpose.APPLY
        async with aws.connected(purpose=purpose) as fleet:
            with pytest.raises(FrozenError) as caught:
                await work(fleet, earlier.run_id)
        first, hint = str(caught.value).splitlines()
        assert first.startswith("the fleet is frozen since 20")
        assert first.endswith("Z by ops@example.com: release week")
        assert hint.strip() == "lift it with: fleet-repl unfreeze INVENTORY"
        assert isinstance(caught.value, RefusedError)
        assert aws.world.writes == writes


async def test_a_run_is_refused_before_anything_is_called() -> None:
    """One that takes the lock first, as the commands do, is told at once."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        await frozen(aws)
        with pytest.raises(FrozenError):
            async with aws.connected(locked=True):
                pytest.fail("it may write")
        assert not aws.world.calls


async def test_looking_goes_on() -> None:
    """Plans, those of rollbacks too, the state of backfills, and a run with nothing to do."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        run = await aws.applied()
        await frozen(aws)
        async with aws.connected() as fleet:
            plan = await fleet.plan()
            assert (await fleet.apply(plan)).status is Status.OK
            assert (await fleet.plan_rollback(run.run_id)).changes
            assert (await fleet.backfill_status()).status is Status.OK
        async with aws.history() as history:
            assert len(await history.runs()) == 1


async def test_lifting_it() -> None:
    """Says what was lifted; then all is as before. A second freeze takes the place of the first."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        await frozen(aws)
        await frozen(aws, "audit")
        async with aws.history() as history:
            freeze = await history.frozen("prod")
            assert freeze is not None
            assert (freeze.who, freeze.why) == ("ops@example.com", "audit")
            assert await history.frozen("stage") is None
            assert await history.unfreeze("prod") == freeze
            assert (await history.frozen("prod"), await history.unfreeze("prod")) == (None, None)
        assert (await aws.applied()).status is Status.OK


async def test_a_run_that_is_under_way_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    """At its next sign of life: what was written stays, the rest is skipped and says why."""
    due, renewed = anyio.Event(), anyio.Event()

    async def beat(seconds: float) -> None:
        if due.is_set():
            renewed.set()
            await anyio.sleep_forever()
        await due.wait()

    # The heart of the lock beats in real time, for which no test waits.
    monkeypatch.setattr("fleet_repl.fleet.access.Lock", partial(Lock, beat=beat))
    text = fleet_text("1>3 base/", "2>3 team/", waves={"canary": ("1", 'pause = "60s"')})
    async with simulate(text) as aws:
        sleep = aws.clock.sleep

        async def freeze_meanwhile(seconds: float) -> None:
            await sleep(seconds)
            if seconds == 60:
                await frozen(aws)
                due.set()
                await renewed.wait()

        monkeypatch.setattr(aws.clock, "sleep", freeze_meanwhile)
        report = await aws.applied()
        assert (report.status, report_exit(report)) == (Status.PARTIAL, 4)
        assert (aws.links(1), aws.links(2)) == ({"3 base/"}, set())
        outcomes = [registry.outcome for registry in report.registries]
        assert outcomes == [Outcome.APPLIED, Outcome.SKIPPED, Outcome.PARTIAL, Outcome.UNCHANGED]
        for outcome in report.registries[1:3]:
            assert outcome.because is not None
            assert outcome.because.startswith("the fleet is frozen since 20")
            assert outcome.because.endswith("by ops@example.com: release week")
        async with aws.history() as history:
            (run,) = await history.runs()
            assert run.status is Status.PARTIAL
            await history.unfreeze("prod")
        assert (await aws.applied()).status is Status.OK
