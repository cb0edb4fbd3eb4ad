"""Drift: told apart by what the last run left, never by how a document is spelled."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.support.changes import change_of, ended_change
from tests.support.clock import NOON
from tests.support.registries import registry_of

from fleet_repl.ecr.policy import PolicyDocument
from fleet_repl.ecr.rules import parse_stored_rules
from fleet_repl.planning.attribution import Moved, Mover
from fleet_repl.planning.change import Action, Change, Phase, Resource
from fleet_repl.planning.plan import RegistryPlan, State
from fleet_repl.runs import fingerprints as digests
from fleet_repl.runs.drift import attributed, moved, sentence
from fleet_repl.runs.fingerprints import fingerprinted
from fleet_repl.runs.history import Fingerprint
from fleet_repl.runs.outcomes import Outcome, RegistryOutcome
from fleet_repl.values.canonical_json import JsonObject

HUB = registry_of("1")
SPOKE = {"region": "eu-west-1", "registryId": "222222222222"}
OTHER = {"region": "eu-west-1", "registryId": "333333333333"}
RULES = Resource.REPLICATION_CONFIGURATION
POLICY = Resource.REGISTRY_POLICY
TEMPLATE = Resource.CREATION_TEMPLATE
ONE: JsonObject = {"rules": [{"destinations": [SPOKE, OTHER]}]}
TWO: JsonObject = {"rules": [{"destinations": [OTHER]}, {"destinations": [SPOKE]}]}
PULL = {"Sid": "Pull", "Effect": "Allow", "Principal": "*", "Action": "a", "Resource": "*"}
PUSH = {"Sid": "Push", "Effect": "Allow", "Principal": "*", "Action": ["b", "c"], "Resource": "*"}


def rules_digest(document: JsonObject | None) -> str:
    return digests.rules_digest(parse_stored_rules(document))


def policy_digest(document: JsonObject | None) -> str:
    return digests.policy_digest(PolicyDocument(document=document))


def changing(*changes: Change) -> RegistryPlan:
    state = State.CHANGED if changes else State.UNCHANGED
    return RegistryPlan(registry=HUB, name="hub", state=state, changes=changes)


def change(
    resource: Resource, before: JsonObject | None, after: JsonObject | None = None
) -> Change:
    return change_of(
        resource=resource, action=Action.UPDATE, phase=Phase.RULES, before=before, after=after
    )


def left(rules: JsonObject | None = None, policy: Any = ...) -> Fingerprint:
    return Fingerprint(
        run_id="r1",
        at=NOON,
        inventory="sha256:1",
        rules=None if rules is None else rules_digest(rules),
        policy=None if policy is ... else policy_digest(policy),
    )


def test_equal_meaning_is_one_digest() -> None:
    """Rules in another grouping, statements in another order, a list of one."""
    assert rules_digest(ONE) == rules_digest(TWO)
    assert rules_digest(None) == rules_digest({"rules": []})
    assert policy_digest({"Statement": [PULL, PUSH]}) == policy_digest(
        {"Statement": [{**PUSH, "Action": ["c", "b"]}, {**PULL, "Action": ["a"]}]}
    )
    assert len(rules_digest(ONE)) == len(policy_digest(None)) == 16


@pytest.mark.parametrize(
    "other",
    [
        {"rules": []},
        {"rules": [{"destinations": [SPOKE]}]},
        {"rules": [{"destinations": [SPOKE, OTHER], "deleteReplication": {"enabled": True}}]},
        {"rules": [{"destinations": [SPOKE, OTHER], "throttle": 1}]},
        {"rules": [{"destinations": [SPOKE, OTHER]}], "mode": "new"},
    ],
)
def test_another_meaning_is_another_digest(other: JsonObject) -> None:
    """Links, deletions, and whatever is not known here."""
    assert rules_digest(other) != rules_digest(ONE)


def test_no_policy_is_not_an_empty_one() -> None:
    """ECR tells one from the other, and so does a plan."""
    policies: tuple[JsonObject | None, ...] = (None, {}, {"Statement": []}, {"Statement": [PULL]})
    assert len(set(map(policy_digest, policies))) == 4


def test_the_fleet_has_moved() -> None:
    """What is in place is not what the run left: one resource is enough."""
    plan = changing(change(POLICY, None), change(RULES, {"rules": []}))
    cause = Moved(by=Mover.FLEET, run_id="r1", at=NOON)
    assert moved(plan, left(ONE, None)) == cause
    assert moved(plan, left({"rules": []}, {"Statement": []})) == cause


def test_the_inventory_has_moved() -> None:
    """All is as it was left, however it is spelled, and has to change all the same."""
    plan = changing(change(POLICY, None), change(RULES, TWO))
    cause = Moved(by=Mover.INVENTORY, run_id="r1", at=NOON)
    assert moved(plan, left(ONE, None)) == cause
    assert moved(plan, left(ONE)) == cause


def test_later_writes_of_a_plan_say_nothing() -> None:
    """A policy that is written twice: what the second write expects is this plan's own."""
    plan = changing(change(POLICY, None), change(POLICY, {"Statement": [PULL]}))
    cause = moved(plan, left(policy=None))
    assert cause is not None
    assert cause.by is Mover.INVENTORY


@pytest.mark.parametrize("fingerprint", [None, left(policy={"Statement": []})])
def test_nobody_knows(fingerprint: Fingerprint | None) -> None:
    """No run has written what differs."""
    plan = changing(change(RULES, ONE), change(TEMPLATE, None))
    assert moved(plan, fingerprint) == Moved(by=Mover.UNKNOWN)


def test_only_what_changes_has_a_reason() -> None:
    """The other registries of a plan are as they were."""
    fine, drifted = changing(), changing(change(RULES, ONE))
    assert moved(fine, left(ONE)) is None
    assert attributed((fine, drifted), {HUB: left(ONE)}) == (
        fine,
        replace(drifted, moved=Moved(by=Mover.INVENTORY, run_id="r1", at=NOON)),
    )


@pytest.mark.parametrize(
    ("by", "words"),
    [
        (Mover.FLEET, "changed outside: last applied by run r1 on 2026-11-23 12:00 UTC"),
        (
            Mover.INVENTORY,
            (
                "the inventory asks for something else than was applied by run r1 on "
                "2026-11-23 12:00 UTC"
            ),
        ),
        (Mover.UNKNOWN, "no remembered run has written what differs"),
    ],
)
def test_each_reason_is_a_sentence(by: Mover, words: str) -> None:
    """For people."""
    assert sentence(Moved(by=by, run_id="r1", at=NOON)) == words


def outcome(*changes: tuple[Resource, Outcome, JsonObject | None, bool]) -> RegistryOutcome:
    return RegistryOutcome(
        registry=HUB,
        name="hub",
        outcome=max((kind for _, kind, _, _ in changes), key=lambda kind: kind is Outcome.FAILED),
        changes=tuple(
            ended_change(
                resource=resource,
                action=Action.UPDATE,
                outcome=outcome,
                before=None,
                after=after,
                in_doubt=in_doubt,
            )
            for resource, outcome, after, in_doubt in changes
        ),
    )


LATER = NOON + timedelta(days=1)


def after_run(old: Fingerprint | None, outcome: RegistryOutcome) -> Fingerprint | None:
    """The hub's fingerprint after a run that ended so."""
    fingerprints = fingerprinted(
        {HUB: old} if old is not None else {},
        [outcome],
        run_id="r2",
        at=LATER,
        inventory_digest="i2",
    )
    return fingerprints.get(HUB)


def test_a_run_leaves_what_it_wrote_last() -> None:
    """Of a policy that was written twice the second; what it did not write is as it was."""
    last: JsonObject = {"Statement": [PUSH]}
    written = outcome(
        (POLICY, Outcome.APPLIED, {"Statement": [PULL]}, False),
        (POLICY, Outcome.APPLIED, last, False),
    )
    assert after_run(left(ONE), written) == Fingerprint(
        run_id="r2",
        at=LATER,
        inventory="i2",
        rules=rules_digest(ONE),
        policy=policy_digest(last),
    )


@pytest.mark.parametrize("kind", [Outcome.FAILED, Outcome.SKIPPED, Outcome.UNCHANGED])
def test_what_was_not_written_leaves_no_trace(kind: Outcome) -> None:
    """A write that surely has not happened, and one that was not needed."""
    assert after_run(left(ONE), outcome((RULES, kind, TWO, False))) == left(ONE)
    assert after_run(None, outcome((RULES, kind, TWO, False))) is None
    assert after_run(None, outcome((TEMPLATE, kind, {"prefix": "a"}, False))) is None


def test_templates_alone_have_a_reason() -> None:
    """By their meaning: a slash at the end of a prefix, and a key that ECR has named where only KMS
    was asked for, are no difference. Rules that are as they were left do not hide them."""
    kms: JsonObject = {"prefix": "a/", "encryptionConfiguration": {"encryptionType": "KMS"}}
    other: JsonObject = {"prefix": "b", "appliedFor": ["REPLICATION"]}
    named: JsonObject = {
        "prefix": "a",
        "encryptionConfiguration": {"encryptionType": "KMS", "kmsKey": "arn:1"},
    }
    written = outcome(
        (TEMPLATE, Outcome.APPLIED, kms, False), (TEMPLATE, Outcome.APPLIED, other, False)
    )
    known = after_run(left(ONE), written)
    assert known is not None
    assert (known.run_id, known.rules, set(known.templates)) == (
        "r2",
        rules_digest(ONE),
        {"a", "b"},
    )

    def mover(*changes: Change) -> Mover:
        cause = moved(changing(*changes), known)
        assert cause is not None
        return cause.by

    wanted: JsonObject = {"prefix": "a", "description": "new"}
    assert mover(change(TEMPLATE, named, wanted)) is Mover.INVENTORY
    assert mover(change(TEMPLATE, {**named, "description": "x"}, wanted)) is Mover.FLEET
    assert mover(change(TEMPLATE, None, other)) is Mover.FLEET
    assert mover(change(RULES, ONE), change(TEMPLATE, None, other)) is Mover.FLEET
    assert mover(change(TEMPLATE, None, {"prefix": "c"})) is Mover.UNKNOWN


def test_templates_of_a_run_that_were_deleted_or_are_in_doubt() -> None:
    """That there is none is known, too; of a write in doubt nothing is."""
    gone = change_of(
        resource=TEMPLATE,
        action=Action.DELETE,
        phase=Phase.RULES,
        before={"prefix": "a"},
        after=None,
    )
    deleted = replace(
        outcome((TEMPLATE, Outcome.APPLIED, {"prefix": "a"}, False)),
        changes=(
            ended_change(
                resource=TEMPLATE,
                action=Action.DELETE,
                outcome=Outcome.APPLIED,
                before={"prefix": "a"},
                after=None,
                in_doubt=False,
            ),
        ),
    )
    known = after_run(None, deleted)
    assert known is not None
    back = changing(change(TEMPLATE, {"prefix": "a"}, None))
    assert moved(back, known) == Moved(by=Mover.FLEET, run_id="r2", at=LATER)
    assert moved(changing(gone), None) == Moved(by=Mover.UNKNOWN)
    assert after_run(known, outcome((TEMPLATE, Outcome.FAILED, {"prefix": "a"}, True))) is None


def test_a_write_in_doubt_takes_its_trace_away() -> None:
    """Nobody knows what is there now, so nobody is blamed for it; the rest is as it was left."""
    doubt = outcome((RULES, Outcome.FAILED, TWO, True))
    assert after_run(left(ONE), doubt) is None
    assert after_run(left(ONE, None), doubt) == replace(left(ONE, None), rules=None)
    mixed = outcome((POLICY, Outcome.APPLIED, {}, False), (RULES, Outcome.FAILED, TWO, True))
    assert after_run(left(ONE), mixed) == Fingerprint(
        run_id="r2", at=LATER, inventory="i2", policy=policy_digest({}), whole=False
    )


def test_a_deleted_policy_leaves_a_trace() -> None:
    """That there is none is known, too."""
    fingerprint = after_run(None, outcome((POLICY, Outcome.APPLIED, None, False)))
    assert fingerprint is not None
    assert fingerprint.policy == policy_digest(None)


def test_others_keep_their_traces() -> None:
    """A run says nothing of registries that it did not write."""
    other = registry_of("9")
    fingerprints = {other: left(ONE)}
    assert (
        fingerprinted(fingerprints, [], run_id="r2", at=LATER, inventory_digest="i") == fingerprints
    )
