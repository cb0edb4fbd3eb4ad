"""Waves: canaries first, then the others, and none of them where the canaries fail."""

from __future__ import annotations

from itertools import pairwise

import pytest
from tests.support.inventories import fleet_text
from tests.support.simulated import Simulated, simulate

from fleet_repl import Outcome, Registry, Status
from fleet_repl.reports.exit_codes import report_exit
from fleet_repl.runs.events import WaveFinished, WaveStarted
from fleet_repl.runs.outcomes import Report, WaveOutcome, Writes

HUB = 5
"""The destination of every link, so that its policy is written in every wave."""
LINKS = tuple(f"{source}>{HUB} team{source}/" for source in (1, 2, 3, 4))
WAVES = {"canary": ("1", 'pause = "90s"'), "early": ("2", 'pause = "30s"')}


def by_account(report: Report) -> dict[int, Outcome]:
    return {int(registry.registry.account): registry.outcome for registry in report.registries}


def written(aws: Simulated) -> list[int]:
    return [int(registry.account) for registry, _ in aws.world.writes]


def wave_events(aws: Simulated) -> list[str | tuple[str, float]]:
    """The beginning of each wave, and each end with its pause."""
    return [
        event.wave if isinstance(event, WaveStarted) else (event.wave, event.pause)
        for event in aws.events
        if isinstance(event, WaveStarted | WaveFinished)
    ]


async def test_each_wave_is_done_before_the_next() -> None:
    """One policy is written in three waves; grants for later waves are not there earlier."""
    async with simulate(fleet_text(*LINKS, accounts=5, waves=WAVES)) as aws:
        grants: list[str] = []
        async with aws.connected() as fleet:
            plan = await fleet.plan()
            policy = [change for registry, change in plan.changes if registry == aws.at(HUB)]
            assert [item.wave for item in policy] == ["canary", "early", "rest"]
            # Each write expects what the one before it leaves.
            for earlier, following in pairwise(policy):
                assert following.before == earlier.after

            def look(event: object) -> None:
                if isinstance(event, WaveFinished):
                    grants.append(aws.policy_text(aws.at(HUB)))

            with aws.watched() as seen:
                report = await fleet.apply(plan, on_event=look)
        assert report.status is Status.OK
        assert written(aws) == [HUB, 1, HUB, 2, HUB, 3, 4] or written(aws) == [
            HUB, 1, HUB, 2, HUB, 4, 3,
        ]  # fmt: skip
        held = [{n for n in (1, 2, 3, 4) if f"repository/team{n}/" in text} for text in grants]
        assert held == [{1}, {1, 2}, {1, 2, 3, 4}]
        assert seen == [set()] * 7
        assert [registry.wave for registry in report.registries] == [
            "canary",
            "early",
            "rest",
            "rest",
            "rest",
        ]
        assert [(change.wave, change.outcome) for change in report.registries[4].changes] == [
            (name, Outcome.APPLIED) for name in ("canary", "early", "rest")
        ]


async def test_pauses_are_kept_between_waves() -> None:
    """After each wave but the last, as long as its pause says."""
    async with simulate(fleet_text(*LINKS, accounts=5, waves=WAVES)) as aws:
        async with aws.connected() as fleet:
            plan = await fleet.plan()
            begun = aws.clock.seconds
            report = await fleet.apply(plan)
        assert report.status is Status.OK
        assert 120 <= aws.clock.seconds - begun < 125
        assert wave_events(aws) == [
            "canary",
            ("canary", 90),
            "early",
            ("early", 30),
            "rest",
            ("rest", 0),
        ]


async def test_a_canary_that_fails_stops_the_rest() -> None:
    """Nothing of later waves is written, the pause is not waited for, and the report says why."""
    async with simulate(fleet_text(*LINKS, accounts=5, waves=WAVES)) as aws:
        aws.deny(1)
        begun = aws.clock.seconds
        report = await aws.applied()
        assert (report.status, report_exit(report)) == (Status.FAILED, 4)
        because = "wave canary: 1 of 1 registry failed, and max_failures is 0"
        assert by_account(report) == {1: Outcome.FAILED} | dict.fromkeys(
            (2, 3, 4, 5), Outcome.SKIPPED
        )
        assert {registry.because for registry in report.registries[1:]} == {because}
        assert written(aws) == []
        assert aws.clock.seconds - begun < 90


async def test_what_the_failed_wave_has_done_stays() -> None:
    """The canary's rules are denied: its grant is there, no later one, and the next run goes on."""
    async with simulate(fleet_text(*LINKS, accounts=5, waves=WAVES)) as aws:
        aws.deny(1, "ecr:PutReplicationConfiguration")
        report = await aws.applied()
        assert (report.status, report_exit(report)) == (Status.PARTIAL, 4)
        assert by_account(report)[HUB] is Outcome.PARTIAL
        changes = [(change.wave, change.outcome) for change in report.registries[4].changes]
        assert changes == [
            ("canary", Outcome.APPLIED),
            ("early", Outcome.SKIPPED),
            ("rest", Outcome.SKIPPED),
        ]
        assert written(aws) == [HUB]
        assert "repository/team2/" not in aws.policy_text(aws.at(HUB))
        (ended,) = [event for event in aws.events if isinstance(event, WaveFinished)]
        assert (ended.wave, ended.failed, ended.pause) == ("canary", 1, 0)
        assert ended.because == "wave canary: 1 of 2 registries failed, and max_failures is 0"
        aws.relent()
        report = await aws.applied()
        assert (report.status, report_exit(report)) == (Status.OK, 0)
        assert aws.ungranted() == set()
        assert [aws.links(number) for number in (1, 2, 3, 4)] == [
            {f"5 team{number}/"} for number in (1, 2, 3, 4)
        ]
        writes = len(aws.world.writes)
        await aws.applied()
        assert len(aws.world.writes) == writes


@pytest.mark.parametrize(("limit", "goes_on"), [('"10%"', True), ('"9%"', False), ("1", True)])
async def test_a_share_of_a_wave_may_fail(limit: str, goes_on: bool) -> None:
    """One of ten registries is a tenth; the destination that the wave writes to counts too."""
    sources = ",".join(map(str, range(1, 10)))
    text = fleet_text(
        f"{sources},10>11 base/",
        accounts=11,
        waves={"early": (sources, f"max_failures = {limit}")},
    )
    async with simulate(text) as aws:
        aws.deny(3, "ecr:PutReplicationConfiguration")
        report = await aws.applied()
        assert report_exit(report) == 4
        assert by_account(report)[3] is Outcome.FAILED
        assert (aws.links(10) == {"11 base/"}) is goes_on
        if not goes_on:
            assert report.registries[9].because == (
                "wave early: 1 of 10 registries failed, and max_failures is 9%"
            )


async def test_a_run_that_ends_with_a_wave() -> None:
    """`--wave canary`: the others are skipped by name, and a second run does them."""
    async with simulate(fleet_text(*LINKS, accounts=5, waves=WAVES)) as aws:
        begun = aws.clock.seconds
        report = await aws.applied(wave="canary")
        assert (report.status, report_exit(report)) == (Status.STAGED, 0)
        assert by_account(report) == {
            1: Outcome.APPLIED,
            **dict.fromkeys((2, 3, 4), Outcome.SKIPPED),
            HUB: Outcome.PARTIAL,
        }
        assert report.writes == Writes(applied=2, skipped=5)
        because = "the run ends after wave canary (--wave)"
        assert report.waves == (
            WaveOutcome(name="canary", registries=2, writes=Writes(applied=2)),
            WaveOutcome(name="early", registries=2, writes=Writes(skipped=2), because=because),
            WaveOutcome(name="rest", registries=3, writes=Writes(skipped=3), because=because),
        )
        assert {registry.because for registry in report.registries[1:]} == {
            "the run ends after wave canary (--wave)"
        }
        assert written(aws) == [HUB, 1]
        assert aws.clock.seconds - begun < 90
        report = await aws.applied()
        assert (report.status, by_account(report)[1]) == (Status.OK, Outcome.UNCHANGED)
        assert written(aws)[2:5] == [HUB, 2, HUB]


async def test_a_failure_is_no_staged_run() -> None:
    """Whatever was asked: a registry that cannot be read is told by the exit code."""
    async with simulate(fleet_text(*LINKS, accounts=5, waves=WAVES)) as aws:
        aws.deny(4)
        report = await aws.applied(wave="canary")
        assert (report.status, report_exit(report)) == (Status.PARTIAL, 4)
        assert report.waves[0].writes == Writes(applied=2)


async def test_the_last_wave_leaves_nothing() -> None:
    """A run that was to end where everything ends is simply done."""
    async with simulate(fleet_text(*LINKS, accounts=5, waves=WAVES)) as aws:
        report = await aws.applied(wave="rest")
        assert (report.status, report_exit(report)) == (Status.OK, 0)


async def test_grants_go_in_the_wave_of_their_sources() -> None:
    """On the way back too: a canary that keeps its rules keeps its grant, and so do the rest."""
    text = fleet_text(*LINKS, accounts=5, waves=WAVES)
    async with simulate(text) as aws:
        await aws.applied()
        before = aws.documents()
        aws.rewrite(fleet_text(accounts=5, waves=WAVES))
        aws.deny(1, "ecr:PutReplicationConfiguration")
        report = await aws.applied()
        assert report_exit(report) == 4
        assert aws.documents() == before
        aws.relent()
        aws.world.writes.clear()
        with aws.watched() as seen:
            report = await aws.applied()
        assert report.status is Status.OK
        assert written(aws)[:4] == [1, HUB, 2, HUB]
        assert written(aws)[-1] == HUB
        assert seen == [set()] * 7
        assert (aws.policy_text(aws.at(HUB)), [aws.links(number) for number in (1, 2, 3, 4)]) == (
            "",
            [set()] * 4,
        )


async def test_a_policy_that_is_changed_between_waves_is_a_conflict() -> None:
    """Somebody takes the canary's grant back during the pause: nothing more is built on it."""
    async with simulate(fleet_text(*LINKS, accounts=5, waves=WAVES)) as aws:
        async with aws.connected() as fleet:
            plan = await fleet.plan()

            def meddle(event: object) -> None:
                if isinstance(event, WaveFinished) and event.wave == "canary":
                    aws.world.set_policy(aws.at(HUB), None)

            report = await fleet.apply(plan, on_event=meddle)
        hub = next(registry for registry in report.registries if registry.registry == aws.at(HUB))
        assert hub.error is not None
        assert (hub.outcome, hub.error.kind) == (Outcome.FAILED, "conflict")
        assert {item for item in aws.ungranted() if not item.startswith("1 >")} == set()
        assert report_exit(report) == 4
        report = await aws.applied()
        assert (report.status, aws.ungranted()) == (Status.OK, set())


async def test_all_links_of_a_registry_are_made_in_its_wave() -> None:
    """Those into it as well as those out of it, and no other link of their sources."""
    text = fleet_text("1>2 base/", "1>3 base/", "2>3 team/", accounts=3, waves={"canary": ("2",)})
    async with simulate(text) as aws:
        report = await aws.applied()
        assert report.status is Status.OK
        policy, rules = "PutRegistryPolicy", "PutReplicationConfiguration"
        order: list[set[tuple[Registry, str]]] = [
            {(aws.at(2), policy), (aws.at(3), policy)},
            {(aws.at(1), rules), (aws.at(2), rules)},
            {(aws.at(3), policy)},
            {(aws.at(1), rules)},
        ]
        writes = aws.world.writes
        assert [set(writes[:2]), set(writes[2:4]), set(writes[4:5]), set(writes[5:])] == order
