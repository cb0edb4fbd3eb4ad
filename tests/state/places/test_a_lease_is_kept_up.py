"""A lock that is held: renewed in time, believed in no longer than it can be known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import pytest

from fleet_repl.state.lock_rules import LEASE, RENEWAL
from fleet_repl.values.errors import HaltedError, RefusedError

if TYPE_CHECKING:
    from tests.state.places.conftest import Locks, MemoryObjects, Place
    from tests.support.clock import VirtualClock


async def test_renewed_it_stays_however_long_the_run_takes(
    aging: Place, lock: Locks, clock: VirtualClock
) -> None:
    """The background renews it every 20 seconds, and others see that."""
    beats = 0

    async def beat(seconds: float) -> None:
        nonlocal beats
        beats += 1
        assert seconds == RENEWAL
        if beats > 9:
            await anyio.sleep_forever()
        await clock.sleep(seconds)

    async with lock(aging, beat=beat).held() as lease:
        while beats < 10:
            await anyio.lowlevel.checkpoint()
        assert clock.seconds == 180
        assert lease.remaining == LEASE
        with pytest.raises(RefusedError, match="since 2026-11-23T08:00:00Z; last sign of life 0 s"):
            async with lock(aging, 2).held():
                pytest.fail("two at once")
    content = await aging.open().read("prod/lock.json")
    assert content is not None
    assert b'"renewals":9' in content


async def test_those_who_want_more_share_one_renewal(
    memory: MemoryObjects, shared: Place, lock: Locks, clock: VirtualClock
) -> None:
    """A thousand writes at once are one request, and none while enough is left."""
    async with lock(shared).held() as lease:
        clock.seconds += 20
        await lease.assure(35)
        assert memory.puts == 1
        clock.seconds += 10
        async with anyio.create_task_group() as group:
            for _ in range(1000):
                group.start_soon(lease.assure, 35)
        assert memory.puts == 2
        assert lease.remaining == LEASE
        clock.seconds += 10
        await lease.assure(LEASE)
        assert memory.puts == 3


async def test_whoever_has_enough_left_waits_for_no_renewal(
    memory: MemoryObjects,
    shared: Place,
    lock: Locks,
    clock: VirtualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A renewal that hangs stops only those who want more than is left."""

    async def hang(key: str, content: bytes, expected: str | None) -> None:
        await anyio.sleep_forever()

    async with lock(shared).held() as lease:
        clock.seconds += 20
        with monkeypatch.context() as patch:
            patch.setattr(memory, "put_if", hang)
            async with anyio.create_task_group() as group:
                group.start_soon(lease.assure, LEASE)
                await anyio.wait_all_tasks_blocked()
                with anyio.fail_after(60):
                    await lease.assure(LEASE - 20)
                group.cancel_scope.cancel()


async def test_a_machine_that_slept_does_not_believe_in_its_lease(
    aging: Place, lock: Locks, clock: VirtualClock
) -> None:
    """The monotonic clock stands still meanwhile; the date does not."""
    async with lock(aging).held() as lease:
        clock.suspended += 3600
        assert lease.remaining == LEASE - 3600
        async with lock(aging, 2).held():
            with pytest.raises(HaltedError, match="taken over by"):
                await lease.assure(1)


async def test_one_that_slept_and_was_not_missed_goes_on(
    aging: Place, lock: Locks, clock: VirtualClock
) -> None:
    """Nobody took the lock: it is renewed, and still the same."""
    async with lock(aging).held() as lease:
        clock.suspended += 3600
        await lease.assure(50)
        assert lease.remaining == LEASE


async def test_a_date_that_goes_backwards_gives_no_time(
    aging: Place, lock: Locks, clock: VirtualClock
) -> None:
    """The other clock still counts."""
    async with lock(aging).held() as lease:
        clock.suspended -= 3600
        clock.seconds += 50
        assert lease.remaining == LEASE - 50


async def test_a_renewal_that_fails_is_tried_again(
    memory: MemoryObjects, shared: Place, lock: Locks, clock: VirtualClock
) -> None:
    """While there is time: the run only halts when there is none."""
    async with lock(shared).held() as lease:
        clock.seconds += 30
        memory.failing = 20
        await lease.assure(35)
        assert clock.seconds == 50
        assert lease.remaining == LEASE
        memory.failing = 1000
        clock.seconds += 30
        with pytest.raises(HaltedError) as caught:
            await lease.assure(35)
        assert str(caught.value) == (
            "the lock could not be renewed in time: the fleet's state cannot be written: no answer"
        )
        assert clock.seconds == 50 + LEASE
        memory.failing = 0
        # What was told once holds: some writes may not go on where others did not.
        with pytest.raises(HaltedError, match="in time"):
            await lease.assure(0)


async def test_failed_renewals_in_the_background_are_soon_made_again(
    memory: MemoryObjects, shared: Place, lock: Locks, clock: VirtualClock
) -> None:
    """Not only at the next beat."""
    beats: list[float] = []

    async def beat(seconds: float) -> None:
        beats.append(seconds)
        if len(beats) > 4:
            await anyio.sleep_forever()
        await clock.sleep(seconds)

    async with lock(shared, beat=beat).held() as lease:
        memory.failing = 2
        while len(beats) < 5:
            await anyio.lowlevel.checkpoint()
        assert beats == [RENEWAL, 1, 1, RENEWAL, RENEWAL]
        await lease.assure(LEASE)


async def test_a_renewal_whose_answer_was_lost_is_our_own(
    memory: MemoryObjects, shared: Place, lock: Locks, clock: VirtualClock
) -> None:
    """What is there is another version, but not another holder."""
    async with lock(shared).held() as lease:
        clock.seconds += 30
        memory.losing = 1
        await lease.assure(50)
        assert lease.remaining == LEASE
        memory.losing = 1
        clock.seconds += 30
        with anyio.CancelScope() as scope:
            scope.cancel()
            await lease.assure(50)
    async with lock(shared, 2).held() as lease:
        assert lease.replaced is None


async def test_renewals_that_take_too_long_halt_the_run(
    memory: MemoryObjects,
    shared: Place,
    lock: Locks,
    clock: VirtualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A lease that is never fresh enough for the longest write: better told than waited for."""
    real = memory.put_if

    async def slow(*args: Any) -> str | None:
        clock.seconds += 10
        return await real(*args)

    async with lock(shared).held() as lease:
        monkeypatch.setattr(memory, "put_if", slow)
        clock.seconds += 20
        await lease.assure(50)
        with pytest.raises(HaltedError, match=r"so long that less than 55 s are left"):
            await lease.assure(55)


async def test_a_check_that_halts_ends_the_writing_and_keeps_the_lock(
    memory: MemoryObjects, shared: Place, lock: Locks, clock: VirtualClock
) -> None:
    """Such as a freeze: what was sent before is still under way, so nobody else may start."""
    reasons: list[str] = []

    async def check() -> None:
        if reasons:
            raise HaltedError(reasons[0])

    async with lock(shared, check=check).held() as lease:
        clock.seconds += 30
        await lease.assure(50)
        reasons.append("the fleet is frozen")
        await lease.assure(50)
        clock.seconds += 30
        with pytest.raises(HaltedError, match=r"^the fleet is frozen$"):
            await lease.assure(50)
        assert lease.remaining == LEASE
        with pytest.raises(HaltedError, match=r"^the fleet is frozen$"):
            await lease.assure(0)


async def test_a_lock_that_somebody_removed_is_lost(
    aging: Place, lock: Locks, clock: VirtualClock
) -> None:
    """Whoever did so wants another run to go on."""
    async with lock(aging).held() as lease:
        await aging.open().remove("prod/lock.json")
        clock.seconds += 30
        with pytest.raises(HaltedError, match=r"^the lock of this run was removed by somebody$"):
            await lease.assure(50)
    assert await aging.open().read("prod/lock.json") is None


async def test_one_that_has_run_out_is_not_held(
    shared: Place, lock: Locks, clock: VirtualClock
) -> None:
    """Nobody need have taken it: others may, from then on. Renewed, it is held again."""
    async with lock(shared).held() as lease:
        for left in (1, 0, -1):
            clock.seconds += LEASE - lease.remaining if left == 1 else 0
            clock.seconds += lease.remaining - left
            assert (round(lease.remaining), lease.held) == (left, left > 0)
        await lease.assure(1)
        assert lease.held


async def test_one_that_is_lost_is_not_held_and_not_given_back(
    memory: MemoryObjects, shared: Place, lock: Locks, clock: VirtualClock
) -> None:
    """Whatever time it would have had; the document is the other's to the last byte."""
    lease = await lock(shared)._take()
    async with lock(shared, 2, gone=lambda item: item.run_id.endswith("1")).held() as other:
        with pytest.raises(HaltedError, match="taken over"):
            await lease.assure(LEASE + 1)
        assert (lease.held, lease.remaining > 0) == (False, True)
        before = memory.objects["prod/lock.json"]
        await lease.release()
        assert memory.objects["prod/lock.json"] == before
        assert other.held
