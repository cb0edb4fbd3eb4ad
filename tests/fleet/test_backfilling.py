"""Backfills of whole fleets over HTTP: what was pushed before its rule follows in the end."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.inventories import accounts_text
from tests.support.registries import registry_of
from tests.support.simulated import Simulated, simulate

from fleet_repl import (
    BackfillEnded,
    BackfillMode,
    BackfillProgressed,
    BackfillReport,
    BackfillStarted,
    BackfillState,
    BackfillsWanted,
    Registry,
    Report,
    Selection,
    SelectionError,
    Status,
    load_inventory,
    to_json,
)
from fleet_repl.inventory import located
from fleet_repl.reports.exit_codes import backfill_exit, report_exit
from fleet_repl.sandbox import (
    AccountScenario,
    FaultRule,
    Mishap,
    RegionScenario,
    RegistryScenario,
    Scenario,
)

FLEET = (
    accounts_text("hub", 'shop\nregions = ["eu-west-1", "us-east-1"]', "search")
    + """\
[[routes]]
name = "golden"
from = { accounts = "hub" }
to = { accounts = ["shop", "search"] }
prefixes = ["base/"]
BACKFILL
[[routes]]
name = "apps"
from = { accounts = "shop", regions = "eu-west-1" }
to = { same_account = true, regions = "us-east-1" }
prefixes = ["apps/"]
"""
)
QUIET, NEW_LINKS = (
    FLEET.replace("BACKFILL", ""),
    FLEET.replace("BACKFILL", 'backfill = "new-links"'),
)
HUB, SHOP = map(registry_of, "12")
SHOP_US = registry_of("2", "us-east-1")
SEARCH = registry_of("3")
FULL = RegistryScenario(
    account=HUB.account,
    region=HUB.region,
    repositories={"base/python": ("3.12", "3.13"), "base/node": ("22",), "other": ("1",)},
)
OLD = Scenario(registries=(FULL,))


def states(report: BackfillReport | Report) -> dict[tuple[Registry, Registry], BackfillState]:
    return {
        (backfill.source, backfill.destination): backfill.state for backfill in report.backfills
    }


def tags(aws: Simulated, registry: Registry) -> set[str]:
    """What has arrived in a registry, as `repository:tag`."""
    return {
        f"{name}:{tag}"
        for name in aws.world.repositories(registry)
        for image in aws.world.images(registry, name)
        for tag in image.tags
    }


async def backfill(aws: Simulated, **how: Any) -> BackfillReport:
    async with aws.connected() as fleet:
        report: BackfillReport = await fleet.backfill(**how)
        return report


async def test_everything_follows() -> None:
    """All that routes ask for, queued where ECR has no room, and nothing else."""
    slow = OLD.model_copy(update={"backfill_images_per_second": 1})
    async with simulate(QUIET, slow) as aws:
        assert (await aws.applied()).backfills == ()
        assert tags(aws, SHOP) == set()
        report = await backfill(aws, wait=True)
        assert set(states(report).values()) == {BackfillState.COMPLETE}
        assert (report.status, backfill_exit(report)) == (Status.OK, 0)
        assert (report.mode, len(report.backfills)) == (BackfillMode.WAIT, 4)
        for registry in (SHOP, SHOP_US, SEARCH):
            assert tags(aws, registry) == {"base/python:3.12", "base/python:3.13", "base/node:22"}
        names = {(backfill.source_name, backfill.destination_name) for backfill in report.backfills}
        assert names == {("hub", "shop"), ("hub", "search"), ("shop", "shop")}
        kinds = {type(event) for event in aws.events}
        assert kinds >= {BackfillsWanted, BackfillStarted, BackfillProgressed, BackfillEnded}
        again = await backfill(aws, wait=True)
        assert not any(backfill.started for backfill in again.backfills)
        assert (again.status, len(aws.world.backfills(HUB))) == (Status.OK, 3)
        forced = await backfill(aws, wait=True, again=True)
        assert all(backfill.started for backfill in forced.backfills)


async def test_detached_the_rest_is_queued() -> None:
    """Two destinations share a region: one is started, one named; a later run starts it."""
    async with simulate(QUIET, OLD) as aws:
        await aws.applied()
        report = await backfill(aws, route="golden")
        assert states(report) == {
            (HUB, SHOP): BackfillState.PREPARING,
            (HUB, SHOP_US): BackfillState.PREPARING,
            (HUB, SEARCH): BackfillState.QUEUED,
        }
        assert (report.status, backfill_exit(report), report.route) == (Status.PARTIAL, 4, "golden")
        aws.clock.seconds += 60
        report = await backfill(aws, route="golden")
        assert states(report)[HUB, SEARCH] is BackfillState.PREPARING
        assert [backfill.started for backfill in report.backfills] == [False, False, True]
        assert backfill_exit(report) == 0


async def test_interrupted_and_found_again() -> None:
    """What was started goes on at AWS; the next run follows it and starts only the rest."""
    slow = OLD.model_copy(update={"backfill_preparing_ms": 60_000})
    async with simulate(QUIET, slow) as aws:
        await aws.applied()
        async with aws.connected() as fleet:

            def stop(event: object) -> None:
                if isinstance(event, BackfillStarted):
                    fleet.stop()

            report = await fleet.backfill(
                selection=Selection(accounts=("hub",)), wait=True, on_event=stop
            )
        assert (report.status, backfill_exit(report)) == (Status.INTERRUPTED, 130)
        (ours,) = [backfill for backfill in report.backfills if backfill.started]
        assert ours.because == "interrupted; what was started goes on at AWS"
        assert len(aws.world.backfills(HUB)) == 1
        report = await backfill(aws, wait=True)
        assert report.status is Status.OK
        destinations = {
            backfill.destination: backfill
            for backfill in report.backfills
            if backfill.source == HUB
        }
        assert not destinations[ours.destination].started
        assert len(aws.world.backfills(HUB)) == 3


async def test_a_destination_that_refuses() -> None:
    """The backfill is complete, its copies are not: counted by ECR's code, exit 4."""
    async with simulate(QUIET, OLD) as aws:
        await aws.applied()
        aws.world.set_policy(SEARCH, None)
        report = await backfill(aws, wait=True, selection=Selection(accounts=("hub",)))
        (failed,) = [backfill for backfill in report.backfills if backfill.falls_short]
        assert (failed.destination, failed.state) == (SEARCH, BackfillState.COMPLETE)
        assert failed.failures == {"DESTINATION_REGISTRY_ACCESS_DENIED": 3}
        assert (report.status, backfill_exit(report)) == (Status.PARTIAL, 4)
        document = json.loads(to_json(report))
        (entry,) = [item for item in document["backfills"] if item["failure_codes"]]
        assert (entry["total"], entry["completed"], entry["failed"]) == (3, 0, 3)


async def test_links_that_are_not_in_place() -> None:
    """Nothing is started for them; what is in place goes on."""
    async with simulate(QUIET, OLD) as aws:
        report = await backfill(aws)
        assert set(states(report).values()) == {BackfillState.NOT_IN_PLACE}
        assert backfill_exit(report) == 4
        assert {backfill.because for backfill in report.backfills} == {
            "the rules do not replicate base/ there: run apply first",
            "the rules do not replicate apps/ there: run apply first",
        }
        assert "StartReplicationBackfill" not in aws.world.calls


async def test_status_only_looks() -> None:
    """None, then the one that runs, then how it ended; it never starts any."""
    async with simulate(QUIET, OLD) as aws:
        await aws.applied()
        async with aws.connected() as fleet:
            report = await fleet.backfill_status()
            assert set(states(report).values()) == {BackfillState.NONE}
            assert (report.mode, backfill_exit(report)) == (BackfillMode.STATUS, 0)
        wanted = [event for event in aws.events if isinstance(event, BackfillsWanted)]
        assert [item.looking for item in wanted] == [True]
        await backfill(aws, route="apps")
        aws.clock.seconds += 30
        async with aws.connected() as fleet:
            report = await fleet.backfill_status(route="apps")
        assert states(report) == {(SHOP, SHOP_US): BackfillState.COMPLETE}
        assert aws.world.calls["StartReplicationBackfill"] == 1


async def test_new_links_bring_their_images() -> None:
    """After the apply that makes them, for the route that says so, and only then."""
    async with simulate(NEW_LINKS, OLD) as aws:
        report = await aws.applied()
        (warning,) = report.warnings
        assert warning.kind == "backfill"
        assert warning.message.endswith("what was pushed before along 3 links of route golden")
        assert states(report) == {
            (HUB, SHOP): BackfillState.PREPARING,
            (HUB, SHOP_US): BackfillState.PREPARING,
            (HUB, SEARCH): BackfillState.QUEUED,
        }
        # What is queued is on record: the run has done its part.
        assert (report.status, report_exit(report)) == (Status.OK, 0)
        document = json.loads(to_json(report))
        assert [item["state"] for item in document["backfills"]] == [
            "preparing",
            "preparing",
            "queued",
        ]
        assert aws.world.backfills(SHOP) == ()
        aws.clock.seconds += 60
        assert (await backfill(aws, wait=True)).status is Status.OK
        assert len(tags(aws, SEARCH)) == 3
        report = await aws.applied()
        assert (report.status, report.backfills, report.warnings) == (Status.OK, (), ())


async def test_a_wider_link_is_a_new_one() -> None:
    """A backfill from before its rule does not count, however complete it is."""
    only_us = NEW_LINKS.replace(
        'to = { accounts = ["shop", "search"] }',
        'to = { accounts = "shop", regions = "us-east-1" }',
    )
    async with simulate(only_us, OLD) as aws:
        await aws.applied()
        aws.clock.seconds += 60
        aws.world.push(HUB, "golden/late", "1")
        wider = aws.inventory.path
        with open(wider, "w") as file:  # noqa: ASYNC230, PTH123 - a test's own small file
            file.write(only_us.replace('["base/"]', '["base/", "golden/"]'))
        aws.inventory = load_inventory(wider)
        report = await aws.applied()
        assert states(report) == {(HUB, SHOP_US): BackfillState.PREPARING}
        aws.clock.seconds += 60
        assert "golden/late:1" in tags(aws, SHOP_US)


async def test_what_was_queued_is_owed_until_it_is_started(tmp_path: Path) -> None:
    """A wider link had a backfill before; after the apply that widened it, one of a later date is
    owed, and whoever runs `backfill` next starts it. Once."""
    wider = tmp_path / "wider.toml"
    wider.write_text(NEW_LINKS.replace('["base/"]', '["base/", "other"]'))
    async with simulate(NEW_LINKS, OLD) as aws:
        await aws.applied()
        aws.clock.seconds += 60
        assert (await backfill(aws, wait=True)).status is Status.OK
        aws.clock.seconds += 60
        state = Path(aws.inventory.path).parent / ".fleet-repl"
        aws.inventory = replace(load_inventory(wider), state=located(str(state)))
        report = await aws.applied()
        assert states(report)[HUB, SEARCH] is BackfillState.QUEUED
        record = json.loads((state / ".worlds/sim/prod/applied.json").read_text())
        (due,) = [item["due"] for item in record["registries"].values() if "due" in item]
        assert list(due) == [str(SEARCH)]
        async with aws.connected() as fleet:
            looked = await fleet.backfill_status(route="golden")
        assert states(looked)[HUB, SEARCH] is BackfillState.NONE
        aws.clock.seconds += 60
        followed = await backfill(aws, wait=True)
        assert [backfill.destination for backfill in followed.backfills if backfill.started] == [
            SEARCH
        ]
        assert "other:1" in tags(aws, SEARCH)
        assert "due" not in (state / ".worlds/sim/prod/applied.json").read_text()
        again = await backfill(aws, wait=True)
        assert not any(backfill.started for backfill in again.backfills)


async def test_a_link_that_could_not_be_made_gets_none() -> None:
    """A destination that grants nothing is held; the others have theirs."""
    dark = AccountScenario(id=SEARCH.account, denied=True)
    async with simulate(NEW_LINKS, OLD.model_copy(update={"accounts": (dark,)})) as aws:
        report = await aws.applied()
        assert set(states(report)) == {(HUB, SHOP), (HUB, SHOP_US)}


@pytest.mark.parametrize("kind", [Mishap.LOST_ANSWER, Mishap.DROPPED, Mishap.SERVER_ERROR])
async def test_a_start_that_goes_wrong_is_made_once(kind: Mishap) -> None:
    """Whether it arrived or not, there is one backfill in the end."""
    fault = FaultRule(kind=kind, first=2, operations=("StartReplicationBackfill",))
    async with simulate(QUIET, OLD.model_copy(update={"faults": (fault,)})) as aws:
        await aws.applied()
        report = await backfill(aws, route="apps", wait=True)
        assert states(report) == {(SHOP, SHOP_US): BackfillState.COMPLETE}
        assert report.backfills[0].started
        assert len(aws.world.backfills(SHOP)) == 1


async def test_an_api_that_does_not_know_the_call() -> None:
    """Said of each registry there; after an apply the links stand all the same."""
    unknown = ("StartReplicationBackfill", "ListReplicationBackfills")
    old_region = RegionScenario(name="eu-west-1", unknown_operations=unknown)
    async with simulate(NEW_LINKS, OLD.model_copy(update={"regions": (old_region,)})) as aws:
        report = await aws.applied()
        assert {registry.outcome for registry in report.registries} == {"applied"}
        assert {(backfill.state, backfill.because) for backfill in report.backfills} == {
            (BackfillState.NOT_STARTED, "this region's ECR API does not offer backfill yet")
        }
        assert report_exit(report) == 4
        assert backfill_exit(await backfill(aws)) == 4


async def test_a_registry_that_cannot_be_read() -> None:
    """Its error is a value; the other source has its backfill."""
    dark = AccountScenario(id=HUB.account, denied=True)
    as_wanted = RegistryScenario(
        account=SHOP.account,
        region=SHOP.region,
        replication={
            "rules": [{"destinations": [{"region": "us-east-1", "registryId": "2" * 12}]}]
        },
    )
    scenario = Scenario(accounts=(dark,), registries=(as_wanted,))
    async with simulate(QUIET, scenario) as aws:
        report = await backfill(aws, wait=True)
        assert states(report)[SHOP, SHOP_US] is BackfillState.COMPLETE
        assert states(report)[HUB, SHOP] is BackfillState.NOT_STARTED
        assert backfill_exit(report) == 4


async def test_a_route_that_is_not_there() -> None:
    """The routes there are, are named."""
    async with simulate(QUIET) as aws, aws.connected() as fleet:
        with pytest.raises(SelectionError) as caught:
            await fleet.backfill(route="gold")
        assert str(caught.value) == (
            "no route is named 'gold'; the inventory's routes: golden, apps"
        )


async def test_a_selection_names_sources() -> None:
    """Destinations outside of it are backfilled to."""
    async with simulate(QUIET, OLD) as aws:
        await aws.applied()
        report = await backfill(aws, selection=Selection(accounts=("shop",)))
        assert set(states(report)) == {(SHOP, SHOP_US)}
        report = await backfill(aws, selection=Selection(accounts=("search",)))
        assert (report.backfills, report.status) == ((), Status.OK)
