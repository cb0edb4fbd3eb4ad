"""A hub whose rules are written in several waves, as its receivers have their turn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.support.desired import desired_of
from tests.support.engine import SmallFleet
from tests.support.links import make_link, rules_for
from tests.support.registries import registry_of

from fleet_repl.ecr.policy import CREATE_REPOSITORY, REPLICATE_IMAGE, grants_for, statements_for
from fleet_repl.ecr.rules import Outgoing, document_of, parse_document
from fleet_repl.inventory import Amount, Selector, Wave
from fleet_repl.runs.events import WaveFinished
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.topology import REST, Waves
from fleet_repl.values.names import Region, Registry

HUB, A, B, C = map(registry_of, "1234")
ALL = (HUB, A, B, C)
ACTIONS = (REPLICATE_IMAGE, CREATE_REPOSITORY)
TOLERANT = tuple(
    Wave(name=name, select=Selector(), max_failures=Amount(count=9)) for name in ("canary", "early")
)


def wanting(*ends: Registry, additive: bool = False) -> Any:
    """Links from the hub; A has its turn first, then B, then everything else."""
    links = [
        make_link(source=HUB, destination=end, prefixes=("",), routes=("golden",)) for end in ends
    ]
    desired = desired_of(links, ALL, additive=[HUB.account] if additive else ())
    return replace(desired, waves=Waves(names=("canary", "early", REST), by_registry={A: 0, B: 1}))


def linked(fleet: SmallFleet, *ends: Registry) -> None:
    """What is in place: links from the hub, and their grants."""
    fleet.rules[HUB] = document_of(rules_for(dict.fromkeys(ends, ("",))))
    for end in ends:
        statements = statements_for(grants_for(HUB.account, ("",), ACTIONS), fleet.owner, end)
        fleet.policies[end] = {"Version": "2012-10-17", "Statement": statements}


def outgoing(fleet: SmallFleet) -> Outgoing:
    return parse_document(fleet.rules.get(HUB, {"rules": []})).outgoing


def rules_of(outcomes: Any) -> list[Outcome]:
    return [change.outcome for change in outcomes[HUB].changes]


async def test_each_wave_writes_the_links_to_its_receivers(fleet: SmallFleet) -> None:
    """A grant, then the rules with one link more, three times over."""
    desired = wanting(A, B, C)
    outcomes = await fleet.apply(fleet.plan(desired), desired)
    assert fleet.written == [
        (what, at) for end in (A, B, C) for what, at in (("policy", end), ("rules", HUB))
    ]
    assert {item.outcome for item in outcomes.values()} == {Outcome.APPLIED}
    assert outgoing(fleet) == dict.fromkeys((A, B, C), ("",))


async def test_links_go_in_the_wave_of_their_receiver(fleet: SmallFleet) -> None:
    """First from the rules, then from the policy."""
    linked(fleet, A, B, C)
    desired = wanting()
    outcomes = await fleet.apply(fleet.plan(desired), desired)
    assert fleet.written == [
        (what, at) for end in (A, B, C) for what, at in (("rules", HUB), ("policy", end))
    ]
    assert {item.outcome for item in outcomes.values()} == {Outcome.APPLIED}
    assert (outgoing(fleet), [fleet.granted(end) for end in (A, B, C)]) == ({}, [set()] * 3)


async def test_a_run_may_end_with_the_canary(fleet: SmallFleet) -> None:
    """The rest is skipped, and a new plan makes only that."""
    desired = wanting(A, B, C)
    outcomes = await fleet.apply(fleet.plan(desired), desired, until="canary")
    assert fleet.written == [("policy", A), ("rules", HUB)]
    assert rules_of(outcomes) == [Outcome.APPLIED, Outcome.SKIPPED, Outcome.SKIPPED]
    assert outcomes[HUB].outcome is Outcome.PARTIAL
    assert outgoing(fleet) == {A: ("",)}
    plan = fleet.plan(desired)
    assert [change.wave for _, change in plan.changes if _ == HUB] == ["early", REST]
    await fleet.apply(plan, desired)
    assert outgoing(fleet) == dict.fromkeys((A, B, C), ("",))
    assert fleet.plan(desired).changes == ()


@pytest.mark.parametrize("until", ["canary", "early", None])
@pytest.mark.parametrize("additive", [False, True])
async def test_a_plan_may_be_applied_again(
    fleet: SmallFleet, until: str | None, additive: bool
) -> None:
    """Its earlier writes find what a later one left: that is no conflict, whatever wave the first
    run ended with, and the second one writes only what is left."""
    linked(fleet, C)
    desired = wanting(A, B, additive=additive)
    plan = fleet.plan(desired)
    await fleet.apply(plan, desired, until=until)
    written = fleet.written.count(("rules", HUB))
    outcomes = await fleet.apply(plan, desired)
    total = sum(registry == HUB for registry, _ in plan.changes)
    assert fleet.written.count(("rules", HUB)) == total
    assert rules_of(outcomes) == [Outcome.UNCHANGED] * written + [Outcome.APPLIED] * (
        total - written
    )
    assert Outcome.FAILED not in {item.outcome for item in outcomes.values()}


@pytest.mark.parametrize("until", ["canary", "early"])
async def test_an_early_wave_of_a_plan_finds_it_done(fleet: SmallFleet, until: str) -> None:
    """The whole plan was carried out before."""
    desired = wanting(A, B, C)
    plan = fleet.plan(desired)
    await fleet.apply(plan, desired)
    done = list(fleet.written)
    outcomes = await fleet.apply(plan, desired, until=until)
    assert fleet.written == done
    assert rules_of(outcomes)[0] is Outcome.UNCHANGED


@pytest.mark.parametrize("until", ["canary", "early", None])
async def test_a_plan_is_applied_again_beside_what_others_made_since(
    fleet: SmallFleet, until: str | None
) -> None:
    """All of the plan was carried out, and then somebody added a rule: ours are as they shall be
    all the same, though the canary's write was to leave them in other rules."""
    linked(fleet, C)
    desired = wanting(A, B, additive=True)
    plan = fleet.plan(desired)
    await fleet.apply(plan, desired)
    elsewhere = A._replace(region=Region("us-east-1"))
    theirs: Any = document_of(rules_for({elsewhere: ("theirs/",)}))
    ours: Any = fleet.rules[HUB]
    fleet.rules[HUB] = {"rules": [*ours["rules"], *theirs["rules"]]}
    there, done = fleet.rules[HUB], list(fleet.written)
    outcomes = await fleet.apply(plan, desired, until=until)
    assert set(rules_of(outcomes)) <= {Outcome.UNCHANGED, Outcome.SKIPPED}
    assert rules_of(outcomes)[0] is Outcome.UNCHANGED
    assert (fleet.rules[HUB], fleet.written) == (there, done)


async def test_nothing_is_built_on_a_write_that_failed(fleet: SmallFleet) -> None:
    """The later writes of the rules are skipped and say why, and the grants that the links in
    place still use stay where they are."""
    linked(fleet, C)
    fleet.denied = {("rules", HUB)}
    desired = wanting(A, B)
    outcomes = await fleet.apply(fleet.plan(desired), desired, *TOLERANT)
    assert rules_of(outcomes) == [Outcome.FAILED, Outcome.SKIPPED, Outcome.SKIPPED]
    assert {change.because for change in outcomes[HUB].changes[1:]} == {
        "an earlier change of its rules was not written"
    }
    assert fleet.written == [("policy", A), ("policy", B)]
    assert outcomes[C].outcome is Outcome.SKIPPED
    assert outcomes[C].because == (
        f"the rules of {HUB} were not written and may still use its grants"
    )
    fleet.denied = set()
    await fleet.apply(fleet.plan(desired), desired)
    assert outgoing(fleet) == {A: ("",), B: ("",)}
    assert fleet.granted(C) == set()


async def test_nothing_is_built_on_a_write_that_is_overwritten(
    fleet: SmallFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody empties the rules before the canary's last look: nobody knows what is in place
    when the next wave begins, so that it writes none of them."""
    desired = wanting(A, B)
    put = fleet.put_replication

    async def put_and_lose(registry: Registry, document: Any) -> str | None:
        request: str | None = await put(registry, document)
        described = fleet.describe
        looks = 0

        async def describe(registry: Registry) -> Any:
            nonlocal looks
            looks += 1
            if looks == 2:
                fleet.rules[registry] = {"rules": []}
            return await described(registry)

        monkeypatch.setattr(fleet, "describe", describe)
        return request

    monkeypatch.setattr(fleet, "put_replication", put_and_lose)
    outcomes = await fleet.apply(fleet.plan(desired), desired, *TOLERANT)
    assert rules_of(outcomes) == [Outcome.FAILED, Outcome.SKIPPED]
    assert outcomes[HUB].changes[1].because == (
        "it is not known whether an earlier change of its rules was written"
    )


async def test_somebody_else_between_two_waves_is_a_conflict(fleet: SmallFleet) -> None:
    """The rules are not as the canary left them: nothing of them is overwritten."""
    desired = wanting(A, B, C)
    theirs = document_of(rules_for({A: ("theirs/",)}))

    def meddle(event: object) -> None:
        if isinstance(event, WaveFinished) and event.wave == "canary":
            fleet.rules[HUB] = theirs

    fleet.on_event = meddle
    outcomes = await fleet.apply(fleet.plan(desired), desired, *TOLERANT)
    assert rules_of(outcomes) == [Outcome.APPLIED, Outcome.FAILED, Outcome.SKIPPED]
    error = outcomes[HUB].error
    assert error is not None
    assert error.kind == "conflict"
    assert fleet.rules[HUB] == theirs


async def test_a_rule_that_somebody_else_adds_between_two_waves_stays(fleet: SmallFleet) -> None:
    """Where rules of others are welcome: each later write is made on top of it."""
    desired = wanting(A, B, C, additive=True)
    elsewhere = A._replace(region=Region("us-east-1"))
    theirs = document_of(rules_for({elsewhere: ("theirs/",)}))

    def meddle(event: object) -> None:
        if isinstance(event, WaveFinished) and event.wave == "canary":
            rules = fleet.rules[HUB]["rules"]
            fleet.rules[HUB] = {"rules": [*rules, *theirs["rules"]]}  # type: ignore[misc]

    fleet.on_event = meddle
    outcomes = await fleet.apply(fleet.plan(desired), desired)
    assert rules_of(outcomes) == [Outcome.APPLIED] * 3
    assert outgoing(fleet) == {elsewhere: ("theirs/",), **dict.fromkeys((A, B, C), ("",))}


async def test_a_link_that_is_held_in_its_wave_stays_out_of_later_writes(fleet: SmallFleet) -> None:
    """The canary's policy is denied, so that its rules would change nothing; the next wave's write
    is made on top of what is there, and names the link that is still missing."""
    fleet.denied = {("policy", A)}
    desired = wanting(A, B, C)
    outcomes = await fleet.apply(fleet.plan(desired), desired, *TOLERANT)
    assert rules_of(outcomes) == [Outcome.UNCHANGED, Outcome.APPLIED, Outcome.APPLIED]
    assert outgoing(fleet) == {B: ("",), C: ("",)}
    assert [link.destination for link in outcomes[HUB].held] == [A]
    fleet.denied = set()
    await fleet.apply(fleet.plan(desired), desired)
    assert outgoing(fleet) == dict.fromkeys((A, B, C), ("",))


async def test_a_link_that_is_held_beside_others_of_its_wave(fleet: SmallFleet) -> None:
    """The canary has two receivers, and one of them cannot be granted: the write without that
    link is what the next one builds on."""
    desired = wanting(A, B, C)
    desired = replace(desired, waves=replace(desired.waves, by_registry={A: 0, B: 0}))
    fleet.denied = {("policy", B)}
    outcomes = await fleet.apply(fleet.plan(desired), desired, *TOLERANT)
    assert rules_of(outcomes) == [Outcome.APPLIED, Outcome.APPLIED]
    assert fleet.gate.sent[-1].before.document == outcomes[HUB].changes[0].after.document
    assert outgoing(fleet) == {A: ("",), C: ("",)}


async def test_a_link_that_was_suspected_is_made_in_a_later_wave(fleet: SmallFleet) -> None:
    """The grant that the canary's link counts on was lost after the plan, and is back before the
    next wave, which looks again: then nothing is held any more."""
    linked(fleet, A)
    fleet.rules.clear()
    desired = wanting(A, B)
    plan = fleet.plan(desired)
    policy = fleet.policies.pop(A)

    def meddle(event: object) -> None:
        if isinstance(event, WaveFinished) and event.wave == "canary":
            fleet.policies[A] = policy

    fleet.on_event = meddle
    outcomes = await fleet.apply(plan, desired, *TOLERANT)
    assert rules_of(outcomes) == [Outcome.UNCHANGED, Outcome.APPLIED]
    assert (outgoing(fleet), outcomes[HUB].held) == ({A: ("",), B: ("",)}, ())


async def test_a_link_in_place_without_its_grant_is_named_in_its_own_wave(
    fleet: SmallFleet,
) -> None:
    """The hub's rules change for the canary alone; later a grant that one of its other links has
    lost cannot be put back."""
    linked(fleet, C)
    fleet.policies.clear()
    fleet.denied = {("policy", C)}
    desired = wanting(A, C)
    outcomes = await fleet.apply(fleet.plan(desired), desired, *TOLERANT)
    assert rules_of(outcomes) == [Outcome.APPLIED]
    assert [(link.destination, link.because) for link in outcomes[HUB].held] == [
        (
            C,
            (
                f"{C}: its registry policy was not written (access-denied); its rule is in place "
                "and stays"
            ),
        )
    ]
