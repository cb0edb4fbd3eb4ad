"""The lock of a fleet: taken at once or refused, taken over from the dead, given back."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel
import pytest

from fleet_repl.runs.history import Holder, Purpose
from fleet_repl.state import BucketStore, current_holder
from fleet_repl.state.lock_rules import LEASE, NEARLY, RENEWAL, SKEW
from fleet_repl.values.errors import HaltedError, RefusedError, StateError

if TYPE_CHECKING:
    from tests.state.places.conftest import Locks, MemoryObjects, Place
    from tests.support.clock import VirtualClock

    from fleet_repl.aws.s3 import BucketObjects


async def test_a_second_one_is_refused_and_learns_who_holds_it(
    aging: Place, lock: Locks, clock: VirtualClock
) -> None:
    """At once, and nothing is changed by it."""
    async with lock(aging).held() as lease:
        assert lease.replaced is None
        clock.seconds += 12
        with pytest.raises(RefusedError) as caught:
            async with lock(aging, 2).held():
                pytest.fail("two at once")
        assert str(caught.value) == (
            "fleet prod is busy: apply 20261123T080001Z-000001 of ops@runner-1 (process 4001) "
            "holds its lock since 2026-11-23T08:00:00Z; last sign of life 12 s ago\n"
            "    wait until it has ended; if it is dead, its lock runs out in 51 s"
        )
        await lease.assure(LEASE - 1)


async def test_it_works_on_s3(
    objects: BucketObjects, lock: Locks, clock: VirtualClock, holder: Callable[..., Holder]
) -> None:
    """Taken, renewed, refused, released, over HTTP; a dead one is replaced at once."""
    place = SimpleNamespace(open=lambda: BucketStore(objects))
    async with lock(place).held() as lease:
        clock.seconds += RENEWAL * 2
        await lease.assure(LEASE - 1)
        with pytest.raises(RefusedError, match=r"apply 20261123T080001Z-000001 of ops@runner-1"):
            async with lock(place, 2).held():
                pytest.fail("two at once")
        async with lock(place, 3, gone=lambda item: item == holder(1)).held() as other:
            assert other.replaced == holder(1)
        with pytest.raises(HaltedError, match="the lock was given back by somebody else"):
            await lease.assure(LEASE + 1)
    async with lock(place, 2).held() as lease:
        assert lease.replaced is None


async def test_once_released_anybody_may_have_it(aging: Place, lock: Locks) -> None:
    """The document stays, without a holder."""
    for number in (1, 2, 1):
        async with lock(aging, number).held() as lease:
            assert lease.replaced is None
    content = await aging.open().read("prod/lock.json")
    assert content is not None
    assert b'"holder":null' in content


@pytest.mark.parametrize("error", [HaltedError("no"), ValueError("no"), KeyError("x")])
async def test_what_the_body_raises_comes_out_as_it_is(
    aging: Place, lock: Locks, error: Exception
) -> None:
    """In no group, and the lock is given back."""
    with pytest.raises(type(error)) as caught:
        async with lock(aging).held():
            raise error
    assert caught.value is error
    async with lock(aging, 2).held() as lease:
        assert lease.replaced is None


async def test_a_run_that_is_cancelled_gives_it_back(aging: Place, lock: Locks) -> None:
    """The cancellation comes out as one."""
    with anyio.CancelScope() as scope:
        async with lock(aging).held():
            scope.cancel()
            await anyio.sleep_forever()
    assert scope.cancelled_caught
    async with lock(aging, 2).held() as lease:
        assert lease.replaced is None


async def test_a_dead_holder_is_replaced_at_once(
    aging: Place, lock: Locks, holder: Callable[..., Holder]
) -> None:
    """If its process is surely gone; the one it replaced is named."""
    async with lock(aging).held() as left:
        async with lock(aging, 2, gone=lambda item: item == holder(1)).held() as lease:
            assert lease.replaced == holder(1)
            with pytest.raises(HaltedError) as caught:
                await left.assure(LEASE + 1)
        assert str(caught.value) == (
            "the lock was taken over by apply 20261123T080002Z-000002 of ops@runner-2 "
            "(process 4002) at 2026-11-23T08:00:00Z"
        )


async def test_elsewhere_it_is_replaced_after_the_lease(
    aging: Place, lock: Locks, clock: VirtualClock, holder: Callable[..., Holder]
) -> None:
    """Nobody knows whether a process of another host lives: only its silence tells."""
    async with lock(aging).held() as left:
        clock.seconds += LEASE - NEARLY
        with pytest.raises(RefusedError, match=r"last sign of life 50 s ago\n.*runs out in 13 s"):
            async with lock(aging, 2).held():
                pytest.fail("too early")
        clock.seconds += NEARLY + 3.5
        async with lock(aging, 2).held() as lease:
            assert lease.replaced == holder(1)
            with pytest.raises(HaltedError, match="taken over by apply 20261123T080002Z"):
                await left.assure(1)


async def test_one_that_runs_out_soon_is_waited_for(
    aging: Place, lock: Locks, clock: VirtualClock, holder: Callable[..., Holder]
) -> None:
    """Up to ten seconds, and no longer than it takes."""
    async with lock(aging).held():
        clock.seconds += LEASE + SKEW - NEARLY
        before = clock.seconds
        async with lock(aging, 2).held() as lease:
            assert NEARLY < clock.seconds - before < NEARLY + 5
            assert lease.replaced == holder(1)


async def test_others_that_are_always_faster(
    memory: MemoryObjects, shared: Place, lock: Locks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock looks free each time, and each time somebody else has changed it meanwhile: after
    a few times it is given up, and nothing is held."""
    tries = 0

    async def overtaken(key: str, content: bytes, expected: str | None) -> str | None:
        nonlocal tries
        tries += 1
        return None

    monkeypatch.setattr(memory, "put_if", overtaken)
    with pytest.raises(RefusedError, match=r"other runs take its lock in .* one after the other"):
        async with lock(shared).held():
            pytest.fail("it was never taken")
    assert 1 < tries < 20


async def test_who_has_lost_it_gives_nothing_back(
    aging: Place, lock: Locks, clock: VirtualClock
) -> None:
    """A run that ends late does not release the lock of the one that took over."""
    begun, end, ended = anyio.Event(), anyio.Event(), anyio.Event()

    async def late() -> None:
        async with lock(aging).held():
            begun.set()
            await end.wait()
        ended.set()

    async with anyio.create_task_group() as group:
        group.start_soon(late)
        await begun.wait()
        clock.seconds += LEASE + 4
        async with lock(aging, 2).held() as lease:
            end.set()
            await ended.wait()
            with pytest.raises(RefusedError, match="apply 20261123T080002Z"):
                async with lock(aging, 3).held():
                    pytest.fail("two at once")
            await lease.assure(LEASE)


async def test_a_taking_whose_answer_was_lost_leaves_nothing_behind(
    memory: MemoryObjects, shared: Place, lock: Locks
) -> None:
    """The run fails, and the next one need not wait for a lease that nobody holds."""
    memory.losing = 1
    with pytest.raises(StateError, match="the answer was lost"):
        async with lock(shared).held():
            pytest.fail("not known to be held")
    async with lock(shared, 2).held() as lease:
        assert lease.replaced is None


async def test_a_lock_that_turns_out_to_be_ones_own(
    memory: MemoryObjects, shared: Place, lock: Locks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store said that somebody else was quicker, and that was this run's own writing, whose
    answer was lost on the way: it does not wait for itself."""
    put_if, answers = memory.put_if, [None]

    async def lossy(key: str, content: bytes, expected: str | None) -> str | None:
        version = await put_if(key, content, expected)
        return answers.pop() if answers else version

    monkeypatch.setattr(memory, "put_if", lossy)
    async with lock(shared).held() as lease:
        assert (lease.held, lease.replaced) == (True, None)
        with pytest.raises(RefusedError):
            async with lock(shared, 2).held():
                pytest.fail("two at once")


async def test_of_two_who_take_a_dead_lock_one_is_refused(
    memory: MemoryObjects, shared: Place, lock: Locks, holder: Callable[..., Holder]
) -> None:
    """The loser is told who won."""
    refusals: list[str] = []
    inside = 0

    async def run(number: int) -> None:
        nonlocal inside
        try:
            async with lock(shared, number, gone=lambda item: item == holder(9)).held():
                inside += 1
                while len(refusals) < 4:
                    await anyio.lowlevel.checkpoint()
        except RefusedError as error:
            refusals.append(str(error))

    async with lock(shared, 9).held():
        left = await shared.open().read("prod/lock.json")
        assert left is not None
    await shared.open().replace("prod/lock.json", left)
    async with anyio.create_task_group() as group:
        for number in range(1, 6):
            group.start_soon(run, number)
    assert inside == 1
    assert len({refusal.split(" holds ")[0] for refusal in refusals}) == 1


DATES = b'"taken_at":"2026-11-23T08:00:00Z","renewed_at":"2026-11-23T08:00:00Z","renewals":0}'
OTHER = b'{"schema":"fleet-repl/lock/1","fleet":"dev","holder":null,' + DATES
ODD = (
    b'{"schema":"fleet-repl/lock/1","fleet":"prod","holder":{"run_id":"r","purpose":"apply",'
    b'"user":"\\u001b[2J","host":"h","pid":1,"process":""},'
) + DATES


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is no JSON: Expecting value: line 1 column 1 (char 0)"),
        (b'{"fleet":"dev",' + OTHER[1:], 'it is no JSON: an object names the key "fleet" twice'),
        (
            b'{"schema": "fleet-repl/lock/2"}',
            "schema: this version reads fleet-repl/lock of version 1 only",
        ),
        (OTHER, "it is of fleet 'dev'"),
        (ODD, "holder.user: control characters are not allowed"),
    ],
)
async def test_what_is_no_lock_is_never_a_free_one(
    aging: Place, lock: Locks, content: bytes, reason: str
) -> None:
    """It is told with its place and how to go on, and stays."""
    await aging.open().replace("prod/lock.json", content)
    with pytest.raises(StateError) as caught:
        async with lock(aging).held():
            pytest.fail("taken")
    first, second = str(caught.value).splitlines()
    place = f"{aging.open()}/prod/lock.json"
    assert first.startswith(f"the fleet's lock cannot be used: {place}: {reason}")
    assert second == "    see that no other run of this fleet is under way, then remove it"
    assert await aging.open().read("prod/lock.json") == content


async def test_a_release_that_fails_is_no_failure_of_the_run(
    memory: MemoryObjects, shared: Place, lock: Locks, clock: VirtualClock
) -> None:
    """It has done what it has done; the lock runs out."""
    async with lock(shared).held():
        memory.failing = 1000
    memory.failing = 0
    clock.seconds += LEASE + 4
    async with lock(shared, 2).held() as lease:
        assert lease.replaced is not None
        assert lease.replaced.purpose is Purpose.APPLY


async def test_who_holds_it_can_be_asked(
    aging: Place, lock: Locks, clock: VirtualClock, holder: Callable[..., Holder]
) -> None:
    """Nobody, if the holder is dead or has been silent for longer than the lease."""

    async def asked(*dead: Holder) -> Holder | None:
        return await current_holder(aging.open(), "prod", gone=dead.__contains__)

    assert await asked() is None
    async with lock(aging).held():
        assert await asked() == holder(1)
        assert await asked(holder(1)) is None
        clock.seconds += LEASE + 4
        assert await asked() is None
    assert await asked() is None
