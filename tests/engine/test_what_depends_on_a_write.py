"""What a write that failed, was refused or is in doubt means for those that count on it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from tests.support.desired import desired_of
from tests.support.engine import SmallFleet
from tests.support.links import make_link, rules_for
from tests.support.registries import registry_of

from fleet_repl.ecr.policy import CREATE_REPOSITORY, REPLICATE_IMAGE, grants_for, statements_for
from fleet_repl.ecr.rules import document_of, parse_document
from fleet_repl.engine.earlier_writes import FoundRules
from fleet_repl.planning.change import Phase, Resource
from fleet_repl.planning.plan import Plan
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import CallError, Fault, FaultKind
from fleet_repl.values.names import Registry

HUB, A, B = map(registry_of, "123")
ACTIONS = (REPLICATE_IMAGE, CREATE_REPOSITORY)
REFUSED = Fault(kind=FaultKind.UNKNOWN_FIELDS, operation="DescribeRegistry", message="no")


def linked(fleet: SmallFleet, *sources: Registry) -> None:
    """Links to the hub, and its grants."""
    for source in sources:
        fleet.rules[source] = document_of(rules_for({HUB: ("",)}))
    grants = [grant for source in sources for grant in grants_for(source.account, ("",), ACTIONS)]
    statements = statements_for(grants, fleet.owner, HUB)
    fleet.policies[HUB] = {"Version": "2012-10-17", "Statement": statements}


def changed(plan: Plan, registry: Registry, **members: Any) -> Plan:
    return replace(
        plan,
        registries=tuple(
            replace(item, **members) if item.registry == registry else item
            for item in plan.registries
        ),
    )


def lagging(fleet: Any, registry: Registry) -> None:
    """Reads of the rules never show what was written."""
    describe, before = fleet.describe, fleet.rules.get(registry, {"rules": []})

    async def late(asked: Registry) -> JsonObject:
        if asked == registry:
            return {"registryId": asked.account, "replicationConfiguration": before}
        return await describe(asked)  # type: ignore[no-any-return]

    fleet.describe = late


async def test_a_source_that_is_not_in_the_run_keeps_its_grant(fleet: SmallFleet) -> None:
    """Nothing of it failed, because nothing was tried: its rules are as they were."""
    linked(fleet, A)
    desired = desired_of([], [HUB, A])
    plan = fleet.plan(desired)
    alone = replace(
        plan, registries=tuple(registry for registry in plan.registries if registry.registry == HUB)
    )
    outcomes = await fleet.apply(alone, desired)
    assert (fleet.written, outcomes[HUB].outcome) == ([], Outcome.SKIPPED)
    assert outcomes[HUB].because == (
        f"the rules of {A} were not written and may still use its grants"
    )


async def test_a_source_whose_rules_are_refused_keeps_its_grant(fleet: SmallFleet) -> None:
    """A refused change is not a written one."""
    linked(fleet, A)
    desired = desired_of([], [HUB, A])
    refused = {Resource.REPLICATION_CONFIGURATION: REFUSED}
    plan = changed(fleet.plan(desired), A, refused=refused, error=REFUSED)
    outcomes = await fleet.apply(plan, desired)
    assert (fleet.written, outcomes[HUB].outcome) == ([], Outcome.SKIPPED)
    assert [change.outcome for change in outcomes[A].changes] == [Outcome.FAILED]


async def test_a_source_in_doubt_is_not_called_unwritten(fleet: SmallFleet) -> None:
    """Its rules may be in place, and nobody is told that they are not."""
    linked(fleet, A, B)
    desired = desired_of([], [HUB, A, B])
    lagging(fleet, A)
    fleet.denied = {("rules", B)}
    outcomes = await fleet.apply(fleet.plan(desired), desired)
    assert outcomes[HUB].because == (
        f"the rules of {B} were not written and may still use its grants; it is not known whether "
        f"the rules of {A} were written; they may still use its grants"
    )
    assert outcomes[HUB].outcome is Outcome.SKIPPED


async def test_a_policy_in_doubt_is_not_called_unwritten(
    fleet: SmallFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Links into it are held, because nobody knows what it grants; its later change is left."""
    linked(fleet, A)
    desired = desired_of(
        [make_link(source=B, destination=HUB, prefixes=("",), routes=("r",))], [HUB, A, B]
    )
    plan = fleet.plan(desired)
    assert [change.phase for change in plan.registries[0].changes] == [
        Phase.GRANTS,
        Phase.WITHDRAWALS,
    ]
    before = fleet.policies[HUB]

    async def late(registry: Registry) -> JsonObject | None:
        return before if registry == HUB else None

    monkeypatch.setattr(fleet, "read_policy", late)
    outcomes = await fleet.apply(plan, desired)
    assert [item.because for item in outcomes[B].held] == [
        f"{HUB}: it is not known whether its registry policy was written (conflict)"
    ]
    assert outcomes[HUB].because == (
        "it is not known whether an earlier change of its registry policy was written"
    )


async def test_an_interruption_does_not_call_a_lost_write_unstarted(
    fleet: SmallFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer was lost and the run ended before anybody could tell."""
    desired = desired_of(
        [make_link(source=A, destination=HUB, prefixes=("",), routes=("r",))],
        [HUB, A],
        manages_grants=False,
    )

    async def lost(registry: Registry, document: JsonObject) -> str | None:
        fleet.stop.interrupt()
        fault = Fault(kind=FaultKind.NETWORK, operation="Put", message="reset")
        raise CallError(fault, transient=True, uncertain=True)

    monkeypatch.setattr(fleet, "put_replication", lost)
    outcomes = await fleet.apply(fleet.plan(desired), desired)
    assert outcomes[A].because == "interrupted; it is not known whether it was written"


async def test_a_new_deny_holds_the_links_that_it_hits(fleet: SmallFleet) -> None:
    """It came between plan and write, and is kept; what our grants allow it denies."""
    desired = desired_of(
        [make_link(source=A, destination=HUB, prefixes=("",), routes=("r",))], [HUB, A]
    )
    plan = fleet.plan(desired)
    deny: JsonObject = {
        "Sid": "Shut",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "ecr:*",
        "Resource": "*",
    }
    fleet.policies[HUB] = {"Version": "2012-10-17", "Statement": [deny]}
    outcomes = await fleet.apply(plan, desired)
    assert outcomes[HUB].outcome is Outcome.APPLIED
    assert fleet.granted(HUB) == {(A.account, "")}
    assert [item.because for item in outcomes[A].held] == [
        f"{HUB}: its registry policy has been changed since the plan was made"
    ]
    assert fleet.rules.get(A) is None


def shared(*rules: JsonObject) -> FoundRules:
    return FoundRules(parse_document({"rules": list(rules)}), shared=True)


WIDE: JsonObject = {"destinations": [{"region": "eu-west-1", "registryId": "2" * 12}]}
NARROW: JsonObject = {
    **WIDE,
    "repositoryFilters": [{"filter": "aa/", "filterType": "PREFIX_MATCH"}],
}


@pytest.mark.parametrize("compare", ["same_as", "shows"])
def test_a_rule_of_others_that_means_nothing_beside_ours_is_missed(compare: str) -> None:
    """Before a write and after it: where rules are shared, each of them counts; where they are
    the fleet's alone, only what they mean together."""
    both, ours = shared(WIDE, NARROW), shared(WIDE)
    assert not getattr(ours, compare)(both)
    assert not getattr(both, compare)(ours)
    assert getattr(both, compare)(shared(NARROW, WIDE))
    alone = replace(both, shared=False), replace(ours, shared=False)
    assert getattr(alone[0], compare)(alone[1])


@pytest.mark.parametrize("compare", ["same_as", "shows"])
def test_the_order_of_destinations_says_nothing(compare: str) -> None:
    """Of a shared rule neither, nor how filters are listed."""
    ends = [{"region": "eu-west-1", "registryId": digit * 12} for digit in "23"]
    first, second = shared({"destinations": ends}), shared({"destinations": ends[::-1]})
    assert getattr(first, compare)(second)


async def test_what_a_write_took_is_its_own_time(
    fleet: SmallFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whenever in the run it began, and whatever else was asked of the registry before."""
    desired = desired_of(
        [make_link(source=A, destination=HUB, prefixes=("",), routes=("r",))],
        [HUB, A],
        manages_grants=False,
    )
    put, calls = fleet.put_replication, Counter({A: 7})

    async def slow(registry: Registry, document: JsonObject) -> str | None:
        fleet.clock.seconds += 2.5
        calls[registry] += 1
        return await put(registry, document)

    monkeypatch.setattr(fleet, "put_replication", slow)
    monkeypatch.setattr(fleet, "attempts", calls.__getitem__)
    fleet.clock.seconds = 100
    outcomes = await fleet.apply(fleet.plan(desired), desired)
    assert (outcomes[A].duration_ms, outcomes[A].attempts) == (2500, 1)
    assert (outcomes[HUB].duration_ms, outcomes[HUB].attempts) == (0, 0)
