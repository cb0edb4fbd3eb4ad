"""Starts over a scripted ECR: one each, queued where there is no room, looked up when in doubt."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import anyio
import pytest
from tests.support.backfilling import Scene
from tests.support.registries import registry_of

from fleet_repl.ecr.backfills import BackfillState
from fleet_repl.engine.backfill.run import backfill
from fleet_repl.runs.events import BackfillEnded, BackfillStarted, CallRetried
from fleet_repl.values.errors import CallError, Fault, FaultKind
from fleet_repl.values.names import AccountId, Registry

HUB, A, B = map(registry_of, "123")
FAR = registry_of("2", "us-east-1")
IN_DOUBT = "a start got no answer, and nothing it may have begun is listed yet"


def refusal(
    code: str, *, kind: FaultKind = FaultKind.INVALID, operation: str = "Start"
) -> CallError:
    return CallError(Fault(kind=kind, operation=operation, message=f"no: {code}", code=code))


async def test_detached_what_can_start_is_started(scene: Scene) -> None:
    """One for a region; the other one is told to be queued. Nobody waits."""
    outcomes = await scene.run(A, B, FAR)
    assert scene.ecr.calls == ["list", f"start {A}", f"start {FAR}"]
    assert (outcomes[A].state, outcomes[A].started) == (BackfillState.PREPARING, True)
    assert (outcomes[B].state, outcomes[B].started) == (BackfillState.QUEUED, False)
    assert outcomes[B].because is not None
    assert [outcomes[registry].falls_short for registry in (A, B, FAR)] == [False, True, False]
    assert scene.clock.seconds == 0
    assert len(scene.seen(BackfillStarted)) == 2
    assert len(scene.seen(BackfillEnded)) == 3


async def test_one_that_is_complete_is_enough(scene: Scene) -> None:
    """Unless another one is asked for."""
    scene.ecr.put(A, ago=500)
    outcomes = await scene.run(A)
    assert (outcomes[A].state, scene.ecr.started()) == (BackfillState.COMPLETE, [])
    outcomes = await scene.run(A, again=True)
    assert (outcomes[A].state, scene.ecr.started()) == (BackfillState.PREPARING, [f"start {A}"])
    outcomes = await scene.run(A, again=True, wait=True)
    assert (outcomes[A].state, len(scene.ecr.started())) == (BackfillState.COMPLETE, 1)


@pytest.mark.parametrize("how", ["lost", "bare"])
async def test_a_start_without_an_answer_is_found_by_listing(scene: Scene, how: str) -> None:
    """It is ours, and is not sent a second time."""
    scene.ecr.script = [how]
    scene.ecr.hidden = 0.5
    outcomes = await scene.run(A)
    assert scene.ecr.started() == [f"start {A}"]
    assert (outcomes[A].started, outcomes[A].state, outcomes[A].error) == (
        True,
        BackfillState.PREPARING,
        None,
    )
    assert len(scene.seen(CallRetried)) == 1


async def test_a_start_that_never_arrived_is_sent_again(scene: Scene) -> None:
    """Once the list has shown nothing for a while."""
    scene.ecr.script = ["dropped", "ok"]
    outcomes = await scene.run(A)
    assert (len(scene.ecr.started()), outcomes[A].started) == (2, True)
    assert len(scene.ecr.there) == 1


async def test_a_late_list_does_not_make_two(scene: Scene) -> None:
    """ECR refuses the second start; the backfill is ours when it shows."""
    scene.ecr.script = ["lost"]
    scene.ecr.hidden = 30
    outcomes = await scene.run(A, wait=True)
    assert (outcomes[A].state, outcomes[A].started) == (BackfillState.COMPLETE, True)
    assert len(scene.ecr.there) == 1


async def test_a_start_that_gets_no_answer_at_all_fails(scene: Scene) -> None:
    """As the last attempt did."""
    scene.ecr.script = ["dropped"] * 4
    (outcome,) = (await scene.run(A)).values()
    assert (outcome.state, len(scene.ecr.started())) == (BackfillState.NOT_STARTED, 4)
    assert outcome.error is not None
    assert outcome.error.message == "the connection closed"
    assert outcome.because == IN_DOUBT


async def test_a_start_that_is_listed_late_is_waited_for(scene: Scene) -> None:
    """For as long as a write is that reads do not show: nothing is sent twice."""
    scene.ecr.script = ["lost"]
    scene.ecr.hidden = 9
    outcomes = await scene.run(A)
    assert (outcomes[A].started, len(scene.ecr.started())) == (True, 1)


async def test_one_in_the_queue_that_may_be_ours(scene: Scene) -> None:
    """Nobody waits for the list any longer; what is known is said."""
    scene.ecr.script = ["lost"]
    scene.ecr.hidden = 1000
    outcomes = await scene.run(A)
    assert (outcomes[A].state, outcomes[A].because) == (
        BackfillState.QUEUED,
        f"{IN_DOUBT}; another backfill to its region has not ended",
    )


async def test_a_lost_start_and_an_interruption(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list is waited for once, not twice."""
    scene.ecr.script = ["dropped"]
    plain: Any = scene.ecr.start_backfill

    async def interrupted(registry: Registry, destination: Registry) -> Any:
        scene.stop.interrupt()
        return await plain(registry, destination)

    monkeypatch.setattr(scene.ecr, "start_backfill", interrupted)
    outcomes = await scene.run(A)
    assert outcomes[A].state is BackfillState.NOT_STARTED
    assert sum(scene.clock.slept) < 11


@pytest.mark.parametrize(
    "code", ["LimitExceededException", "ReplicationBackfillInProgressException"]
)
async def test_a_full_registry_means_queueing(scene: Scene, code: str) -> None:
    """Somebody was faster: it waits for its turn, or is told to be queued."""
    scene.ecr.script = [refusal(code)]
    outcomes = await scene.run(A)
    assert (outcomes[A].state, outcomes[A].error) == (BackfillState.QUEUED, None)
    scene.ecr.script = [refusal(code), refusal(code)]
    outcomes = await scene.run(A, wait=True)
    assert outcomes[A].state is BackfillState.COMPLETE
    assert len(scene.ecr.started()) == 4


async def test_one_that_may_not_be_started_does_not_stop_the_others(scene: Scene) -> None:
    """Its error is its own."""
    scene.ecr.script = [refusal("AccessDeniedException", kind=FaultKind.ACCESS_DENIED)]
    outcomes = await scene.run(A, B, FAR, wait=True)
    assert outcomes[A].state is BackfillState.NOT_STARTED
    assert outcomes[A].falls_short
    assert (outcomes[B].state, outcomes[FAR].state) == (
        BackfillState.COMPLETE,
        BackfillState.COMPLETE,
    )


async def test_a_refused_start_leaves_its_room_to_the_next(scene: Scene) -> None:
    """In the same round: a run that does not wait has no other one."""
    scene.ecr.script = [refusal("AccessDeniedException", kind=FaultKind.ACCESS_DENIED)]
    outcomes = await scene.run(A, B)
    assert (outcomes[A].state, outcomes[B].state) == (
        BackfillState.NOT_STARTED,
        BackfillState.PREPARING,
    )


async def test_an_api_without_backfills(scene: Scene) -> None:
    """Said for what it is."""
    unknown = "UnknownOperationException"
    scene.ecr.listing = [refusal(unknown, operation="ListReplicationBackfills")]
    outcomes = await scene.run(A, B)
    assert {item.because for item in outcomes.values()} == {
        "this region's ECR API does not offer backfill yet"
    }
    assert {item.state for item in outcomes.values()} == {BackfillState.NOT_STARTED}


async def test_a_summary_that_cannot_be_read_starts_nothing(scene: Scene) -> None:
    """It may be the very backfill that is wanted."""
    scene.ecr.put(A)
    scene.ecr.there[0]["destination"] = (None, "eu-west-1")
    error = (await scene.run(A))[A].error
    assert scene.ecr.started() == []
    assert error is not None
    assert error.message == (
        "the answer tells of a backfill without a destination that can be read"
    )


async def test_a_mistake_of_ours_is_the_registrys(scene: Scene) -> None:
    """One registry's surprise leaves the others alone."""
    fell: list[int] = []

    def surprise() -> None:
        if not fell:
            fell.append(1)
            raise ZeroDivisionError

    scene.ecr.on_list = surprise
    other = registry_of("9")
    outcomes = await backfill({HUB: {A: None}, other: {A: None}}, scene.how, wait=False)
    assert [outcome.error and outcome.error.kind for outcome in outcomes] == [
        FaultKind.INTERNAL,
        None,
    ]


async def test_an_interruption_before_anything(scene: Scene) -> None:
    """Every destination is named, none is started."""
    scene.stop.interrupt()
    outcomes = await scene.run(A, B)
    assert scene.ecr.calls == []
    assert {(item.state, item.because) for item in outcomes.values()} == {
        (BackfillState.NOT_STARTED, "interrupted before it was started")
    }


async def test_many_registries_share_a_crew(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more calls in flight than the crew has members, however many are followed."""
    most = 0
    now = 0
    plain: Any = scene.ecr.list_backfills

    async def counted(registry: Registry) -> Any:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await anyio.lowlevel.checkpoint()
        listed = await plain(registry)
        now -= 1
        return listed

    monkeypatch.setattr(scene.ecr, "list_backfills", counted)
    sources = [Registry(AccountId(f"{number:012}"), HUB.region) for number in range(20)]
    far = registry_of("7", "ap-south-1")
    outcomes = await backfill({source: {far: None} for source in sources}, scene.how, wait=False)
    assert (len(outcomes), most) == (20, 2)


async def test_an_answer_that_is_lost_at_the_last_attempt(scene: Scene) -> None:
    """The list still has the last word."""
    scene.ecr.script = ["dropped", "dropped", "dropped", "lost"]
    (outcome,) = (await scene.run(A)).values()
    assert (outcome.started, outcome.error, len(scene.ecr.there)) == (True, None, 1)


async def test_an_interruption_between_two_starts(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one in flight ends and is told; no other is made, and none is tried again."""
    plain: Any = scene.ecr.start_backfill

    async def interrupted(registry: Registry, destination: Registry) -> Any:
        scene.stop.interrupt()
        return await plain(registry, destination)

    monkeypatch.setattr(scene.ecr, "start_backfill", interrupted)
    outcomes = await scene.run(A, FAR)
    assert (outcomes[A].started, outcomes[FAR].state) == (True, BackfillState.NOT_STARTED)
    assert outcomes[FAR].because == "interrupted before it was started"


async def test_a_start_is_not_tried_again_once_stopped(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its failure is what is told."""
    slow_down = Fault(kind=FaultKind.THROTTLED, operation="Start", message="slow down")
    scene.ecr.script = [CallError(slow_down, transient=True)]
    plain: Any = scene.ecr.start_backfill

    async def interrupted(registry: Registry, destination: Registry) -> Any:
        scene.stop.interrupt()
        return await plain(registry, destination)

    monkeypatch.setattr(scene.ecr, "start_backfill", interrupted)
    (outcome,) = (await scene.run(A)).values()
    assert (outcome.error, len(scene.ecr.started())) == (slow_down, 1)


async def test_an_interruption_ends_the_delay_of_a_start(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it would have been."""
    slow_down = Fault(kind=FaultKind.THROTTLED, operation="Start", message="slow down")
    scene.ecr.script = [CallError(slow_down, transient=True)]

    async def interrupted(seconds: float) -> None:
        scene.stop.interrupt()
        await anyio.sleep_forever()

    monkeypatch.setattr(scene.clock, "sleep", interrupted)
    with anyio.fail_after(60):
        (outcome,) = (await scene.run(A)).values()
    assert (outcome.error, len(scene.ecr.started())) == (slow_down, 1)


async def test_a_start_whose_turn_comes_too_late(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others had the crew until the run was stopped: it is not made."""
    other = registry_of("9")
    third = registry_of("8")
    plain: Any = scene.ecr.start_backfill
    held = 0

    async def slow(registry: Registry, destination: Registry) -> Any:
        nonlocal held
        held += 1
        for _ in range(10):
            await anyio.lowlevel.checkpoint()
        scene.stop.interrupt()
        return await plain(registry, destination)

    monkeypatch.setattr(scene.ecr, "start_backfill", slow)
    how = replace(scene.how, concurrency=1)
    outcomes = await backfill(
        {registry: {A: None} for registry in (HUB, other, third)}, how, wait=False
    )
    assert held == 1
    assert sorted(outcome.state for outcome in outcomes) == [
        "not-started",
        "not-started",
        "preparing",
    ]
