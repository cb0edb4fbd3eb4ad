"""A lock that is about to run out, one from the future, and a store in which none means a thing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from tests.state.places.conftest import MemoryObjects

from fleet_repl.runs.history import Holder
from fleet_repl.state import BucketStore, find_lock, release_lock
from fleet_repl.state.lock_rules import LEASE, SKEW, SeenLock
from fleet_repl.values.errors import HaltedError, RefusedError, StateError

if TYPE_CHECKING:
    from tests.state.places.conftest import Locks, Place
    from tests.support.clock import VirtualClock

    from fleet_repl.aws.s3 import BucketObjects


@pytest.mark.parametrize("left", [0.0, 0.4, 3.0, 9.9])
async def test_one_that_runs_out_is_waited_for(
    aging: Place, lock: Locks, clock: VirtualClock, holder: Callable[..., Holder], left: float
) -> None:
    """A few seconds, once, and that is heard of; nobody is told that it runs out in 0 s."""
    heard = list[tuple[SeenLock, float]]()
    await lock(aging)._take()
    clock.seconds += LEASE + SKEW - left
    before = clock.seconds
    async with lock(aging, 2).held(lambda *args: heard.append(args)) as lease:
        assert lease.replaced == holder(1)
    assert left < clock.seconds - before < left + 2
    ((seen, seconds),) = heard
    assert (seen.holder, round(seconds, 1)) == (holder(1), left)


async def test_one_that_is_renewed_meanwhile_is_held(
    shared: Place, lock: Locks, clock: VirtualClock
) -> None:
    """Its holder lives after all."""
    async with lock(shared).held() as lease:
        clock.seconds += LEASE - 2
        sleep = clock.sleep

        async def renewing(seconds: float) -> None:
            await lease.assure(LEASE - 1)
            await sleep(seconds)

        clock.sleep = renewing  # type: ignore[method-assign]
        with pytest.raises(RefusedError, match="last sign of life 6 s ago"):
            async with lock(shared, 2).held():
                pytest.fail("two at once")


async def test_one_from_the_future_binds_until_it_is_given_back(
    shared: Place, lock: Locks, clock: VirtualClock, holder: Callable[..., Holder]
) -> None:
    """By somebody who has seen whose it is; the holder notices, and gives nothing back itself."""
    clock.seconds += 3600
    lease = await lock(shared)._take()
    clock.seconds -= 3600
    with pytest.raises(RefusedError, match=r"dated 1h in the future\n.* fleet-repl unlock "):
        async with lock(shared, 2).held():
            pytest.fail("two at once")
    seen = await find_lock(shared.open(), "prod")
    assert seen is not None
    assert (seen.holder, round(seen.age)) == (holder(1), -3600)
    assert await release_lock(shared.open(), seen)
    async with lock(shared, 2).held():
        pass
    assert await find_lock(shared.open(), "prod") is None
    clock.seconds += 3600
    with pytest.raises(HaltedError, match="the lock was given back by somebody else"):
        await lease.assure(LEASE + 1)


async def test_a_sign_of_life_keeps_it(shared: Place, lock: Locks, clock: VirtualClock) -> None:
    """Whoever renews it between the look and the release has it still."""
    async with lock(shared).held() as lease:
        seen = await find_lock(shared.open(), "prod")
        assert seen is not None
        clock.seconds += 30
        await lease.assure(LEASE - 1)
        assert not await release_lock(shared.open(), seen)
        clock.seconds += 30
        await lease.assure(LEASE - 1)


@dataclass
class Careless(MemoryObjects):
    """An object store that takes every write, whatever its conditions."""

    heeds: tuple[str, ...] = ()
    """Those that it honours all the same."""

    async def put_if(self, key: str, content: bytes, expected: str | None) -> str | None:
        condition = "none-match" if expected is None else "match"
        if condition in self.heeds:
            return await super().put_if(key, content, expected)
        return await self.put(key, content)


@pytest.mark.parametrize("heeds", [(), ("match",), ("none-match",)])
async def test_a_store_that_ignores_conditions_is_refused(
    clock: VirtualClock, lock: Locks, heeds: tuple[str, ...]
) -> None:
    """Either of them is enough: two runs could write at once."""
    place: Any = SimpleNamespace(open=lambda: BucketStore(Careless(clock, heeds=heeds)))
    async with lock(place).held() as lease:
        with pytest.raises(StateError) as caught:
            await lease.prove()
    assert str(caught.value) == (
        "the fleet's state cannot be kept in s3://memory/fleets: conditional writes have no effect "
        "there, so two runs could write at once\n"
        "    name a bucket that honours If-Match and If-None-Match, as S3 does"
    )


async def test_others_pass_and_keep_their_lock(place: Place, lock: Locks) -> None:
    """A folder, a bucket, and moto's S3: two calls, and nothing is changed by them."""
    async with lock(place).held() as lease:
        before = await place.open().find("prod/lock.json")
        for _ in range(2):
            await lease.prove()
        after = await place.open().find("prod/lock.json")
        assert before is not None
        assert after is not None
        assert replace(before, age=0) == replace(after, age=0)
        await lease.assure(LEASE - 1)


async def test_a_lost_lock_is_not_taken_for_a_careless_store(
    objects: BucketObjects, lock: Locks, holder: Callable[..., Holder]
) -> None:
    """What is refused because somebody else has it is refused."""
    place: Any = SimpleNamespace(open=lambda: BucketStore(objects))
    other = lock(place, 2, gone=lambda item: item == holder(1))
    async with lock(place).held() as lease, other.held():
        await lease.prove()
        with pytest.raises(HaltedError), anyio.fail_after(60):
            await lease.assure(LEASE + 1)
