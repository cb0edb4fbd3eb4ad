"""Taking a run back: the documents from before it, in a safe order, and only its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.inventories import fleet_text
from tests.support.simulated import Simulated, simulate

from fleet_repl import Registry, Status, to_json
from fleet_repl.fleet.kept_plan import load_plan
from fleet_repl.reports.exit_codes import report_exit
from fleet_repl.runs.history import Purpose
from fleet_repl.sandbox import FaultRule, Mishap, Scenario
from fleet_repl.sandbox.faults import Faults
from fleet_repl.values.canonical_json import JsonObject

EARLIER = ("1>2,3 base/", "2>4 team/", "5>3 legacy/")
LATER = ("1>3,4 base/ golden/", "2>4", "3>6 base/", "5>3 legacy/")
"""Links that are new, wider, narrower and gone, and some that stay."""
THEIRS: JsonObject = {
    "Sid": "PullThrough",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::000000000005:root"},
    "Action": ["ecr:BatchImportUpstreamImage"],
    "Resource": "arn:aws:ecr:eu-west-1:000000000004:repository/*",
}


def written_to(aws: Simulated) -> set[int]:
    return {int(registry.account) for registry, _ in aws.world.writes}


async def at_first(aws: Simulated) -> dict[Registry, str]:
    """The earlier version is applied, and a stranger has a statement of their own."""
    aws.world.set_policy(aws.at(4), {"Version": "2012-10-17", "Statement": [THEIRS]})
    assert (await aws.applied()).status is Status.OK
    return aws.spelled()


@pytest.mark.parametrize(
    "denied",
    [
        {},
        {1: "ecr:PutReplicationConfiguration"},
        {3: "ecr:PutRegistryPolicy", 2: "ecr:PutReplicationConfiguration"},
        {4: "ecr:PutRegistryPolicy"},
        {6: "ecr:PutRegistryPolicy", 2: "ecr:DeleteRegistryPolicy"},
    ],
    ids=["all-went-well", "source", "both", "destination", "ends"],
)
async def test_after_a_run_that_failed_in_part(denied: dict[int, str]) -> None:
    """Whatever had failed, every document is again as it was, and at no time was a rule without
    its grant on the way; what the run did not change is not written."""
    async with simulate(fleet_text(*EARLIER, accounts=6)) as aws:
        before = await at_first(aws)
        aws.rewrite(fleet_text(*LATER, accounts=6))
        for number, action in denied.items():
            aws.deny(number, action)
        aws.world.writes.clear()
        report = await aws.applied()
        assert report.status is (Status.PARTIAL if denied else Status.OK)
        changed = written_to(aws)
        assert aws.spelled() != before
        aws.relent()
        aws.world.writes.clear()
        with aws.watched() as seen:
            back = await aws.rolled_back(report.run_id)
        assert (back.status, report_exit(back), back.rolls_back) == (Status.OK, 0, report.run_id)
        assert {int(registry.registry.account) for registry in back.registries} == changed
        assert aws.spelled() == before
        assert written_to(aws) <= changed
        assert seen == [set()] * len(seen) != []


async def test_after_a_run_whose_answers_were_lost() -> None:
    """Connections break in the middle of writes, and reads after them: what came about is asked
    of the registries, and taken back."""
    async with simulate(fleet_text(*EARLIER, accounts=6)) as aws:
        before = await at_first(aws)
        aws.rewrite(fleet_text(*LATER, accounts=6))
        puts = ("PutReplicationConfiguration", "PutRegistryPolicy")
        lost = FaultRule(kind=Mishap.LOST_ANSWER, rate=0.5, operations=puts)
        broken = FaultRule(kind=Mishap.DROPPED, rate=0.3)
        aws.world.faults = Faults(Scenario(seed=7, faults=(lost, broken)))
        report = await aws.applied(force=True)
        aws.world.faults = Faults(Scenario())
        with aws.watched() as seen:
            back = await aws.rolled_back(report.run_id)
        assert back.status is Status.OK
        assert aws.spelled() == before
        assert seen == [set()] * len(seen) != []


def template(name: str, number: int, mutability: str) -> str:
    return (
        f'[[templates]]\nname = "{name}"\nprefix = "{name}/"\ntag_mutability = "{mutability}"\n'
        f'select = {{ accounts = "{number:012d}" }}\n'
    )


async def test_templates_are_put_back() -> None:
    """The new one goes, the changed one is as it was, the one that went comes back."""
    earlier = template("base", 3, "mutable") + template("team", 4, "immutable")
    later = template("base", 3, "immutable") + template("base2", 2, "mutable")

    def settings(aws: Simulated) -> dict[int, list[tuple[object, object]]]:
        return {
            number: [
                (template["prefix"], template["imageTagMutability"])
                for template in aws.world.templates(aws.at(number))
            ]
            for number in (2, 3, 4)
        }

    async with simulate(fleet_text("1>2,3 base/", more=earlier)) as aws:
        await aws.applied()
        before = settings(aws)
        run = await aws.applied(fleet_text("1>2,3 base/", more=later))
        assert run.status is Status.OK
        assert settings(aws) == {2: [("base2", "MUTABLE")], 3: [("base", "IMMUTABLE")], 4: []}
        back = await aws.rolled_back(run.run_id)
        assert (back.status, settings(aws)) == (Status.OK, before)
        assert {int(registry.registry.account) for registry in back.registries} == {2, 3, 4}


async def test_a_run_in_waves_that_stopped_half_way() -> None:
    """Of a policy that was to be written in three waves, what the first has written goes."""
    waves = {"canary": ("1",), "early": ("2",)}
    links = ("1,2,3>5 base/", "4>5 legacy/")
    async with simulate(fleet_text("4>5 legacy/", accounts=5, waves=waves)) as aws:
        await aws.applied()
        before = aws.spelled()
        aws.rewrite(fleet_text(*links, accounts=5, waves=waves))
        aws.deny(2, "ecr:PutReplicationConfiguration")
        run = await aws.applied()
        assert run.status is not Status.OK
        assert (aws.links(1), aws.links(3)) == ({"5 base/"}, set())
        with aws.watched() as seen:
            back = await aws.rolled_back(run.run_id)
        assert back.status is Status.OK
        assert aws.spelled() == before
        assert seen == [set()] * len(seen) != []
        assert {int(registry.registry.account) for registry in back.registries} == {1, 5}


async def test_a_run_that_died_is_rolled_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its journal, for it has left no report."""
    async with simulate(fleet_text(*EARLIER, accounts=6)) as aws:
        before = await at_first(aws)
        aws.rewrite(fleet_text(*LATER, accounts=6))
        died: list[str] = []

        async def die(*_: object) -> None:
            raise RuntimeError

        with monkeypatch.context() as patch:
            # As if the process ended right there, half-way through.
            patch.setattr("fleet_repl.engine.changes.ChangeWriter._revoke", die)
            patch.setattr("fleet_repl.fleet.apply_run.ApplyRun._commit_record", die)
            async with aws.connected() as fleet:
                died.append(fleet.run_id)
                plan = await fleet.plan()
                with pytest.raises(RuntimeError):
                    await fleet.apply(plan)
        assert aws.spelled() != before
        with aws.watched() as seen:
            back = await aws.rolled_back(died[0])
        assert back.status is Status.OK
        assert [warning.kind for warning in back.warnings if warning.kind == "unfinished-run"] != []
        assert aws.spelled() == before
        assert seen == [set()] * len(seen) != []


async def test_a_rollback_that_fails_in_part_is_made_again() -> None:
    """What it could not put back keeps its grants; the next does the rest, and asks about what
    the first could only put back in part."""
    async with simulate(fleet_text(*EARLIER, accounts=6)) as aws:
        before = await at_first(aws)
        run = await aws.applied(fleet_text(*LATER, accounts=6))
        aws.deny(3, "ecr:PutReplicationConfiguration")
        aws.deny(2, "ecr:PutRegistryPolicy")
        with aws.watched() as seen:
            first = await aws.rolled_back(run.run_id)
            assert (first.status, report_exit(first)) == (Status.PARTIAL, 4)
            assert "repository/base/" in aws.policy_text(aws.at(6))
            # A link was left out for want of its grant: neither as the run left it nor as before.
            (held,) = [registry for registry in first.registries if registry.held]
            aws.relent()
            second = await aws.rolled_back(run.run_id)
            (left,) = [registry for registry in second.registries if registry.error is not None]
            assert left.registry == held.registry == aws.at(1)
            assert left.error is not None
            assert left.error.hint is not None
            assert left.error.hint.startswith(f"roll back run {first.run_id} first, or overwrite")
            third = await aws.rolled_back(run.run_id, force=True)
        assert third.status is Status.OK
        assert aws.spelled() == before
        assert seen == [set()] * len(seen) != []


async def test_a_rollback_from_a_file(tmp_path: Path) -> None:
    """Its plan can be kept, looked at and applied by another process like any other."""
    async with simulate(fleet_text(*EARLIER, accounts=6)) as aws:
        before = await at_first(aws)
        run = await aws.applied(fleet_text(*LATER, accounts=6))
        path = tmp_path / "rollback.json"
        async with aws.connected() as fleet:
            path.write_text(to_json(await fleet.plan_rollback(run.run_id)))
        async with aws.connected(purpose=Purpose.ROLLBACK) as fleet:
            report = await fleet.apply(load_plan(path))
        assert (report.status, report.rolls_back) == (Status.OK, run.run_id)
        assert aws.spelled() == before
        assert [objection.kind for objection in (await aws.planned()).objections] == ["rolled-back"]


async def test_a_rollback_with_another_inventory() -> None:
    """The file has moved on since, as it does when somebody panics: what is put back is what was
    there, whatever it asks for by now."""
    async with simulate(fleet_text(*EARLIER, accounts=6)) as aws:
        before = await at_first(aws)
        run = await aws.applied(fleet_text(*LATER, accounts=6))
        aws.rewrite(fleet_text(accounts=6))
        with aws.watched() as seen:
            back = await aws.rolled_back(run.run_id)
        assert back.status is Status.OK
        assert aws.spelled() == before
        assert seen == [set()] * len(seen) != []


async def test_a_run_that_let_repositories_be_created_is_taken_back() -> None:
    """What let links in before it is enough for those that come back, and for those that stay."""
    without = "[ownership]\ncreate_repositories = false\n"
    async with simulate(fleet_text("1>2 base/", "3>2 team/", more=without)) as aws:
        await aws.applied()
        before = aws.spelled()
        run = await aws.applied(fleet_text("1>4 base/", "3>2 team/"))
        assert "ecr:CreateRepository" in aws.policy_text(aws.at(2))
        back = await aws.rolled_back(run.run_id)
        assert (back.status, back.warnings) == (Status.OK, ())
        assert aws.spelled() == before
        aws.rewrite(fleet_text("3>2 team/"))
        aws.deny(2, "ecr:PutRegistryPolicy")
        run = await aws.applied()
        assert aws.links(1) == set()
        aws.relent()
        back = await aws.rolled_back(run.run_id)
        assert (back.status, aws.spelled()) == (Status.OK, before)
