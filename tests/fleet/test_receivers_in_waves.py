"""A hub and its spokes, whose canaries are spokes: the hub's rules are written in every wave."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.support.inventories import fleet_text
from tests.support.simulated import Simulated, simulate

from fleet_repl import Outcome, Report, Selection, Status, to_json
from fleet_repl.fleet.kept_plan import load_plan
from fleet_repl.planning.attribution import Mover
from fleet_repl.reports.exit_codes import report_exit
from fleet_repl.runs.events import WaveFinished
from fleet_repl.runs.outcomes import WaveOutcome, Writes
from fleet_repl.sandbox import FaultRule, Mishap, Scenario
from fleet_repl.sandbox.faults import Faults

HUB = 1
WAVES = {"canary": ("2",), "early": ("3,4",)}
LINKS = ("1>2,3,4,5 base/", "1>5 legacy/")
PUTS = ("PutRegistryPolicy", "PutReplicationConfiguration")
LAST = "the run ends after wave canary (--wave)"
UNUSED = (
    "wave canary writes nothing in this plan, and none of its changes is tried there; the first "
    "wave to be written is rest"
)


@pytest.fixture
def text() -> str:
    return fleet_text(*LINKS, accounts=5, waves=WAVES)


@pytest.fixture
def empty() -> str:
    return fleet_text(accounts=5, waves=WAVES)


def written(aws: Simulated) -> list[int]:
    return [int(registry.account) for registry, _ in aws.world.writes]


def outcomes(report: Report) -> list[Outcome]:
    """What became of each write of the hub's rules."""
    return [change.outcome for change in report.registries[0].changes]


def kinds(planned: Any) -> set[str]:
    return {warning.kind for warning in planned.warnings}


async def test_a_canary_of_spokes_and_then_the_rest(text: str) -> None:
    """`--wave canary` makes the link to the spoke of that wave and no other; a plain run then does
    the rest, and a third one nothing. At no time is a link without its grant."""
    async with simulate(text) as aws:
        with aws.watched() as seen:
            report = await aws.applied(wave="canary")
            assert (report.status, report_exit(report)) == (Status.STAGED, 0)
            assert (written(aws), aws.links(HUB)) == ([2, HUB], {"2 base/"})
            assert [aws.policy_text(aws.at(number)) != "" for number in (2, 3, 4, 5)] == [True] + [
                False
            ] * 3
            assert report.waves == (
                WaveOutcome(name="canary", registries=2, writes=Writes(applied=2)),
                WaveOutcome(name="early", registries=3, writes=Writes(skipped=3), because=LAST),
                WaveOutcome(name="rest", registries=2, writes=Writes(skipped=2), because=LAST),
            )
            assert outcomes(report) == [Outcome.APPLIED, Outcome.SKIPPED, Outcome.SKIPPED]
            report = await aws.applied()
            assert (report.status, outcomes(report)) == (Status.OK, [Outcome.APPLIED] * 2)
            assert "unused-wave" not in kinds(report)
        assert seen == [set()] * len(seen) != []
        assert aws.links(HUB) == {f"{end} base/" for end in (2, 3, 4, 5)} | {"5 legacy/"}
        plan = await aws.planned()
        assert plan.changes == ()


async def test_each_wave_adds_its_own(text: str) -> None:
    """In one run: what is in place after each wave, and a plan whose writes build on each other."""
    async with simulate(text) as aws:
        after: list[set[str]] = []

        def look(event: object) -> None:
            if isinstance(event, WaveFinished):
                after.append(aws.links(HUB))

        async with aws.connected() as fleet:
            plan = await fleet.plan()
            rules = [change for registry, change in plan.changes if registry == aws.at(HUB)]
            assert [rule.wave for rule in rules] == ["canary", "early", "rest"]
            assert all(
                later.before.document == earlier.after.document
                for earlier, later in pairwise(rules)
            )
            assert plan.summary.links_added == 4
            report = await fleet.apply(plan, on_event=look)
        assert report.status is Status.OK
        base = [f"{end} base/" for end in (2, 3, 4, 5)]
        assert after == [{base[0]}, set(base[:3]), {*base, "5 legacy/"}]


async def test_links_go_wave_by_wave_and_stay_ours_until_then(text: str, empty: str) -> None:
    """After the canary has lost its link, the others are still on the fleet's record: the next
    run takes them away without --force, and a rollback of it brings them back."""
    async with simulate(text) as aws:
        await aws.applied()
        aws.rewrite(empty)
        with aws.watched() as seen:
            report = await aws.applied(wave="canary")
            assert report.status is Status.STAGED
            assert aws.links(HUB) == {f"{end} base/" for end in (3, 4, 5)} | {"5 legacy/"}
            assert [aws.policy_text(aws.at(number)) != "" for number in (2, 3, 4, 5)] == [False] + [
                True
            ] * 3
            report = await aws.applied()
        assert (report.status, report.objections) == (Status.OK, ())
        assert seen == [set()] * len(seen) != []
        assert (aws.links(HUB), [aws.policy_text(aws.at(number)) for number in (2, 3, 4, 5)]) == (
            set(),
            [""] * 4,
        )


@pytest.mark.parametrize("until", ["canary", "early", None])
async def test_a_run_is_taken_back_whatever_wave_it_ended_with(until: str | None) -> None:
    """Every document is as it was before the run, and what is the fleet's own as well: a rollback
    of the rollback makes what the run had made."""
    waves = {"canary": ("2",), "early": ("3",)}
    async with simulate(fleet_text("1>2,4 base/", "1>5 old/", accounts=5, waves=waves)) as aws:
        await aws.applied()
        before = aws.spelled()
        run = await aws.applied(
            fleet_text("1>2,3 base/ new/", "1>4 base/", accounts=5, waves=waves), wave=until
        )
        then = aws.spelled()
        assert then != before
        with aws.watched() as seen:
            back = await aws.rolled_back(run.run_id)
            assert (back.status, aws.spelled()) == (Status.OK, before)
            again = await aws.rolled_back(back.run_id)
        assert (again.status, aws.spelled()) == (Status.OK, then)
        assert seen == [set()] * len(seen) != []
        async with aws.connected() as fleet:
            assert (await fleet.apply(await fleet.plan(), force=True)).status is Status.OK
        assert aws.links(HUB) == {"2 base/", "2 new/", "3 base/", "3 new/", "4 base/"}


async def test_a_run_that_dies_between_two_writes_of_the_same_rules(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run tells from the journal what was written, knows it for the fleet's own work,
    and does the rest."""
    async with simulate(text) as aws:
        monkeypatch.setattr("fleet_repl.fleet.apply_run.ApplyRun._commit_record", _die)
        async with aws.connected() as fleet:
            died = fleet.run_id

            def halt(event: object) -> None:
                if isinstance(event, WaveFinished) and event.wave == "early":
                    fleet.stop()

            with pytest.raises(RuntimeError):
                await fleet.apply(await fleet.plan(), on_event=halt)
        monkeypatch.undo()
        links = {f"{end} base/" for end in (2, 3, 4)}
        assert aws.links(HUB) == links
        plan = await aws.planned()
        hub = plan.registries[0]
        assert [
            warning.message for warning in plan.warnings if warning.kind == "unfinished-run"
        ] != []
        assert hub.moved is not None
        assert (hub.moved.by, hub.moved.run_id) == (Mover.INVENTORY, died)
        assert [change.wave for change in hub.changes] == ["rest"]
        report = await aws.applied()
        assert (report.status, report.objections) == (Status.OK, ())
        async with aws.history() as history:
            past = await history.run(died)
        assert past.report is not None
        assert outcomes(past.report) == [Outcome.APPLIED, Outcome.APPLIED, Outcome.CANCELLED]


async def _die(*_: object) -> None:
    raise RuntimeError


async def test_a_write_whose_answer_is_lost_is_built_on(text: str) -> None:
    """AWS takes every write and answers none at first: a look tells that it is in place."""
    async with simulate(text) as aws:
        rules = (FaultRule(kind=Mishap.LOST_ANSWER, first=2, operations=PUTS),)
        aws.world.faults = Faults(Scenario(seed=3, faults=rules))
        with aws.watched() as seen:
            report = await aws.applied()
        assert report.status is Status.OK
        assert seen == [set()] * len(seen) != []


async def test_a_canary_that_fails_keeps_the_hub_as_it_is(text: str) -> None:
    """The hub may not be written: later waves are skipped, and a run that may go on writes its
    rules no more."""
    async with simulate(text) as aws:
        aws.deny(HUB, "ecr:PutReplicationConfiguration")
        report = await aws.applied()
        assert (report.status, report_exit(report)) == (Status.PARTIAL, 4)
        assert outcomes(report) == [Outcome.FAILED, Outcome.SKIPPED, Outcome.SKIPPED]
        assert (written(aws), aws.links(HUB)) == ([2], set())
        assert report.waves[0].writes == Writes(applied=1, failed=1)
        aws.relent()
        assert (await aws.applied()).status is Status.OK
        assert aws.ungranted() == set()


async def test_what_a_run_has_left_is_distinguished_from_what_others_did(text: str) -> None:
    """After a canary the last of the hub's documents counts that was written."""
    async with simulate(text) as aws:
        report = await aws.applied(wave="canary")
        plan = await aws.planned()
        hub = plan.registries[0].moved
        assert hub is not None
        assert (hub.by, hub.run_id) == (Mover.INVENTORY, report.run_id)
        aws.world.set_replication(aws.at(HUB), {"rules": []})
        plan = await aws.planned()
        hub = plan.registries[0].moved
        assert hub is not None
        assert hub.by is Mover.FLEET


async def test_a_plan_in_a_file_is_carried_out_in_waves(text: str, tmp_path: Path) -> None:
    """Twice up to the canary and twice to the end: each write is made once, and what is not a
    stranger's work is no conflict."""
    async with simulate(text) as aws:
        file = tmp_path / "fleet.plan"
        file.write_text(to_json(await aws.planned()))
        for wave, status in (
            ("canary", Status.STAGED),
            ("canary", Status.STAGED),
            (None, Status.OK),
            ("canary", Status.STAGED),
            (None, Status.OK),
        ):
            async with aws.connected() as fleet:
                report = await fleet.apply(load_plan(file), wave=wave)
            assert report.status is status
        assert written(aws).count(HUB) == 3
        report = await aws.applied(text.replace("base/", "other/"))
        assert (report.status, report.objections) == (Status.OK, ())


async def test_a_wave_that_a_plan_passes_over_is_warned_about() -> None:
    """The inventory changes a link of the last wave alone: nothing is tried on the canary. Where
    only what others changed is put right, that is nothing to be told."""
    waves = {"canary": ("2",)}
    async with simulate(fleet_text("1>2,3 base/", waves=waves)) as aws:
        plan = await aws.planned()
        assert "unused-wave" not in kinds(plan)
        await aws.applied()
        plan = await aws.planned(fleet_text("1>2,3,4 base/", waves=waves))
        assert [warning.message for warning in plan.warnings if warning.kind == "unused-wave"] == [
            UNUSED
        ]
        async with aws.connected() as fleet:
            part = await fleet.plan(selection=Selection(accounts=(f"{HUB:012}", f"{4:012}")))
        assert part.registries[0].changes
        # Who plans a part of the fleet has chosen what is tried.
        assert "unused-wave" not in kinds(part)
        aws.rewrite(
            fleet_text("1>2,3,4 base/", waves=waves)
            + '[warnings]\nacknowledged = ["unused-wave:canary"]\n'
        )
        plan = await aws.planned()
        assert (kinds(plan), plan.acknowledged) == (set(), 1)
        await aws.applied()
        aws.rewrite(fleet_text("1>2,3,4 base/", waves=waves))
        aws.world.set_policy(aws.at(4), None)
        plan = await aws.planned()
        assert len(plan.changes) == 1
        assert "unused-wave" not in kinds(plan)


async def test_backfills_follow_the_links_that_a_wave_has_made(text: str) -> None:
    """A canary asks for the copies of its own link; the rest of the run for those of its own."""
    named = text.replace('prefixes = ["base/"]', 'prefixes = ["base/"]\nbackfill = "new-links"')
    async with simulate(named) as aws:
        report = await aws.applied(wave="canary")
        assert [backfill.destination for backfill in report.backfills] == [aws.at(2)]
        report = await aws.applied()
        assert [backfill.destination for backfill in report.backfills] == [
            aws.at(3),
            aws.at(4),
            aws.at(5),
        ]


async def test_a_protected_hub_counts_once(text: str, empty: str) -> None:
    """Thresholds are about registries and links, in however many writes they change."""
    async with simulate(text) as aws:
        await aws.applied()
        safety = (
            "[safety]\nmax_removals = 4\nmax_changed = 5\n"
            f'protected = [{{ accounts = "{HUB:012d}" }}]\n'
        )
        plan = await aws.planned(empty + safety)
        assert [objection.kind for objection in plan.objections] == ["protected"]
        assert plan.objections[0].message.startswith(f"4 links out of {aws.at(HUB)}")
        plan = await aws.planned(empty + safety.replace("= 4", "= 3").replace("= 5", "= 4"))
        assert [objection.kind for objection in plan.objections] == [
            "max-removals",
            "max-changed",
            "protected",
        ]


async def test_links_for_which_there_is_no_room_yet_come_later() -> None:
    """Two destinations are all that the hub may have, and both are replaced: the canary's link is
    made with the last wave's, each with its grant, and the plan says so beforehand."""
    waves = {"canary": ("4",)}
    more = "[limits]\ndestinations = 2\n"
    async with simulate(fleet_text("1>2,3 base/", accounts=5, waves=waves, more=more)) as aws:
        await aws.applied()
        aws.rewrite(fleet_text("1>4,5 base/", accounts=5, waves=waves, more=more))
        aws.world.writes.clear()
        with aws.watched() as seen:
            report = await aws.applied()
        assert [warning.message for warning in report.warnings if warning.kind == "later-wave"] == [
            (
                f"{aws.at(HUB)}: 1 link of wave canary changes in wave rest, because with the "
                "links of later waves as they were found, the registry would need 3 destinations, "
                "and ECR takes 2"
            )
        ]
        assert (report.status, aws.links(HUB)) == (Status.OK, {"4 base/", "5 base/"})
        assert sorted(written(aws)[:2]) == [4, 5]
        assert (written(aws)[2], sorted(written(aws)[3:])) == (HUB, [2, 3])
        assert seen == [set()] * 5
