"""Replication backfills: their states by the clock, their limits, and what they copy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.support.served import Serve, Served

from fleet_repl.sandbox import AccountScenario, Scenario
from fleet_repl.values.names import AccountId, Region, Registry

EAST, WEST = Region("us-east-1"), Region("eu-west-1")
HUB = Registry(AccountId("1" * 12), EAST)
OWN = Registry(HUB.account, WEST)
SPOKE = Registry(AccountId("2" * 12), WEST)
REGIONS = tuple(
    Region(text)
    for text in (
        *("eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1", "eu-north-1", "us-east-2"),
        *("us-west-1", "us-west-2", "ca-central-1", "sa-east-1", "ap-south-1"),
    )
)
PACE = Scenario(backfill_preparing_ms=2000, backfill_images_per_second=2)
START, STOP = "StartReplicationBackfill", "StopReplicationBackfill"
LIST, RESULTS = "ListReplicationBackfills", "DescribeReplicationBackfillResults"


def to(*registries: Registry, prefix: str | None = None) -> dict[str, Any]:
    there = [{"region": registry.region, "registryId": registry.account} for registry in registries]
    rule: dict[str, Any] = {"destinations": there}
    if prefix is not None:
        rule["repositoryFilters"] = [{"filter": prefix, "filterType": "PREFIX_MATCH"}]
    return {"rules": [rule]}


def at(registry: Registry) -> dict[str, Any]:
    return {"destination": {"region": registry.region, "registryId": registry.account}}


async def status(aws: Served, backfill: str) -> str:
    state: str = (await aws.done(RESULTS, {"replicationBackfillId": backfill}))["status"]
    return state


@pytest.fixture
async def slow(served: Serve) -> AsyncIterator[Served]:
    """A world where preparing takes two seconds and an image half a second."""
    async with served(PACE) as aws:
        yield aws


async def test_from_start_to_end(slow: Served) -> None:
    """Every state with its members, as the clock goes on."""
    for tag in ("1", "2", "3"):
        slow.world.push(HUB, "base/python", tag)
    slow.world.set_replication(HUB, to(OWN))
    begun = await slow.done(START, at(OWN))
    started = slow.clock.now().timestamp()
    named = {"replicationBackfillId": begun["replicationBackfillId"], **at(OWN)}
    common = {**named, "startedAt": started}
    assert begun == {"registryId": HUB.account, **common, "status": "PREPARING"}
    about = {"replicationBackfillId": begun["replicationBackfillId"]}
    slow.clock.seconds += 1.9
    assert (await slow.done(LIST))["backfills"] == [{**common, "status": "PREPARING"}]
    slow.clock.seconds += 0.1
    counts = {"totalReplicationCount": 3, "failedReplicationCount": 0, "failureCodes": []}
    (backfill,) = (await slow.done(LIST))["backfills"]
    assert backfill == {
        **common,
        "status": "IN_PROGRESS",
        "progress": {**counts, "completedReplicationCount": 0},
    }
    slow.clock.seconds += 1
    middle = await slow.done(RESULTS, about)
    assert middle["progress"]["completedReplicationCount"] == 2
    assert middle["results"] == []
    assert len(slow.world.images(OWN, "base/python")) == 2
    slow.clock.seconds += 60
    ended = await slow.done(RESULTS, about)
    results = ended.pop("results")
    assert ended == {
        "registryId": HUB.account,
        **common,
        "status": "COMPLETE",
        "progress": {**counts, "completedReplicationCount": 3},
        "endedAt": started + 3.5,
    }
    assert [(result["repositoryName"], result["imageId"]["imageTag"]) for result in results] == [
        ("base/python", tag) for tag in ("1", "2", "3")
    ]
    assert {result["status"] for result in results} == {"COMPLETE"}
    assert slow.world.writes == [(HUB, START)]


async def test_images_arrive_with_their_own_time(slow: Served) -> None:
    """Each at the moment that it was copied, however late somebody looks."""
    for tag in ("1", "2"):
        slow.world.push(HUB, "base/python", tag)
    slow.world.set_replication(HUB, to(OWN))
    start = slow.clock.now()
    await slow.done(START, at(OWN))
    slow.clock.seconds += 100
    arrived = [
        (image.pushed_at - start).total_seconds() for image in slow.world.images(OWN, "base/python")
    ]
    assert arrived == [2.5, 3.0]


async def test_what_is_copied(aws: Served) -> None:
    """Repositories that rules send there, every tag of an image, and images without any."""
    first = aws.world.push(HUB, "base/python", "1")
    name = {"repositoryName": "base/python"}
    await aws.done("PutImage", {**name, "imageManifest": first.manifest, "imageTag": "latest"})
    untagged = await aws.done("PutImage", {**name, "imageManifest": "{}"})
    aws.world.push(HUB, "secret/tool", "1")
    aws.world.set_replication(HUB, to(OWN, prefix="base/"))
    await aws.done(START, at(OWN))
    aws.clock.seconds += 10
    (backfill,) = aws.world.backfills(HUB)
    digest = untagged["image"]["imageId"]["imageDigest"]
    assert [(result.item.digest, result.item.tag) for result in backfill.results] == [
        (first.digest, "1"),
        (first.digest, "latest"),
        (digest, None),
    ]
    shown = await aws.done(RESULTS, {"replicationBackfillId": backfill.id})
    assert shown["results"][2]["imageId"] == {"imageDigest": digest}
    assert aws.world.repositories(OWN) == ("base/python",)
    assert [image.tags for image in aws.world.images(OWN, "base/python")] == [("1", "latest"), ()]
    asked = {**name, "imageId": {"imageTag": "1"}}
    answer = await aws.done("DescribeImageReplicationStatus", asked)
    assert [item["status"] for item in answer["replicationStatuses"]] == ["COMPLETE"]


async def test_nothing_to_copy_is_complete(aws: Served) -> None:
    """As soon as that is found out."""
    aws.world.set_replication(HUB, to(OWN))
    begun = await aws.done(START, at(OWN))
    aws.clock.seconds += 0.5
    assert await status(aws, begun["replicationBackfillId"]) == "COMPLETE"


async def test_a_missing_grant_fails_images(aws: Served) -> None:
    """Results tell which and why; the backfill itself is complete."""
    for tag in ("1", "2"):
        aws.world.push(HUB, "base/python", tag)
    aws.world.set_replication(HUB, to(SPOKE))
    begun = await aws.done(START, at(SPOKE))
    aws.clock.seconds += 10
    about = {"replicationBackfillId": begun["replicationBackfillId"]}
    failed = await aws.done(RESULTS, {**about, "resultStatusFilter": "FAILED"})
    assert failed["status"] == "COMPLETE"
    assert failed["progress"] == {
        "totalReplicationCount": 2,
        "completedReplicationCount": 0,
        "failedReplicationCount": 2,
        "failureCodes": ["DESTINATION_REGISTRY_ACCESS_DENIED"],
    }
    assert {item["failureCode"] for item in failed["results"]} == {
        "DESTINATION_REGISTRY_ACCESS_DENIED"
    }
    done = await aws.done(RESULTS, {**about, "resultStatusFilter": "COMPLETE"})
    assert done["results"] == []
    assert aws.world.repositories(SPOKE) == ()


@pytest.mark.parametrize(("good", "ended"), [(60, "FAILED"), (61, "COMPLETE")])
async def test_half_of_a_hundred_failing_is_the_end(aws: Served, good: int, ended: str) -> None:
    """Not before a hundred are done; then at one half, although more are waiting."""
    for number in range(good):
        aws.world.push(HUB, "aa/good", str(number))
    for number in range(60):
        aws.world.push(HUB, "bb/bad", str(number))
    aws.world.set_replication(HUB, to(SPOKE))
    aws.world.set_policy(
        SPOKE,
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": "*",
                    "Action": "ecr:*",
                    "Resource": "arn:aws:ecr:eu-west-1:222222222222:repository/aa/*",
                }
            ],
        },
    )
    begun = await aws.done(START, at(SPOKE))
    aws.clock.seconds += 60
    answer = await aws.done(RESULTS, {"replicationBackfillId": begun["replicationBackfillId"]})
    assert answer["status"] == ended
    assert answer.get("failureCode") == ("TOO_MANY_FAILURES" if ended == "FAILED" else None)
    assert answer["progress"]["failedReplicationCount"] == 60


async def test_it_can_be_stopped(slow: Served) -> None:
    """At once while it prepares; else when the image that it is at has arrived."""
    for tag in ("1", "2", "3"):
        slow.world.push(HUB, "base/python", tag)
    slow.world.set_replication(HUB, to(OWN))
    first = (await slow.done(START, at(OWN)))["replicationBackfillId"]
    stopped = await slow.done(STOP, {"replicationBackfillId": first})
    assert (stopped["status"], "progress" in stopped) == ("STOPPED", False)
    slow.clock.seconds += 10
    assert slow.world.images(OWN, "base/python") == ()
    second = (await slow.done(START, at(OWN)))["replicationBackfillId"]
    slow.clock.seconds += 2.6
    assert (await slow.done(STOP, {"replicationBackfillId": second}))["status"] == "STOPPING"
    assert (await slow.refused(STOP, {"replicationBackfillId": second})) == (
        "ReplicationBackfillInvalidStatusException",
        (f"The replication backfill with id '{second}' cannot be stopped: its status is STOPPING"),
    )
    slow.clock.seconds += 10
    answer = await slow.done(RESULTS, {"replicationBackfillId": second})
    assert answer["status"] == "STOPPED"
    assert answer["progress"]["completedReplicationCount"] == 2
    assert len(answer["results"]) == 2


async def test_one_for_a_region_at_a_time(aws: Served) -> None:
    """Whichever account it goes to; when it has ended, the next may start."""
    aws.world.set_replication(HUB, to(OWN, SPOKE))
    await aws.done(START, at(OWN))
    assert await aws.refused(START, at(SPOKE)) == (
        "ReplicationBackfillInProgressException",
        (
            "A replication backfill is already in progress for the destination region "
            f"'eu-west-1' in the registry with id '{HUB.account}'"
        ),
    )
    aws.clock.seconds += 1
    await aws.done(START, at(SPOKE))


async def test_ten_at_a_time(aws: Served) -> None:
    """The eleventh is refused until one has ended."""
    registries = [Registry(HUB.account, region) for region in REGIONS]
    aws.world.set_replication(HUB, to(*registries))
    begun = [
        (await aws.done(START, at(registry)))["replicationBackfillId"]
        for registry in registries[:10]
    ]
    assert await aws.refused(START, at(registries[10])) == (
        "LimitExceededException",
        (
            f"The registry with id '{HUB.account}' already has the maximum of 10 replication "
            "backfills in progress"
        ),
    )
    await aws.done(STOP, {"replicationBackfillId": begun[3]})
    await aws.done(START, at(registries[10]))


async def test_the_destination_has_to_be_in_a_rule(aws: Served) -> None:
    """Account and region together."""
    aws.world.set_replication(HUB, to(OWN))
    assert await aws.refused(START, at(SPOKE)) == (
        "InvalidParameterException",
        (
            "Invalid parameter at 'destination' failed to satisfy constraint: 'The destination "
            "must be in the replication configuration of the registry'"
        ),
    )
    assert aws.world.backfills(HUB) == ()


async def test_backfills_and_results_come_in_pages(aws: Served) -> None:
    """Backfills at most fifty at a time, results a thousand."""
    for number in range(3):
        aws.world.push(HUB, "base/python", str(number))
    aws.world.set_replication(HUB, to(OWN))
    ids = []
    for _ in range(27):
        ids.append((await aws.done(START, at(OWN)))["replicationBackfillId"])
        aws.clock.seconds += 1
    first = await aws.done(LIST)
    second = await aws.done(LIST, {"nextToken": first["nextToken"], "maxResults": 50})
    assert (len(first["backfills"]), len(second["backfills"])) == (25, 2)
    listed = [item["replicationBackfillId"] for item in first["backfills"] + second["backfills"]]
    assert listed == ids
    assert "less than or equal to 50" in (await aws.refused(LIST, {"maxResults": 51}))[1]
    about = {"replicationBackfillId": ids[0], "maxResults": 2}
    page = await aws.done(RESULTS, about)
    rest = await aws.done(RESULTS, {**about, "nextToken": page["nextToken"]})
    assert (len(page["results"]), len(rest["results"])) == (2, 1)


async def test_one_that_ended_is_forgotten_after_ninety_days(aws: Served) -> None:
    """Not a day before."""
    aws.world.set_replication(HUB, to(OWN))
    about = {"replicationBackfillId": (await aws.done(START, at(OWN)))["replicationBackfillId"]}
    aws.clock.seconds += 1
    await aws.done(LIST)
    aws.clock.seconds += 89 * 86_400
    aws.sessions.clear()
    assert len((await aws.done(LIST))["backfills"]) == 1
    aws.clock.seconds += 86_400
    aws.sessions.clear()
    assert (await aws.done(LIST))["backfills"] == []
    assert (await aws.refused(RESULTS, about))[0] == "ReplicationBackfillNotFoundException"


@pytest.mark.parametrize("operation", [RESULTS, STOP])
async def test_one_that_is_not_there(aws: Served, operation: str) -> None:
    """An id that nobody gave out."""
    unknown = "00000000-0000-0000-0000-000000000000"
    assert await aws.refused(operation, {"replicationBackfillId": unknown}) == (
        "ReplicationBackfillNotFoundException",
        (
            f"The replication backfill with id '{unknown}' does not exist in the registry with "
            f"id '{HUB.account}'"
        ),
    )


async def test_an_image_that_goes_meanwhile_fails(slow: Served) -> None:
    """It was on the list and is not there any more."""
    for tag in ("1", "2"):
        slow.world.push(HUB, "base/python", tag)
    slow.world.set_replication(HUB, to(OWN))
    await slow.done(START, at(OWN))
    slow.clock.seconds += 2.6
    slow.world.delete(HUB, "base/python", "2")
    slow.clock.seconds += 10
    (backfill,) = slow.world.backfills(HUB)
    assert [result.failure for result in backfill.results] == [None, "SOURCE_IMAGE_NOT_FOUND"]


@pytest.mark.parametrize("operation", [START, STOP, LIST, RESULTS])
async def test_a_role_may_lack_each_of_the_calls(served: Serve, operation: str) -> None:
    """A scenario denies them like any other."""
    lacks = Scenario(
        accounts=(AccountScenario(id=HUB.account, denied_actions=("ecr:*Backfill*",)),)
    )
    async with served(lacks) as aws:
        assert (await aws.refused(operation))[0] == "AccessDeniedException"
