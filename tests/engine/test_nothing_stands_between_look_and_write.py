"""The last look at a document and its write are neighbours: whatever takes time comes before."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.changes import change_of
from tests.support.engine import HERE, OWNER, Bench

from fleet_repl.planning.change import Action, Phase, Resource
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import CallError, Fault, FaultKind

TEMPLATE: JsonObject = {"prefix": "prod", "appliedFor": ["REPLICATION"]}


def rules(account: str) -> JsonObject:
    return {"rules": [{"destinations": [{"region": "eu-west-1", "registryId": account * 12}]}]}


def policy(sid: str) -> JsonObject:
    statement = {"Sid": sid, "Effect": "Deny", "Principal": "*", "Action": "ecr:*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


CHANGES = {
    Resource.REPLICATION_CONFIGURATION: change_of(
        resource=Resource.REPLICATION_CONFIGURATION,
        action=Action.UPDATE,
        phase=Phase.RULES,
        before=rules("2"),
        after=rules("3"),
    ),
    Resource.REGISTRY_POLICY: change_of(
        resource=Resource.REGISTRY_POLICY,
        reader=(OWNER, HERE),
        action=Action.UPDATE,
        phase=Phase.GRANTS,
        before=policy("Before"),
        after=policy("After"),
    ),
    Resource.CREATION_TEMPLATE: change_of(
        resource=Resource.CREATION_TEMPLATE,
        action=Action.UPDATE,
        phase=Phase.TEMPLATES,
        before=TEMPLATE,
        after={**TEMPLATE, "description": "ours"},
    ),
}


def start(bench: Bench) -> None:
    bench.aws.document, bench.aws.policy = rules("2"), policy("Before")
    bench.aws.templates = (TEMPLATE,)


def a_stranger_writes(bench: Bench) -> None:
    bench.aws.document, bench.aws.policy = rules("4"), policy("Stranger")
    bench.aws.templates = ({**TEMPLATE, "description": "a stranger's"},)


async def write(bench: Bench, resource: Resource) -> Any:
    change = CHANGES[resource]
    match resource:
        case Resource.REPLICATION_CONFIGURATION:
            return await bench.writing.rules(bench.registry, change)
        case Resource.REGISTRY_POLICY:
            return await bench.writing.policy(bench.registry, change, ())
        case _:
            return await bench.writing.template(bench.registry, change)


@pytest.mark.parametrize("attempt", [1, 2])
@pytest.mark.parametrize("slow", ["the journal", "the session", "the turn"])
@pytest.mark.parametrize("resource", Resource)
async def test_what_is_made_while_something_is_slow_is_not_overwritten(
    bench: Bench, resource: Resource, slow: str, attempt: int
) -> None:
    """However long the journal, a session or a turn takes, on the first attempt or on a retry
    after a throttle: a stranger's document that is made meanwhile stays."""
    start(bench)
    bench.aws.script = ["throttled"] * (attempt - 1)
    asked = 0

    def meanwhile() -> None:
        nonlocal asked
        asked += 1
        if asked == attempt or slow == "the turn":
            a_stranger_writes(bench)

    match slow:
        case "the journal":
            bench.gate.while_asked = meanwhile
        case "the session":
            bench.aws.while_prepared = meanwhile
        case _:
            bench.gate.while_waiting = meanwhile
    written = await write(bench, resource)
    assert (written.outcome, written.error.kind) == (Outcome.FAILED, FaultKind.CONFLICT)
    assert not written.in_doubt
    assert bench.aws.document == rules("4")
    assert bench.aws.policy == policy("Stranger")
    assert bench.aws.templates[0]["description"] == "a stranger's"


@pytest.mark.parametrize("resource", Resource)
async def test_the_last_answer_before_a_write_is_a_reads(bench: Bench, resource: Resource) -> None:
    """Of every attempt: turn, session, journal, look, write; and the turn is kept to the end."""
    start(bench)
    bench.aws.script = ["throttled", "dropped"]
    log = bench.aws.log
    bench.aws.while_prepared = lambda: log.append("session")
    bench.gate.while_asked = lambda: log.append("journal")
    bench.gate.turns = log
    written = await write(bench, resource)
    assert written.outcome is Outcome.APPLIED
    looking_for_the_dropped = ["read"] * 5
    assert log == [
        "taken",
        *["session", "journal", "read", "throttled"],
        *["session", "journal", "read", "dropped"],
        *looking_for_the_dropped,
        *["session", "journal", "read", "ok"],
        *["read", "given back"],
    ]


@pytest.mark.parametrize("resource", Resource)
async def test_a_stop_between_look_and_write(bench: Bench, resource: Resource) -> None:
    """The answer to the look is on its way when the run is interrupted: nothing is sent."""
    start(bench)
    bench.aws.while_read = bench.stop.interrupt
    written = await write(bench, resource)
    assert (written.outcome, written.in_doubt) == (Outcome.CANCELLED, False)
    assert bench.aws.log == ["read"]
    assert bench.gate.log == ["admit", "settled cancelled"]


async def test_a_deadline_between_look_and_write(bench: Bench) -> None:
    """A deadline cuts nothing short; it is looked at before the write."""
    start(bench)

    def late() -> None:
        bench.clock.seconds = 7200

    bench.aws.while_read = late
    written = await write(bench, Resource.REPLICATION_CONFIGURATION)
    assert (written.outcome, bench.aws.log) == (Outcome.SKIPPED, ["read"])


async def test_a_look_that_takes_too_much_of_the_lock_is_made_again(bench: Bench) -> None:
    """The lock is asked for once more without waiting; where too little is left, everything
    before the write is done anew."""
    start(bench)
    bench.gate.shut = 2
    written = await write(bench, Resource.REPLICATION_CONFIGURATION)
    assert written.outcome is Outcome.APPLIED
    assert bench.aws.log == ["read", "read", "read", "ok", "read"]
    assert bench.gate.log == ["admit", "again", "again", "settled applied"]


async def test_looks_that_never_leave_enough_of_the_lock(bench: Bench) -> None:
    """After three of them the registry fails, and nothing was sent."""
    start(bench)
    bench.gate.shut = 3
    written = await write(bench, Resource.REPLICATION_CONFIGURATION)
    assert (written.outcome, written.in_doubt) == (Outcome.FAILED, False)
    assert str(written.error) == (
        "PutReplicationConfiguration: timeout: reading what is in place took so long each time "
        "that too little was left of the run's lock for the write; nothing was written"
    )
    assert bench.aws.log == ["read"] * 3


async def test_a_session_that_cannot_be_had_fails_this_registry(bench: Bench) -> None:
    """Before anything is announced, and without a doubt, although the call for it may be."""
    start(bench)

    def refused() -> None:
        fault = Fault(kind=FaultKind.TIMEOUT, operation="AssumeRole", message="no answer")
        raise CallError(fault, uncertain=True)

    bench.aws.while_prepared = refused
    written = await write(bench, Resource.REPLICATION_CONFIGURATION)
    assert (written.outcome, written.in_doubt) == (Outcome.FAILED, False)
    assert written.error.operation == "AssumeRole"
    assert (bench.aws.log, bench.gate.log) == ([], [])


async def test_a_session_that_cannot_be_had_for_the_moment_is_asked_for_again(bench: Bench) -> None:
    """As any call that may pass."""
    start(bench)
    fault = Fault(kind=FaultKind.NETWORK, operation="AssumeRole", message="reset")
    failures = [CallError(fault, transient=True)]

    def flaky() -> None:
        if failures:
            raise failures.pop()

    bench.aws.while_prepared = flaky
    written = await write(bench, Resource.REPLICATION_CONFIGURATION)
    assert written.outcome is Outcome.APPLIED


@pytest.mark.parametrize("resource", Resource)
async def test_an_interruption_while_a_turn_is_waited_for(bench: Bench, resource: Resource) -> None:
    """It is given up at once: nothing is announced, nothing asked."""
    start(bench)
    bench.gate.while_waiting = bench.stop.interrupt
    written = await write(bench, resource)
    assert (written.outcome, written.in_doubt) == (Outcome.CANCELLED, False)
    assert (bench.aws.log, bench.gate.log, bench.gate.turns) == ([], [], [])
