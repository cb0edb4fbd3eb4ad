"""ECR's calls on images: pushed, found, listed, and kept from other accounts."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from tests.support.served import Served

from fleet_repl.values.canonical_json import Json, JsonObject

HUB, SPOKE = "1" * 12, "2" * 12
REPOSITORY: dict[str, Any] = {"repositoryName": "base/python"}
MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json"})
DIGEST = "sha256:" + hashlib.sha256(MANIFEST.encode()).hexdigest()


@pytest.fixture
async def hub(aws: Served) -> Served:
    """A world in which the hub has one empty repository."""
    assert (await aws.ecr("CreateRepository", REPOSITORY)).status == 200
    return aws


async def push(aws: Served, **members: Json) -> Any:
    return await aws.ecr("PutImage", {**REPOSITORY, "imageManifest": MANIFEST, **members})


def invalid(at: str, constraint: str) -> tuple[str, str]:
    return (
        "InvalidParameterException",
        f"Invalid parameter at '{at}' failed to satisfy constraint: '{constraint}'",
    )


async def test_an_image_is_described(hub: Served) -> None:
    """Digest, tags and media type of what was pushed."""
    pushed = await push(hub, imageTag="3.13", imageDigest=DIGEST)
    assert pushed.json["image"] == {
        "registryId": HUB,
        "repositoryName": "base/python",
        "imageId": {"imageDigest": DIGEST, "imageTag": "3.13"},
        "imageManifest": MANIFEST,
        "imageManifestMediaType": "application/vnd.oci.image.index.v1+json",
    }
    await push(hub, imageTag="latest")
    shown = await hub.ecr("DescribeImages", {**REPOSITORY, "imageIds": [{"imageTag": "latest"}]})
    (detail,) = shown.json["imageDetails"]
    assert detail == {
        "registryId": HUB,
        "repositoryName": "base/python",
        "imageDigest": DIGEST,
        "imageTags": ["3.13", "latest"],
        "imageSizeInBytes": len(MANIFEST),
        "imagePushedAt": detail["imagePushedAt"],
        "imageManifestMediaType": "application/vnd.oci.image.index.v1+json",
        "imageStatus": "ACTIVE",
    }


async def test_the_layers_of_an_image(hub: Served) -> None:
    """Nobody uploads them; the image is as large as its manifest says that they are."""
    config = {"mediaType": "x", "size": 14, "digest": "sha256:" + "0" * 64}
    layer = {"mediaType": "x", "size": 6000, "digest": "sha256:" + "1" * 64}
    manifest = json.dumps({"config": config, "layers": [layer, layer]})
    assert (await push(hub, imageManifest=manifest)).status == 200
    (image,) = (await hub.done("DescribeImages", REPOSITORY))["imageDetails"]
    assert image["imageSizeInBytes"] == len(manifest) + 14 + 6000


async def test_an_index_without_its_images(hub: Served) -> None:
    """What a manifest list names has to be there before it."""
    digest = "sha256:" + hashlib.sha256(b"{}").hexdigest()
    index = json.dumps({"manifests": [{"digest": digest, "size": 2}]})
    assert (await push(hub, imageManifest=index)).error == (
        "ReferencedImagesNotFoundException",
        (
            f"Images with digests '[{digest}]' required for pushing image into repository with "
            f"name 'base/python' in the registry with id '{HUB}' do not exist"
        ),
    )
    assert (await push(hub, imageManifest="{}")).status == 200
    assert (await push(hub, imageManifest=index)).status == 200


async def test_a_manifest_larger_than_a_megabyte(hub: Served) -> None:
    """ECR takes four."""
    manifest = json.dumps({"annotations": {"x": "y" * 3_000_000}})
    assert (await push(hub, imageManifest=manifest)).status == 200


async def test_media_types(hub: Served) -> None:
    """Said in the call, else in the manifest, else Docker's."""
    said = await push(hub, imageManifestMediaType="application/x")
    unsaid = await push(hub, imageManifest="{}")
    assert said.json["image"]["imageManifestMediaType"] == "application/x"
    assert unsaid.json["image"]["imageManifestMediaType"] == (
        "application/vnd.docker.distribution.manifest.v2+json"
    )


@pytest.mark.parametrize("tag", [{}, {"imageTag": "3"}], ids=["untagged", "tagged"])
async def test_the_same_image_twice(hub: Served, tag: dict[str, str]) -> None:
    """The same digest under the same tag, or none, is there already."""
    await push(hub, **tag)
    answer = await push(hub, **tag)
    named = " and tag '3'" if tag else ""
    assert (answer.status, answer.error) == (
        400,
        (
            "ImageAlreadyExistsException",
            (
                f"Image with digest '{DIGEST}'{named} already exists in the repository with name "
                f"'base/python' in registry with id '{HUB}'"
            ),
        ),
    )


async def test_an_immutable_tag_stays(aws: Served) -> None:
    """Another image cannot take it."""
    await aws.ecr("CreateRepository", {**REPOSITORY, "imageTagMutability": "IMMUTABLE"})
    await push(aws, imageTag="3")
    answer = await push(aws, imageTag="3", imageManifest="{}")
    assert answer.error == (
        "ImageTagAlreadyExistsException",
        (
            "The image tag '3' already exists in the 'base/python' repository and cannot be "
            "overwritten because the tag is immutable."
        ),
    )


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"imageManifest": "nonsense"}, invalid("ImageManifest", "Invalid JSON syntax")),
        ({"imageManifest": "[]"}, invalid("ImageManifest", "Invalid JSON syntax")),
        (
            {"imageTag": "a b"},
            invalid("imageTag", "must satisfy regular expression '[a-zA-Z0-9_][a-zA-Z0-9._-]*'"),
        ),
        (
            {"imageDigest": "sha256:" + "0" * 64},
            (
                "ImageDigestDoesNotMatchException",
                (
                    f"The image digest 'sha256:{'0' * 64}' does not match the digest that Amazon "
                    f"ECR computed, '{DIGEST}'"
                ),
            ),
        ),
        (
            {"repositoryName": "no/such"},
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
async def test_what_cannot_be_pushed(
    hub: Served, members: JsonObject, error: tuple[str, str]
) -> None:
    """Manifests, tags, digests and repositories that are not right."""
    answer = await push(hub, **members)
    assert (answer.status, answer.error) == (400, error)


async def test_images_are_found_by_digest_or_tag(hub: Served) -> None:
    """What is not there fails alone in BatchGetImage, and fails the call elsewhere."""
    await push(hub, imageTag="3")
    ids = [
        {"imageTag": "3"},
        {"imageDigest": DIGEST},
        {"imageTag": "3", "imageDigest": DIGEST},
        {"imageTag": "4"},
        {"imageTag": "4", "imageDigest": DIGEST},
        {},
    ]
    got = (await hub.ecr("BatchGetImage", {**REPOSITORY, "imageIds": ids})).json
    assert [item["imageId"]["imageDigest"] for item in got["images"]] == [DIGEST] * 3
    assert [(item["imageId"], item["failureCode"]) for item in got["failures"]] == [
        ({"imageTag": "4"}, "ImageNotFound"),
        ({"imageTag": "4", "imageDigest": DIGEST}, "ImageNotFound"),
        ({}, "MissingDigestAndTag"),
    ]
    missing = {**REPOSITORY, "imageId": {"imageTag": "4"}}
    error = (
        "ImageNotFoundException",
        (
            "The image with imageId {imageDigest:'null', imageTag:'4'} does not exist within the "
            f"repository with name 'base/python' in the registry with id '{HUB}'"
        ),
    )
    assert (await hub.ecr("DescribeImageReplicationStatus", missing)).error == error
    asked = {**REPOSITORY, "imageIds": [{"imageTag": "4"}]}
    assert (await hub.ecr("DescribeImages", asked)).error == error


async def test_images_are_filtered_and_paged(hub: Served) -> None:
    """By tag status, in the order of pushing."""
    await push(hub, imageTag="3")
    await push(hub, imageManifest="{}")
    for status, count in (("TAGGED", 1), ("UNTAGGED", 1), ("ANY", 2)):
        asked = {**REPOSITORY, "filter": {"tagStatus": status}}
        assert len((await hub.ecr("DescribeImages", asked)).json["imageDetails"]) == count
    archived = {**REPOSITORY, "filter": {"imageStatus": "ARCHIVED"}}
    assert (await hub.ecr("DescribeImages", archived)).json["imageDetails"] == []
    first = (await hub.ecr("DescribeImages", {**REPOSITORY, "maxResults": 1})).json
    assert first["imageDetails"][0]["imageTags"] == ["3"]
    more = {**REPOSITORY, "nextToken": first["nextToken"]}
    second = (await hub.ecr("DescribeImages", more)).json
    assert "imageTags" not in second["imageDetails"][0]


async def test_another_accounts_registry_is_closed(hub: Served) -> None:
    """`registryId` of one's own account is fine; another's would need a policy there."""
    own = {**REPOSITORY, "registryId": HUB}
    assert (await hub.ecr("DescribeImages", own)).status == 200
    nobodys = await hub.ecr("DescribeImages", {**REPOSITORY, "registryId": "12"})
    assert nobodys.error == invalid("registryId", "must satisfy regular expression '[0-9]{12}'")
    answer = await hub.ecr("DescribeImages", {**REPOSITORY, "registryId": SPOKE})
    assert (answer.status, answer.error) == (
        400,
        (
            "AccessDeniedException",
            (
                f"User: arn:aws:sts::{HUB}:assumed-role/fleet-replication/fleet-run1 is not "
                f"authorized to perform: ecr:DescribeImages on resource: "
                f"arn:aws:ecr:us-east-1:{SPOKE}:repository/base/python because no "
                "resource-based policy allows the ecr:DescribeImages action"
            ),
        ),
    )
