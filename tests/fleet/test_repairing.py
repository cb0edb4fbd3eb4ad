"""`repair` has ECR copy what a document says is lacking, and nothing while that cannot arrive."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.fleet.test_backfilling import HUB, OLD, QUIET, SEARCH, SHOP, SHOP_US, states, tags
from tests.support.simulated import Simulated, simulate

from fleet_repl import (
    BackfillMode,
    BackfillReport,
    BackfillState,
    CoverageReport,
    DeliveryReport,
    FaultKind,
    FleetError,
    FrozenError,
    Purpose,
    RefusedError,
    Status,
    to_json,
)
from fleet_repl.reports.exit_codes import backfill_exit
from fleet_repl.reports.text.backfills import backfill_text
from fleet_repl.sandbox import AccountScenario
from fleet_repl.values.exit_code import ExitCode

IMAGES = {"base/python:3.12", "base/python:3.13", "base/node:22"}
LINKS = {(HUB, SHOP), (HUB, SHOP_US), (HUB, SEARCH)}


async def verified(aws: Simulated) -> DeliveryReport:
    """What has arrived, by now."""
    aws.clock.seconds += 60
    async with aws.connected(purpose=None) as fleet:
        return await fleet.verify()


async def covered(aws: Simulated, *, images: bool = True) -> CoverageReport:
    """What is where, by now."""
    aws.clock.seconds += 60
    async with aws.connected(purpose=None) as fleet:
        return await fleet.coverage(images=images)


async def repaired(aws: Simulated, document: Any, **how: Any) -> BackfillReport:
    """The result of a connection of its own."""
    async with aws.connected(purpose=Purpose.REPAIR) as fleet:
        report: BackfillReport = await fleet.repair(document, **how)
        return report


def started(aws: Simulated) -> int:
    """The backfills that were ever started."""
    return [operation for _, operation in aws.world.writes].count("StartReplicationBackfill")


async def test_what_is_missing_is_copied(tmp_path: Path) -> None:
    """One backfill for each link whose destination lacks images, and none for others; then by the
    next verification nothing is lacking, and there is nothing to repair."""
    async with simulate(QUIET, OLD) as aws:
        await aws.applied()
        file = tmp_path / "delivery.json"
        file.write_text(to_json(await verified(aws)), encoding="utf-8")
        report = await repaired(aws, file, wait=True)
        assert (report.mode, report.status) == (BackfillMode.REPAIR, Status.OK)
        assert states(report) == dict.fromkeys(LINKS, BackfillState.COMPLETE)
        assert all(tags(aws, registry) == IMAGES for registry in (SHOP, SHOP_US, SEARCH))
        after = await verified(aws)
        assert after.status == "ok"
        report = await repaired(aws, after)
        assert (report.backfills, report.status, started(aws)) == ((), Status.OK, 3)
        assert "By the document no destination lacks anything. Exit 0" in backfill_text(report)


async def test_a_second_run_starts_none_twice() -> None:
    """A backfill that began since the document was made will do; one from before it does not."""
    async with simulate(QUIET, OLD) as aws:
        await aws.applied()
        async with aws.connected() as fleet:
            await fleet.backfill(wait=True)
        assert started(aws) == 4
        for registry in (SHOP, SEARCH):
            repository = aws.world.repository(registry, "base/node")
            assert repository is not None
            repository.images.clear()
        document = await covered(aws)
        first = await repaired(aws, document)
        # Of two accounts in one region, one has to wait.
        assert sorted(states(first).values()) == [BackfillState.PREPARING, BackfillState.QUEUED]
        assert backfill_exit(first) is ExitCode.PARTIAL
        second = await repaired(aws, document, wait=True)
        assert states(second) == dict.fromkeys(states(first), BackfillState.COMPLETE)
        assert started(aws) == 4 + 2
        assert all(tags(aws, registry) == IMAGES for registry in (SHOP, SEARCH))


async def test_a_dry_run_starts_nothing() -> None:
    """It says of each link whether a backfill has begun since the document was made, while the
    fleet is frozen too."""
    async with simulate(QUIET, OLD) as aws:
        await aws.applied()
        document = await verified(aws)
        async with aws.history() as history:
            await history.freeze(aws.inventory.name, who="anna", why="release")
        with pytest.raises(FrozenError):
            await repaired(aws, document)
        report = await repaired(aws, document, dry_run=True)
        assert (report.mode, started(aws)) == (BackfillMode.STATUS, 0)
        assert states(report) == dict.fromkeys(LINKS, BackfillState.NONE)
        async with aws.history() as history:
            await history.unfreeze(aws.inventory.name)
        await repaired(aws, document, wait=True)
        report = await repaired(aws, document, dry_run=True)
        assert states(report) == dict.fromkeys(LINKS, BackfillState.COMPLETE)
        later = await verified(aws)
        assert (later.status, (await repaired(aws, later, dry_run=True)).backfills) == ("ok", ())


async def test_coverage_is_repaired_by_too() -> None:
    """With images compared or repositories only; and by the file or the report itself."""
    async with simulate(QUIET, OLD) as aws:
        await aws.applied()
        whole = await covered(aws)
        for document in (await covered(aws, images=False), whole):
            report = await repaired(aws, document, dry_run=True)
            assert states(report) == dict.fromkeys(LINKS, BackfillState.NONE)
        await repaired(aws, whole, wait=True)
        assert tags(aws, SEARCH) == IMAGES


async def test_nothing_is_copied_without_rules_and_grants() -> None:
    """The links, the reasons and the remedy are named, and nothing at all is started."""
    async with simulate(QUIET, OLD) as aws:
        await aws.applied()
        document = await verified(aws)
        policy = aws.world.policy(SEARCH)
        aws.world.set_policy(SEARCH, None)
        with pytest.raises(RefusedError) as refused:
            await repaired(aws, document)
        assert str(refused.value) == (
            "nothing was copied, as rules or grants are missing:\n"
            f"    {HUB} → {SEARCH}: its registry policy does not grant ecr:ReplicateImage "
            "(base/node, base/python)\n"
            f"    put rules and grants in place first: fleet-repl apply {aws.inventory.path}"
        )
        aws.world.set_policy(SEARCH, policy)
        aws.world.set_replication(HUB, {"rules": []})
        with pytest.raises(RefusedError, match=f"{SHOP}: no replication rule of the source"):
            await repaired(aws, document, dry_run=True)
        assert started(aws) == 0


async def test_a_repository_has_to_be_there_where_none_may_be_created() -> None:
    """The grant to create one is not needed for those that are."""
    async with simulate(QUIET, OLD) as aws:
        await aws.applied()
        document = await verified(aws)
        policy: Any = aws.world.policy(SEARCH)
        for statement in policy["Statement"]:
            statement["Action"] = "ecr:ReplicateImage"
        aws.world.set_policy(SEARCH, policy)
        aws.world.have_repository(SEARCH, "base/node")
        message = r"does not grant ecr:CreateRepository \(base/python\)"
        with pytest.raises(RefusedError, match=message):
            await repaired(aws, document, dry_run=True)
        aws.world.have_repository(SEARCH, "base/python")
        assert (await repaired(aws, document, dry_run=True)).status is Status.OK


async def test_a_registry_that_cannot_be_read_stops_no_other() -> None:
    """It is not known whether copies would be let in there."""
    async with simulate(QUIET, OLD) as aws:
        await aws.applied()
        document = await verified(aws)
        denied = AccountScenario(id=SEARCH.account, denied=True)
        aws.world.directory._peculiar[SEARCH.account] = denied
        report = await repaired(aws, document, wait=True)
        assert states(report) == {
            (HUB, SHOP): BackfillState.COMPLETE,
            (HUB, SHOP_US): BackfillState.COMPLETE,
            (HUB, SEARCH): BackfillState.NOT_STARTED,
        }
        (unread,) = [backfill for backfill in report.backfills if backfill.error]
        assert unread.error is not None
        assert unread.error.kind is FaultKind.ACCESS_DENIED
        assert backfill_exit(report) is ExitCode.PARTIAL


async def test_an_interruption_starts_nothing_more() -> None:
    """What was not started is told."""
    async with simulate(QUIET, OLD) as aws:
        await aws.applied()
        document = await verified(aws)
        async with aws.connected() as fleet:
            fleet.stop()
            report = await fleet.repair(document)
        assert (report.status, started(aws)) == (Status.INTERRUPTED, 0)
        assert states(report) == dict.fromkeys(LINKS, BackfillState.NOT_STARTED)


async def test_documents_that_do_not_fit(tmp_path: Path) -> None:
    """Of another fleet or inventory, with links of none, too old, too new, or no such document:
    refused before anything is read."""
    async with simulate(QUIET, OLD) as aws:
        await aws.applied()
        made = json.loads(to_json(await verified(aws)))
        good = {key: value for key, value in made.items() if key != "digest"}
        link = json.loads(json.dumps(good["links"][0]))
        link["destination"]["region"] = "eu-central-1"
        changed: dict[str, dict[str, Any]] = {
            "was altered after it was made": {**made, "links": []},
            "of fleet other": {"fleet": "other"},
            "by another inventory": {
                "inventory": {"path": "x", "digest": "sha256:" + "0" * 12},
            },
            "made in the future": {"finished_at": "2100-01-01T00:00:00Z"},
            "is .* old, and --max-age is 24h": {"finished_at": "2026-01-01T00:00:00Z"},
            "links that the inventory does not ask for": {"links": [link]},
            "schema: fleet-repl/delivery/1 or fleet-repl/coverage/1 is needed": {"schema": "x"},
            "status: it is missing": {"status": None},
        }
        file = tmp_path / "document.json"
        for message, members in changed.items():
            document = {**good, **members}
            file.write_text(
                json.dumps({key: value for key, value in document.items() if value is not None})
            )
            aws.world.calls.clear()
            with pytest.raises(RefusedError, match=message):
                await repaired(aws, file)
            assert not aws.world.calls["DescribeRegistry"]
        with pytest.raises(FleetError, match=r"none\.json: No such file") as missing:
            await repaired(aws, tmp_path / "none.json")
        assert not isinstance(missing.value, RefusedError)
        aws.clock.seconds += 7_200
        file.write_text(json.dumps(good))
        with pytest.raises(RefusedError, match="and --max-age is 1h"):
            await repaired(aws, file, max_age=timedelta(hours=1))


async def test_accounts_that_are_denied_are_not_excused() -> None:
    """Only those that are joining are."""
    locked = AccountScenario(id=SHOP.account, denied=True)
    async with simulate(QUIET, OLD.model_copy(update={"accounts": (locked,)})) as aws:
        await aws.applied(force=True)
        document = await verified(aws)
        with pytest.raises(RefusedError, match="no replication rule of the source"):
            await repaired(aws, document)
