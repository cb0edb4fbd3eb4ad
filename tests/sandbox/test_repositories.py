"""ECR's calls on repositories: made once, listed in pages, one account's own."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st
from tests.support.served import Serve, Served

from fleet_repl.inventory.model import Inventory
from fleet_repl.sandbox.pages import page
from fleet_repl.sandbox.shapes import Structure
from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.names import AccountId, Partition, Region, Registry, RoleArn

HUB = "1" * 12
CHINA = Region("cn-north-1")
REPOSITORY = {"repositoryName": "base/python"}
NAME_PATTERN = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*"


@pytest.fixture
async def hub(aws: Served) -> Served:
    """A world in which the hub has one empty repository."""
    assert (await aws.ecr("CreateRepository", REPOSITORY)).status == 200
    return aws


def invalid(at: str, constraint: str) -> tuple[str, str]:
    return (
        "InvalidParameterException",
        f"Invalid parameter at '{at}' failed to satisfy constraint: '{constraint}'",
    )


async def test_a_repository_is_shown_as_it_was_made(aws: Served) -> None:
    """Name, ARN, URI and settings; and again by DescribeRepositories."""
    asked = {
        "repositoryName": "team/app",
        "imageTagMutability": "IMMUTABLE",
        "imageScanningConfiguration": {"scanOnPush": True},
        "encryptionConfiguration": {"encryptionType": "KMS", "kmsKey": "alias/x"},
        "tags": [{"Key": "a", "Value": "b"}],
    }
    made = (await aws.ecr("CreateRepository", asked)).json["repository"]
    assert made == {
        "repositoryArn": f"arn:aws:ecr:us-east-1:{HUB}:repository/team/app",
        "registryId": HUB,
        "repositoryName": "team/app",
        "repositoryUri": f"{HUB}.dkr.ecr.us-east-1.amazonaws.com/team/app",
        "createdAt": made["createdAt"],
        "imageTagMutability": "IMMUTABLE",
        "imageScanningConfiguration": {"scanOnPush": True},
        "encryptionConfiguration": {"encryptionType": "KMS", "kmsKey": "alias/x"},
    }
    shown = await aws.ecr("DescribeRepositories", {"repositoryNames": ["team/app"]})
    assert shown.json == {"repositories": [made]}


async def test_another_partition(served: Serve, inventory: Inventory) -> None:
    """ARNs and host names are the partition's own."""
    role = RoleArn(partition=Partition.CN, account=AccountId(HUB), path="fleet")
    hub = replace(inventory.accounts[0], role=role, external_id=None)
    china = replace(inventory, aws=replace(inventory.aws, partition=Partition.CN), accounts=(hub,))
    async with served(of=china) as aws:
        assert aws.server.region == "cn-north-1"
        form = {"RoleArn": str(role), "RoleSessionName": "x1", "Action": "AssumeRole"}
        elsewhere = await aws.sts({**form, "RoleArn": str(role).replace("-cn", "")}, region=CHINA)
        assert elsewhere.error[0] == "AccessDenied"
        assumed = await aws.sts(form, region=CHINA)
        assert f"arn:aws-cn:sts::{HUB}:assumed-role/fleet/x1" in assumed.body.decode()
        made = aws.world.have_repository(Registry(AccountId(HUB), CHINA), "base/python")
        assert made.name == "base/python"
        key = aws.credentials(assumed)
        shown = (await aws.ecr("DescribeRepositories", key=key, region=CHINA)).json
        (repository,) = shown["repositories"]
        assert repository["repositoryArn"] == (
            f"arn:aws-cn:ecr:cn-north-1:{HUB}:repository/base/python"
        )
        assert repository["repositoryUri"] == (
            f"{HUB}.dkr.ecr.cn-north-1.amazonaws.com.cn/base/python"
        )


async def test_settings_have_defaults(aws: Served) -> None:
    """What is left out, or left open, is ECR's default."""
    asked = {"repositoryName": "team/app", "imageScanningConfiguration": {}}
    made = (await aws.ecr("CreateRepository", asked)).json["repository"]
    assert made["imageTagMutability"] == "MUTABLE"
    assert made["imageScanningConfiguration"] == {"scanOnPush": False}
    assert made["encryptionConfiguration"] == {"encryptionType": "AES256"}


async def test_a_repository_is_made_once(hub: Served) -> None:
    """The second time it is there already."""
    answer = await hub.ecr("CreateRepository", REPOSITORY)
    assert (answer.status, answer.error) == (
        400,
        (
            "RepositoryAlreadyExistsException",
            (
                "The repository with name 'base/python' already exists in the registry with id "
                f"'{HUB}'"
            ),
        ),
    )


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({}, invalid("repositoryName", "Member must not be null")),
        (
            {"repositoryName": "Base"},
            invalid("repositoryName", f"must satisfy regular expression '{NAME_PATTERN}'"),
        ),
        (
            {"repositoryName": "ab", "imageTagMutability": "SOMETIMES"},
            invalid(
                "imageTagMutability",
                "Member must satisfy enum value set: [MUTABLE, IMMUTABLE, "
                "IMMUTABLE_WITH_EXCLUSION, MUTABLE_WITH_EXCLUSION]",
            ),
        ),
        (
            {"repositoryName": "ab", "imageScanningConfiguration": {"scan": True}},
            invalid("imageScanningConfiguration.scan", "Member is not known"),
        ),
    ],
)
async def test_what_is_no_repository(aws: Served, members: Json, error: tuple[str, str]) -> None:
    """Names and settings are held against ECR's model."""
    answer = await aws.ecr("CreateRepository", members)
    assert (answer.status, answer.error) == (400, error)


async def test_repositories_come_in_pages(aws: Served) -> None:
    """A page holds what is asked for and leads to the next; the last leads nowhere."""
    for name in ("cc", "aa", "bb"):
        await aws.ecr("CreateRepository", {"repositoryName": name})
    first = (await aws.ecr("DescribeRepositories", {"maxResults": 2})).json
    more = {"maxResults": 2, "nextToken": first["nextToken"]}
    second = (await aws.ecr("DescribeRepositories", more)).json
    names = [item["repositoryName"] for item in first["repositories"] + second["repositories"]]
    assert names == ["aa", "bb", "cc"]
    assert "nextToken" not in second


@pytest.mark.parametrize(
    ("members", "error"),
    [
        (
            {"maxResults": 0},
            invalid("maxResults", "Member must have value greater than or equal to 1"),
        ),
        (
            {"maxResults": 1001},
            invalid("maxResults", "Member must have value less than or equal to 1000"),
        ),
        ({"maxResults": "9"}, ("SerializationException", "maxResults is not an integer")),
        ({"maxResults": True}, ("SerializationException", "maxResults is not an integer")),
        ({"nextToken": "?"}, invalid("nextToken", "Token is not valid")),
        ({"nextToken": "YWJj"}, invalid("nextToken", "Token is not valid")),
        (
            {"repositoryNames": ["base/python"], "maxResults": 5},
            invalid("maxResults", "maxResults cannot be used with repositoryNames"),
        ),
        (
            {"repositoryNames": ["no/such"]},
            (
                "RepositoryNotFoundException",
                (
                    "The repository with name 'no/such' does not exist in the registry with id "
                    f"'{HUB}'"
                ),
            ),
        ),
    ],
)
async def test_what_cannot_be_listed(hub: Served, members: Json, error: tuple[str, str]) -> None:
    """Pages out of bounds, tokens that were not given out, and names that are not there."""
    answer = await hub.ecr("DescribeRepositories", members)
    assert (answer.status, answer.error) == (400, error)


@given(st.lists(st.integers(), max_size=30), st.integers(1, 7))
def test_pages_together_are_everything(items: list[int], most: int) -> None:
    """Following the tokens gives every item once and in order."""
    seen: list[int] = []
    token: JsonObject = {}
    while True:
        listed, token = page(items, Structure({"maxResults": most, **token}))
        seen.extend(listed)
        assert len(listed) <= most
        if not token:
            break
    assert seen == items
