"""Images of a repository, one image, and what became of it at its destinations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fleet_repl.values.errors import CallError, FaultKind

if TYPE_CHECKING:
    from tests.aws.conftest import Edge

DIGEST = "sha256:" + "0" * 64
IMAGE = {
    "registryId": "000000000001",
    "repositoryName": "base/app",
    "imageDigest": DIGEST,
    "imagePushedAt": 1795420800.25,
    "tomorrow": 1,
}


async def test_an_image_is_found_by_its_digest(edge: Edge) -> None:
    """Whole, with fields that the SDK does not know."""
    edge.aws.script("DescribeImages", edge.aws.reply({"imageDetails": [IMAGE]}))
    async with edge.open() as registries:
        assert await registries.find_image(edge.registry(), "base/app", DIGEST) == IMAGE
    assert edge.aws.calls("DescribeImages")[0].parameters == {
        "repositoryName": "base/app",
        "imageIds": [{"imageDigest": DIGEST}],
        # An archived image is not shown otherwise, and it has arrived all the same.
        "filter": {"imageStatus": "ANY"},
    }


async def test_an_image_that_is_not_there(edge: Edge) -> None:
    """Nor is one whose repository is missing; everything else is a failure."""
    edge.aws.script(
        "DescribeImages",
        edge.aws.refuse("ImageNotFoundException"),
        edge.aws.refuse("RepositoryNotFoundException"),
        edge.aws.reply({"imageDetails": []}),
        edge.aws.reply({"imageDetails": [{**IMAGE, "imageDigest": "sha256:1"}]}),
        edge.aws.refuse("AccessDeniedException"),
    )
    async with edge.open() as registries:
        for _ in range(4):
            assert await registries.find_image(edge.registry(), "base/app", DIGEST) is None
        with pytest.raises(CallError) as caught:
            await registries.find_image(edge.registry(), "base/app", DIGEST)
    assert caught.value.fault.kind is FaultKind.ACCESS_DENIED


async def test_an_image_is_not_missing_because_of_half_an_answer(edge: Edge) -> None:
    """It is asked for again."""
    edge.aws.script("DescribeImages", edge.aws.say("{}"), edge.aws.reply({"imageDetails": [IMAGE]}))
    async with edge.open() as registries:
        assert await registries.find_image(edge.registry(), "base/app", DIGEST) == IMAGE


async def test_an_image_of_another_account_is_an_error(edge: Edge) -> None:
    """It names its account."""
    other = {**IMAGE, "registryId": "000000000009"}
    edge.aws.script("DescribeImages", edge.aws.reply({"imageDetails": [other]}))
    async with edge.open() as registries:
        with pytest.raises(CallError) as caught:
            await registries.find_image(edge.registry(), "base/app", DIGEST)
    assert caught.value.fault.kind is FaultKind.WRONG_ACCOUNT


async def test_the_images_of_a_repository_that_has_gone(edge: Edge) -> None:
    """A failure, not an empty list."""
    edge.aws.script("DescribeImages", edge.aws.refuse("RepositoryNotFoundException"))
    async with edge.open() as registries:
        with pytest.raises(CallError) as caught:
            await anext(registries.describe_images(edge.registry(), "base/app"))
    assert caught.value.fault.code == "RepositoryNotFoundException"


async def test_where_an_image_went(edge: Edge) -> None:
    """One status for each destination, and none for an image that was sent nowhere."""
    statuses = [
        {"region": "us-east-1", "registryId": "000000000002", "status": "COMPLETE"},
        {
            "region": "eu-west-1",
            "registryId": "000000000003",
            "status": "FAILED",
            "failureCode": "DESTINATION_REGISTRY_ACCESS_DENIED",
            "tomorrow": 1,
        },
    ]
    named = {"repositoryName": "base/app", "imageId": {"imageDigest": DIGEST}}
    edge.aws.script(
        "DescribeImageReplicationStatus",
        edge.aws.reply({**named, "replicationStatuses": statuses}),
        edge.aws.reply(named),
        edge.aws.say("{}"),
        edge.aws.reply({**named, "replicationStatuses": []}),
    )
    async with edge.open() as registries:
        answers = [
            await registries.replication_statuses(edge.registry(), "base/app", DIGEST)
            for _ in range(3)
        ]
    assert answers == [tuple(statuses), (), ()]
    asked = edge.aws.calls("DescribeImageReplicationStatus")
    assert (len(asked), asked[0].parameters) == (4, named)


async def test_an_image_is_found_by_its_tag(edge: Edge) -> None:
    """Archived ones too; None where nothing has the tag, or there is no repository."""
    edge.aws.script(
        "DescribeImages",
        edge.aws.reply({"imageDetails": [IMAGE]}),
        edge.aws.refuse("ImageNotFoundException"),
        edge.aws.refuse("RepositoryNotFoundException"),
    )
    async with edge.open() as registries:
        assert await registries.find_tag(edge.registry(), "base/app", "1") == IMAGE
        assert await registries.find_tag(edge.registry(), "base/app", "1") is None
        assert await registries.find_tag(edge.registry(), "base/app", "1") is None
    assert edge.aws.calls("DescribeImages")[0].parameters == {
        "repositoryName": "base/app",
        "imageIds": [{"imageTag": "1"}],
        "filter": {"imageStatus": "ANY"},
    }


async def test_a_repository_is_asked_for_by_its_name(edge: Edge) -> None:
    """Without a page size, which ECR refuses where repositories are named."""
    edge.aws.script(
        "DescribeRepositories",
        edge.aws.reply({"repositories": [{"repositoryName": "base/app"}]}),
        edge.aws.refuse("RepositoryNotFoundException"),
    )
    async with edge.open() as registries:
        assert await registries.has_repository(edge.registry(), "base/app")
        assert not await registries.has_repository(edge.registry(), "base/app")
    assert edge.aws.calls("DescribeRepositories")[0].parameters == {"repositoryNames": ["base/app"]}
