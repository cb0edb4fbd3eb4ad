"""Backfills over a scripted ECR: followed to their end, through bad moments, and found again."""

from __future__ import annotations

import pytest
from tests.support.backfilling import Scene
from tests.support.registries import registry_of

from fleet_repl.ecr.backfills import BackfillState
from fleet_repl.runs.events import BackfillEnded, BackfillProgressed, CallRetried
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import CallError, Fault, FaultKind
from fleet_repl.values.names import Registry

A, B = map(registry_of, "23")
FAR = registry_of("2", "us-east-1")


def refusal(
    code: str, *, kind: FaultKind = FaultKind.INVALID, operation: str = "Start"
) -> CallError:
    return CallError(Fault(kind=kind, operation=operation, message=f"no: {code}", code=code))


async def test_waiting_all_are_started_and_followed(scene: Scene) -> None:
    """The queue moves on as soon as a region is free."""
    outcomes = await scene.run(A, B, FAR, wait=True)
    assert {item.state for item in outcomes.values()} == {BackfillState.COMPLETE}
    assert all(item.started and not item.falls_short for item in outcomes.values())
    assert scene.ecr.started() == [f"start {A}", f"start {FAR}", f"start {B}"]
    assert scene.seen(BackfillProgressed)
    last = scene.events[-1]
    assert isinstance(last, BackfillEnded)
    assert last.outcome == outcomes[B]


async def test_looks_get_rarer(scene: Scene) -> None:
    """From one second to thirty, and from one again after a start."""
    await scene.run(A, B, wait=True)
    one_run = [1, 2, 4, 8, 16, 30, 30, 30]
    assert scene.clock.slept == [*one_run, *one_run]


async def test_one_that_runs_is_found_again(scene: Scene) -> None:
    """Not started by this run, but followed by it."""
    scene.ecr.put(A, ago=50)
    outcomes = await scene.run(A, wait=True)
    assert (outcomes[A].state, outcomes[A].started) == (BackfillState.COMPLETE, False)
    assert scene.ecr.started() == []


async def test_copies_that_failed_are_made_by_the_next_run(scene: Scene) -> None:
    """A run leaves its own at what it came to; a later one starts another."""
    scene.ecr.failing = {A: {"OTHER": 1}}
    outcomes = await scene.run(A, wait=True)
    assert (outcomes[A].falls_short, len(scene.ecr.started())) == (True, 1)
    outcomes = await scene.run(A, wait=True)
    assert (outcomes[A].started, len(scene.ecr.started())) == (True, 2)


async def test_copies_that_failed_are_counted_by_their_code(scene: Scene) -> None:
    """Once, when all is over."""
    scene.ecr.failing = {A: {"DESTINATION_REGISTRY_ACCESS_DENIED": 3, "OTHER": 1}}
    outcomes = await scene.run(A, wait=True)
    assert outcomes[A].failures == {"DESTINATION_REGISTRY_ACCESS_DENIED": 3, "OTHER": 1}
    assert (outcomes[A].state, outcomes[A].falls_short) == (BackfillState.COMPLETE, True)
    assert scene.ecr.calls.count("results id-0") == 1


async def test_codes_stay_without_a_count(scene: Scene) -> None:
    """Where the results are not to be had the summary has them."""
    scene.ecr.failing = {A: {"OTHER": 1}}
    scene.ecr.results_error = refusal("AccessDeniedException")
    outcomes = await scene.run(A, wait=True)
    assert outcomes[A].failures == {"OTHER": None}
    assert outcomes[A].error is not None
    assert outcomes[A].state is BackfillState.COMPLETE


@pytest.mark.parametrize("end", ["FAILED", "STOPPED"])
async def test_one_that_comes_to_nothing_is_not_started_again(scene: Scene, end: str) -> None:
    """Not by the same run; the next one does."""
    scene.ecr.ends = {A: end}
    outcomes = await scene.run(A, wait=True)
    assert (outcomes[A].state, outcomes[A].falls_short) == (BackfillState(end.lower()), True)
    assert len(scene.ecr.started()) == 1
    await scene.run(A)
    assert len(scene.ecr.started()) == 2


async def test_a_registry_that_stops_answering(scene: Scene) -> None:
    """What was started is told, with what is known of it."""
    scene.ecr.listing = [None, None, refusal("AccessDeniedException", operation="List")]
    outcomes = await scene.run(A, B, wait=True)
    assert (outcomes[A].state, outcomes[A].started) == (BackfillState.IN_PROGRESS, True)
    assert outcomes[B].state is BackfillState.NOT_STARTED
    assert all(item.error is not None for item in outcomes.values())


@pytest.mark.parametrize(
    "kind", [FaultKind.NETWORK, FaultKind.TIMEOUT, FaultKind.THROTTLED, FaultKind.SERVICE]
)
async def test_looks_that_fail_for_the_moment(scene: Scene, kind: FaultKind) -> None:
    """Four in a row are skipped, rarer and rarer, and all is followed to its end."""
    missed = refusal("Busy", kind=kind, operation="List")
    scene.ecr.listing = [None, missed, missed, missed, missed, None, missed]
    outcomes = await scene.run(A, wait=True)
    assert (outcomes[A].state, outcomes[A].error) == (BackfillState.COMPLETE, None)
    assert scene.clock.slept[:6] == [1, 2, 4, 8, 16, 30]
    retried = [(call.operation, call.attempt, call.delay) for call in scene.seen(CallRetried)]
    name = "ListReplicationBackfills"
    assert retried == [(name, 1, 2), (name, 2, 4), (name, 3, 8), (name, 4, 16), (name, 1, 30)]


async def test_looks_that_go_on_failing(scene: Scene) -> None:
    """The fifth in a row is what is told."""
    missed = refusal("Busy", kind=FaultKind.SERVICE, operation="List")
    scene.ecr.listing = [None, *[missed] * 9]
    outcomes = await scene.run(A, wait=True)
    assert (outcomes[A].state, outcomes[A].started, outcomes[A].error) == (
        BackfillState.PREPARING,
        True,
        missed.fault,
    )
    assert len(scene.clock.slept) == 5


async def test_a_first_look_that_fails_is_no_start(scene: Scene) -> None:
    """Nothing is followed yet, so nothing is waited for."""
    missed = refusal("Busy", kind=FaultKind.SERVICE, operation="List")
    scene.ecr.listing = [missed]
    outcomes = await scene.run(A, wait=True)
    assert (outcomes[A].state, scene.ecr.calls) == (BackfillState.NOT_STARTED, ["list"])


async def test_looks_that_fail_up_to_the_deadline(scene: Scene) -> None:
    """The deadline is the reason then."""
    missed = refusal("Busy", kind=FaultKind.SERVICE, operation="List")
    scene.ecr.listing = [None, missed, missed]
    scene.ecr.on_list = lambda: setattr(
        scene.clock, "seconds", 7200 if scene.clock.seconds > 2 else scene.clock.seconds
    )
    outcomes = await scene.run(A, wait=True)
    why = "the run's deadline of 7200 s had passed; what was started goes on at AWS"
    assert (outcomes[A].because, outcomes[A].error) == (why, None)


async def test_an_interruption_ends_following_at_once(scene: Scene) -> None:
    """Nothing is stopped at AWS; what was started is told, and found by the next run."""
    scene.ecr.on_list = lambda: scene.stop.interrupt() if scene.clock.seconds > 5 else None
    outcomes = await scene.run(A, B, wait=True)
    assert outcomes[A].because == "interrupted; what was started goes on at AWS"
    assert (outcomes[A].state, outcomes[A].started) == (BackfillState.IN_PROGRESS, True)
    assert outcomes[B].state is BackfillState.QUEUED
    assert scene.clock.seconds < 10
    scene.stop.interrupted = False
    scene.ecr.on_list = lambda: None
    outcomes = await scene.run(A, B, wait=True)
    assert {item.state for item in outcomes.values()} == {BackfillState.COMPLETE}
    assert scene.ecr.started() == [f"start {A}", f"start {B}"]


async def test_a_deadline_ends_following(scene: Scene) -> None:
    """With the reason; what is queued stays queued."""
    scene.ecr.seconds = 10_000
    outcomes = await scene.run(A, B, wait=True)
    why = "the run's deadline of 7200 s had passed"
    assert outcomes[A].because == f"{why}; what was started goes on at AWS"
    queued = outcomes[B].because
    assert queued is not None
    assert queued.endswith(why)
    assert all(item.falls_short for item in outcomes.values())


async def test_codes_of_a_manifest_list_are_those_of_its_images(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy without any code counts, too."""
    scene.ecr.failing = {A: {"ANY": 1}}

    async def results(registry: Registry, backfill_id: str) -> tuple[JsonObject, ...]:
        return (
            {"subImageFailureCodes": ["X", "Y"]},
            {"failureCode": "X", "subImageFailureCodes": ["Y"]},
            {"subImageFailureCodes": []},
            {},
        )

    monkeypatch.setattr(scene.ecr, "backfill_results", results)
    outcomes = await scene.run(A, wait=True)
    assert outcomes[A].failures == {"X": 2, "Y": 1, "unknown": 2}
