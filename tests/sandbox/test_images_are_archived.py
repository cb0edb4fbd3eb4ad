"""Images in ECR's archive: hidden unless asked for, not to be pulled, sent anew once restored."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.served import Served

SPOKE = "2" * 12
NAMED: dict[str, Any] = {"repositoryName": "base/python"}
ONE: dict[str, Any] = {**NAMED, "imageId": {"imageTag": "3"}}
BY_TAG: dict[str, Any] = {**NAMED, "imageIds": [{"imageTag": "3"}]}
ANY = {"filter": {"imageStatus": "ANY"}}
RULE = {
    "destinations": [{"region": "us-west-2", "registryId": "1" * 12}],
    "repositoryFilters": [{"filter": "base/", "filterType": "PREFIX_MATCH"}],
}


@pytest.fixture
async def hub(aws: Served) -> Served:
    """A hub with one image, which it replicates into its other region."""
    rules = {"replicationConfiguration": {"rules": [RULE]}}
    assert (await aws.ecr("PutReplicationConfiguration", rules)).status == 200
    assert (await aws.ecr("CreateRepository", NAMED)).status == 200
    push = {**NAMED, "imageManifest": json.dumps({"schemaVersion": 2}), "imageTag": "3"}
    assert (await aws.ecr("PutImage", push)).status == 200
    return aws


async def moved(aws: Served, storage: str, **how: Any) -> Any:
    return await aws.ecr("UpdateImageStorageClass", {**ONE, "targetStorageClass": storage}, **how)


async def statuses(aws: Served, asked: Any, **how: Any) -> list[str]:
    shown = await aws.ecr("DescribeImages", asked, **how)
    return [item["imageStatus"] for item in shown.json["imageDetails"]]


async def test_an_archived_image_is_shown_to_who_asks_for_it(hub: Served) -> None:
    """By its id as in lists; without the filter it is not there, and a pull finds nothing."""
    assert (await moved(hub, "ARCHIVE")).json["imageStatus"] == "ARCHIVED"
    assert await statuses(hub, NAMED) == []
    assert await statuses(hub, {**NAMED, "filter": {"tagStatus": "TAGGED"}}) == []
    assert (await hub.refused("DescribeImages", BY_TAG))[0] == "ImageNotFoundException"
    assert await statuses(hub, {**NAMED, **ANY}) == ["ARCHIVED"]
    assert await statuses(hub, {**BY_TAG, **ANY}) == ["ARCHIVED"]
    pulled = (await hub.ecr("BatchGetImage", BY_TAG)).json
    assert (pulled["images"], pulled["failures"][0]["failureCode"]) == ([], "ImageNotFound")


async def test_archiving_does_not_travel_and_a_restored_image_does(hub: Served) -> None:
    """The copy stays as it was; where it has gone meanwhile, restoring the image brings it back."""
    elsewhere = {"region": "us-west-2"}
    await moved(hub, "ARCHIVE")
    assert await statuses(hub, NAMED, **elsewhere) == ["ACTIVE"]
    await hub.ecr("BatchDeleteImage", BY_TAG, **elsewhere)
    assert (await moved(hub, "STANDARD")).json["imageStatus"] == "ACTIVE"
    assert await statuses(hub, NAMED, **elsewhere) == ["ACTIVE"]


async def test_only_what_is_elsewhere_is_moved(hub: Served) -> None:
    """An image that is in that storage class already is refused, as is one that is not there."""
    code = "ImageStorageClassUpdateNotSupportedException"
    for storage in ("STANDARD", "ARCHIVE"):
        asked = {**ONE, "targetStorageClass": storage}
        await moved(hub, storage)
        assert (await hub.refused("UpdateImageStorageClass", asked))[0] == code
    gone = {**NAMED, "imageId": {"imageTag": "4"}, "targetStorageClass": "ARCHIVE"}
    assert (await hub.refused("UpdateImageStorageClass", gone))[0] == "ImageNotFoundException"
