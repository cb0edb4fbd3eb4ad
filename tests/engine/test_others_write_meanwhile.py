"""Others change their part of a document while a plan is carried out: neither side loses any."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import anyio
import pytest
from tests.support.changes import change_of
from tests.support.engine import Bench
from tests.support.registries import registry_of

from fleet_repl.ecr.policy import Grant, Owner, actions_for, compose, parse_policy, policy_size
from fleet_repl.inventory import Limits
from fleet_repl.planning.change import Action, Change, Phase, Resource
from fleet_repl.planning.ownership import OurPart
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import FaultKind
from fleet_repl.values.names import AccountId, Partition, Registry

OWNER = Owner(fleet="prod", partition=Partition.AWS)
RIVAL = Owner(fleet="other", partition=Partition.AWS)
HERE = registry_of("1")
ACTIONS = actions_for(create_repositories=True)


def end(account: str) -> Registry:
    return registry_of(account)


def rule(account: str, prefix: str = "") -> JsonObject:
    there = {"region": "eu-west-1", "registryId": account * 12}
    filters = [{"filter": prefix, "filterType": "PREFIX_MATCH"}]
    return {"destinations": [there], **({"repositoryFilters": filters} if prefix else {})}


def rules(*listed: JsonObject) -> JsonObject:
    return {"rules": list(listed)}


def granting(document: JsonObject | None, owner: Owner, *sources: str) -> JsonObject | None:
    """A policy in which a fleet lets in exactly these accounts."""
    grants = [Grant(AccountId(source * 12), "", action) for source in sources for action in ACTIONS]
    return compose(parse_policy(document, owner, HERE), grants, owner, HERE).document


def granted(document: JsonObject | None, owner: Owner) -> set[str]:
    return {grant.source[0] for grant in parse_policy(document, owner, HERE).grants}


def rules_change(before: JsonObject, after: JsonObject) -> Change:
    return change_of(
        resource=Resource.REPLICATION_CONFIGURATION,
        action=Action.UPDATE,
        phase=Phase.RULES,
        before=before,
        after=after,
    )


def policy_change(before: JsonObject | None, after: JsonObject | None) -> Change:
    return change_of(
        resource=Resource.REGISTRY_POLICY,
        reader=(OWNER, HERE),
        action=Action.UPDATE,
        phase=Phase.GRANTS,
        before=before,
        after=after,
    )


OURS = OurPart(owned={end("2"): ("",)}, links={end("2"): ("",)})
CHANGE = rules_change(rules(rule("8")), rules(rule("8"), rule("2")))


async def test_another_fleets_rule_is_kept_beside_ours(bench: Bench) -> None:
    """It came after the plan: it stays, ours comes, and the journal has both documents as sent."""
    bench.aws.document = rules(rule("8"), rule("9"))
    written = await bench.writing.rules(bench.registry, CHANGE, sharing=OURS)
    assert written.outcome is Outcome.APPLIED
    assert bench.aws.document == rules(rule("8"), rule("9"), rule("2"))
    assert bench.gate.log == ["admit", "settled failed", "admit", "settled applied"]
    sent = bench.gate.sent[1]
    assert (sent.before.document, sent.after.document) == (
        rules(rule("8"), rule("9")),
        bench.aws.document,
    )
    assert written.write is not None
    assert written.write.guarded.change == sent
    assert [item.in_doubt for item in bench.gate.ended] == [False, False]


@pytest.mark.parametrize(
    "there",
    [
        rules(rule("8"), rule("2", "aa/")),
        rules(rule("8"), rule("9"), {**rule("2", "aa/"), "deleteReplication": {"enabled": True}}),
        rules(rule("8"), {**rule("9"), "surprise": 1}),
        rules(rule("8"), {"destinations": []}),
        rules(rule("8"), *(rule("9", f"p{nth}/") for nth in range(24))),
    ],
    ids=["our link", "our link's deletions", "an unknown field", "no meaning", "too many"],
)
async def test_what_has_to_do_with_ours_is_left_for_another_plan(
    bench: Bench, there: JsonObject
) -> None:
    """Nothing is written, and the conflict leaves no doubt."""
    bench.aws.document = there
    written = await bench.writing.rules(bench.registry, CHANGE, sharing=OURS)
    assert (written.outcome, written.in_doubt) == (Outcome.FAILED, False)
    assert written.error is not None
    assert written.error.kind is FaultKind.CONFLICT
    assert bench.aws.document == there
    assert set(bench.aws.log) == {"read"}


async def test_a_rule_that_ours_counted_on_has_gone(bench: Bench) -> None:
    """What it carried for us nobody would carry: only a new plan can say so."""
    change = rules_change(rules(rule("2"), rule("8")), rules(rule("2"), rule("8"), rule("3")))
    ours = OurPart(owned={end("3"): ("",)}, links={end("2"): ("",), end("3"): ("",)})
    bench.aws.document = rules(rule("8"))
    written = await bench.writing.rules(bench.registry, change, sharing=ours)
    assert written.outcome is Outcome.FAILED
    assert bench.aws.document == rules(rule("8"))


async def test_rules_that_are_the_fleets_alone_are_never_merged(bench: Bench) -> None:
    """A stranger's rule is for the plan to object to."""
    bench.aws.document = rules(rule("8"), rule("9"))
    written = await bench.writing.rules(bench.registry, CHANGE)
    assert written.error is not None
    assert written.error.kind is FaultKind.CONFLICT
    assert bench.aws.document == rules(rule("8"), rule("9"))


async def test_our_own_rule_has_changed(bench: Bench) -> None:
    """Somebody narrowed what the write was to take away: left as it is."""
    change = rules_change(rules(rule("2"), rule("8")), rules(rule("8"), rule("3")))
    ours = OurPart(owned={end("3"): ("",)}, links={end("3"): ("",)})
    bench.aws.document = rules(rule("2", "aa/"), rule("8"))
    written = await bench.writing.rules(bench.registry, change, sharing=ours)
    assert written.error is not None
    assert written.error.kind is FaultKind.CONFLICT
    assert bench.aws.document == rules(rule("2", "aa/"), rule("8"))


async def test_a_lagging_read_is_not_merged_with(bench: Bench) -> None:
    """It shows what was there before the plan's own read: a write on top of it would bring that
    back."""
    bench.aws.document = rules(rule("7"))
    bench.aws.lag = 2
    await bench.aws.put_replication(bench.registry, rules(rule("8")))
    written = await bench.writing.rules(bench.registry, CHANGE, sharing=OURS)
    assert written.outcome is Outcome.APPLIED
    assert bench.aws.document == CHANGE.after.document
    assert bench.gate.log == ["admit", "settled applied"]


async def test_another_fleet_overwrites_ours_right_after_the_write(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had read before: ours is put once more, on top of what it has made."""

    async def overwriting(registry: Registry, document: JsonObject) -> str | None:
        monkeypatch.setattr(bench.aws, "put_replication", put)
        request_id = await put(registry, document)
        bench.aws.document = rules(rule("8"), rule("9"))
        return str(request_id)

    put = bench.aws.put_replication
    monkeypatch.setattr(bench.aws, "put_replication", overwriting)
    bench.aws.document = rules(rule("8"))
    written = await bench.writing.rules(bench.registry, CHANGE, sharing=OURS)
    assert written.outcome is Outcome.APPLIED
    assert bench.aws.document == rules(rule("8"), rule("9"), rule("2"))
    assert bench.gate.log == ["admit", "settled failed", "admit", "settled applied"]
    assert bench.gate.ended[-2].in_doubt


async def test_a_rival_that_never_ends(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """After some times it is a conflict, and what was written in between stays in doubt."""
    put, count = bench.aws.put_replication, 0

    async def overwriting(registry: Registry, document: JsonObject) -> str | None:
        nonlocal count
        count += 1
        request_id = await put(registry, document)
        bench.aws.document = rules(rule("8"), rule("9", f"p{count}/"))
        return str(request_id)

    monkeypatch.setattr(bench.aws, "put_replication", overwriting)
    bench.aws.document = rules(rule("8"))
    written = await bench.writing.rules(bench.registry, CHANGE, sharing=OURS)
    assert (written.outcome, written.in_doubt, count) == (Outcome.FAILED, True, 4)
    assert bench.gate.log == ["admit", "settled failed"] * 4


async def test_somebody_else_adds_to_what_was_just_written(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ours is there: it counts, and is not written twice."""
    put = bench.aws.put_replication

    async def added(registry: Registry, document: JsonObject) -> str | None:
        request_id = await put(registry, document)
        written: Any = bench.aws.document
        bench.aws.document = rules(*written["rules"], rule("9"))
        return str(request_id)

    monkeypatch.setattr(bench.aws, "put_replication", added)
    bench.aws.document = rules(rule("8"))
    outcome = await bench.writing.rules(bench.registry, CHANGE, sharing=OURS)
    assert outcome.outcome is Outcome.APPLIED
    assert bench.aws.log.count("ok") == 1


async def test_two_fleets_grant_in_one_policy(bench: Bench) -> None:
    """The other one's statements came after the plan, into a policy that was not there."""
    bench.aws.policy = granting(None, RIVAL, "9")
    change = policy_change(None, granting(None, OWNER, "2"))
    written = await bench.writing.policy(bench.registry, change, ())
    assert written.outcome is Outcome.APPLIED
    assert granted(bench.aws.policy, OWNER) == {"2"}
    assert granted(bench.aws.policy, RIVAL) == {"9"}
    assert bench.gate.sent[1].before.document == granting(None, RIVAL, "9")


async def test_the_other_fleet_has_withdrawn_the_last_it_had(bench: Bench) -> None:
    """The policy is gone with it, and is made anew for ours."""
    before = granting(None, RIVAL, "9")
    bench.aws.policy = None
    change = policy_change(before, granting(before, OWNER, "2"))
    written = await bench.writing.policy(bench.registry, change, ())
    assert written.outcome is Outcome.APPLIED
    assert bench.gate.sent[1].action is Action.CREATE
    assert granted(bench.aws.policy, RIVAL) == set()


async def test_somebody_has_changed_our_statements(bench: Bench) -> None:
    """Not only others' content differs: a conflict."""
    before = granting(None, OWNER, "2", "3")
    bench.aws.policy = granting(None, OWNER, "2")
    change = policy_change(before, granting(before, OWNER, "3", "4"))
    written = await bench.writing.policy(bench.registry, change, ())
    assert written.error is not None
    assert written.error.kind is FaultKind.CONFLICT
    assert granted(bench.aws.policy, OWNER) == {"2"}


async def test_no_room_is_left_in_the_policy(bench: Bench) -> None:
    """What others have put there takes it: nothing is sent that ECR would refuse."""
    long: JsonObject = {"Sid": "Long", "Effect": "Deny", "Action": "x" * 10_000}
    bench.aws.policy = {"Version": "2012-10-17", "Statement": [long]}
    change = policy_change(None, granting(None, OWNER, "2"))
    written = await bench.writing.policy(bench.registry, change, ())
    assert written.error is not None
    assert written.error.kind is FaultKind.CONFLICT
    assert set(bench.aws.log) == {"read"}


@pytest.mark.parametrize(
    ("limits", "written"),
    [
        (Limits(rules=3, destinations=3), True),
        (Limits(rules=2, destinations=3), False),
        (Limits(rules=3, destinations=2), False),
    ],
)
async def test_both_fill_the_configuration(bench: Bench, limits: Limits, written: bool) -> None:
    """As much as ECR takes is written; what is more is left for another plan."""
    bench.aws.document = there = rules(rule("8"), rule("9"))
    writing = replace(bench.writing, limits=limits)
    outcome = await writing.rules(bench.registry, CHANGE, sharing=OURS)
    assert outcome.outcome is (Outcome.APPLIED if written else Outcome.FAILED)
    assert bench.aws.document == (rules(rule("8"), rule("9"), rule("2")) if written else there)


@pytest.mark.parametrize("short", [0, 1])
async def test_both_fill_the_policy(bench: Bench, short: int) -> None:
    """The same of its characters."""
    bench.aws.policy = there = granting(None, RIVAL, "9")
    both = policy_size(granting(there, OWNER, "2"))
    writing = replace(bench.writing, limits=Limits(policy_bytes=both - short))
    change = policy_change(None, granting(None, OWNER, "2"))
    written = await writing.policy(bench.registry, change, ())
    assert written.outcome is (Outcome.FAILED if short else Outcome.APPLIED)
    assert granted(bench.aws.policy, OWNER) == (set() if short else {"2"})


async def test_after_a_lost_answer_nothing_is_merged(bench: Bench) -> None:
    """The write may have arrived and been overwritten, or be on its way still: in doubt."""
    bench.aws.script = ["dropped"]
    bench.aws.document = rules(rule("8"))

    def rival() -> None:
        bench.aws.document = rules(rule("8"), rule("9"))

    bench.aws.before_write = rival
    written = await bench.writing.rules(bench.registry, CHANGE, sharing=OURS)
    assert (written.outcome, written.in_doubt) == (Outcome.FAILED, True)
    assert written.error is not None
    assert written.error.kind is FaultKind.CONFLICT
    assert bench.gate.log == ["admit", "settled failed"]


async def test_a_stop_between_two_tries_is_obeyed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The conflict is what it is; nothing new is begun."""
    bench.aws.document = rules(rule("8"), rule("9"))
    seen = bench.gate.note_end

    def ended_then_stopped(*arguments: Any) -> None:
        seen(*arguments)
        bench.stop.interrupt()

    monkeypatch.setattr(bench.gate, "note_end", ended_then_stopped)
    written = await bench.writing.rules(bench.registry, CHANGE, sharing=OURS)
    assert (written.outcome, written.in_doubt) == (Outcome.FAILED, False)
    assert bench.gate.log == ["admit", "settled failed"]


async def test_a_look_that_is_cut_short_is_no_failure(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interruption gives up the read before the write: nothing was sent."""

    async def hang(registry: Registry) -> JsonObject:
        bench.stop.interrupt()
        await anyio.sleep_forever()
        raise AssertionError

    monkeypatch.setattr(bench.aws, "describe", hang)
    written = await bench.writing.rules(bench.registry, CHANGE, sharing=OURS)
    assert (written.outcome, written.error, written.in_doubt) == (Outcome.CANCELLED, None, False)
    assert bench.aws.log == []


async def test_what_was_overwritten_stays_in_doubt(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However the next try ends: the first had been written."""
    bench.aws.script = ["ok", "denied"]
    bench.aws.document = rules(rule("8"))
    put = bench.aws.put_replication

    async def overwriting(registry: Registry, document: JsonObject) -> str | None:
        request_id = await put(registry, document)
        bench.aws.document = rules(rule("8"), rule("9"))
        return str(request_id)

    monkeypatch.setattr(bench.aws, "put_replication", overwriting)
    written = await bench.writing.rules(bench.registry, CHANGE, sharing=OURS)
    assert written.error is not None
    assert written.error.kind is FaultKind.ACCESS_DENIED
    assert written.in_doubt


async def test_what_this_run_has_replaced_is_never_merged_with(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reads after the write show an earlier document of this run for good: it is not written on
    top of that."""
    earlier, before = granting(None, RIVAL, "8"), granting(None, RIVAL, "9")
    bench.aws.policy = before
    change = policy_change(before, granting(before, OWNER, "2"))
    put = bench.aws.put_policy

    async def stale(registry: Registry, document: JsonObject) -> str | None:
        request_id = await put(registry, document)
        bench.aws.policy = earlier
        return str(request_id)

    monkeypatch.setattr(bench.aws, "put_policy", stale)
    written = await bench.writing.policy(
        bench.registry, change, (parse_policy(earlier, OWNER, HERE),)
    )
    assert (written.outcome, written.in_doubt) == (Outcome.FAILED, True)
    assert bench.aws.log.count("ok") == 1
