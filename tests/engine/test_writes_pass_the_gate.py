"""Every write passes the gate right before it is sent, and is told of once at its end."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.changes import change_of
from tests.support.engine import Bench

from fleet_repl.planning.change import Action, Phase, Resource
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import CallError, Fault, FaultKind

NONE: JsonObject = {"rules": []}
WANTED: JsonObject = {
    "rules": [{"destinations": [{"region": "eu-west-1", "registryId": "2" * 12}]}]
}
OTHER: JsonObject = {"rules": [{"destinations": [{"region": "eu-west-1", "registryId": "3" * 12}]}]}
CHANGE = change_of(
    resource=Resource.REPLICATION_CONFIGURATION,
    action=Action.UPDATE,
    phase=Phase.RULES,
    wave="canary",
    before=NONE,
    after=WANTED,
)


async def test_a_write_is_announced_before_it_is_sent(bench: Bench) -> None:
    """And before what is there is looked at; the outcome that is told is the one of the report."""
    bench.gate.while_asked = lambda: bench.aws.log.append("asked")
    written = await bench.writing.rules(bench.registry, CHANGE)
    assert bench.aws.log == ["asked", "read", "ok", "read"]
    assert bench.gate.log == ["admit", "settled applied"]
    assert bench.gate.sent == [CHANGE]
    (ended,) = bench.gate.ended
    assert (ended.outcome, ended.request_id) == (Outcome.APPLIED, written.request_id)
    assert (ended.wave, ended.before.document, ended.after.document) == ("canary", NONE, WANTED)


@pytest.mark.parametrize(("there", "outcome"), [(WANTED, "unchanged"), (OTHER, "failed")])
async def test_what_was_announced_may_not_be_written(
    bench: Bench, there: JsonObject, outcome: str
) -> None:
    """It is in place already, or somebody else's: its end says so, and leaves no doubt."""
    bench.aws.document = there
    await bench.writing.rules(bench.registry, CHANGE)
    assert bench.gate.log == ["admit", f"settled {outcome}"]
    assert not bench.gate.ended[0].in_doubt
    assert bench.aws.log == ["read"]


async def test_each_further_attempt_is_asked_for(bench: Bench) -> None:
    """One announcement, and one line about the end, however many attempts it takes."""
    bench.aws.script = ["throttled", "dropped"]
    await bench.writing.rules(bench.registry, CHANGE)
    assert bench.gate.log == ["admit", "again", "again", "settled applied"]
    assert bench.aws.document == WANTED


@pytest.mark.parametrize(
    ("script", "kind", "in_doubt"),
    [
        (["denied"], FaultKind.ACCESS_DENIED, False),
        (["dropped"] * 5, FaultKind.NETWORK, True),
    ],
)
async def test_a_write_that_fails_has_ended_too(
    bench: Bench, script: list[str], kind: FaultKind, in_doubt: bool
) -> None:
    """With what is known about whether it happened."""
    bench.aws.script = script
    written = await bench.writing.rules(bench.registry, CHANGE)
    (ended,) = bench.gate.ended
    assert (ended.outcome, ended.in_doubt) == (Outcome.FAILED, in_doubt)
    assert written.error is not None
    assert written.error.kind is kind


async def test_a_conflict_that_is_found_on_the_way_has_ended_too(bench: Bench) -> None:
    """Somebody wrote between two attempts."""
    bench.aws.script = ["throttled"]

    def meanwhile() -> None:
        bench.aws.document = OTHER

    bench.aws.before_write = meanwhile
    await bench.writing.rules(bench.registry, CHANGE)
    assert bench.gate.log == ["admit", "again", "settled failed"]


async def test_what_no_code_foresaw_has_ended_in_doubt(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A defect behind the port, when the write was admitted already."""

    async def broken(*_: object) -> None:
        raise KeyError("secret")

    monkeypatch.setattr(bench.aws, "put_replication", broken)
    await bench.writing.rules(bench.registry, CHANGE)
    (ended,) = bench.gate.ended
    assert (ended.outcome, ended.in_doubt) == (Outcome.FAILED, True)


async def test_a_gate_that_closes_ends_the_run(bench: Bench) -> None:
    """Nothing is sent, nothing else starts, and the reason is the gate's."""
    bench.gate.refuse_at = 1
    written = await bench.writing.rules(bench.registry, CHANGE)
    assert (written.outcome, written.error, written.in_doubt) == (Outcome.SKIPPED, None, False)
    assert bench.aws.document == NONE
    assert bench.gate.log == ["admit"]
    assert (bench.stop.requested, bench.stop.because) == (True, "the lock was lost")


@pytest.mark.parametrize(("first", "in_doubt"), [("throttled", False), ("dropped", True)])
async def test_a_gate_that_closes_between_attempts(
    bench: Bench, first: str, in_doubt: bool
) -> None:
    """The write was announced, so its end is told: not sent again, in doubt if it may have
    arrived."""
    bench.aws.script = [first]
    bench.gate.refuse_at = 2
    written = await bench.writing.rules(bench.registry, CHANGE)
    assert (written.outcome, written.in_doubt) == (Outcome.SKIPPED, in_doubt)
    assert bench.gate.log == ["admit", "again", "settled skipped"]
    assert [call for call in bench.aws.log if call != "read"] == [first]


async def test_a_stop_while_the_gate_is_asked_sends_nothing(bench: Bench) -> None:
    """The journal may take a while; an interruption counts until the very end of it."""
    bench.gate.while_asked = bench.stop.interrupt
    written = await bench.writing.rules(bench.registry, CHANGE)
    assert written.outcome is Outcome.CANCELLED
    assert bench.gate.log == ["admit", "settled cancelled"]
    assert bench.aws.document == NONE


async def test_an_interruption_is_reported_rather_than_a_halt(bench: Bench) -> None:
    """And a halt rather than the deadline; of two halts the first."""
    bench.clock.seconds = 7200
    assert bench.stop.because == "the run's deadline of 7200 s had passed"
    bench.stop.halt("the lock was lost")
    bench.stop.halt("the journal is full")
    assert (bench.stop.outcome, bench.stop.because) == (Outcome.SKIPPED, "the lock was lost")
    bench.stop.interrupt()
    assert bench.stop.outcome is Outcome.CANCELLED
    assert bench.stop.because == "interrupted before it was started"


async def test_a_turn_that_does_not_come(bench: Bench) -> None:
    """Another fleet keeps it: the registry fails alone, by the call that would have been made, and
    nothing of it was admitted."""
    fault = Fault(kind=FaultKind.CONFLICT, operation="turn", message="fleet beta has kept it")

    def never() -> None:
        raise CallError(fault)

    bench.gate.while_waiting = never
    written = await bench.writing.rules(bench.registry, CHANGE)
    assert (written.outcome, written.in_doubt) == (Outcome.FAILED, False)
    assert written.error == replace(fault, operation="PutReplicationConfiguration")
    assert (bench.gate.log, bench.aws.log, bench.stop.requested) == ([], [], False)
