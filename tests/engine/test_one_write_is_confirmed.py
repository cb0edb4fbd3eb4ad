"""A single write under everything that can happen to it."""

from __future__ import annotations

import pytest
from tests.support.changes import change_of
from tests.support.engine import HERE, OWNER, Bench

from fleet_repl.ecr.policy import parse_policy
from fleet_repl.ecr.rules import parse_document
from fleet_repl.planning.change import Action, Change, Phase, Resource
from fleet_repl.runs.events import CallRetried
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import CallError, Fault, FaultKind
from fleet_repl.values.names import Registry

NONE: JsonObject = {"rules": []}
WANTED: JsonObject = {
    "rules": [{"destinations": [{"region": "eu-west-1", "registryId": "2" * 12}]}]
}
OTHER: JsonObject = {"rules": [{"destinations": [{"region": "eu-west-1", "registryId": "3" * 12}]}]}
POLICY: JsonObject = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "a"}]}


def rules(before: JsonObject = NONE, after: JsonObject = WANTED) -> Change:
    return change_of(
        resource=Resource.REPLICATION_CONFIGURATION,
        action=Action.UPDATE,
        phase=Phase.RULES,
        before=before,
        after=after,
    )


async def test_it_is_read_written_and_read_back(bench: Bench) -> None:
    """The plain case: three calls, and the write's request id."""
    written = await bench.writing.rules(bench.registry, rules())
    assert (written.outcome, written.request_id) == (Outcome.APPLIED, "request-2")
    assert bench.aws.log == ["read", "ok", "read"]
    assert bench.aws.document == WANTED


async def test_what_is_there_already_is_not_written(bench: Bench) -> None:
    """Another run was faster: nothing to do, no write."""
    bench.aws.document = WANTED
    written = await bench.writing.rules(bench.registry, rules())
    assert written.outcome is Outcome.UNCHANGED
    assert bench.aws.log == ["read"]


async def test_what_changed_since_the_plan_is_not_overwritten(bench: Bench) -> None:
    """Somebody else's document stays, and the error says so."""
    bench.aws.document = OTHER
    written = await bench.writing.rules(bench.registry, rules())
    assert written.outcome is Outcome.FAILED
    assert str(written.error) == (
        "PutReplicationConfiguration: conflict: it was changed by someone else after the plan "
        "was made, and is left as it is"
    )
    assert bench.aws.document == OTHER
    assert bench.aws.log == ["read"]


async def test_reads_that_lag_are_waited_for(bench: Bench) -> None:
    """300 ms of old answers after the write are no failure."""
    bench.aws.lag = 0.3
    written = await bench.writing.rules(bench.registry, rules())
    assert written.outcome is Outcome.APPLIED
    assert bench.aws.log == ["read", "ok", "read", "read", "read"]


async def test_reads_that_lag_for_good_do_not_count_as_applied(bench: Bench) -> None:
    """Written but never seen: failed, with what the reader has to know."""
    bench.aws.lag = 3600
    written = await bench.writing.rules(bench.registry, rules())
    assert written.outcome is Outcome.FAILED
    assert str(written.error) == (
        "PutReplicationConfiguration: conflict: it was written, but reads still show what was "
        "there before after 10 s"
    )


async def test_a_throttled_write_is_tried_again(bench: Bench) -> None:
    """Each further attempt looks first; the attempts are announced as events."""
    bench.aws.script = ["throttled", "throttled"]
    written = await bench.writing.rules(bench.registry, rules())
    assert written.outcome is Outcome.APPLIED
    assert bench.aws.log == ["read", "throttled", "read", "throttled", "read", "ok", "read"]
    retried = [event for event in bench.events if isinstance(event, CallRetried)]
    assert [(item.attempt, item.delay) for item in retried] == [(1, 0.25), (2, 0.5)]


async def test_somebody_who_writes_between_two_attempts_is_not_overwritten(bench: Bench) -> None:
    """While the write was throttled, another one went through."""
    bench.aws.script = ["throttled"]

    def meanwhile() -> None:
        bench.aws.document = OTHER

    bench.aws.before_write = meanwhile
    written = await bench.writing.rules(bench.registry, rules())
    assert written.error is not None
    assert written.error.kind is FaultKind.CONFLICT
    assert bench.aws.document == OTHER


async def test_a_lost_answer_is_cleared_up_by_reading(bench: Bench) -> None:
    """The write happened: it is found in place, and not written twice."""
    bench.aws.script = ["lost"]
    written = await bench.writing.rules(bench.registry, rules())
    assert (written.outcome, written.request_id) == (Outcome.APPLIED, None)
    assert bench.aws.log == ["read", "lost", "read", "read"]


async def test_a_dropped_write_is_written_again(bench: Bench) -> None:
    """Reads could lag, so it is looked for a while; then the next attempt does it, after a look
    of its own."""
    bench.aws.script = ["dropped"]
    written = await bench.writing.rules(bench.registry, rules())
    assert written.outcome is Outcome.APPLIED
    assert bench.aws.log == ["read", "dropped", *["read"] * 5, "read", "ok", "read"]


async def test_a_lost_answer_under_lagging_reads_is_not_written_twice(bench: Bench) -> None:
    """The first reads still show the old document; somebody else's next one must stay."""
    bench.aws.script = ["lost"]
    bench.aws.lag = 0.5
    written = await bench.writing.rules(bench.registry, rules())
    assert written.outcome is Outcome.APPLIED
    assert [call for call in bench.aws.log if call != "read"] == ["lost"]


async def test_a_service_that_adds_fields_to_what_it_was_given(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Overwriting unknown fields was allowed; the answer to the read-back has new ones again."""
    there = {"region": "eu-west-1", "registryId": "2" * 12}
    rule: JsonObject = {"destinations": [there], "deleteReplication": {"enabled": False}}
    echoed: JsonObject = {"rules": [rule]}
    put = bench.aws.put_replication

    async def echo(registry: Registry, document: JsonObject) -> str | None:
        request_id = await put(registry, document)
        bench.aws.document = echoed
        return str(request_id)

    monkeypatch.setattr(bench.aws, "put_replication", echo)
    written = await bench.writing.rules(bench.registry, rules())
    assert written.outcome is Outcome.APPLIED


async def test_what_no_code_foresaw_is_a_value(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A defect behind the port fails this registry only, and its text is not shown."""

    async def broken(registry: Registry) -> JsonObject:
        raise KeyError("secret")

    monkeypatch.setattr(bench.aws, "describe", broken)
    written = await bench.writing.rules(bench.registry, rules())
    assert str(written.error) == "PutReplicationConfiguration: internal: unforeseen KeyError"


async def test_a_defect_after_the_write_was_let_in_leaves_it_in_doubt(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have been sent: a report that says otherwise would have nobody look."""

    async def broken(registry: Registry, document: JsonObject) -> str | None:
        raise KeyError("secret")

    monkeypatch.setattr(bench.aws, "put_replication", broken)
    written = await bench.writing.rules(bench.registry, rules())
    assert (written.outcome, written.in_doubt) == (Outcome.FAILED, True)


async def test_the_last_attempt_is_confirmed_too(bench: Bench) -> None:
    """Every attempt was dropped but the last one, whose answer was lost: it counts."""
    bench.aws.script = ["dropped"] * 4 + ["lost"]
    written = await bench.writing.rules(bench.registry, rules())
    assert written.outcome is Outcome.APPLIED
    assert bench.aws.document == WANTED


async def test_a_write_that_never_arrives_fails_with_its_own_error(bench: Bench) -> None:
    """All attempts dropped: the network is to blame, and nothing was changed."""
    bench.aws.script = ["dropped"] * 5
    written = await bench.writing.rules(bench.registry, rules())
    assert written.outcome is Outcome.FAILED
    assert written.error is not None
    assert written.error.kind is FaultKind.NETWORK
    assert bench.aws.document == NONE


async def test_a_denied_write_fails_at_once(bench: Bench) -> None:
    """What cannot pass is not tried again."""
    bench.aws.script = ["denied"]
    written = await bench.writing.rules(bench.registry, rules())
    assert written.error is not None
    assert written.error.kind is FaultKind.ACCESS_DENIED
    assert bench.aws.log == ["read", "denied"]


async def test_after_a_stop_no_write_starts(bench: Bench) -> None:
    """The registry is left as it was, as cancelled."""
    bench.stop.interrupt()
    written = await bench.writing.rules(bench.registry, rules())
    assert written.outcome is Outcome.CANCELLED
    assert set(bench.aws.log) <= {"read"}


async def test_a_stop_lets_a_write_in_flight_finish(bench: Bench) -> None:
    """It is sent already: it is read back and counts."""
    bench.aws.before_write = bench.stop.interrupt
    bench.aws.lag = 0.3
    written = await bench.writing.rules(bench.registry, rules())
    assert written.outcome is Outcome.APPLIED


async def test_a_stop_gives_up_a_write_that_surely_did_not_happen(bench: Bench) -> None:
    """Throttled means not written: there is nothing in flight to wait for."""
    bench.aws.script = ["throttled"]
    bench.aws.before_write = bench.stop.interrupt
    written = await bench.writing.rules(bench.registry, rules())
    assert written.outcome is Outcome.CANCELLED
    assert bench.aws.document == NONE


async def test_a_stop_does_not_repeat_a_write_that_was_dropped(bench: Bench) -> None:
    """It is found out that it did not happen, and it is not sent again."""
    bench.aws.script = ["dropped"]
    bench.aws.before_write = bench.stop.interrupt
    written = await bench.writing.rules(bench.registry, rules())
    assert written.outcome is Outcome.CANCELLED
    assert [call for call in bench.aws.log if call != "read"] == ["dropped"]
    assert bench.aws.document == NONE


async def test_a_dropped_write_and_somebody_elses_document(bench: Bench) -> None:
    """Nobody is told that ours was written."""
    bench.aws.script = ["dropped"] * 5

    def meanwhile() -> None:
        if bench.aws.script == ["dropped"]:
            bench.aws.document = OTHER

    bench.aws.before_write = meanwhile
    written = await bench.writing.rules(bench.registry, rules())
    assert written.error is not None
    assert written.error.message == (
        "it was changed by someone else after the plan was made, and is left as it is"
    )


async def test_a_stop_settles_a_write_whose_answer_was_lost(bench: Bench) -> None:
    """Nobody knows whether it happened, so it is found out."""
    bench.aws.script = ["lost"]
    bench.aws.before_write = bench.stop.interrupt
    written = await bench.writing.rules(bench.registry, rules())
    assert written.outcome is Outcome.APPLIED


async def test_a_policy_is_deleted_when_nothing_is_left_of_it(bench: Bench) -> None:
    """No statement left: DeleteRegistryPolicy, and read back as gone."""
    bench.aws.policy = POLICY
    change = change_of(
        resource=Resource.REGISTRY_POLICY,
        reader=(OWNER, HERE),
        action=Action.DELETE,
        phase=Phase.WITHDRAWALS,
        before=POLICY,
        after=None,
    )
    written = await bench.writing.policy(bench.registry, change, ())
    assert written.outcome is Outcome.APPLIED
    assert bench.aws.policy is None


async def test_a_late_read_of_our_own_earlier_write_is_no_conflict(bench: Bench) -> None:
    """The second write of one policy in a run: reads may still show what the first replaced."""
    first: JsonObject = {**POLICY, "Id": "first"}
    second: JsonObject = {**POLICY, "Id": "second"}
    bench.aws.policy = POLICY
    bench.aws.lag = 0.5
    await bench.aws.put_policy(bench.registry, first)
    bench.aws.log.clear()
    change = change_of(
        resource=Resource.REGISTRY_POLICY,
        reader=(OWNER, HERE),
        action=Action.UPDATE,
        phase=Phase.WITHDRAWALS,
        before=first,
        after=second,
    )
    replaced = parse_policy(POLICY, OWNER, HERE)
    written = await bench.writing.policy(bench.registry, change, (replaced,))
    assert written.outcome is Outcome.APPLIED
    assert bench.aws.policy == second


@pytest.mark.parametrize("answer", ["lost", "dropped"])
async def test_a_late_read_of_an_earlier_document_says_nothing_of_a_lost_answer(
    bench: Bench, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second write of a run to the same rules: the first reads after it show what was there
    before both. That is nobody else's work."""
    describe = bench.aws.describe
    late = [OTHER] * 3

    async def show(registry: Registry) -> JsonObject:
        shown: JsonObject = await describe(registry)
        if answer in bench.aws.log and late:
            return {**shown, "replicationConfiguration": late.pop()}
        return shown

    monkeypatch.setattr(bench.aws, "describe", show)
    bench.aws.script = [answer]
    written = await bench.writing.rules(bench.registry, rules(), (parse_document(OTHER),))
    assert (written.outcome, written.error) == (Outcome.APPLIED, None)
    assert bench.aws.document == WANTED
    assert bench.aws.log.count("ok") == (answer == "dropped")


@pytest.mark.parametrize("rest", [["denied"], ["throttled", "denied"]])
async def test_an_earlier_lost_answer_is_not_forgotten(bench: Bench, rest: list[str]) -> None:
    """However the later attempts end, the first may have arrived: it is looked for, and stays in
    doubt as long as nothing shows."""
    bench.aws.script = ["dropped", *rest]
    written = await bench.writing.rules(bench.registry, rules())
    assert (written.outcome, written.in_doubt) == (Outcome.FAILED, True)
    assert bench.aws.log[-9:] == ["read"] * 9


async def test_an_earlier_lost_answer_that_shows_late(bench: Bench) -> None:
    """The write had arrived, and every look before the next attempt showed the old document."""
    bench.aws.script = ["lost", "denied"]
    bench.aws.lag = 3
    written = await bench.writing.rules(bench.registry, rules())
    assert written.outcome is Outcome.APPLIED
    assert bench.aws.document == WANTED


async def test_nobody_knows_what_is_in_place_after_reads_that_lag_for_good(bench: Bench) -> None:
    """The last read is not believed: what it shows is what the write has replaced."""
    bench.aws.lag = 3600
    written = await bench.writing.rules(bench.registry, rules())
    assert (written.found, written.in_doubt) == (None, True)


async def test_a_write_that_cannot_be_read_back_is_in_doubt(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS took it, but whether it is in place nobody has seen: it does not count as unwritten."""
    describe = bench.aws.describe

    async def until_written(registry: Registry) -> JsonObject:
        if "ok" in bench.aws.log:
            fault = Fault(kind=FaultKind.ACCESS_DENIED, operation="DescribeRegistry", message="no")
            raise CallError(fault, transient=False)
        document: JsonObject = await describe(registry)
        return document

    monkeypatch.setattr(bench.aws, "describe", until_written)
    written = await bench.writing.rules(bench.registry, rules())
    assert (written.outcome, written.found, written.in_doubt) == (Outcome.FAILED, None, True)
    assert written.request_id is not None
    assert "could not be read back" in str(written.error)


async def test_a_late_read_before_a_write_is_waited_for(bench: Bench) -> None:
    """It shows what this run has replaced, which is neither there nor somebody else's."""
    first: JsonObject = {**POLICY, "Id": "first"}
    bench.aws.policy = POLICY
    bench.aws.lag = 4
    await bench.aws.put_policy(bench.registry, first)
    bench.aws.log.clear()
    change = change_of(
        resource=Resource.REGISTRY_POLICY,
        reader=(OWNER, HERE),
        action=Action.UPDATE,
        phase=Phase.WITHDRAWALS,
        before=first,
        after=POLICY,
    )
    replaced = parse_policy(POLICY, OWNER, HERE)
    written = await bench.writing.policy(bench.registry, change, (replaced,))
    assert written.outcome is Outcome.APPLIED
    assert "ok" in bench.aws.log
