"""Where a pushed image arrives: rules of its registry, policies of the others, one hop."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st
from tests.support.served import Served

from fleet_repl.inventory.accounts import Account
from fleet_repl.inventory.model import Inventory
from fleet_repl.sandbox import AccountScenario, Scenario, World, world_of
from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.names import AccountId, Region, Registry

EAST, WEST = Region("us-east-1"), Region("eu-west-1")
HUB = Registry(AccountId("1" * 12), EAST)
SPOKE = Registry(AccountId("2" * 12), WEST)
OTHER = Registry(AccountId("3" * 12), WEST)
OWN = Registry(HUB.account, WEST)


def rules(*pairs: tuple[Registry, list[str] | None]) -> dict[str, Any]:
    return {"rules": [rule(destination, prefixes) for destination, prefixes in pairs]}


def rule(destination: Registry, prefixes: list[str] | None) -> dict[str, Any]:
    made: dict[str, Any] = {
        "destinations": [{"region": destination.region, "registryId": destination.account}]
    }
    if prefixes is not None:
        made["repositoryFilters"] = [
            {"filter": text, "filterType": "PREFIX_MATCH"} for text in prefixes
        ]
    return made


def grant(into: Registry, *, actions: Json = None, to: str = HUB.account, **more: Any) -> Any:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{to}:root"},
                "Action": actions or ["ecr:ReplicateImage", "ecr:CreateRepository"],
                "Resource": f"arn:aws:ecr:{into.region}:{into.account}:repository/*",
                **more,
            }
        ],
    }


def arrived(world: World, registry: Registry, repository: str = "base/python") -> list[str]:
    return [tag for image in world.images(registry, repository) for tag in image.tags]


async def test_a_pushed_image_arrives_and_says_so(aws: Served) -> None:
    """End to end over HTTP: rules, policy, push, status, and the image at the destination."""
    configuration = rules((SPOKE, ["base/"]), (OWN, None), (OTHER, None))
    await aws.ecr("PutReplicationConfiguration", {"replicationConfiguration": configuration})
    text = {"policyText": json.dumps(grant(SPOKE))}
    await aws.ecr("PutRegistryPolicy", text, account=SPOKE.account, region=WEST)
    await aws.ecr("CreateRepository", {"repositoryName": "base/python"})
    image = {"repositoryName": "base/python", "imageManifest": "{}", "imageTag": "3.13"}
    pushed = (await aws.ecr("PutImage", image)).json["image"]["imageId"]

    asked = {"repositoryName": "base/python", "imageId": {"imageTag": "3.13"}}
    status = await aws.ecr("DescribeImageReplicationStatus", asked)
    assert status.json == {
        "repositoryName": "base/python",
        "imageId": pushed,
        "replicationStatuses": [
            {"region": WEST, "registryId": SPOKE.account, "status": "COMPLETE"},
            {"region": WEST, "registryId": HUB.account, "status": "COMPLETE"},
            {
                "region": WEST,
                "registryId": OTHER.account,
                "status": "FAILED",
                "failureCode": "DESTINATION_REGISTRY_ACCESS_DENIED",
            },
        ],
    }
    there = await aws.ecr(
        "DescribeImages", {"repositoryName": "base/python"}, account=SPOKE.account, region=WEST
    )
    detail = there.json["imageDetails"][0]
    assert detail["registryId"] == SPOKE.account
    assert (detail["imageDigest"], detail["imageTags"]) == (pushed["imageDigest"], ["3.13"])
    elsewhere = await aws.ecr(
        "DescribeImages", {"repositoryName": "base/python"}, account=OTHER.account, region=WEST
    )
    assert elsewhere.error[0] == "RepositoryNotFoundException"


async def test_what_replication_creates_has_defaults(aws: Served) -> None:
    """A repository made by replication takes nothing over from the source's settings."""
    aws.world.set_replication(HUB, rules((OWN, None)))
    settings = {
        "repositoryName": "base/python",
        "imageTagMutability": "IMMUTABLE",
        "encryptionConfiguration": {"encryptionType": "KMS"},
    }
    await aws.ecr("CreateRepository", settings)
    aws.world.push(HUB, "base/python", "3")
    made = await aws.ecr("DescribeRepositories", region=WEST)
    repository = made.json["repositories"][0]
    assert repository["imageTagMutability"] == "MUTABLE"
    assert repository["encryptionConfiguration"] == {"encryptionType": "AES256"}


@pytest.mark.parametrize(
    ("prefixes", "arrives"),
    [
        (None, True),
        (["base/"], True),
        (["base/python"], True),
        (["ba"], True),
        (["team/", "base/p"], True),
        (["python"], False),
        (["base/python/"], False),
    ],
)
def test_filters_are_prefixes(world: World, prefixes: list[str] | None, arrives: bool) -> None:
    """A filter is the beginning of a name, not a folder; any of them will do."""
    world.set_replication(HUB, rules((OWN, prefixes)))
    world.push(HUB, "base/python", "3")
    assert arrived(world, OWN) == (["3"] if arrives else [])


def test_the_same_account_needs_no_grant(world: World) -> None:
    """Across regions of one account nothing has to be allowed."""
    world.set_replication(HUB, rules((OWN, None)))
    world.push(HUB, "base/python", "3")
    assert arrived(world, OWN) == ["3"]


def test_a_deny_within_one_account_is_not_asked(world: World) -> None:
    """The registry policy is about other accounts."""
    world.set_replication(HUB, rules((OWN, None)))
    world.set_policy(OWN, grant(OWN, Effect="Deny"))
    world.push(HUB, "base/python", "3")
    assert arrived(world, OWN) == ["3"]


@pytest.mark.parametrize(
    "policy",
    [
        None,
        grant(SPOKE, to=OTHER.account),
        grant(OTHER),
        grant(SPOKE, actions="ecr:CreateRepository"),
        grant(SPOKE, Resource=f"arn:aws:ecr:{WEST}:{SPOKE.account}:repository/team/*"),
        grant(SPOKE, Condition={"StringEquals": {"aws:SourceAccount": HUB.account}}),
        {
            "Version": "2012-10-17",
            "Statement": grant(SPOKE)["Statement"]
            + grant(SPOKE, Effect="Deny", actions="ecr:Replicate*")["Statement"],
        },
    ],
    ids=[
        "none",
        "another source",
        "another registry",
        "wrong action",
        "other repositories",
        "conditional",
        "denied",
    ],
)
def test_without_a_grant_nothing_arrives(world: World, policy: JsonObject | None) -> None:
    """No policy, or one that does not allow just this; not even the repository appears."""
    world.set_replication(HUB, rules((SPOKE, None)))
    world.set_policy(SPOKE, policy)
    world.push(HUB, "base/python", "3")
    assert world.repositories(SPOKE) == ()


def test_making_a_repository_has_to_be_granted_too(world: World) -> None:
    """ReplicateImage alone is enough only where the repository is there already."""
    world.set_replication(HUB, rules((SPOKE, None)))
    world.set_policy(SPOKE, grant(SPOKE, actions="ecr:ReplicateImage"))
    world.push(HUB, "base/python", "3")
    assert world.repositories(SPOKE) == ()
    world.push(SPOKE, "base/python", "own")
    world.push(HUB, "base/python", "4")
    assert arrived(world, SPOKE) == ["own", "4"]


def test_an_image_goes_one_hop(world: World) -> None:
    """What arrives is not passed on, within one account or across."""
    world.set_replication(HUB, rules((SPOKE, None)))
    world.set_replication(SPOKE, rules((OTHER, None)))
    world.set_policy(SPOKE, grant(SPOKE))
    world.set_policy(OTHER, grant(OTHER, to=SPOKE.account))
    world.push(HUB, "base/python", "3")
    assert (arrived(world, SPOKE), arrived(world, OTHER)) == (["3"], [])
    world.push(SPOKE, "base/python", "4")
    assert arrived(world, OTHER) == ["4"]
    assert arrived(world, HUB) == ["3"]


def test_only_later_pushes_are_replicated(world: World) -> None:
    """Images that were there before the rule stay where they are."""
    world.push(HUB, "base/python", "2")
    world.set_replication(HUB, rules((OWN, None)))
    world.push(HUB, "base/python", "3")
    world.set_replication(HUB, {"rules": []})
    world.push(HUB, "base/python", "4")
    assert arrived(world, OWN) == ["3"]


def test_a_moved_tag_moves_at_the_destination(world: World) -> None:
    """The former image stays, without the tag, at both ends."""
    world.set_replication(HUB, rules((OWN, None)))
    world.push(HUB, "base/python", "latest")
    second = world.push(HUB, "base/python", "latest")
    for registry in (HUB, OWN):
        images = world.images(registry, "base/python")
        assert [image.tags for image in images] == [(), ("latest",)]
        assert images[1].digest == second.digest


async def test_an_immutable_tag_does_not_move(aws: Served) -> None:
    """Mutability is each registry's own: the push succeeds, its replication fails."""
    aws.world.set_replication(HUB, rules((OWN, None)))
    immutable = {"repositoryName": "base/python", "imageTagMutability": "IMMUTABLE"}
    await aws.ecr("CreateRepository", immutable, region=WEST)
    first = aws.world.push(HUB, "base/python", "latest")
    aws.world.push(HUB, "base/python", "latest")
    asked = {"repositoryName": "base/python", "imageId": {"imageTag": "latest"}}
    status = await aws.ecr("DescribeImageReplicationStatus", asked)
    assert status.json["replicationStatuses"] == [
        {
            "region": WEST,
            "registryId": HUB.account,
            "status": "FAILED",
            "failureCode": "DESTINATION_IMAGE_TAG_IMMUTABLE",
        }
    ]
    assert [image.digest for image in aws.world.images(OWN, "base/python")] == [first.digest]


def test_where_nobody_is_nothing_arrives(inventory: Inventory) -> None:
    """Closed and unknown accounts and disabled regions receive nothing, granted or not."""
    scenario = Scenario(
        accounts=(
            AccountScenario(id=SPOKE.account, closed=True),
            AccountScenario(id=OTHER.account, disabled_regions=(WEST,)),
        )
    )
    world = world_of(inventory, scenario=scenario)
    unlisted = Registry(AccountId("7" * 12), WEST)
    world.set_replication(HUB, rules((SPOKE, None), (OTHER, None), (unlisted, None)))
    for registry in (SPOKE, OTHER, unlisted):
        world.set_policy(registry, grant(registry))
    world.push(HUB, "base/python", "3")
    assert [world.repositories(registry) for registry in (SPOKE, OTHER, unlisted)] == [(), (), ()]


NAMES = st.text(alphabet="ab/", min_size=2, max_size=5)


@given(
    pairs=st.lists(
        st.tuples(
            st.sampled_from((OWN, SPOKE, OTHER)),
            st.none() | st.lists(NAMES, min_size=1, max_size=3),
        ),
        max_size=5,
    ),
    granted=st.sets(st.sampled_from((SPOKE, OTHER))),
    name=NAMES,
)
def test_an_image_is_where_rules_and_policies_say_and_nowhere_else(
    pairs: list[tuple[Registry, list[str] | None]], granted: set[Registry], name: str
) -> None:
    """A law over rules, grants and names, told without the code under test."""
    accounts = tuple(
        Account(id=registry.account, name=registry.account, regions=(WEST,), role=None)
        for registry in (HUB, SPOKE, OTHER)
    )
    world = world_of(Inventory(path="x", digest="x", name="x", accounts=accounts))
    world.set_replication(HUB, rules(*pairs))
    for registry in granted:
        world.set_policy(registry, grant(registry))
    world.push(HUB, name, "t")
    for registry in (OWN, SPOKE, OTHER):
        chosen = any(
            to == registry and (prefixes is None or any(name[: len(p)] == p for p in prefixes))
            for to, prefixes in pairs
        )
        allowed = registry == OWN or registry in granted
        assert arrived(world, registry, name) == (["t"] if chosen and allowed else [])
