"""Answers that no documentation foresees: each destination is told once, and nothing hangs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint
from hypothesis import given, settings, strategies as st
from tests.support.backfilling import Scene
from tests.support.clock import NOON, VirtualClock
from tests.support.registries import registry_of

from fleet_repl.ecr.backfills import BackfillState
from fleet_repl.engine.backfill.run import backfill, look
from fleet_repl.engine.backfill.start import BackfillContext
from fleet_repl.engine.retry import Pace
from fleet_repl.engine.stop import Stop
from fleet_repl.runs.events import BackfillEnded
from fleet_repl.values.names import Registry

HUB, A, B = map(registry_of, "123")
ELSEWHERE = {"registryId": "9" * 12, "region": "mars-north-1"}


async def test_a_start_that_tells_of_another_destination(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was asked for is looked up; the stranger is left alone."""
    shown = scene.ecr.start_backfill

    async def odd(registry: Registry, destination: Registry) -> Any:
        return {**await shown(registry, destination), "destination": ELSEWHERE}

    monkeypatch.setattr(scene.ecr, "start_backfill", odd)
    outcomes = await scene.run(A, wait=True)
    assert scene.ecr.started() == [f"start {A}"]
    assert (set(outcomes), outcomes[A].state, outcomes[A].started) == (
        {A},
        BackfillState.COMPLETE,
        True,
    )


async def test_a_start_that_began_something_else(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of what was asked for is ever listed: it is named, and started no third time."""
    shown = scene.ecr.start_backfill

    async def odd(registry: Registry, destination: Registry) -> Any:
        answer = {**await shown(registry, destination), "destination": ELSEWHERE}
        scene.ecr.there.clear()
        return answer

    monkeypatch.setattr(scene.ecr, "start_backfill", odd)
    outcomes = await scene.run(A)
    assert (set(outcomes), outcomes[A].state) == ({A}, BackfillState.NOT_STARTED)
    error = outcomes[A].error
    assert error is not None
    assert error.message == (
        "the answer tells of a backfill to 999999999999/mars-north-1, which was not asked for"
    )


async def test_a_backfill_whose_destination_changes_is_let_go(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits for it is told so, and does not wait for ever."""
    shown = scene.ecr._shown

    def odd(item: Any) -> Any:
        late = scene.clock.seconds > 5
        return {**shown(item), "destination": ELSEWHERE} if late else shown(item)

    monkeypatch.setattr(scene.ecr, "_shown", odd)
    with anyio.fail_after(60):
        outcomes = await scene.run(A, wait=True)
    assert (set(outcomes), outcomes[A].state) == ({A}, BackfillState.UNKNOWN)
    assert outcomes[A].because == (
        "ECR now tells of this backfill as one to 999999999999/mars-north-1; "
        "what was started goes on at AWS"
    )
    assert scene.clock.seconds < 60


odd_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=True)
    | st.text(max_size=3)
    | st.sampled_from(["COMPLETE", "FAILED", "IN_PROGRESS", "STOPPING", "id-0", "9" * 12]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
members = st.sampled_from(
    [
        "replicationBackfillId",
        "destination",
        "status",
        "startedAt",
        "endedAt",
        "progress",
        "failureCode",
        "destination.registryId",
        "destination.region",
        "progress.failureCodes",
        "progress.failedReplicationCount",
        "progress.totalReplicationCount",
        "subImageFailureCodes",
    ]
)
changes = st.lists(st.tuples(members, odd_values | st.just(ELSEWHERE)), max_size=3)


def altered(answer: Any, wanted: list[tuple[str, Any]]) -> Any:
    """The answer with some of its members as nobody expects them."""
    changed = dict(answer)
    for name, value in wanted:
        outer, _, inner = name.partition(".")
        if not inner:
            changed[outer] = value
        elif isinstance(changed.get(outer), dict):
            changed[outer] = {**changed[outer], inner: value}
    return changed


Make = Callable[[], Any]


@pytest.fixture(scope="module")
def make_ecr() -> Make:
    """A scripted ECR of its own, and its clock."""
    from tests.support.backfilling import Ecr  # noqa: PLC0415

    return lambda: Ecr(VirtualClock(NOON), seconds=40)


@settings(max_examples=150)
@given(
    starts=st.lists(changes, max_size=2),
    lists=st.lists(changes, max_size=4),
    results=changes,
    wait=st.booleans(),
    since=st.integers(0, 3),
)
async def test_every_destination_is_reported_exactly_once(
    make_ecr: Make,
    starts: list[Any],
    lists: list[Any],
    results: list[tuple[str, Any]],
    since: int,
    *,
    wait: bool,
) -> None:
    """Whatever the answers hold: an outcome for each, of a registry that was asked for, in time."""
    ecr, events = make_ecr(), list[Any]()
    ecr.failing = {A: {"ImageNotFound": 1}}
    ecr.put(B, ago=10)
    started, listed, results_of = ecr.start_backfill, ecr.list_backfills, ecr.backfill_results
    looks = 0

    async def start(*args: Any) -> Any:
        return altered(await started(*args), starts.pop() if starts else [])

    async def listing(*args: Any) -> Any:
        nonlocal looks
        looks += 1
        odd = lists.pop() if lists and looks > since else []
        return tuple(altered(item, odd) for item in await listed(*args))

    async def resulting(*args: Any) -> Any:
        return tuple(altered(item, results) for item in await results_of(*args))

    ecr.start_backfill, ecr.list_backfills, ecr.backfill_results = start, listing, resulting
    clock = ecr.clock
    how = BackfillContext(
        backfills=ecr,
        pace=Pace(
            attempts=3, timeout=30, deadline=7200, clock=clock, uniform=lambda low, high: high
        ),
        stop=Stop(clock, 7200, 7200),
        admit=checkpoint,
        concurrency=2,
        on_event=events.append,
    )
    outcomes = await backfill({HUB: {A: None, B: None}}, how, wait=wait)
    outcomes += await look({HUB: [A, B]}, how)
    assert [outcome.destination for outcome in outcomes] == [A, B, A, B]
    assert len([event for event in events if isinstance(event, BackfillEnded)]) == 4
    assert {outcome.backfill.destination for outcome in outcomes if outcome.backfill} <= {A, B}
    assert clock.seconds < 7200


async def test_a_backfill_that_is_listed_no_more(make_ecr: Make) -> None:
    """Followed for a few lists, which may lag, and then given up: not until the deadline, as if
    there were something to wait for."""
    ecr = make_ecr()
    listing = ecr.list_backfills
    looks = 0

    async def renamed_once(*args: Any) -> Any:
        nonlocal looks
        looks += 1
        changed = [("replicationBackfillId", "bf-of-nobody")] if looks == 1 else []
        return tuple(altered(item, changed) for item in await listed_as_active(*args))

    async def listed_as_active(*args: Any) -> Any:
        return tuple(altered(item, [("status", "IN_PROGRESS")]) for item in await listing(*args))

    ecr.put(B, ago=10)
    ecr.list_backfills = renamed_once
    clock = ecr.clock
    how = BackfillContext(
        backfills=ecr,
        pace=Pace(
            attempts=3, timeout=30, deadline=7200, clock=clock, uniform=lambda low, high: high
        ),
        stop=Stop(clock, 7200, 7200),
        admit=checkpoint,
        concurrency=2,
        on_event=lambda _: None,
    )
    (outcome,) = await backfill({HUB: {B: None}}, how, wait=True)
    assert outcome.state is BackfillState.UNKNOWN
    assert outcome.because == ("ECR lists this backfill no more; what was started goes on at AWS")
    assert clock.seconds < 1200
