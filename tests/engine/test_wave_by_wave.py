"""Waves of a run: their order, when the next one may follow, and what is told of them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import anyio
import pytest
from tests.support.desired import desired_of
from tests.support.engine import SmallFleet
from tests.support.links import make_link, rules_for
from tests.support.registries import registry_of

from fleet_repl.ecr.policy import CREATE_REPOSITORY, REPLICATE_IMAGE, grants_for, statements_for
from fleet_repl.ecr.rules import document_of
from fleet_repl.inventory import Amount, Selector, Wave
from fleet_repl.runs.events import WaveFinished, WaveStarted, WriteSettled, WriteStarted
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.topology import REST, Waves
from fleet_repl.values.names import Registry

HUB, A, B, C = map(registry_of, "1234")
ALL = (HUB, A, B, C)
ACTIONS = (REPLICATE_IMAGE, CREATE_REPOSITORY)


def wave(name: str, **more: Any) -> Wave:
    return Wave(name=name, select=Selector(), **more)


def wanting(*sources: Registry) -> Any:
    """Links from `sources` to the hub; A goes first, B second, the others last."""
    links = [
        make_link(source=source, destination=HUB, prefixes=("",), routes=("golden",))
        for source in sources
    ]
    waves = Waves(names=("canary", "early", REST), by_registry={A: 0, B: 1})
    return replace(desired_of(links, ALL), waves=waves)


def linked(fleet: SmallFleet, *sources: Registry) -> None:
    """What is in place: links to the hub, and its grants."""
    for source in sources:
        fleet.rules[source] = document_of(rules_for({HUB: ("",)}))
    grants = [grant for source in sources for grant in grants_for(source.account, ("",), ACTIONS)]
    statements = statements_for(grants, fleet.owner, HUB)
    fleet.policies[HUB] = {"Version": "2012-10-17", "Statement": statements}


def accounts(fleet: SmallFleet) -> set[str]:
    return {account for account, _ in fleet.granted(HUB)}


def of_waves(fleet: SmallFleet) -> list[WaveStarted | WaveFinished]:
    return [event for event in fleet.events if isinstance(event, WaveStarted | WaveFinished)]


async def test_each_wave_puts_its_grants_before_its_rules(fleet: SmallFleet) -> None:
    """Three waves, each with a write of the hub's policy and then one of a source's rules."""
    desired = wanting(A, B, C)
    outcomes = await fleet.apply(fleet.plan(desired), desired)
    assert fleet.written == [
        (what, at) for source in (A, B, C) for what, at in (("policy", HUB), ("rules", source))
    ]
    assert {item.outcome for item in outcomes.values()} == {Outcome.APPLIED}
    assert [item.wave for item in outcomes.values()] == [REST, "canary", "early", REST]
    assert [change.wave for change in outcomes[HUB].changes] == ["canary", "early", REST]
    assert of_waves(fleet) == [
        event
        for name in ("canary", "early", REST)
        for event in (WaveStarted(wave=name, registries=2), WaveFinished(wave=name, failed=0))
    ]


async def test_a_fleet_without_waves_hears_of_none(fleet: SmallFleet) -> None:
    """One wave with everything in it is what a run always was."""
    desired = replace(wanting(A, B), waves=Waves())
    await fleet.apply(fleet.plan(desired), desired)
    assert of_waves(fleet) == []
    assert fleet.written == [("policy", HUB), ("rules", A), ("rules", B)]


async def test_a_wave_with_nothing_to_write_is_not_reported(fleet: SmallFleet) -> None:
    """Only the last one has something to do."""
    desired = wanting(C)
    await fleet.apply(fleet.plan(desired), desired)
    assert [wave.wave for wave in of_waves(fleet)] == [REST, REST]


async def test_too_many_failures_keep_later_waves_back(fleet: SmallFleet) -> None:
    """Nothing of them is written, and each registry says why."""
    fleet.denied = {("rules", A)}
    desired = wanting(A, B, C)
    outcomes = await fleet.apply(fleet.plan(desired), desired, wave("canary"), wave("early"))
    because = "wave canary: 1 of 2 registries failed, and max_failures is 0"
    assert fleet.written == [("policy", HUB)]
    assert [item.outcome for item in outcomes.values()] == [
        Outcome.PARTIAL,
        Outcome.FAILED,
        Outcome.SKIPPED,
        Outcome.SKIPPED,
    ]
    assert {outcomes[registry].because for registry in (HUB, B, C)} == {because}
    assert [(change.outcome, change.because) for change in outcomes[HUB].changes] == [
        (Outcome.APPLIED, None),
        (Outcome.SKIPPED, because),
        (Outcome.SKIPPED, because),
    ]
    assert of_waves(fleet)[-1] == WaveFinished(wave="canary", failed=1, because=because)


@pytest.mark.parametrize("most", [Amount(count=1), Amount(percent=Fraction(50))])
async def test_some_failures_may_be_tolerated(fleet: SmallFleet, most: Amount) -> None:
    """As a count, or as a share of the wave's registries; here the hub's policy counts."""
    fleet.denied = {("rules", A)}
    desired = wanting(A, B)
    outcomes = await fleet.apply(
        fleet.plan(desired), desired, wave("canary", max_failures=most), wave("early")
    )
    assert (outcomes[A].outcome, outcomes[B].outcome) == (Outcome.FAILED, Outcome.APPLIED)


async def test_a_registry_that_cannot_be_read_is_a_failure_of_its_wave(fleet: SmallFleet) -> None:
    """The canary says nothing: that is no reason to go on."""
    fleet.silent = {A}
    desired = wanting(A, B)
    outcomes = await fleet.apply(fleet.plan(desired), desired, wave("canary"), wave("early"))
    assert fleet.written == []
    assert outcomes[B].because == "wave canary: 1 of 1 registry failed, and max_failures is 0"


async def test_a_run_may_end_with_a_wave(fleet: SmallFleet) -> None:
    """What comes later is skipped, and that is no failure of anything."""
    desired = wanting(A, B, C)
    outcomes = await fleet.apply(fleet.plan(desired), desired, until="early")
    assert fleet.written == [("policy", HUB), ("rules", A), ("policy", HUB), ("rules", B)]
    assert outcomes[C].outcome is Outcome.SKIPPED
    assert outcomes[C].because == "the run ends after wave early (--wave)"
    assert of_waves(fleet)[-1] == WaveFinished(
        wave="early", failed=0, because="the run ends after wave early (--wave)"
    )


async def test_a_run_that_ends_with_a_wave_that_is_empty_writes_nothing_more(
    fleet: SmallFleet,
) -> None:
    """The canary has nothing to do, and the others are not asked for: the reader is told."""
    because = "the run ends after wave canary (--wave)"
    desired = wanting(B, C)
    outcomes = await fleet.apply(fleet.plan(desired), desired, until="canary")
    assert fleet.written == []
    assert outcomes[B].because == because
    assert of_waves(fleet) == [
        WaveStarted(wave="canary", registries=0),
        WaveFinished(wave="canary", failed=0, because=because),
    ]


async def test_a_pause_follows_a_wave_that_has_written(fleet: SmallFleet) -> None:
    """Only where a later one has something to write too."""
    desired = wanting(A, C)
    waves = [wave("canary", pause=600), wave("early", pause=60)]
    await fleet.apply(fleet.plan(desired), desired, *waves)
    assert fleet.clock.seconds == 600
    assert [wave.pause for wave in of_waves(fleet) if isinstance(wave, WaveFinished)] == [600, 0]
    fleet.rules.clear()
    fleet.policies.clear()
    desired = wanting(A)
    await fleet.apply(fleet.plan(desired), desired, *waves)
    assert fleet.clock.seconds == 600


async def test_an_interruption_ends_a_pause(
    fleet: SmallFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits ten minutes to be told that nothing more will happen."""
    slept: list[str] = []

    async def sleep(seconds: float) -> None:
        fleet.stop.interrupt()
        await anyio.sleep_forever()
        slept.append("to the end")

    monkeypatch.setattr(fleet.clock, "sleep", sleep)
    desired = wanting(A, C)
    outcomes = await fleet.apply(fleet.plan(desired), desired, wave("canary", pause=600))
    assert (outcomes[A].outcome, outcomes[C].outcome) == (Outcome.APPLIED, Outcome.CANCELLED)
    assert (slept, fleet.written) == ([], [("policy", HUB), ("rules", A)])


async def test_an_interruption_counts_for_more_than_a_failure(fleet: SmallFleet) -> None:
    """A wave fails and the run is interrupted in it: what follows was cancelled by somebody."""

    def interrupt(event: object) -> None:
        if isinstance(event, WriteSettled) and event.outcome is Outcome.FAILED:
            fleet.stop.interrupt()

    fleet.on_event = interrupt
    fleet.denied = {("rules", A)}
    desired = wanting(A, C)
    outcomes = await fleet.apply(fleet.plan(desired), desired, wave("canary"))
    assert outcomes[A].outcome is Outcome.FAILED
    assert (outcomes[C].outcome, outcomes[C].because) == (Outcome.CANCELLED, fleet.stop.because)


async def test_a_pause_is_not_longer_than_the_run_may_be(fleet: SmallFleet) -> None:
    """It ends with the deadline, and so does the run."""
    fleet.clock.seconds = 7000
    desired = wanting(A, C)
    outcomes = await fleet.apply(fleet.plan(desired), desired, wave("canary", pause=600))
    assert fleet.clock.seconds == 7200
    assert outcomes[C].outcome is Outcome.SKIPPED
    assert outcomes[C].because == "the run's deadline of 7200 s had passed"


async def test_a_halt_ends_the_run(fleet: SmallFleet) -> None:
    """The second write is not admitted: later ones are not even asked for."""
    fleet.gate.refuse_at = 3
    desired = wanting(A, C)
    outcomes = await fleet.apply(fleet.plan(desired), desired)
    assert fleet.written == [("policy", HUB)]
    assert fleet.gate.log == ["admit", "settled applied", "admit"]
    assert {outcomes[registry].outcome for registry in (A, C)} == {Outcome.SKIPPED}
    assert {outcomes[registry].because for registry in (A, C)} == {"the lock was lost"}


async def test_after_a_failed_grant_the_policy_is_left_alone(fleet: SmallFleet) -> None:
    """The next wave's grant is not sent, and links that need it are held."""
    fleet.denied = {("policy", HUB)}
    desired = wanting(A, B)
    lenient = wave("canary", max_failures=Amount(count=9))
    outcomes = await fleet.apply(fleet.plan(desired), desired, lenient)
    assert [change.outcome for change in outcomes[HUB].changes] == [Outcome.FAILED, Outcome.SKIPPED]
    assert outcomes[HUB].because == "the new grants of its registry policy were not written"
    assert fleet.written == []
    assert [item.because for source in (A, B) for item in outcomes[source].held] == [
        f"{HUB}: its registry policy was not written (access-denied)"
    ] * 2
    assert sum(isinstance(event, WriteStarted) for event in fleet.events) == 1


async def test_after_a_failed_withdrawal_the_policy_is_left_alone(fleet: SmallFleet) -> None:
    """What is there is known, and what it does not grant is held."""
    linked(fleet, A)
    fleet.denied = {("policy", HUB)}
    desired = wanting(B)
    lenient = wave("canary", max_failures=Amount(count=9))
    outcomes = await fleet.apply(fleet.plan(desired), desired, lenient)
    assert [change.outcome for change in outcomes[HUB].changes] == [Outcome.FAILED, Outcome.SKIPPED]
    assert outcomes[HUB].because == "an earlier withdrawal from its registry policy failed"
    assert (outcomes[A].outcome, len(outcomes[B].held)) == (Outcome.APPLIED, 1)
    assert accounts(fleet) == {A.account}


@pytest.mark.parametrize("also", [(), (C,)])
async def test_what_was_withheld_stays_in_later_waves(
    fleet: SmallFleet, also: tuple[Registry, ...]
) -> None:
    """The canary's rules could not be written, so its grant stays; the next wave's write adds to
    what is there, alone or beside another account's that went."""
    linked(fleet, A, *also)
    fleet.denied = {("rules", A)}
    desired = wanting(B)
    waves = replace(desired.waves, by_registry={**desired.waves.by_registry, C: 0})
    desired = replace(desired, waves=waves)
    lenient = wave("canary", max_failures=Amount(count=9))
    outcomes = await fleet.apply(fleet.plan(desired), desired, lenient)
    assert accounts(fleet) == {A.account, B.account}
    assert outcomes[B].outcome is Outcome.APPLIED
    first, second = outcomes[HUB].changes
    assert first.outcome is (Outcome.APPLIED if also else Outcome.SKIPPED)
    assert second.outcome is Outcome.APPLIED
    assert fleet.gate.sent[-2].before.document == (
        first.after.document if also else first.before.document
    )
    # The next plan does what is left, and nothing else.
    fleet.denied = set()
    fleet.written.clear()
    await fleet.apply(fleet.plan(desired), desired)
    assert fleet.written == [("rules", A), ("policy", HUB)]
    assert accounts(fleet) == {B.account}


@pytest.mark.parametrize("until", ["canary", "early", None])
async def test_a_plan_may_be_applied_again(fleet: SmallFleet, until: str | None) -> None:
    """Its earlier writes find what a later one left: that is no conflict, whatever wave the
    first run ended with."""
    linked(fleet, C)
    desired = wanting(A, B)
    plan = fleet.plan(desired)
    await fleet.apply(plan, desired, until=until)
    assert len(plan.changes) == 6
    done = list(fleet.written)
    outcomes = await fleet.apply(plan, desired)
    assert len(fleet.written) == 6
    assert {change.outcome for change in outcomes[HUB].changes[: done.count(("policy", HUB))]} == {
        Outcome.UNCHANGED
    }
    assert Outcome.FAILED not in {item.outcome for item in outcomes.values()}
    assert accounts(fleet) == {A.account, B.account}


async def test_a_policy_that_no_write_of_the_plan_leaves_is_a_conflict(fleet: SmallFleet) -> None:
    """Somebody has put a grant of ours back, and not the canary's: no rule counts on that one."""
    desired = wanting(A, B)
    plan = fleet.plan(desired)
    linked(fleet, B)
    fleet.rules.clear()
    lenient = wave("canary", max_failures=Amount(count=9))
    outcomes = await fleet.apply(plan, desired, lenient)
    assert outcomes[HUB].changes[0].outcome is Outcome.FAILED
    assert len(outcomes[A].held) == 1
    assert (outcomes[B].outcome, outcomes[B].held) == (Outcome.APPLIED, ())


async def test_a_link_without_its_grant_is_named_in_a_wave_that_is_skipped(
    fleet: SmallFleet,
) -> None:
    """Its rule is in place, and its grant was to be put back: the run ends before that."""
    linked(fleet, C)
    fleet.policies.clear()
    fleet.denied = {("rules", A)}
    desired = wanting(A, C)
    outcomes = await fleet.apply(fleet.plan(desired), desired, wave("canary"))
    assert outcomes[C].outcome is Outcome.UNCHANGED
    assert [item.because for item in outcomes[C].held] == [
        f"{HUB}: its registry policy was not written; its rule is in place and stays"
    ]


async def test_held_links_of_a_registry_whose_policy_comes_first_are_reported(
    fleet: SmallFleet,
) -> None:
    """The canary's policy is written in the first phase, and its own link out is found to be
    without a grant later on."""
    back = make_link(source=A, destination=HUB, prefixes=("",), routes=("back",))
    there = make_link(source=HUB, destination=A, prefixes=("",), routes=("there",))
    desired = replace(desired_of([back, there], ALL), waves=Waves())
    linked(fleet, A)
    fleet.policies.clear()
    fleet.denied = {("policy", HUB)}
    outcomes = await fleet.apply(fleet.plan(desired), desired)
    assert outcomes[A].outcome is Outcome.APPLIED
    assert len(outcomes[A].held) == 1
