"""Before anything is told to be applied, everything that was written is read once more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.support.desired import desired_of
from tests.support.engine import SmallFleet
from tests.support.links import make_link
from tests.support.registries import registry_of

from fleet_repl.planning.change import Resource
from fleet_repl.planning.desired import Desired
from fleet_repl.runs.events import RegistryFinished, WriteSettled
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.topology import REST, Waves
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import FaultKind
from fleet_repl.values.names import Registry

HUB, A, B = map(registry_of, "123")
STRANGE: JsonObject = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "Theirs", "Effect": "Deny", "Principal": "*", "Action": "s3:*"}],
}
LOST = (
    "conflict: it was written and read back, but is no longer in place: someone else has "
    "overwritten it"
)


@pytest.fixture
def desired() -> Desired:
    links = [
        make_link(source=registry, destination=HUB, prefixes=("",), routes=("r",))
        for registry in (A, B)
    ]
    return desired_of(links, [HUB, A, B])


def meanwhile(fleet: SmallFleet, when: int, do: Callable[[], object]) -> None:
    """Something happens as soon as so many writes have ended."""

    def see(event: object) -> None:
        if isinstance(event, WriteSettled):
            seen.append(event)
            if len(seen) == when:
                do()

    seen: list[object] = []
    fleet.on_event = see


async def test_a_policy_that_was_overwritten_is_no_longer_applied(
    desired: Desired, fleet: SmallFleet
) -> None:
    """By somebody who had read it before: the registry fails, its change is in doubt, and the
    journal says so after it had said otherwise."""
    meanwhile(fleet, 3, lambda: fleet.policies.update({HUB: STRANGE}))
    outcomes = await fleet.apply(fleet.plan(desired), desired)
    assert [outcomes[registry].outcome for registry in (HUB, A, B)] == [
        Outcome.FAILED,
        Outcome.APPLIED,
        Outcome.APPLIED,
    ]
    assert str(outcomes[HUB].error) == f"PutRegistryPolicy: {LOST}"
    (change,) = outcomes[HUB].changes
    assert (change.outcome, change.in_doubt) == (Outcome.FAILED, True)
    reasons = [
        (change.outcome, change.in_doubt)
        for change in fleet.gate.ended
        if change.resource is Resource.REGISTRY_POLICY
    ]
    assert reasons == [(Outcome.APPLIED, False), (Outcome.FAILED, True)]


async def test_rules_that_were_overwritten(desired: Desired, fleet: SmallFleet) -> None:
    """The same for a replication configuration."""
    meanwhile(fleet, 3, lambda: fleet.rules.update({A: {"rules": []}}))
    outcomes = await fleet.apply(fleet.plan(desired), desired)
    assert str(outcomes[A].error) == f"PutReplicationConfiguration: {LOST}"
    assert outcomes[HUB].outcome is Outcome.APPLIED


async def test_every_registry_is_finished_once_and_as_the_report_has_it(
    desired: Desired, fleet: SmallFleet
) -> None:
    """Nobody is told that a registry was applied before the last look at it."""
    meanwhile(fleet, 3, lambda: fleet.policies.update({HUB: STRANGE}))
    outcomes = await fleet.apply(fleet.plan(desired), desired)
    finished = [event.outcome for event in fleet.events if isinstance(event, RegistryFinished)]
    assert sorted(finished, key=lambda entry: entry.registry) == list(outcomes.values())


async def test_others_may_add_their_own_afterwards(desired: Desired, fleet: SmallFleet) -> None:
    """Ours is in place: what others have beside it is none of this run's business."""

    def add() -> None:
        document: Any = fleet.policies[HUB]
        statements = [*document["Statement"], *STRANGE["Statement"]]  # type: ignore[misc]
        fleet.policies[HUB] = {**document, "Statement": statements}

    meanwhile(fleet, 3, add)
    outcomes = await fleet.apply(fleet.plan(desired), desired)
    assert {outcome.outcome for outcome in outcomes.values()} == {Outcome.APPLIED}


async def test_a_document_that_cannot_be_looked_at(desired: Desired, fleet: SmallFleet) -> None:
    """Nobody knows whether it has stayed: not applied."""
    meanwhile(fleet, 3, lambda: fleet.silent.add(HUB))
    outcomes = await fleet.apply(fleet.plan(desired), desired)
    assert outcomes[HUB].outcome is Outcome.FAILED
    error = outcomes[HUB].error
    assert error is not None
    assert error.kind is FaultKind.ACCESS_DENIED
    assert error.message == (
        "it was written and read back, but whether it has stayed so could not be looked at: "
        "scripted access-denied"
    )


async def test_after_an_interruption_it_is_still_looked_at(
    desired: Desired, fleet: SmallFleet
) -> None:
    """What was written before it may have been overwritten as well."""

    def interrupt() -> None:
        fleet.policies[HUB] = STRANGE
        fleet.stop.interrupt()

    meanwhile(fleet, 1, interrupt)
    outcomes = await fleet.apply(fleet.plan(desired), desired)
    assert str(outcomes[HUB].error) == f"PutRegistryPolicy: {LOST}"
    assert [outcomes[registry].outcome for registry in (A, B)] == [Outcome.CANCELLED] * 2


async def test_after_an_interruption_a_failed_look_proves_nothing(
    desired: Desired, fleet: SmallFleet
) -> None:
    """There is no time to try again: what was read back stays as it was told."""

    def interrupt() -> None:
        fleet.silent.add(HUB)
        fleet.stop.interrupt()

    meanwhile(fleet, 1, interrupt)
    outcomes = await fleet.apply(fleet.plan(desired), desired)
    assert outcomes[HUB].outcome is Outcome.APPLIED


async def test_a_look_that_lags_is_repeated(
    desired: Desired, fleet: SmallFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An old answer for some seconds is no overwritten document."""

    def lag() -> None:
        there, until = fleet.policies[HUB], fleet.clock.seconds + 5
        read = fleet.read_policy

        async def late(registry: Registry) -> JsonObject | None:
            if registry == HUB and fleet.clock.seconds < until:
                return None
            answer = await read(registry)
            return there if registry == HUB else answer

        monkeypatch.setattr(fleet, "read_policy", late)

    meanwhile(fleet, 3, lag)
    outcomes = await fleet.apply(fleet.plan(desired), desired)
    assert {outcome.outcome for outcome in outcomes.values()} == {Outcome.APPLIED}


def in_waves(canary: Registry) -> Desired:
    """Links from the hub to A and B; that to `canary` is written in a wave of its own, first."""
    links = [
        make_link(source=HUB, destination=end, prefixes=("",), routes=("r",)) for end in (A, B)
    ]
    waves = Waves(names=("canary", REST), by_registry={canary: 0})
    return replace(desired_of(links, [HUB, A, B]), waves=waves)


@pytest.mark.parametrize("interrupted", [False, True])
async def test_a_policy_of_an_earlier_wave_is_looked_at_once_more(
    fleet: SmallFleet, interrupted: bool
) -> None:
    """Somebody overwrites it in the next wave, after its own wave's last look: not applied. Its
    registry is finished only then, once, and as the report has it."""
    wanted = in_waves(A)

    def overwrite() -> None:
        assert not any(isinstance(event, RegistryFinished) for event in fleet.events)
        fleet.policies[A] = STRANGE
        if interrupted:
            fleet.stop.interrupt()

    meanwhile(fleet, 3, overwrite)
    outcomes = await fleet.apply(fleet.plan(wanted), wanted)
    assert str(outcomes[A].error) == f"PutRegistryPolicy: {LOST}"
    assert outcomes[B].outcome is Outcome.APPLIED
    finished = [event.outcome for event in fleet.events if isinstance(event, RegistryFinished)]
    assert sorted(finished, key=lambda entry: entry.registry) == list(outcomes.values())


@pytest.mark.parametrize(("until", "looks"), [("canary", 1), (None, 2)])
async def test_only_documents_of_earlier_waves_cost_another_look(
    fleet: SmallFleet, monkeypatch: pytest.MonkeyPatch, until: str | None, looks: int
) -> None:
    """The policy of the canary is read again at the end of a run that has written on after it. The
    hub's rules, which both waves write, and the last wave's policy are not."""
    wanted = in_waves(A)
    plan = fleet.plan(wanted)
    read: list[Registry] = []
    read_policy = fleet.read_policy

    async def counted(registry: Registry) -> JsonObject | None:
        read.append(registry)
        return await read_policy(registry)

    monkeypatch.setattr(fleet, "read_policy", counted)
    outcomes = await fleet.apply(plan, wanted, until=until)
    assert outcomes[A].outcome is Outcome.APPLIED
    # Before the write, after it, and in each last look.
    assert read.count(A) == 2 + looks
    assert read.count(B) == (0 if until else 3)
