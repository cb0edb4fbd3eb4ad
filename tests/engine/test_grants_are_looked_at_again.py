"""A grant that was in place when the plan was made, and that a new rule counts on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.support.desired import desired_of
from tests.support.engine import SmallFleet
from tests.support.links import make_link, rules_for
from tests.support.registries import registry_of

from fleet_repl.ecr.policy import CREATE_REPOSITORY, REPLICATE_IMAGE, grants_for, statements_for
from fleet_repl.ecr.rules import document_of, parse_document
from fleet_repl.inventory import Selector, Wave
from fleet_repl.runs.events import Event, WaveFinished
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.topology import REST, Waves
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import Region, Registry

HUB, A, B = map(registry_of, "123")
NEAR = Registry(A.account, Region("us-east-1"))
ACTIONS = (REPLICATE_IMAGE, CREATE_REPOSITORY)
OPEN: JsonObject = {
    "Sid": "Open",
    "Effect": "Allow",
    "Principal": "*",
    "Action": "ecr:*",
    "Resource": "*",
}
CHANGED = f"{HUB}: its registry policy has been changed since the plan was made"


def wanting(*ends: tuple[Registry, Registry]) -> Any:
    """Links with every repository; A is the canary."""
    links = [
        make_link(source=source, destination=end, prefixes=("",), routes=("golden",))
        for source, end in ends
    ]
    waves = Waves(names=("canary", REST), by_registry={A: 0})
    return replace(desired_of(links, [HUB, A, B, NEAR]), waves=waves)


def granted(fleet: SmallFleet, *sources: Registry) -> JsonObject:
    grants = [grant for source in sources for grant in grants_for(source.account, ("",), ACTIONS)]
    return {"Version": "2012-10-17", "Statement": statements_for(grants, fleet.owner, HUB)}


def links(fleet: SmallFleet, source: Registry) -> list[Registry]:
    return sorted(parse_document(fleet.rules.get(source, {"rules": []})).outgoing)


async def test_a_grant_that_is_gone_keeps_its_link_back(fleet: SmallFleet) -> None:
    """The plan writes no policy, so nothing else would tell; the rest of the rules is written."""
    fleet.policies[HUB] = granted(fleet, A)
    desired = wanting((A, HUB), (A, NEAR))
    plan = fleet.plan(desired)
    fleet.policies.clear()
    outcomes = await fleet.apply(plan, desired)
    assert [item.because for item in outcomes[A].held] == [CHANGED]
    assert (outcomes[A].outcome, links(fleet, A)) == (Outcome.APPLIED, [NEAR])


async def test_another_policy_that_lets_it_in_is_as_good(fleet: SmallFleet) -> None:
    """Somebody has opened the hub to everyone instead."""
    fleet.policies[HUB] = granted(fleet, A)
    desired = wanting((A, HUB))
    plan = fleet.plan(desired)
    fleet.policies[HUB] = {"Version": "2012-10-17", "Statement": [OPEN]}
    outcomes = await fleet.apply(plan, desired)
    assert (outcomes[A].held, links(fleet, A)) == ((), [HUB])


async def test_a_grant_that_cannot_be_read_is_not_counted_on(fleet: SmallFleet) -> None:
    """Nobody knows, so nothing new is made."""
    fleet.policies[HUB] = granted(fleet, A)
    desired = wanting((A, HUB))
    plan = fleet.plan(desired)
    fleet.silent = {HUB}
    outcomes = await fleet.apply(plan, desired)
    assert [item.because for item in outcomes[A].held] == [
        f"{HUB}: its registry policy could not be read again (access-denied)"
    ]
    assert fleet.written == []


@pytest.mark.parametrize("back", [False, True])
async def test_each_wave_looks_for_itself(fleet: SmallFleet, back: bool) -> None:
    """Things change during a pause, for the worse or for the better."""
    policy = fleet.policies[HUB] = granted(fleet, A, B)
    desired = wanting((A, HUB), (B, HUB))
    plan = fleet.plan(desired)
    if back:
        fleet.policies.clear()

    def meanwhile(event: Event) -> None:
        if isinstance(event, WaveFinished):
            fleet.policies[HUB] = policy if back else None

    fleet.on_event = meanwhile
    await fleet.apply(plan, desired, Wave(name="canary", select=Selector(), pause=600))
    assert (links(fleet, A), links(fleet, B)) == (([], [HUB]) if back else ([HUB], []))


async def test_only_what_new_links_count_on_is_read(fleet: SmallFleet) -> None:
    """Not where the wave has just written the policy, and not for links that go, that stay or
    that lead to the own account."""
    desired = wanting((A, HUB), (A, NEAR))
    await fleet.apply(fleet.plan(desired), desired)
    # Before the write and after it, and once more in the end.
    assert fleet.read == [HUB, HUB, HUB]
    fleet.read.clear()
    fleet.rules[B] = document_of(rules_for({HUB: ("",)}))
    plan = fleet.plan(desired)
    assert [registry for registry, _ in plan.changes] == [B]
    await fleet.apply(plan, desired)
    assert (fleet.read, links(fleet, B)) == ([], [])
