"""Reading a large fleet over a time instead of in one burst."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

import anyio
import pytest
from hypothesis import given, strategies as st
from tests.support.engine import Bench

from fleet_repl.engine.observe import ObserveContext, observe
from fleet_repl.engine.read_order import with_sessions_ahead
from fleet_repl.planning.observed import Observed, Unreadable
from fleet_repl.runs.events import RegistryRead
from fleet_repl.values.errors import CallError, Fault, FaultKind
from fleet_repl.values.names import AccountId, Region, Registry

A, B, C = (AccountId(digit * 12) for digit in "123")
REGISTRIES = [
    Registry(account, Region(region))
    for account in (A, B, C)
    for region in ("eu-west-1", "us-east-1")
]
TURNS = {A: 0.5, B: 0.9, C: 0.1}
"""What chance gives each account, as a part of the time."""


def observing(bench: Any, concurrency: int = 8, **more: Any) -> tuple[ObserveContext, list[Any]]:
    """How to read, and when each registry was asked."""
    asked: list[Any] = []
    turns = iter(TURNS.values())
    describe = bench.aws.describe

    async def noted(registry: Registry) -> Any:
        asked.append((round(bench.clock.seconds, 3), registry))
        return await describe(registry)

    bench.aws.describe = noted
    how = ObserveContext(
        reader=bench.aws,
        owner=None,
        with_templates=(),
        concurrency=concurrency,
        stop=bench.stop,
        clock=bench.clock,
        on_event=bench.events.append,
        uniform=lambda low, high: low + next(turns) * (high - low),
        **more,
    )
    return how, asked


async def test_all_at_once_is_the_usual(bench: Bench) -> None:
    """In order of account and region, whatever chance says, but for each account's first registry,
    which has its session assumed."""
    how, asked = observing(bench)
    await observe(REGISTRIES, how)
    assert asked == [(0, registry) for registry in (*REGISTRIES[::2], *REGISTRIES[1::2])]


@given(accounts=st.integers(1, 60), regions=st.integers(2, 17), concurrency=st.integers(1, 100))
def test_an_account_is_read_to_its_end_soon(accounts: int, regions: int, concurrency: int) -> None:
    """Between an account's first registry and its last come no more than are read at a time, and
    those of two accounts: no account starves, however large the fleet."""
    fleet = [
        Registry(AccountId(f"{account:012}"), Region(f"eu-west-{region:02}"))
        for account in range(accounts)
        for region in range(regions)
    ]
    order = with_sessions_ahead(fleet, concurrency - 1)
    assert sorted(order) == fleet
    place = {registry: index for index, registry in enumerate(order)}
    for start in range(0, len(fleet), regions):
        places = [place[registry] for registry in fleet[start : start + regions]]
        assert places == sorted(places)
        assert places[-1] - places[0] <= concurrency + 2 * regions


async def test_no_call_waits_for_a_session(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the session of an account is assumed, registries of others are read: a fleet takes
    hardly more round trips than its calls need at the least."""
    width, waiting = 16, list[anyio.Event]()
    assuming, sessions = defaultdict[AccountId, anyio.Lock](anyio.Lock), set[AccountId]()
    describe = bench.aws.describe

    async def call() -> None:
        waiting.append(anyio.Event())
        await waiting[-1].wait()

    async def by_session(registry: Registry) -> Any:
        async with assuming[registry.account]:
            if registry.account not in sessions:
                await call()
                sessions.add(registry.account)
        await call()
        return await describe(REGISTRIES[0])

    monkeypatch.setattr(bench.aws, "describe", by_session)
    fleet = [
        Registry(AccountId(f"{account:012}"), Region(f"eu-west-{region}"))
        for account in range(60)
        for region in range(3)
    ]
    how = replace(observing(bench, concurrency=width)[0], uniform=max)
    round_trips, calls = 0, 0
    async with anyio.create_task_group() as group:
        group.start_soon(observe, fleet, how)
        await anyio.wait_all_tasks_blocked()
        while waiting:
            assert len(waiting) <= width
            round_trips, calls = round_trips + 1, calls + len(waiting)
            for event in waiting[:]:
                event.set()
            waiting.clear()
            await anyio.wait_all_tasks_blocked()
    assert calls == 60 + 180
    assert round_trips <= 1.15 * calls / width


async def test_each_account_has_its_turn(bench: Bench) -> None:
    """All of an account together, so that one session serves its registries."""
    how, asked = observing(bench, concurrency=1, over=600)
    observation, _ = await observe(REGISTRIES, how)
    assert asked == [
        (when, registry)
        for when, account in ((60, C), (300, A), (540, B))
        for registry in REGISTRIES
        if registry.account == account
    ]
    assert sorted(observation) == REGISTRIES


async def test_nothing_is_put_off_past_the_deadline(bench: Bench) -> None:
    """A minute is left, so a minute is what it is spread over."""
    bench.clock.seconds = 7140
    how, asked = observing(bench, concurrency=1, over=600)
    observation, _ = await observe(REGISTRIES, how)
    assert [when for when, _ in asked] == [7146, 7146, 7170, 7170, 7194, 7194]
    assert not any(isinstance(item, Unreadable) for item in observation.values())


async def test_an_interruption_ends_the_waiting(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for a turn that will not come, and nothing is made up for what is missing."""
    how, asked = observing(bench, over=600)
    sleep = bench.clock.sleep

    async def interrupted(seconds: float) -> None:
        bench.stop.interrupt()
        await sleep(seconds)

    monkeypatch.setattr(bench.clock, "sleep", interrupted)
    observation, _ = await observe(REGISTRIES, how)
    assert (observation, asked) == ({}, [])


async def test_a_turn_that_comes_after_the_deadline_is_a_timeout(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading took longer than there was time for."""
    how, asked = observing(bench, concurrency=1, over=600)
    describe = bench.aws.describe

    async def slow(registry: Registry) -> Any:
        bench.clock.seconds += 4000
        return await describe(registry)

    monkeypatch.setattr(bench.aws, "describe", slow)
    observation, _ = await observe(REGISTRIES, how)
    assert len(asked) == 2
    late = [item for item in observation.values() if isinstance(item, Unreadable)]
    assert {item.error.kind for item in late} == {FaultKind.TIMEOUT}
    assert len(late) == 4


async def test_what_may_pass_is_read_again_after_all_others(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal of a fresh role keeps nobody waiting, and is told only once it is settled."""
    how, asked = observing(bench, concurrency=1)
    describe, refusals = bench.aws.describe, {REGISTRIES[0]: 1, REGISTRIES[1]: 2}
    fault = Fault(kind=FaultKind.ACCESS_DENIED, operation="AssumeRole", message="no")

    async def refusing(registry: Registry) -> Any:
        answer = await describe(registry)
        if refusals.get(registry, 0) > 0:
            refusals[registry] -= 1
            raise CallError(fault, transient=refusals[registry] > 0 or registry == REGISTRIES[0])
        return answer

    monkeypatch.setattr(bench.aws, "describe", refusing)
    observation, efforts = await observe(REGISTRIES, how)
    assert [registry for _, registry in asked] == [*REGISTRIES, *REGISTRIES[:2]]
    assert isinstance(observation[REGISTRIES[0]], Observed)
    assert observation[REGISTRIES[1]] == Unreadable(error=fault)
    assert set(efforts) == set(REGISTRIES)
    read = [event for event in bench.events if isinstance(event, RegistryRead)]
    assert [entry.registry for entry in read] == [*REGISTRIES[2:], *REGISTRIES[:2]]
    assert [item.error for item in read] == [None] * 5 + [fault]


async def test_what_reading_took_is_known_of_each(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own time, whenever its turn came."""
    bench.clock.seconds = 100
    how, _ = observing(bench, concurrency=1)
    describe = bench.aws.describe

    async def slow(registry: Registry) -> Any:
        bench.clock.seconds += 2.5
        return await describe(registry)

    monkeypatch.setattr(bench.aws, "describe", slow)
    _, efforts = await observe(REGISTRIES, how)
    assert {registry: effort.seconds for registry, effort in efforts.items()} == dict.fromkeys(
        REGISTRIES, 2.5
    )
