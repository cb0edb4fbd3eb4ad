"""Fleets of one place that list the same accounts: they know each other, and take turns."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import pytest

from fleet_repl.engine.stores import Store
from fleet_repl.runs.history import Holder
from fleet_repl.state import (
    Lease,
    Lock,
    Turns,
    current_holder,
    fleets,
    introduce_fleet,
    register_fleet,
)
from fleet_repl.state.lock_rules import LEASE
from fleet_repl.state.turns import PATIENCE
from fleet_repl.values.clock import SYSTEM, Clock
from fleet_repl.values.errors import CallError, FaultKind, HaltedError, RefusedError, StateError
from fleet_repl.values.names import AccountId, Region, Registry

if TYPE_CHECKING:
    from tests.state.places.conftest import MemoryObjects, Place
    from tests.support.clock import VirtualClock

ONE, TWO, THREE = (AccountId(str(number) * 12) for number in (1, 2, 3))
HERE = Registry(ONE, Region("eu-west-1"))
ELSEWHERE = Registry(THREE, Region("eu-west-1"))
SHARED = frozenset({ONE})


def nobody(holder: Holder) -> bool:
    return False


async def never(seconds: float) -> None:
    await anyio.sleep_forever()


@asynccontextmanager
async def at_work(
    store: Store, fleet: str, clock: VirtualClock, holder: Holder
) -> AsyncIterator[Lease]:
    """A run of a fleet."""
    async with Lock(store, fleet, holder, clock, gone=nobody, beat=never).held() as lease:
        yield lease


def turns_of(store: Store, fleet: str, clock: Clock, holder: Holder, **how: Any) -> Turns:
    options = {"gone": nobody, "clock": clock, "uniform": random.Random(1).uniform, **how}
    return Turns(store, fleet, holder, SHARED, **options)


async def met(
    store: Store, fleet: str, accounts: set[AccountId], lease: Lease, clock: VirtualClock
) -> frozenset[AccountId]:
    """What a run does once it holds its lock, and before it writes."""
    registration = await register_fleet(store, fleet, accounts, formerly=())
    for _ in range(random.Random(fleet).randrange(4)):
        await anyio.lowlevel.checkpoint()
    return await introduce_fleet(store, registration, lease=lease, gone=nobody, clock=clock)


@pytest.mark.parametrize("seed", range(3))
async def test_one_at_a_time(
    place: Place, clock: VirtualClock, holder: Callable[..., Holder], seed: int
) -> None:
    """Whoever holds a turn is alone with the registry, however many fleets want it."""
    inside, seen, rng = 0, list[str](), random.Random(seed)

    def soon(low: float, high: float) -> float:
        return rng.uniform(low, high) / 50

    async def write(fleet: str, number: int) -> None:
        nonlocal inside
        store = place.open()
        async with at_work(store, fleet, clock, holder(number)):
            turns = turns_of(store, fleet, SYSTEM, holder(number), uniform=soon)
            for _ in range(3):
                async with turns.turn(HERE):
                    inside += 1
                    assert inside == 1
                    for _ in range(random.Random(seed).randrange(1, 5)):
                        await anyio.lowlevel.checkpoint()
                    await store.read("nothing")
                    assert inside == 1
                    inside -= 1
                seen.append(fleet)

    async with anyio.create_task_group() as group:
        for number, fleet in enumerate(("alpha", "beta", "gamma"), start=1):
            group.start_soon(write, fleet, number)
    assert sorted(seen) == sorted(["alpha", "beta", "gamma"] * 3)


async def test_one_at_a_time_within_a_run(
    shared: Place, clock: VirtualClock, holder: Callable[..., Holder]
) -> None:
    """Two writes of one run at one registry, too."""
    inside = 0
    async with at_work(shared.open(), "alpha", clock, holder()):
        turns = turns_of(shared.open(), "alpha", clock, holder())

        async def write() -> None:
            nonlocal inside
            async with turns.turn(HERE):
                inside += 1
                await anyio.sleep(0.01)
                assert inside == 1
                inside -= 1

        async with anyio.create_task_group() as group:
            group.start_soon(write)
            group.start_soon(write)


async def test_what_nobody_shares_costs_nothing(
    memory: MemoryObjects, shared: Place, clock: VirtualClock, holder: Callable[..., Holder]
) -> None:
    """No call for a registry that no other fleet lists."""
    async with turns_of(shared.open(), "alpha", clock, holder()).turn(ELSEWHERE):
        assert memory.objects == {}


@pytest.mark.parametrize("left", ["given back", "taken over", "silent", "gone"])
async def test_the_turn_of_a_run_that_has_ended(
    aging: Place, clock: VirtualClock, holder: Callable[..., Holder], left: str
) -> None:
    """It binds nobody, by whatever its fleet's lock says of it."""
    store = aging.open()
    lock = Lock(store, "alpha", holder(1), clock, gone=nobody, beat=never)
    lease = await lock._take()
    turn = turns_of(store, "alpha", clock, holder(1)).turn(HERE)
    await turn.__aenter__()
    dead = None
    if left == "given back":
        await lease.release()
    elif left == "silent":
        clock.seconds += LEASE + 4
    else:
        dead = holder(1)

    def gone(holder_: Holder) -> bool:
        return holder_ == dead

    before = clock.seconds
    async with at_work(store, "beta", clock, holder(2)):
        if left == "taken over":
            await Lock(store, "alpha", holder(3), clock, gone=gone, beat=never)._take()
            dead = None
        async with turns_of(store, "beta", clock, holder(2), gone=gone).turn(HERE):
            assert clock.seconds - before < 1
            # What is late by so much must not take it from whoever has it now.
            await turn.__aexit__(None, None, None)
            content = await store.read(f".sharing/turns/{ONE}-eu-west-1.json")
            assert content is not None
            assert json.loads(content)["holder"]["run_id"] == holder(2).run_id


async def test_a_turn_that_does_not_end(
    shared: Place, clock: VirtualClock, holder: Callable[..., Holder]
) -> None:
    """It is waited for, and then the registry fails alone, and says who keeps it."""
    store = shared.open()
    async with at_work(store, "alpha", clock, holder(1)) as lease:
        async with turns_of(store, "alpha", clock, holder(1)).turn(HERE):
            renewing = clock.sleep

            async def sleep(seconds: float) -> None:
                await renewing(seconds)
                await lease.assure(LEASE - 1)

            clock.sleep = sleep  # type: ignore[method-assign]
            began = clock.seconds
            uniform = {"uniform": lambda low, high: 0.25}
            with pytest.raises(CallError) as caught:
                async with turns_of(store, "beta", clock, holder(2), **uniform).turn(HERE):
                    pytest.fail("two at once")
        assert clock.seconds - began == PATIENCE
        fault = caught.value.fault
        assert (fault.kind, fault.message) == (
            FaultKind.CONFLICT,
            (
                "fleet alpha has kept its turn at this registry for 180 s: "
                "apply 20261123T080001Z-000001 of ops@runner-1 (process 4001)"
            ),
        )
        async with turns_of(store, "beta", clock, holder(2)).turn(HERE):
            pass


async def test_whoever_is_cancelled_lets_go(
    place: Place, clock: VirtualClock, holder: Callable[..., Holder]
) -> None:
    """In its turn, and while it is being taken, at any moment."""
    store = place.open()
    async with at_work(store, "alpha", clock, holder(1)), at_work(store, "beta", clock, holder(2)):
        for moment in range(12):
            with anyio.CancelScope() as scope:
                async with anyio.create_task_group() as group:

                    async def end(moment: int, scope: anyio.CancelScope) -> None:
                        for _ in range(moment):
                            await anyio.lowlevel.checkpoint()
                        scope.cancel()

                    group.start_soon(end, moment, scope)
                    async with turns_of(store, "alpha", clock, holder(1)).turn(HERE):
                        await anyio.sleep_forever()
            before = clock.seconds
            async with turns_of(store, "beta", clock, holder(2)).turn(HERE):
                assert clock.seconds - before < 1


async def test_a_state_that_cannot_be_written(
    memory: MemoryObjects, shared: Place, clock: VirtualClock, holder: Callable[..., Holder]
) -> None:
    """Then nothing may be written to AWS any more, and the lock's own rules end the run."""
    memory.failing = 1
    with pytest.raises(HaltedError, match="turns with other fleets cannot be taken any more: "):
        async with turns_of(shared.open(), "alpha", clock, holder()).turn(HERE):
            pytest.fail("nobody knows whose turn it is")


async def test_they_get_to_know_each_other(
    place: Place, clock: VirtualClock, holder: Callable[..., Holder]
) -> None:
    """Whoever comes later knows of the earlier one; in the end both do, and a third shares
    nothing. A place lists none but fleets as fleets."""
    store = place.open()
    for fleet, accounts, shared in (
        ("alpha", {ONE, TWO}, frozenset()),
        ("beta", {TWO, THREE}, {TWO}),
        ("gamma", {AccountId("4" * 12)}, frozenset()),
        ("alpha", {ONE, TWO}, {TWO}),
    ):
        async with at_work(store, fleet, clock, holder()) as lease:
            assert await met(store, fleet, accounts, lease, clock) == shared
    assert await fleets(store) == ()


async def test_two_that_begin_at_once_know_each_other(
    shared: Place, clock: VirtualClock, holder: Callable[..., Holder]
) -> None:
    """Whichever begins to write first: neither is refused, and while both write both know."""

    async def begin(fleet: str, number: int, planning: int, writing: int) -> None:
        store = shared.open()
        async with at_work(store, fleet, clock, holder(number)) as lease:
            registration = await register_fleet(store, fleet, {ONE, TWO}, formerly=())
            for _ in range(planning):
                await anyio.lowlevel.checkpoint()
            at = await introduce_fleet(store, registration, lease=lease, gone=nobody, clock=clock)
            under_way[fleet] = at
            if len(under_way) > 1:
                assert set(under_way.values()) == {frozenset({ONE, TWO})}
            for _ in range(writing):
                await anyio.lowlevel.checkpoint()
            del under_way[fleet]

    for planning in range(5, 25):
        under_way = dict[str, frozenset[AccountId]]()
        async with anyio.create_task_group() as group:
            group.start_soon(begin, f"alpha-{planning}", 1, 15, 100)
            group.start_soon(begin, f"beta-{planning}", 2, planning, 100)


async def test_a_run_that_cannot_know(
    memory: MemoryObjects, shared: Place, clock: VirtualClock, holder: Callable[..., Holder]
) -> None:
    """It began when this fleet listed less: this one is refused until it has ended, each time."""
    store = shared.open()
    async with at_work(store, "alpha", clock, holder(1)) as alpha:
        assert await met(store, "alpha", {ONE, TWO}, alpha, clock) == frozenset()
        async with at_work(store, "beta", clock, holder(2)) as beta:
            assert await met(store, "beta", {THREE}, beta, clock) == frozenset()
        notified = set()
        for _ in range(2):
            with pytest.raises(RefusedError) as caught:
                async with at_work(store, "beta", clock, holder(2)) as beta:
                    await met(store, "beta", {TWO, THREE}, beta, clock)
            notified.add(str(caught.value))
            await alpha.assure(LEASE - 1)
        (message,) = notified
        assert message == (
            "fleet alpha is writing to accounts that it shares with this fleet, and began "
            "before it could know of that: apply 20261123T080001Z-000001 of ops@runner-1 (process "
            "4001)\n"
            "    wait until it has ended; from then on the two take turns"
        )
    async with at_work(store, "beta", clock, holder(2)) as beta:
        assert await met(store, "beta", {TWO, THREE}, beta, clock) == {TWO}
        puts = memory.puts
        await register_fleet(store, "beta", {TWO, THREE}, formerly=())
        assert memory.puts == puts


async def test_one_that_comes_at_the_last_moment(
    memory: MemoryObjects,
    shared: Place,
    clock: VirtualClock,
    holder: Callable[..., Holder],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It took this run for one that has yet to look; so the run looks once more, and knows it."""
    store, put_if = shared.open(), memory.put_if

    async def put(key: str, content: bytes, expected: str | None) -> str | None:
        if key == "alpha/lock.json" and b'"sharers"' in content:
            monkeypatch.setattr(memory, "put_if", put_if)
            async with at_work(store, "beta", clock, holder(2)) as beta:
                assert await met(store, "beta", {ONE}, beta, clock) == {ONE}
        return await put_if(key, content, expected)

    async with at_work(store, "alpha", clock, holder(1)) as alpha:
        await register_fleet(store, "alpha", {ONE, TWO}, formerly=())
        monkeypatch.setattr(memory, "put_if", put)
        assert await met(store, "alpha", {ONE, TWO}, alpha, clock) == {ONE}


async def test_one_that_lists_more_than_it_is_known_for(
    shared: Place, clock: VirtualClock, holder: Callable[..., Holder]
) -> None:
    """To know its name is not enough: the other run takes turns at the accounts that it saw."""
    store = shared.open()
    await register_fleet(store, "beta", {TWO}, formerly=())
    async with at_work(store, "alpha", clock, holder(1)) as alpha:
        assert await met(store, "alpha", {ONE, TWO}, alpha, clock) == {TWO}
        async with at_work(store, "beta", clock, holder(2)) as beta:
            assert await met(store, "beta", {TWO}, beta, clock) == {TWO}
            before = clock.seconds
            with pytest.raises(RefusedError, match="began before it could know of that"):
                await met(store, "beta", {ONE, TWO}, beta, clock)
            # It was given the time to end.
            assert clock.seconds - before == 10


async def test_what_a_run_left_behind_is_its_own(
    memory: MemoryObjects, shared: Place, clock: VirtualClock, holder: Callable[..., Holder]
) -> None:
    """Giving a turn back has failed: the same run need not wait for itself."""
    store = shared.open()
    async with at_work(store, "alpha", clock, holder(1)):
        turns = turns_of(store, "alpha", clock, holder(1))
        async with turns.turn(HERE):
            memory.failing = 1
        before = clock.seconds
        async with turns.turn(HERE):
            assert clock.seconds - before < 1


async def test_whoever_gives_up_waiting_leaves_the_turn_to_its_owner(
    memory: MemoryObjects, shared: Place, clock: VirtualClock, holder: Callable[..., Holder]
) -> None:
    """Not a byte of it is changed."""
    store = shared.open()
    own = turns_of(store, "alpha", clock, holder(1))
    async with at_work(store, "alpha", clock, holder(1)), own.turn(HERE):
        name = f".sharing/turns/{ONE}-eu-west-1.json"
        before = memory.objects[name]
        with anyio.move_on_after(0.05):
            async with turns_of(store, "beta", SYSTEM, holder(2)).turn(HERE):
                pytest.fail("two at once")
        assert memory.objects[name] == before


async def test_a_turn_that_was_taken_while_it_was_given_up(
    memory: MemoryObjects,
    shared: Place,
    clock: VirtualClock,
    holder: Callable[..., Holder],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It had arrived, and nobody heard of it: it is given back all the same."""
    store, put_if = shared.open(), memory.put_if

    async def unheard(key: str, content: bytes, expected: str | None) -> str | None:
        version = await put_if(key, content, expected)
        scope.cancel()
        await anyio.lowlevel.checkpoint()
        return version

    async with at_work(store, "alpha", clock, holder(1)), at_work(store, "beta", clock, holder(2)):
        with monkeypatch.context() as patch, anyio.CancelScope() as scope:
            patch.setattr(memory, "put_if", unheard)
            async with turns_of(store, "alpha", clock, holder(1)).turn(HERE):
                pytest.fail("it was given up")
        before = clock.seconds
        async with turns_of(store, "beta", clock, holder(2)).turn(HERE):
            assert clock.seconds - before < 1


async def test_a_former_name_shares_nothing(
    shared: Place, clock: VirtualClock, holder: Callable[..., Holder]
) -> None:
    """A fleet does not take turns with itself, and whoever knew it by its old name knows it."""
    store = shared.open()
    await register_fleet(store, "old", {ONE}, formerly=())
    async with at_work(store, "other", clock, holder(1)) as lease:
        await met(store, "other", {ONE}, lease, clock)
        registration = await register_fleet(store, "new", {ONE}, formerly=("old",))
        assert set(registration.digests) == {"other"}
        async with at_work(store, "new", clock, holder(2)) as own:
            at = await introduce_fleet(store, registration, lease=own, gone=nobody, clock=clock)
        assert at == {ONE}


@pytest.mark.parametrize("content", [b"{}", b"", b'{"schema":"fleet-repl/sharing/2","fleets":{}}'])
async def test_a_register_that_is_none(shared: Place, content: bytes) -> None:
    """It is never taken for an empty one."""
    store = shared.open()
    await store.replace(".sharing/fleets.json", content)
    with pytest.raises(StateError, match=r"cannot be read: s3://memory/fleets/\.sharing/fleets"):
        await register_fleet(store, "alpha", {ONE}, formerly=())


async def test_the_lock_says_whom_its_holder_knows(
    shared: Place, clock: VirtualClock, holder: Callable[..., Holder]
) -> None:
    """From when it begins to write until it is given back."""
    store = shared.open()

    async def said(fleet: str) -> Any:
        document = json.loads(await store.read(f"{fleet}/lock.json") or b"")
        return document.get("sharers", "nothing")

    for fleet, known in (("alpha", []), ("beta", ["alpha"])):
        async with at_work(store, fleet, clock, holder()) as lease:
            assert await said(fleet) == "nothing"
            await met(store, fleet, {ONE}, lease, clock)
            assert list(await said(fleet)) == known
            clock.seconds += 30
            await lease.assure(LEASE - 1)
            assert list(await said(fleet)) == known
            assert await current_holder(store, fleet, gone=nobody) == holder()
        assert await said(fleet) == "nothing"
