"""Copies and deletions that are on their way for a while."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.support.registries import registry_of
from tests.support.served import Serve, Served

from fleet_repl.sandbox import RegistryScenario, Scenario
from fleet_repl.values.names import Region, Registry

HUB = registry_of("1", "us-east-1")
OWN = Registry(HUB.account, Region("eu-west-1"))
SPOKE = registry_of("2")
NAME: dict[str, Any] = {"repositoryName": "base/python"}


def to(*registries: Registry) -> dict[str, Any]:
    there = [{"region": registry.region, "registryId": registry.account} for registry in registries]
    return {"rules": [{"destinations": there, "deleteReplication": {"enabled": True}}]}


@pytest.fixture
async def slow(served: Serve) -> AsyncIterator[Served]:
    """A world where a copy takes a second and a half."""
    async with served(Scenario(replication_ms=1500)) as aws:
        yield aws


async def statuses(aws: Served) -> list[Any]:
    asked = {**NAME, "imageId": {"imageTag": "1"}}
    listed: list[Any] = (await aws.done("DescribeImageReplicationStatus", asked))[
        "replicationStatuses"
    ]
    return listed


async def test_a_copy_is_in_progress_until_it_arrives(slow: Served) -> None:
    """To each destination; then it is complete there, or has failed."""
    slow.world.set_replication(HUB, to(OWN, SPOKE))
    slow.world.push(HUB, "base/python", "1")
    slow.clock.seconds += 1.49
    assert [status["status"] for status in await statuses(slow)] == ["IN_PROGRESS"] * 2
    assert slow.world.repositories(OWN) == ()
    slow.clock.seconds += 0.01
    assert await statuses(slow) == [
        {"region": OWN.region, "registryId": OWN.account, "status": "COMPLETE"},
        {
            "region": SPOKE.region,
            "registryId": SPOKE.account,
            "status": "FAILED",
            "failureCode": "DESTINATION_REGISTRY_ACCESS_DENIED",
        },
    ]


async def test_the_time_of_arrival_is_reported(slow: Served) -> None:
    """At the destination it was pushed when it came, however late somebody looks."""
    slow.world.set_replication(HUB, to(OWN))
    slow.world.push(HUB, "base/python", "1")
    slow.clock.seconds += 3600
    here, there = [
        (await slow.done("DescribeImages", NAME, region=item, key=await slow.session(HUB.account)))[
            "imageDetails"
        ][0]["imagePushedAt"]
        for item in (HUB.region, OWN.region)
    ]
    assert there - here == 1.5


async def test_deletions_take_as_long(slow: Served) -> None:
    """And never overtake the copy."""
    slow.world.set_replication(HUB, to(OWN))
    slow.world.push(HUB, "base/python", "1")
    slow.clock.seconds += 1
    slow.world.delete(HUB, "base/python", "1")
    slow.clock.seconds += 0.5
    assert len(slow.world.images(OWN, "base/python")) == 1
    slow.clock.seconds += 1
    assert slow.world.images(OWN, "base/python") == ()


async def test_the_policy_of_the_moment_of_arrival_counts(slow: Served) -> None:
    """A grant in time is in time; one that comes too late changes nothing."""
    slow.world.set_replication(HUB, to(SPOKE))
    slow.world.push(HUB, "base/python", "1")
    slow.clock.seconds += 2
    statement = {"Effect": "Allow", "Principal": "*", "Action": "ecr:*", "Resource": "*"}
    slow.world.set_policy(SPOKE, {"Version": "2012-10-17", "Statement": [statement]})
    assert slow.world.images(SPOKE, "base/python") == ()
    slow.world.push(HUB, "base/python", "2")
    slow.world.set_policy(SPOKE, None)
    slow.clock.seconds += 1
    slow.world.set_policy(SPOKE, {"Version": "2012-10-17", "Statement": [statement]})
    slow.clock.seconds += 1
    assert [image.tags for image in slow.world.images(SPOKE, "base/python")] == [("2",)]


async def test_a_scenario_can_push_after_its_rules(served: Serve) -> None:
    """Unlike what it has from before them, this is on its way when the world begins."""
    seed = RegistryScenario(
        account=HUB.account,
        region=HUB.region,
        replication=to(OWN),
        repositories={"base/python": ("0",)},
        pushes={"base/python": ("1",)},
    )
    async with served(Scenario(registries=(seed,), replication_ms=100)) as aws:
        assert [status["status"] for status in await statuses(aws)] == ["IN_PROGRESS"]
        aws.clock.seconds += 0.1
        assert [status["status"] for status in await statuses(aws)] == ["COMPLETE"]
        assert [image.tags for image in aws.world.images(OWN, "base/python")] == [("1",)]
