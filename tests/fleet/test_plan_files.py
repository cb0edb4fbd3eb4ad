"""Plans in files: applied later, by another process, exactly as they are or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.support.inventories import fleet_text
from tests.support.simulated import Simulated, simulate

from fleet_repl import FleetError, Outcome, Plan, PlanError, State, Status, to_json
from fleet_repl.fleet.kept_plan import check_plan, load_plan
from fleet_repl.reports.exit_codes import report_exit
from fleet_repl.runs.outcomes import Report
from fleet_repl.values.canonical_json import canonical_json
from fleet_repl.values.errors import RefusedError

LINKS = ("1>2,3 base/", "2>4 team/")
DAY = timedelta(hours=24)


async def kept(aws: Simulated, path: Path, **how: Any) -> Plan:
    """Plan the fleet and keep the plan in a file."""
    async with aws.connected() as fleet:
        plan = await fleet.plan(beside=path, **how)
    await anyio.Path(path).write_text(to_json(plan))
    return plan


async def applied_from(aws: Simulated, path: Path, **how: Any) -> Report:
    """Apply a plan from its file, as another process would."""
    plan = load_plan(path)
    check_plan(plan, aws.inventory, now=aws.clock.now(), max_age=DAY)
    async with aws.connected() as fleet:
        return await fleet.apply(plan, **how)


def outcomes(report: Report) -> dict[int, Outcome]:
    return {int(registry.registry.account): registry.outcome for registry in report.registries}


async def test_a_plan_comes_back_as_it_was(tmp_path: Path) -> None:
    """Also one with everything in it: adds, removals, a failed read, an objection, a mover."""
    async with simulate(fleet_text(*LINKS)) as aws:
        first = await kept(aws, tmp_path / "first.json")
        assert to_json(load_plan(tmp_path / "first.json")) == to_json(first)
        await aws.applied()
        aws.world.set_policy(aws.at(3), None)
        aws.rewrite(fleet_text("1>3 base/", "2>3"))
        aws.deny(4)
        second = await kept(aws, tmp_path / "second.json")
        again = load_plan(tmp_path / "second.json")
        assert to_json(again) == to_json(second)
        assert {registry.state for registry in again.registries} == {
            State.CHANGED,
            State.UNREADABLE,
        }
        assert any(change.needs for _, change in again.changes)
        # What a run goes by is not only told but understood.
        for read_back, planned in zip(again.registries, second.registries, strict=True):
            assert (read_back.owned, read_back.moved, read_back.error) == (
                planned.owned,
                planned.moved,
                planned.error,
            )
            assert [change.needs for change in read_back.changes] == [
                change.needs for change in planned.changes
            ]


async def test_the_inventory_is_found_from_the_file() -> None:
    """Its path is relative to the plan's folder, so that both can be moved together."""
    async with simulate(fleet_text(*LINKS)) as aws:
        inventory = Path(aws.inventory.path)
        (inventory.parent / "plans").mkdir()
        plan = await kept(aws, inventory.parent / "plans" / "monday.json")
        assert plan.inventory.path == "../fleet.toml"
        assert (await aws.planned()).inventory.path == str(inventory)


def flip_a_byte(text: str) -> str:
    return text.replace("repository/base/", "repository/bass/", 1)


def drop_the_objections(text: str) -> str:
    return json.dumps({**json.loads(text), "objections": [], "warnings": []})


def add_a_field(text: str) -> str:
    return json.dumps({**json.loads(text), "trusted": True})


def make_it_younger(text: str) -> str:
    return json.dumps({**json.loads(text), "created_at": "2099-01-01T00:00:00Z"})


@pytest.mark.parametrize("alter", [flip_a_byte, drop_the_objections, add_a_field, make_it_younger])
async def test_an_altered_plan_is_refused(tmp_path: Path, alter: Callable[[str], str]) -> None:
    """By its digest, whatever was altered; it is not even looked at whether it makes sense."""
    async with simulate(fleet_text(*LINKS)) as aws:
        await aws.applied()
        # So that there is an objection to drop, and a grant to alter.
        aws.world.set_replication(aws.at(4), aws.world.replication(aws.at(1)))
        aws.world.set_policy(aws.at(2), None)
        path = tmp_path / "plan.json"
        assert (await kept(aws, path)).objections
        altered = alter(path.read_text())
        assert altered != path.read_text()
        path.write_text(altered)
        with pytest.raises(
            RefusedError, match=r"the plan was altered after it was made: .*plan\.json"
        ):
            load_plan(path)


async def test_a_plan_that_is_altered_in_memory_is_refused() -> None:
    """What was decided is carried out, or nothing: objections cannot be left out on the way."""
    async with simulate(fleet_text(*LINKS)) as aws, aws.connected() as fleet:
        plan = await fleet.plan()
        with pytest.raises(PlanError, match="altered after it was made"):
            await fleet.apply(replace(plan, registries=plan.registries[:1]))
        assert len(aws.world.writes) == 0


async def test_white_space_alters_nothing(tmp_path: Path) -> None:
    """What a formatter does to a file is no other plan."""
    async with simulate(fleet_text(*LINKS)) as aws:
        path = tmp_path / "plan.json"
        plan = await kept(aws, path)
        path.write_text(json.dumps(json.loads(path.read_text()), sort_keys=True))
        assert json.loads(to_json(load_plan(path))) == json.loads(to_json(plan))


async def test_another_version_of_the_inventory_is_refused(tmp_path: Path) -> None:
    """Both where it is asked for and where the plan would be applied; nothing is written."""
    async with simulate(fleet_text(*LINKS)) as aws:
        path = tmp_path / "plan.json"
        plan = await kept(aws, path)
        aws.rewrite(fleet_text(*LINKS, "3>4 base/"))
        with pytest.raises(PlanError, match="another version of it"):
            check_plan(plan, aws.inventory, now=aws.clock.now(), max_age=DAY)
        async with aws.connected() as fleet:
            with pytest.raises(PlanError, match="another version of it"):
                await fleet.apply(plan)
        assert aws.world.writes == []
        assert issubclass(PlanError, RefusedError)


async def test_an_old_plan_is_refused(tmp_path: Path) -> None:
    """What is in place a day later is anybody's guess, and clocks that run back are none."""
    async with simulate(fleet_text(*LINKS)) as aws:
        plan = await kept(aws, tmp_path / "plan.json")
        made = plan.created_at
        check_plan(plan, aws.inventory, now=made + DAY, max_age=DAY)
        with pytest.raises(RefusedError, match="the plan is 24h1s old, and --max-age is 24h"):
            check_plan(plan, aws.inventory, now=made + timedelta(days=1, seconds=1), max_age=DAY)
        with pytest.raises(RefusedError, match="made in the future"):
            check_plan(plan, aws.inventory, now=made - timedelta(minutes=6), max_age=DAY)


async def test_exactly_its_writes_are_made(tmp_path: Path) -> None:
    """Each registry and document that the plan names, and what it says in each."""
    async with simulate(fleet_text(*LINKS)) as aws:
        plan = await kept(aws, tmp_path / "plan.json")
        report = await applied_from(aws, tmp_path / "plan.json")
        assert (report.status, report.plan_digest) == (Status.OK, plan.digest)
        operations = {
            "replication-configuration": "PutReplicationConfiguration",
            "registry-policy": "PutRegistryPolicy",
        }
        planned = sorted(
            (registry, operations[change.resource]) for registry, change in plan.changes
        )
        assert sorted(aws.world.writes) == planned
        for registry, change in plan.changes:
            assert canonical_json(change.after.document) in map(
                canonical_json, aws.documents()[registry]
            )
        assert aws.ungranted() == set()
        assert (await aws.planned()).changes == ()


async def test_the_second_apply_of_a_plan_finds_it_done(tmp_path: Path) -> None:
    """What is as it shall be is no conflict, and is not written again."""
    async with simulate(fleet_text(*LINKS)) as aws:
        await kept(aws, tmp_path / "plan.json")
        await applied_from(aws, tmp_path / "plan.json")
        writes = list(aws.world.writes)
        report = await applied_from(aws, tmp_path / "plan.json")
        assert (report.status, aws.world.writes) == (Status.OK, writes)


async def test_what_was_changed_since_is_a_conflict(tmp_path: Path) -> None:
    """The others go on; what a stranger has put meanwhile is still there."""
    async with simulate(fleet_text("1>2 base/", "3>4 base/")) as aws:
        await kept(aws, tmp_path / "plan.json")
        foreign_statement = {
            "rules": [
                {
                    "destinations": [{"region": "eu-west-1", "registryId": "000000000004"}],
                    "repositoryFilters": [{"filter": "legacy/", "filterType": "PREFIX_MATCH"}],
                }
            ]
        }
        aws.world.set_replication(aws.at(1), foreign_statement)
        report = await applied_from(aws, tmp_path / "plan.json")
        assert (report.status, report_exit(report)) == (Status.PARTIAL, 4)
        assert outcomes(report) == {
            1: Outcome.FAILED,
            2: Outcome.APPLIED,
            3: Outcome.APPLIED,
            4: Outcome.APPLIED,
        }
        error = report.registries[0].error
        assert error is not None
        assert error.kind == "conflict"
        assert aws.world.replication(aws.at(1)) == foreign_statement


async def test_withdrawals_wait_for_their_sources(tmp_path: Path) -> None:
    """Which rules a grant has to wait for is in the file: where those fail, it stays."""
    async with simulate(fleet_text("1>3 base/", "2>4 base/")) as aws:
        await aws.applied()
        aws.rewrite(fleet_text())
        await kept(aws, tmp_path / "plan.json")
        aws.deny(1, "ecr:PutReplicationConfiguration")
        with aws.watched() as seen:
            report = await applied_from(aws, tmp_path / "plan.json")
        assert outcomes(report) == {
            1: Outcome.FAILED,
            2: Outcome.APPLIED,
            3: Outcome.SKIPPED,
            4: Outcome.APPLIED,
        }
        assert report.registries[2].because == (
            "the rules of 000000000001/eu-west-1 were not written and may still use its grants"
        )
        assert (aws.links(1), aws.links(2)) == ({"3 base/"}, set())
        assert ("repository/base/" in aws.policy_text(aws.at(3)), aws.policy_text(aws.at(4))) == (
            True,
            "",
        )
        assert seen == [set()] * len(seen) != []


async def test_the_record_is_the_same_as_without_a_file(tmp_path: Path) -> None:
    """What is ours afterwards: a loaded plan says as much about it as the plan itself."""
    versions = (fleet_text(*LINKS), fleet_text("1>2 base/", "2>4"))
    records = []
    for from_file in (False, True):
        async with simulate(versions[0]) as aws:
            for text in versions:
                aws.rewrite(text)
                path = tmp_path / "plan.json"
                await kept(aws, path)
                report = await (applied_from(aws, path) if from_file else aws.applied())
                assert report.status is Status.OK
                records.append(json.loads((aws.state / "applied.json").read_text()))
    assert records[:2] == records[2:]
    assert records[0] != records[1]


async def test_links_whose_grant_was_lost_since_are_not_made(tmp_path: Path) -> None:
    """The plan saw the grant in place and writes nothing there; by now it is gone."""
    async with simulate(fleet_text("1>2,3 base/")) as aws:
        await aws.applied()
        aws.world.set_replication(aws.at(1), {"rules": []})
        plan = await kept(aws, tmp_path / "plan.json")
        assert [int(registry.account) for registry, _ in plan.changes] == [1]
        aws.world.set_policy(aws.at(2), None)
        with aws.watched() as seen:
            report = await applied_from(aws, tmp_path / "plan.json")
        assert seen == [set()] * len(seen)
        assert "2 base/" not in aws.links(1)
        assert report_exit(report) == 4


async def test_a_file_that_is_no_plan(tmp_path: Path) -> None:
    """Told in one line, whatever is in it."""
    path = tmp_path / "plan.json"
    with pytest.raises(FleetError, match=r"the plan cannot be read: .*: No such file") as caught:
        load_plan(path)
    assert not isinstance(caught.value, RefusedError)
    for content in (b"", b"{}", b"\xff", b'{"schema": "fleet-repl/report/1"}', b"[" * 9999):
        path.write_bytes(content)
        with pytest.raises(PlanError, match=r"plan\.json"):
            load_plan(path)


async def test_a_plan_in_waves_is_carried_out_in_waves(tmp_path: Path) -> None:
    """From its file too: each write of a policy finds what the one before it has left."""
    waves = {"canary": ("1", 'pause = "30s"'), "early": ("2",)}
    async with simulate(fleet_text("1,2,3>4 base/", waves=waves)) as aws:
        plan = await kept(aws, tmp_path / "plan.json")
        report = await applied_from(aws, tmp_path / "plan.json", wave="canary")
        assert report.status is Status.STAGED
        assert outcomes(report) == {
            1: Outcome.APPLIED,
            2: Outcome.SKIPPED,
            3: Outcome.SKIPPED,
            4: Outcome.PARTIAL,
        }
        assert [int(registry.account) for registry, _ in aws.world.writes] == [4, 1]
        # The same file goes on from there.
        report = await applied_from(aws, tmp_path / "plan.json")
        assert (report.status, report.plan_digest) == (Status.OK, plan.digest)
        assert [int(registry.account) for registry, _ in aws.world.writes] == [4, 1, 4, 2, 4, 3]
        assert aws.ungranted() == set()
