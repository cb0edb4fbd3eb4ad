"""Verifying a fleet against the sandbox: pushed, replicated, and asked about over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.support.registries import registry_of
from tests.support.simulated import Simulated, simulate

from fleet_repl import DeliveryState, Registry, Selection, SelectionError, to_json
from fleet_repl.runs.delivery import DeliveryReport
from fleet_repl.runs.events import VerifyFinished, VerifyStarted
from fleet_repl.sandbox import AccountScenario, Scenario
from fleet_repl.values.canonical_json import JsonObject

FLEET = """
version = 1
name = "prod"
[aws]
role = "replication/fleet"
external_id = "${EXTERNAL_ID}"
regions = ["eu-west-1"]
[[accounts]]
id = "111111111111"
name = "hub"
labels = { tier = "hub" }
[[accounts]]
id = "222222222222"
name = "spoke"
regions = ["eu-west-1", "eu-west-2"]
[[external]]
id = "444444444444"
name = "partner"
regions = ["eu-west-1"]
[[routes]]
name = "golden"
from = { labels = { tier = "hub" } }
to = { accounts = ["spoke", "partner"], regions = ["eu-west-1"] }
prefixes = ["base/"]
[[routes]]
name = "dr"
from = { accounts = ["spoke"], regions = ["eu-west-1"] }
to = { same_account = true, regions = ["eu-west-2"] }
"""
HUB, SPOKE = map(registry_of, "12")
DR = registry_of("2", "eu-west-2")
PARTNER = registry_of("4")
LET_IN: JsonObject = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
            "Action": ["ecr:ReplicateImage", "ecr:CreateRepository"],
            "Resource": "arn:aws:ecr:eu-west-1:444444444444:repository/base/*",
        }
    ],
}


def delivered(
    report: DeliveryReport,
) -> dict[tuple[Registry, Registry], list[tuple[str, DeliveryState]]]:
    """What became of each image, by source and destination."""
    return {
        (link.source, link.destination): [
            (f"{image.image.repository}:{image.image.tags[0]}", image.state)
            for image in link.images
        ]
        for link in report.links
    }


async def set_up(aws: Simulated) -> None:
    async with aws.connected() as fleet:
        await fleet.apply(await fleet.plan())
    aws.world.set_policy(PARTNER, LET_IN)


async def test_images_on_their_way_and_there() -> None:
    """In progress for as long as replication takes, then complete, with the time it took."""
    async with simulate(FLEET, Scenario(replication_ms=40_000)) as aws:
        await set_up(aws)
        aws.world.push(HUB, "base/python", "1")
        aws.world.push(HUB, "team/app", "1")
        await aws.clock.sleep(10)
        async with aws.connected() as fleet:
            report = await fleet.verify()
            assert delivered(report) == {
                (HUB, SPOKE): [("base/python:1", DeliveryState.IN_PROGRESS)],
                (HUB, PARTNER): [("base/python:1", DeliveryState.IN_PROGRESS)],
                (SPOKE, DR): [],
            }
            assert {image.seconds for link in report.links for image in link.images} <= {10, 11}
            assert (report.status, report.sampled, report.sources) == ("ok", 1, 2)
            await aws.clock.sleep(35)
            report = await fleet.verify()
        assert report.status == "ok"
        at_spoke, at_partner = report.links[0].images[0], report.links[1].images[0]
        assert at_spoke.state is at_partner.state is DeliveryState.COMPLETE
        assert at_spoke.seconds == pytest.approx(40, abs=1.1)
        assert at_partner.seconds is None
        assert report.links[1].external
        # What arrived by replication is not passed on to the second region, which is no failure.
        dr = report.links[2]
        assert (dr.destination, dr.state) == (DR, DeliveryState.NOT_SENT)
        (because,) = {image.because for image in dr.images}
        assert because is not None
        assert because.endswith("what arrives by replication is not passed on")


async def test_archived_images_have_arrived() -> None:
    """One that ECR lists as sent and one that came by other ways: an archive hides them from who
    does not ask for archived images. What is archived at its source is not asked about."""
    async with simulate(FLEET) as aws:
        await set_up(aws)
        for tag in "abc":
            aws.world.push(HUB, "base/python", tag)
        # Nobody sent it, and an older one was: it would be missing.
        repository = aws.world.repository(HUB, "base/python")
        assert repository is not None
        del repository.deliveries[aws.world.images(HUB, "base/python")[2].digest]
        for tag in "bc":
            aws.world.archive(SPOKE, "base/python", tag)
        aws.world.archive(HUB, "base/python", "a")
        await aws.clock.sleep(1)
        async with aws.connected() as fleet:
            report = await fleet.verify(selection=Selection(accounts=("hub",)))
    archived = "it is archived at the destination: nobody can pull it until it is restored there"
    to_spoke = next(link for link in report.links if link.destination == SPOKE)
    assert {image.image.tags[0]: (image.state, image.because) for image in to_spoke.images} == {
        "b": (DeliveryState.COMPLETE, archived),
        "c": (
            DeliveryState.COMPLETE,
            f"not listed by ECR, yet there: copied by a backfill, or pushed there; {archived}",
        ),
    }


async def test_before_the_first_apply_nothing_is_sent() -> None:
    """No rule carries the images; afterwards they are ones from before the rule."""
    async with simulate(FLEET) as aws:
        aws.world.push(HUB, "base/python", "1")
        async with aws.connected() as fleet:
            report = await fleet.verify(selection=Selection(accounts=("hub",)))
        assert delivered(report) == {
            (HUB, SPOKE): [("base/python:1", DeliveryState.NO_RULE)],
            (HUB, PARTNER): [("base/python:1", DeliveryState.NO_RULE)],
        }
        assert report.status == "partial"
        await set_up(aws)
        async with aws.connected() as fleet:
            report = await fleet.verify()
        assert {link.state for link in report.links} == {DeliveryState.NOT_SENT, DeliveryState.IDLE}
        assert report.status == "ok"


async def test_denied_and_why() -> None:
    """A grant that somebody took away is named; so is what an external owner has to add."""
    async with simulate(FLEET) as aws:
        await set_up(aws)
        aws.world.set_policy(SPOKE, None)
        aws.world.set_policy(PARTNER, None)
        aws.world.push(HUB, "base/python", "1")
        aws.world.calls.clear()
        async with aws.connected() as fleet:
            report = await fleet.verify()
        assert dict(aws.world.calls) == {
            "GetCallerIdentity": 1,
            "AssumeRole": 2,
            "DescribeRegistry": 2,
            "DescribeRepositories": 2,
            "DescribeImages": 1,
            "DescribeImageReplicationStatus": 1,
            "GetRegistryPolicy": 1,
        }
        spoke, partner = report.links[0].images[0], report.links[1].images[0]
        assert spoke.code == partner.code == "DESTINATION_REGISTRY_ACCESS_DENIED"
        assert spoke.because == (
            "its registry policy does not grant ecr:ReplicateImage and ecr:CreateRepository"
        )
        assert spoke.hint == (
            f"fleet-repl apply {aws.inventory.path} does that: allow "
            "arn:aws:iam::111111111111:root ecr:ReplicateImage and ecr:CreateRepository on "
            "arn:aws:ecr:eu-west-1:222222222222:repository/base/*"
        )
        assert partner.hint is not None
        assert partner.hint.startswith("its owner has to allow arn:aws:iam::111111111111:root ")
        assert report.status == "partial"
        # Doing what it says helps.
        await set_up(aws)
        aws.world.push(HUB, "base/python", "2")
        async with aws.connected() as fleet:
            report = await fleet.verify()
        delivery = delivered(report)[HUB, SPOKE]
        assert sorted(delivery) == [
            ("base/python:1", DeliveryState.FAILED),
            ("base/python:2", DeliveryState.COMPLETE),
        ]
        because = {item.because for item in report.links[0].having(DeliveryState.FAILED)}
        assert because == {"its registry policy grants it now, so it was changed after the push"}


async def test_a_role_that_may_not_list_images() -> None:
    """The source is unreadable and its links unknown; the other source is asked all the same."""
    denied = AccountScenario(id="1" * 12, denied_actions=("ecr:DescribeImages",))
    async with simulate(FLEET, Scenario(accounts=(denied,))) as aws:
        await set_up(aws)
        aws.world.push(HUB, "base/python", "1")
        aws.world.push(SPOKE, "team/app", "1")
        async with aws.connected() as fleet:
            report = await fleet.verify()
        assert [link.state for link in report.links] == ["unknown", "unknown", "complete"]
        (unread,) = report.unreadable
        assert (unread.registry, unread.name) == (HUB, "hub")
        assert (unread.error.kind, unread.error.operation) == ("access-denied", "DescribeImages")
        assert report.status == "partial"


async def test_only_recent_images_count() -> None:
    """Older ones are not asked about, and no more than were asked for."""
    async with simulate(FLEET) as aws:
        await set_up(aws)
        for tag in "abc":
            aws.world.push(HUB, "base/old", tag)
        await aws.clock.sleep(7_200)
        async with aws.connected() as fleet:
            recent = await fleet.verify(age=timedelta(hours=1))
            assert (recent.sampled, recent.status) == (0, "ok")
            few = await fleet.verify(selection=Selection(accounts=("hub",)), count=2)
            assert (few.sampled, few.count) == (2, 2)


async def test_a_selection_asks_about_links_into_and_out_of_it() -> None:
    """The hub is asked for the spoke's sake, though only about that link."""
    async with simulate(FLEET) as aws, aws.connected() as fleet:
        second = await fleet.verify(selection=Selection(regions=("eu-west-2",)))
        assert list(delivered(second)) == [(SPOKE, DR)]
        spoke = await fleet.verify(selection=Selection(accounts=("spoke",)))
        assert list(delivered(spoke)) == [(HUB, SPOKE), (SPOKE, DR)]
        with pytest.raises(SelectionError):
            await fleet.verify(selection=Selection(accounts=("partner",)))


async def test_events_and_secrets() -> None:
    """It starts once and ends with its report; neither holds a secret, and nothing is written."""
    async with simulate(FLEET) as aws:
        await set_up(aws)
        aws.events.clear()
        writes = list(aws.world.writes)
        seen: list[Any] = []
        async with aws.connected() as fleet:
            report = await fleet.verify(on_event=seen.append)
        assert seen[0] == VerifyStarted(run_id=report.run_id, sources=(HUB, SPOKE))
        assert seen[-1] == VerifyFinished(report=report)
        assert [event for event in aws.events if event in seen] == seen
        assert "s3cr3t-external-id" not in to_json(report) + repr((report, aws.events))
        assert aws.world.writes == writes


async def test_stopped_before_it_began() -> None:
    """The report says so and names every link."""
    async with simulate(FLEET) as aws, aws.connected() as fleet:
        fleet.stop()
        report = await fleet.verify()
        assert (report.status, report.interrupted) == ("interrupted", True)
        assert [link.state for link in report.links] == ["unknown"] * 3
        assert report.unreadable == ()
