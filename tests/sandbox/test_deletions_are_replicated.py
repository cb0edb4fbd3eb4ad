"""BatchDeleteImage, and deletions that follow rules to their destinations."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st
from tests.support.served import Served

from fleet_repl.inventory.accounts import Account
from fleet_repl.inventory.model import Inventory
from fleet_repl.sandbox import World, world_of
from fleet_repl.values.canonical_json import Json
from fleet_repl.values.names import AccountId, Region, Registry

EAST, WEST = Region("us-east-1"), Region("eu-west-1")
HUB = Registry(AccountId("1" * 12), EAST)
OWN = Registry(HUB.account, WEST)
SPOKE = Registry(AccountId("2" * 12), WEST)
OTHER = Registry(AccountId("3" * 12), WEST)
NAME = {"repositoryName": "base/python"}


def rule(*to: Registry, deletes: bool | None = True, prefix: str | None = None) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "destinations": [
            {"region": registry.region, "registryId": registry.account} for registry in to
        ]
    }
    if prefix is not None:
        whole["repositoryFilters"] = [{"filter": prefix, "filterType": "PREFIX_MATCH"}]
    return whole if deletes is None else {**whole, "deleteReplication": {"enabled": deletes}}


def grant(*actions: str) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{HUB.account}:root"},
        "Action": list(actions or ("ecr:ReplicateImage", "ecr:CreateRepository")),
        "Resource": "*",
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def tags(world: World, registry: Registry) -> list[tuple[str, ...]]:
    return [image.tags for image in world.images(registry, "base/python")]


def test_a_deletion_follows_a_rule_that_asks_for_it(world: World) -> None:
    """And no rule that does not."""
    rules = [rule(OWN), rule(SPOKE, deletes=False), rule(OTHER, deletes=None)]
    world.set_replication(HUB, {"rules": rules})
    for registry in (SPOKE, OTHER):
        world.set_policy(registry, grant())
    world.push(HUB, "base/python", "1")
    world.push(HUB, "base/python", "2")
    world.delete(HUB, "base/python", "1")
    assert tags(world, HUB) == tags(world, OWN) == [("2",)]
    assert tags(world, SPOKE) == tags(world, OTHER) == [("1",), ("2",)]


async def test_a_tag_goes_alone_and_the_last_one_takes_the_image_along(aws: Served) -> None:
    """At both ends alike."""
    aws.world.set_replication(HUB, {"rules": [rule(OWN)]})
    image = aws.world.push(HUB, "base/python", "1")
    also = {**NAME, "imageManifest": image.manifest, "imageTag": "latest"}
    await aws.done("PutImage", also)
    assert tags(aws.world, OWN) == [("1", "latest")]
    await aws.done("BatchDeleteImage", {**NAME, "imageIds": [{"imageTag": "1"}]})
    assert tags(aws.world, HUB) == tags(aws.world, OWN) == [("latest",)]
    await aws.done("BatchDeleteImage", {**NAME, "imageIds": [{"imageTag": "latest"}]})
    assert tags(aws.world, HUB) == tags(aws.world, OWN) == []


async def test_a_digest_takes_every_tag_along(aws: Served) -> None:
    """The whole image is gone, and a tag that the destination put on it too."""
    aws.world.set_replication(HUB, {"rules": [rule(OWN)]})
    image = aws.world.push(HUB, "base/python", "1")
    also = {**NAME, "imageManifest": image.manifest, "imageTag": "theirs"}
    await aws.done("PutImage", also, region=WEST)
    ids = [{"imageDigest": image.digest}]
    answer = await aws.done("BatchDeleteImage", {**NAME, "imageIds": ids})
    assert answer == {
        "imageIds": [{"imageDigest": image.digest, "imageTag": "1"}],
        "failures": [],
    }
    assert tags(aws.world, HUB) == tags(aws.world, OWN) == []


def test_deletions_go_one_hop(world: World) -> None:
    """What is deleted by replication is not deleted further on."""
    world.set_replication(HUB, {"rules": [rule(OWN)]})
    world.set_replication(OWN, {"rules": [rule(HUB, OTHER)]})
    world.set_policy(OTHER, grant())
    world.push(HUB, "base/python", "1")
    world.push(OTHER, "base/python", "1")
    world.delete(HUB, "base/python", "1")
    assert tags(world, OWN) == []
    assert tags(world, OTHER) == [("1",)]


def test_what_somebody_else_put_there_stays(world: World) -> None:
    """A tag of the same name on another image is not touched."""
    world.push(HUB, "base/python", "1")
    world.push(OWN, "base/python", "1")
    world.set_replication(HUB, {"rules": [rule(OWN)]})
    world.delete(HUB, "base/python", "1")
    assert tags(world, OWN) == [("1",)]


def test_a_withdrawn_grant_keeps_images(world: World) -> None:
    """Across accounts a deletion needs the grant that a copy needs."""
    world.set_replication(HUB, {"rules": [rule(SPOKE)]})
    world.set_policy(SPOKE, grant())
    world.push(HUB, "base/python", "1")
    world.push(HUB, "base/python", "2")
    world.set_policy(SPOKE, grant("ecr:ReplicateImage"))
    world.delete(HUB, "base/python", "1")
    world.set_policy(SPOKE, None)
    world.delete(HUB, "base/python", "2")
    assert tags(world, SPOKE) == [("2",)]


@given(st.lists(st.tuples(st.sampled_from(("ba", "base/", "other")), st.booleans()), max_size=4))
def test_rules_that_overlap_are_a_union(pairs: list[tuple[str, bool]]) -> None:
    """Any rule that selects the repository and asks for deletions is enough."""
    account = Account(id=HUB.account, name="hub", regions=(EAST, WEST), role=None)
    world = world_of(Inventory(path="x", digest="x", name="x", accounts=(account,)))
    rules = [rule(OWN, deletes=deletes, prefix=prefix) for prefix, deletes in pairs]
    world.set_replication(HUB, {"rules": rules})
    world.push(HUB, "base/python", "1")
    world.delete(HUB, "base/python", "1")
    selecting = [deletes for prefix, deletes in pairs if prefix != "other"]
    stays = bool(selecting) and not any(selecting)
    assert tags(world, OWN) == ([("1",)] if stays else [])


async def test_what_cannot_be_deleted(aws: Served) -> None:
    """Each id fails alone, in ECR's words."""
    first = aws.world.push(HUB, "base/python", "1")
    second = aws.world.push(HUB, "base/python", "2")
    index = json.dumps({"manifests": [{"digest": second.digest, "size": 1}]})
    await aws.done("PutImage", {**NAME, "imageManifest": index, "imageTag": "index"})
    ids = [
        {"imageTag": "3"},
        {"imageTag": "2", "imageDigest": first.digest},
        {"imageDigest": "sha256:0"},
        {"imageTag": "a b"},
        {},
        {"imageTag": "2"},
    ]
    answer = await aws.done("BatchDeleteImage", {**NAME, "imageIds": ids})
    assert answer["imageIds"] == []
    assert [item["imageId"] for item in answer["failures"]] == ids
    assert [item["failureCode"] for item in answer["failures"]] == [
        "ImageNotFound",
        "ImageTagDoesNotMatchDigest",
        "InvalidImageDigest",
        "InvalidImageTag",
        "MissingDigestAndTag",
        "ImageReferencedByManifestList",
    ]
    assert len(tags(aws.world, HUB)) == 3
    await aws.done("BatchDeleteImage", {**NAME, "imageIds": [{"imageTag": "index"}]})
    gone = await aws.done("BatchDeleteImage", {**NAME, "imageIds": [{"imageTag": "2"}]})
    assert gone["imageIds"] == [{"imageDigest": second.digest, "imageTag": "2"}]


async def test_a_client_deletes(aws: Served) -> None:
    """With the SDK's own model; an image without tags is named by its digest."""
    async with aws.client("ecr", await aws.session(HUB.account)) as ecr:
        await ecr.create_repository(**NAME)
        put = await ecr.put_image(**NAME, imageManifest="{}")
        digest = put["image"]["imageId"]["imageDigest"]
        gone = await ecr.batch_delete_image(**NAME, imageIds=[{"imageDigest": digest}])
    assert gone["imageIds"] == [{"imageDigest": digest}]


@pytest.mark.parametrize(
    ("setting", "error"),
    [
        (
            {},
            (
                "InvalidParameterException",
                (
                    "Invalid parameter at 'replicationConfiguration.rules[0].deleteReplication."
                    "enabled' failed to satisfy constraint: 'Member must not be null'"
                ),
            ),
        ),
        (
            True,
            (
                "SerializationException",
                "replicationConfiguration.rules[0].deleteReplication is not a structure",
            ),
        ),
    ],
)
async def test_the_member_is_checked(aws: Served, setting: Json, error: tuple[str, str]) -> None:
    """`enabled` has to be there, in a structure."""
    rules = [{**rule(OWN), "deleteReplication": setting}]
    asked = {"replicationConfiguration": {"rules": rules}}
    assert await aws.refused("PutReplicationConfiguration", asked) == error
