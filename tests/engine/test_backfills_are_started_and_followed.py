"""Backfills of a registry over a scripted ECR: started once, queued, followed, found again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest

from fleet_repl.backfills import BackfillOutcome, BackfillState
from fleet_repl.canonical import JsonObject
from fleet_repl.engine import Backfilling, Stop, backfill, look, read_rules
from fleet_repl.errors import CallError, Fault, FaultKind
from fleet_repl.names import AccountId, Region, Registry
from fleet_repl.outcomes import (
    BackfillEnded,
    BackfillProgressed,
    BackfillStarted,
    CallRetried,
    Event,
    RegistryRead,
)
from fleet_repl.pacing import Pace

HUB = Registry(AccountId("1" * 12), Region("eu-west-1"))
A = Registry(AccountId("2" * 12), Region("eu-west-1"))
B = Registry(AccountId("3" * 12), Region("eu-west-1"))
FAR = Registry(AccountId("2" * 12), Region("us-east-1"))
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Time:
    """Passes only by sleeping, and sleeping takes none."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds
        await anyio.lowlevel.checkpoint()


def refusal(
    code: str, *, kind: FaultKind = FaultKind.INVALID, operation: str = "Start"
) -> CallError:
    return CallError(Fault(kind=kind, operation=operation, message=f"no: {code}", code=code))


def lost() -> CallError:
    fault = Fault(kind=FaultKind.NETWORK, operation="Start", message="the connection closed")
    return CallError(fault, transient=True, uncertain=True)


@dataclass
class Ecr:
    """Runs backfills for so many seconds each, within ECR's limits.

    Each entry of `script` is for one start: "ok", "lost" (started, the answer is lost),
    "dropped" (not started, the answer is lost too), "bare" (started, the answer says nothing),
    or an error.
    """

    clock: Time
    seconds: float = 100
    script: list[str | CallError] = field(default_factory=list)
    failing: dict[Registry, dict[str, int]] = field(default_factory=dict)
    ends: dict[Registry, str] = field(default_factory=dict)
    hidden: float = 0
    """For how long after its start a backfill is not listed."""
    listing: list[CallError | None] = field(default_factory=list)
    results_error: CallError | None = None
    calls: list[str] = field(default_factory=list)
    there: list[dict[str, Any]] = field(default_factory=list)
    on_list: Callable[[], object] = lambda: None

    def put(self, destination: Registry, ago: float = 0) -> None:
        """One that somebody has started."""
        self.there.append(
            {
                "id": f"id-{len(self.there)}",
                "destination": destination,
                "at": self.clock.seconds - ago,
            }
        )

    async def start_backfill(self, registry: Registry, destination: Registry) -> JsonObject:
        self.calls.append(f"start {destination}")
        how = self.script.pop(0) if self.script else "ok"
        if isinstance(how, CallError):
            raise how
        if how == "dropped":
            raise lost()
        active = [one for one in self.there if self._status(one) in ("PREPARING", "IN_PROGRESS")]
        if any(one["destination"].region == destination.region for one in active):
            raise refusal("ReplicationBackfillInProgressException")
        if len(active) >= 10:
            raise refusal("LimitExceededException")
        self.put(destination)
        if how == "lost":
            raise lost()
        if how == "bare":
            return {"replicationBackfillId": self.there[-1]["id"]}
        return self._shown(self.there[-1])

    async def list_backfills(self, registry: Registry) -> tuple[JsonObject, ...]:
        self.calls.append("list")
        self.on_list()
        error = self.listing.pop(0) if self.listing else None
        if error is not None:
            raise error
        now = self.clock.seconds
        return tuple(self._shown(one) for one in self.there if now - one["at"] >= self.hidden)

    async def backfill_results(
        self, registry: Registry, backfill_id: str
    ) -> tuple[JsonObject, ...]:
        self.calls.append(f"results {backfill_id}")
        if self.results_error is not None:
            raise self.results_error
        (one,) = [one for one in self.there if one["id"] == backfill_id]
        codes = self.failing.get(one["destination"], {})
        return tuple(
            {"status": "FAILED", "failureCode": code}
            for code, times in codes.items()
            for _ in range(times)
        )

    def started(self) -> list[str]:
        return [one for one in self.calls if one.startswith("start")]

    def _status(self, one: dict[str, Any]) -> str:
        age = self.clock.seconds - one["at"]
        if age < 1:
            return "PREPARING"
        end = self.ends.get(one["destination"], "COMPLETE")
        return "IN_PROGRESS" if age < self.seconds else end

    def _shown(self, one: dict[str, Any]) -> JsonObject:
        account, region = one["destination"]
        status, age = self._status(one), self.clock.seconds - one["at"]
        codes = self.failing.get(one["destination"], {})
        shown: dict[str, Any] = {
            "replicationBackfillId": one["id"],
            "destination": {"registryId": account, "region": region},
            "status": status,
            "startedAt": (NOON + timedelta(seconds=one["at"])).timestamp(),
        }
        if status != "PREPARING":
            share = min(age / self.seconds, 1)
            shown["progress"] = {
                "totalReplicationCount": 10,
                "completedReplicationCount": int(share * (10 - sum(codes.values()))),
                "failedReplicationCount": int(share * sum(codes.values())),
                "failureCodes": list(codes),
            }
        if age >= self.seconds:
            shown["endedAt"] = (NOON + timedelta(seconds=one["at"] + self.seconds)).timestamp()
        return shown


@dataclass
class Scene:
    ecr: Ecr
    clock: Time
    stop: Stop
    how: Backfilling
    events: list[Event]

    async def run(
        self, *destinations: Registry, wait: bool = False, again: bool = False
    ) -> dict[Registry, BackfillOutcome]:
        wanted = {HUB: dict.fromkeys(destinations)}
        outcomes = await backfill(wanted, self.how, wait=wait, again=again)
        return {one.destination: one for one in outcomes}

    def seen(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
def scene() -> Scene:
    clock = Time()
    ecr, events = Ecr(clock), list[Event]()
    stop = Stop(clock, 7200, 7200)
    pace = Pace(attempts=4, timeout=30, deadline=7200, clock=clock, uniform=lambda low, high: high)
    how = Backfilling(backfills=ecr, pace=pace, stop=stop, crew=2, on_event=events.append)
    return Scene(ecr=ecr, clock=clock, stop=stop, how=how, events=events)


async def test_detached_what_can_start_is_started(scene: Scene) -> None:
    """One for a region; the other one is told to be queued. Nobody waits."""
    found = await scene.run(A, B, FAR)
    assert scene.ecr.calls == ["list", f"start {A}", f"start {FAR}"]
    assert (found[A].state, found[A].started) == (BackfillState.PREPARING, True)
    assert (found[B].state, found[B].started) == (BackfillState.QUEUED, False)
    assert found[B].because is not None
    assert [found[one].falls_short for one in (A, B, FAR)] == [False, True, False]
    assert scene.clock.seconds == 0
    assert len(scene.seen(BackfillStarted)) == 2
    assert len(scene.seen(BackfillEnded)) == 3


async def test_waiting_all_are_started_and_followed(scene: Scene) -> None:
    """The queue moves on as soon as a region is free."""
    found = await scene.run(A, B, FAR, wait=True)
    assert {one.state for one in found.values()} == {BackfillState.COMPLETE}
    assert all(one.started and not one.falls_short for one in found.values())
    assert scene.ecr.started() == [f"start {A}", f"start {FAR}", f"start {B}"]
    assert scene.seen(BackfillProgressed)
    last = scene.events[-1]
    assert isinstance(last, BackfillEnded)
    assert last.outcome == found[B]


async def test_looks_get_rarer(scene: Scene) -> None:
    """From one second to thirty, and from one again after a start."""
    await scene.run(A, B, wait=True)
    one_run = [1, 2, 4, 8, 16, 30, 30, 30]
    assert scene.clock.slept == [*one_run, *one_run]


async def test_one_that_runs_is_found_again(scene: Scene) -> None:
    """Not started by this run, but followed by it."""
    scene.ecr.put(A, ago=50)
    found = await scene.run(A, wait=True)
    assert (found[A].state, found[A].started) == (BackfillState.COMPLETE, False)
    assert scene.ecr.started() == []


async def test_one_that_is_complete_is_enough(scene: Scene) -> None:
    """Unless another one is asked for."""
    scene.ecr.put(A, ago=500)
    found = await scene.run(A)
    assert (found[A].state, scene.ecr.started()) == (BackfillState.COMPLETE, [])
    found = await scene.run(A, again=True)
    assert (found[A].state, scene.ecr.started()) == (BackfillState.PREPARING, [f"start {A}"])
    found = await scene.run(A, again=True, wait=True)
    assert (found[A].state, len(scene.ecr.started())) == (BackfillState.COMPLETE, 1)


@pytest.mark.parametrize("how", ["lost", "bare"])
async def test_a_start_without_an_answer_is_found_by_listing(scene: Scene, how: str) -> None:
    """It is ours, and is not sent a second time."""
    scene.ecr.script = [how]
    scene.ecr.hidden = 0.5
    found = await scene.run(A)
    assert scene.ecr.started() == [f"start {A}"]
    assert (found[A].started, found[A].state, found[A].error) == (
        True,
        BackfillState.PREPARING,
        None,
    )
    assert len(scene.seen(CallRetried)) == 1


async def test_a_start_that_never_arrived_is_sent_again(scene: Scene) -> None:
    """Once the list has shown nothing for a while."""
    scene.ecr.script = ["dropped", "ok"]
    found = await scene.run(A)
    assert (len(scene.ecr.started()), found[A].started) == (2, True)
    assert len(scene.ecr.there) == 1


async def test_a_late_list_does_not_make_two(scene: Scene) -> None:
    """ECR refuses the second start; the backfill is ours when it shows."""
    scene.ecr.script = ["lost"]
    scene.ecr.hidden = 10
    found = await scene.run(A, wait=True)
    assert (found[A].state, found[A].started) == (BackfillState.COMPLETE, True)
    assert len(scene.ecr.there) == 1


async def test_a_start_that_gets_no_answer_at_all_fails(scene: Scene) -> None:
    """As the last attempt did."""
    scene.ecr.script = ["dropped"] * 4
    (found,) = (await scene.run(A)).values()
    assert (found.state, len(scene.ecr.started())) == (BackfillState.NOT_STARTED, 4)
    assert found.error is not None
    assert found.error.message == "the connection closed"


@pytest.mark.parametrize(
    "code", ["LimitExceededException", "ReplicationBackfillInProgressException"]
)
async def test_a_full_registry_means_queueing(scene: Scene, code: str) -> None:
    """Somebody was faster: it waits for its turn, or is told to be queued."""
    scene.ecr.script = [refusal(code)]
    found = await scene.run(A)
    assert (found[A].state, found[A].error) == (BackfillState.QUEUED, None)
    scene.ecr.script = [refusal(code), refusal(code)]
    found = await scene.run(A, wait=True)
    assert found[A].state is BackfillState.COMPLETE
    assert len(scene.ecr.started()) == 4


async def test_one_that_may_not_be_started_does_not_stop_the_others(scene: Scene) -> None:
    """Its error is its own."""
    scene.ecr.script = [refusal("AccessDeniedException", kind=FaultKind.ACCESS_DENIED)]
    found = await scene.run(A, B, FAR, wait=True)
    assert found[A].state is BackfillState.NOT_STARTED
    assert found[A].falls_short
    assert (found[B].state, found[FAR].state) == (BackfillState.COMPLETE, BackfillState.COMPLETE)


async def test_copies_that_failed_are_counted_by_their_code(scene: Scene) -> None:
    """Once, when all is over."""
    scene.ecr.failing = {A: {"DESTINATION_REGISTRY_ACCESS_DENIED": 3, "OTHER": 1}}
    found = await scene.run(A, wait=True)
    assert found[A].failures == {"DESTINATION_REGISTRY_ACCESS_DENIED": 3, "OTHER": 1}
    assert (found[A].state, found[A].falls_short) == (BackfillState.COMPLETE, True)
    assert scene.ecr.calls.count("results id-0") == 1


async def test_codes_stay_without_a_count(scene: Scene) -> None:
    """Where the results are not to be had the summary has them."""
    scene.ecr.failing = {A: {"OTHER": 1}}
    scene.ecr.results_error = refusal("AccessDeniedException")
    found = await scene.run(A, wait=True)
    assert found[A].failures == {"OTHER": None}
    assert found[A].error is not None
    assert found[A].state is BackfillState.COMPLETE


@pytest.mark.parametrize("end", ["FAILED", "STOPPED"])
async def test_one_that_comes_to_nothing_is_not_started_again(scene: Scene, end: str) -> None:
    """Not by the same run; the next one does."""
    scene.ecr.ends = {A: end}
    found = await scene.run(A, wait=True)
    assert (found[A].state, found[A].falls_short) == (BackfillState(end.lower()), True)
    assert len(scene.ecr.started()) == 1
    await scene.run(A)
    assert len(scene.ecr.started()) == 2


async def test_an_api_without_backfills(scene: Scene) -> None:
    """Said for what it is."""
    unknown = "UnknownOperationException"
    scene.ecr.listing = [refusal(unknown, operation="ListReplicationBackfills")]
    found = await scene.run(A, B)
    assert {one.because for one in found.values()} == {
        "this region's ECR API does not offer backfill yet"
    }
    assert {one.state for one in found.values()} == {BackfillState.NOT_STARTED}


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
    other = Registry(AccountId("9" * 12), Region("eu-west-1"))
    outcomes = await backfill({HUB: {A: None}, other: {A: None}}, scene.how, wait=False)
    assert [one.error and one.error.kind for one in outcomes] == [FaultKind.INTERNAL, None]


async def test_a_registry_that_stops_answering(scene: Scene) -> None:
    """What was started is told, with what is known of it."""
    scene.ecr.listing = [None, None, refusal("AccessDeniedException", operation="List")]
    found = await scene.run(A, B, wait=True)
    assert (found[A].state, found[A].started) == (BackfillState.IN_PROGRESS, True)
    assert found[B].state is BackfillState.NOT_STARTED
    assert all(one.error is not None for one in found.values())


async def test_an_interruption_ends_following_at_once(scene: Scene) -> None:
    """Nothing is stopped at AWS; what was started is told, and found by the next run."""
    scene.ecr.on_list = lambda: scene.stop.interrupt() if scene.clock.seconds > 5 else None
    found = await scene.run(A, B, wait=True)
    assert found[A].because == "interrupted; what was started goes on at AWS"
    assert (found[A].state, found[A].started) == (BackfillState.IN_PROGRESS, True)
    assert found[B].state is BackfillState.QUEUED
    assert scene.clock.seconds < 10
    scene.stop.interrupted = False
    scene.ecr.on_list = lambda: None
    found = await scene.run(A, B, wait=True)
    assert {one.state for one in found.values()} == {BackfillState.COMPLETE}
    assert scene.ecr.started() == [f"start {A}", f"start {B}"]


async def test_an_interruption_before_anything(scene: Scene) -> None:
    """Every destination is named, none is started."""
    scene.stop.interrupt()
    found = await scene.run(A, B)
    assert scene.ecr.calls == []
    assert {(one.state, one.because) for one in found.values()} == {
        (BackfillState.NOT_STARTED, "interrupted before it was started")
    }


async def test_a_deadline_ends_following(scene: Scene) -> None:
    """With the reason; what is queued stays queued."""
    scene.ecr.seconds = 10_000
    found = await scene.run(A, B, wait=True)
    why = "the run's deadline of 7200 s had passed"
    assert found[A].because == f"{why}; what was started goes on at AWS"
    queued = found[B].because
    assert queued is not None
    assert queued.endswith(why)
    assert all(one.falls_short for one in found.values())


async def test_looking_starts_nothing(scene: Scene) -> None:
    """The latest backfill to each destination, and why its copies failed."""
    scene.ecr.failing = {A: {"OTHER": 2}}
    scene.ecr.put(A, ago=900)
    scene.ecr.put(A, ago=500)
    scene.ecr.put(FAR, ago=50)
    outcomes = await look({HUB: [A, B, FAR]}, scene.how)
    found = {one.destination: one for one in outcomes}
    assert {one: found[one].state for one in found} == {
        A: BackfillState.COMPLETE,
        B: BackfillState.NONE,
        FAR: BackfillState.IN_PROGRESS,
    }
    last = found[A].backfill
    assert last is not None
    assert (last.id, found[A].failures) == ("id-1", {"OTHER": 2})
    assert (found[B].falls_short, found[FAR].falls_short) == (False, False)
    assert scene.ecr.started() == []


async def test_looking_where_nobody_answers(scene: Scene) -> None:
    """It is not known, which is not the same as none."""
    scene.ecr.listing = [refusal("AccessDeniedException", operation="List")]
    (found,) = await look({HUB: [A]}, scene.how)
    assert (found.state, found.falls_short) == (BackfillState.UNKNOWN, True)


async def test_many_registries_share_a_crew(scene: Scene) -> None:
    """No more calls in flight than the crew has members, however many are followed."""
    most = 0
    now = 0
    plain = scene.ecr.list_backfills

    async def counted(registry: Registry) -> tuple[JsonObject, ...]:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await anyio.lowlevel.checkpoint()
        found = await plain(registry)
        now -= 1
        return found

    scene.ecr.list_backfills = counted  # type: ignore[method-assign]
    sources = [Registry(AccountId(f"{number:012}"), HUB.region) for number in range(20)]
    far = Registry(AccountId("7" * 12), Region("ap-south-1"))
    outcomes = await backfill({one: {far: None} for one in sources}, scene.how, wait=False)
    assert (len(outcomes), most) == (20, 2)


async def test_an_answer_that_is_lost_at_the_last_attempt(scene: Scene) -> None:
    """The list still has the last word."""
    scene.ecr.script = ["dropped", "dropped", "dropped", "lost"]
    (found,) = (await scene.run(A)).values()
    assert (found.started, found.error, len(scene.ecr.there)) == (True, None, 1)


async def test_an_interruption_between_two_starts(scene: Scene) -> None:
    """The one in flight ends and is told; no other is made, and none is tried again."""
    plain = scene.ecr.start_backfill

    async def interrupted(registry: Registry, destination: Registry) -> JsonObject:
        scene.stop.interrupt()
        return await plain(registry, destination)

    scene.ecr.start_backfill = interrupted  # type: ignore[method-assign]
    found = await scene.run(A, FAR)
    assert (found[A].started, found[FAR].state) == (True, BackfillState.NOT_STARTED)
    assert found[FAR].because == "interrupted before it was started"


async def test_a_start_is_not_tried_again_once_stopped(scene: Scene) -> None:
    """Its failure is what is told."""
    slow_down = Fault(kind=FaultKind.THROTTLED, operation="Start", message="slow down")
    scene.ecr.script = [CallError(slow_down, transient=True)]
    plain = scene.ecr.start_backfill

    async def interrupted(registry: Registry, destination: Registry) -> JsonObject:
        scene.stop.interrupt()
        return await plain(registry, destination)

    scene.ecr.start_backfill = interrupted  # type: ignore[method-assign]
    (found,) = (await scene.run(A)).values()
    assert (found.error, len(scene.ecr.started())) == (slow_down, 1)


async def test_codes_of_a_manifest_list_are_those_of_its_images(scene: Scene) -> None:
    """A copy without any code counts, too."""
    scene.ecr.failing = {A: {"ANY": 1}}

    async def results(registry: Registry, backfill_id: str) -> tuple[JsonObject, ...]:
        return (
            {"subImageFailureCodes": ["X", "Y"]},
            {"failureCode": "X", "subImageFailureCodes": ["Y"]},
            {"subImageFailureCodes": []},
            {},
        )

    scene.ecr.backfill_results = results  # type: ignore[method-assign]
    found = await scene.run(A, wait=True)
    assert found[A].failures == {"X": 2, "Y": 1, "unknown": 2}


async def test_a_mistake_of_ours_while_looking(scene: Scene) -> None:
    """It is the registry's, and an interruption names what was not looked at."""

    def surprise() -> None:
        raise ZeroDivisionError

    scene.ecr.on_list = surprise
    (found,) = await look({HUB: [A]}, scene.how)
    assert found.error is not None
    assert found.error.kind is FaultKind.INTERNAL
    scene.stop.interrupt()
    (found,) = await look({HUB: [A]}, scene.how)
    assert found.because == "not looked at: interrupted before it was started"


class Rules:
    """Registries of which one has a mistake of ours in store, and one says no."""

    def __init__(self) -> None:
        self.asked: list[Registry] = []

    async def describe(self, registry: Registry) -> JsonObject:
        self.asked.append(registry)
        if registry == FAR:
            raise ZeroDivisionError
        if registry == B:
            raise refusal("AccessDenied", kind=FaultKind.ACCESS_DENIED)
        rule = {"destinations": [{"region": FAR.region, "registryId": FAR.account}]}
        return {"registryId": registry.account, "replicationConfiguration": {"rules": [rule]}}


async def test_reading_rules(scene: Scene) -> None:
    """The links that are in place, or why that is not known."""
    reader: Any = Rules()
    found = await read_rules([A, B, FAR], reader, scene.how)
    assert found[A] == {FAR: ("",)}
    kinds = [one.kind for one in found.values() if isinstance(one, Fault)]
    assert sorted(kinds) == [FaultKind.ACCESS_DENIED, FaultKind.INTERNAL]
    assert len(scene.seen(RegistryRead)) == 3


async def test_reading_rules_too_late(scene: Scene) -> None:
    """A deadline is a fault of each registry; after an interruption nothing is said."""
    reader: Any = Rules()
    scene.clock.seconds = 8000
    late = (await read_rules([A], reader, scene.how))[A]
    assert isinstance(late, Fault)
    assert late.kind is FaultKind.TIMEOUT
    scene.stop.interrupt()
    assert await read_rules([A], reader, scene.how) == {}
    assert reader.asked == []
