"""What a plan says about why a registry differs: the fleet has moved, or the inventory has."""

from __future__ import annotations

import json

import pytest
from tests.support.inventories import fleet_text
from tests.support.simulated import simulate

from fleet_repl import Plan, Registry, to_json
from fleet_repl.planning.attribution import Moved, Mover
from fleet_repl.values.canonical_json import JsonObject


def movers(plan: Plan) -> dict[int, Moved | None]:
    return {int(registry.registry.account): registry.moved for registry in plan.registries}


def sentence(plan: Plan, registry: Registry) -> str:
    """As the plan's document has it."""
    for entry in json.loads(to_json(plan))["registries"]:
        if (entry["account"], entry["region"]) == (registry.account, registry.region):
            return str(entry["moved"]["message"])
    raise AssertionError(registry)


async def test_nobody_knows_a_fresh_fleet() -> None:
    """No run has written it; what is as it shall be needs no reason."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        plan = await aws.planned()
        unknown = Moved(by=Mover.UNKNOWN)
        assert movers(plan) == {1: unknown, 2: unknown, 3: None, 4: None}
        assert sentence(plan, aws.at(1)) == "no remembered run has written what differs"


async def test_somebody_else_was_there() -> None:
    """Rules or a policy that are not as the last run left them, and which run that was."""
    async with simulate(fleet_text("1>2,3 base/")) as aws:
        await aws.applied()
        aws.rewrite(fleet_text("1>2,3 base/ team/"))
        report = await aws.applied()
        aws.clock.seconds += 3600
        aws.world.set_replication(aws.at(1), {"rules": []})
        aws.world.set_policy(aws.at(2), None)
        plan = await aws.planned()
        (first, second, *others) = movers(plan).values()
        assert others == [None, None]
        assert first is not None
        assert first == second
        assert (first.by, first.run_id) == (Mover.FLEET, report.run_id)
        assert first.at is not None
        assert report.started_at <= first.at <= report.finished_at
        assert sentence(plan, aws.at(1)) == (
            f"changed outside: last applied by run {report.run_id} on "
            f"{report.started_at:%Y-%m-%d %H:%M} UTC"
        )


async def test_the_inventory_has_moved() -> None:
    """All is as it was left, and something else is asked for."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        report = await aws.applied()
        aws.rewrite(fleet_text("1>2,3 base/"))
        plan = await aws.planned()
        causes = movers(plan)
        assert causes[1] is not None
        assert (causes[1].by, causes[1].run_id) == (Mover.INVENTORY, report.run_id)
        # Its policy is written for the first time.
        assert (causes[2], causes[3]) == (None, Moved(by=Mover.UNKNOWN))
        assert sentence(plan, aws.at(1)).startswith(
            f"the inventory asks for something else than was applied by run {report.run_id} on "
        )


async def test_a_foreign_statement_that_was_added_is_no_move_of_ours() -> None:
    """The policy is not as it was left, so whoever wrote it since is to be looked at."""
    statement: JsonObject = {
        "Sid": "Theirs",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::000000000003:root"},
        "Action": ["ecr:BatchImportUpstreamImage"],
        "Resource": "arn:aws:ecr:eu-west-1:000000000002:repository/*",
    }
    async with simulate(fleet_text("1>2 base/")) as aws:
        await aws.applied()
        policy = aws.world.policy(aws.at(2))
        assert policy is not None
        mine = policy["Statement"]
        assert isinstance(mine, list)
        aws.world.set_policy(aws.at(2), {**policy, "Statement": [*mine, statement]})
        assert movers(await aws.planned())[2] is None
        aws.rewrite(fleet_text("1>2 base/ team/"))
        moved = movers(await aws.planned())[2]
        assert moved is not None
        assert moved.by is Mover.FLEET


async def test_mending_it_ends_the_matter() -> None:
    """The run that mends is the one that is named from then on."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        await aws.applied()
        aws.world.set_replication(aws.at(1), {"rules": []})
        mending = await aws.applied()
        assert movers(await aws.planned()) == dict.fromkeys((1, 2, 3, 4))
        aws.world.set_replication(aws.at(1), {"rules": []})
        moved = movers(await aws.planned())[1]
        assert moved is not None
        assert (moved.by, moved.run_id) == (Mover.FLEET, mending.run_id)


async def test_a_rollback_is_not_foreign() -> None:
    """What it leaves is what the fleet left, so it is the inventory that asks for more."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        await aws.applied()
        run = await aws.applied(fleet_text("1>2 base/ team/"))
        back = await aws.rolled_back(run.run_id)
        moved = movers(await aws.planned())[1]
        assert moved is not None
        assert (moved.by, moved.run_id) == (Mover.INVENTORY, back.run_id)


async def test_a_write_that_was_denied_has_left_nothing() -> None:
    """A registry whose write was denied is still as the run before left it."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        first = await aws.applied()
        aws.rewrite(fleet_text("1>2,3 base/"))
        aws.deny(1, "ecr:PutReplicationConfiguration")
        await aws.applied()
        moved = movers(await aws.planned())[1]
        assert moved is not None
        assert (moved.by, moved.run_id) == (Mover.INVENTORY, first.run_id)


async def test_a_run_that_died_is_not_foreign(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it wrote before its end counts as left by it, though it could not say so."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        await aws.applied()
        aws.rewrite(fleet_text("1>2 base/ team/"))

        async def die(*_: object) -> None:
            raise RuntimeError

        with monkeypatch.context() as patch:
            # As if the process ended right there, when all is written and nothing is told.
            patch.setattr("fleet_repl.fleet.apply_run.ApplyRun._commit_record", die)
            async with aws.connected() as dying:
                with pytest.raises(RuntimeError):
                    await dying.apply(await dying.plan())
        aws.rewrite(fleet_text("1>2 base/ more/"))
        plan = await aws.planned()
        assert [warning.kind for warning in plan.warnings] == ["unfinished-run"]
        first, second, *others = movers(plan).values()
        assert others == [None, None]
        assert first == second
        assert first is not None
        assert (first.by, first.run_id) == (Mover.INVENTORY, dying.run_id)
