"""Layers: uploaded in parts, asked for, counted in an image's size, and needed where a scenario
says so."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fleet_repl.names import AccountId, Region, Registry
from fleet_repl.sandbox import Scenario

HUB = Registry(AccountId("1" * 12), Region("us-east-1"))
OWN = Registry(HUB.account, Region("eu-west-1"))
NAME = {"repositoryName": "base/python"}
LAYER, CONFIG = b"layer " * 1000, b'{"os": "linux"}'


def digest_of(blob: bytes) -> str:
    return "sha256:" + hashlib.sha256(blob).hexdigest()


def manifest(*layers: bytes) -> str:
    def described(blob: bytes) -> dict[str, Any]:
        return {"mediaType": "x", "size": len(blob), "digest": digest_of(blob)}

    return json.dumps({"config": described(CONFIG), "layers": [described(one) for one in layers]})


@pytest.fixture
async def strict(served: Any) -> Any:
    """A world that wants layers before manifests, with one repository."""
    async with served(Scenario(check_layers=True)) as aws:
        await aws.done("CreateRepository", NAME)
        yield aws


async def begin(aws: Any) -> dict[str, Any]:
    upload = await aws.done("InitiateLayerUpload", NAME)
    assert upload["partSize"] == 10_485_760
    return {**NAME, "uploadId": upload["uploadId"]}


def part(blob: bytes, first: int = 0) -> dict[str, Any]:
    return {
        "partFirstByte": first,
        "partLastByte": first + len(blob) - 1,
        "layerPartBlob": base64.b64encode(blob).decode(),
    }


async def upload(aws: Any, blob: bytes) -> None:
    about = await begin(aws)
    await aws.done("UploadLayerPart", {**about, **part(blob)})
    await aws.done("CompleteLayerUpload", {**about, "layerDigests": [digest_of(blob)]})


async def test_a_client_pushes_an_image_whole(strict: Any) -> None:
    """With the SDK's own model, as a container tool does it; the layers go along."""
    there = {"region": OWN.region, "registryId": OWN.account}
    strict.world.set_replication(HUB, {"rules": [{"destinations": [there]}]})
    async with strict.client("ecr", await strict.session(HUB.account)) as ecr:
        for blob in (LAYER, CONFIG):
            begun = await ecr.initiate_layer_upload(**NAME)
            about = {**NAME, "uploadId": begun["uploadId"]}
            sent = await ecr.upload_layer_part(
                **about, partFirstByte=0, partLastByte=len(blob) - 1, layerPartBlob=blob
            )
            assert sent["lastByteReceived"] == len(blob) - 1
            done = await ecr.complete_layer_upload(**about, layerDigests=[digest_of(blob)])
            assert done["layerDigest"] == digest_of(blob)
        text = manifest(LAYER)
        await ecr.put_image(**NAME, imageManifest=text, imageTag="3")
        shown = await ecr.describe_images(**NAME)
    (image,) = shown["imageDetails"]
    assert image["imageSizeInBytes"] == len(text) + len(LAYER) + len(CONFIG)
    asked = {**NAME, "layerDigests": [digest_of(LAYER), digest_of(CONFIG)]}
    for region in (HUB.region, OWN.region):
        found = await strict.done("BatchCheckLayerAvailability", asked, region=region)
        assert {one["layerAvailability"] for one in found["layers"]} == {"AVAILABLE"}


async def test_a_manifest_without_its_layers(strict: Any, aws: Any) -> None:
    """Refused where a scenario wants layers; taken where it does not, at the size it tells."""
    await upload(strict, CONFIG)
    members = {**NAME, "imageManifest": manifest(LAYER)}
    assert await strict.refused("PutImage", members) == (
        "LayersNotFoundException",
        (
            f"Layers with digests '[{digest_of(LAYER)}]' required for pushing image into "
            f"repository with name 'base/python' in the registry with id '{HUB.account}' do not "
            "exist"
        ),
    )
    await aws.done("CreateRepository", NAME)
    await aws.done("PutImage", members)
    (image,) = (await aws.done("DescribeImages", NAME))["imageDetails"]
    assert image["imageSizeInBytes"] == len(members["imageManifest"]) + len(LAYER) + len(CONFIG)


async def test_an_index_without_its_images(strict: Any) -> None:
    """What a manifest list names has to be there too."""
    missing = "sha256:" + "0" * 64
    index = json.dumps({"manifests": [{"digest": missing, "size": 1}]})
    assert await strict.refused("PutImage", {**NAME, "imageManifest": index}) == (
        "ReferencedImagesNotFoundException",
        (
            f"Images with digests '[{missing}]' required for pushing image into repository with "
            f"name 'base/python' in the registry with id '{HUB.account}' do not exist"
        ),
    )


async def test_parts_follow_each_other(strict: Any) -> None:
    """Any gap, overlap or wrong length is refused, with how far the upload is."""
    about = await begin(strict)
    first = b"x" * 5_242_880
    await strict.done("UploadLayerPart", {**about, **part(first)})
    wrong = [
        part(b"yy"),
        part(b"yy", len(first) + 1),
        {**part(b"yy", len(first)), "partLastByte": len(first)},
    ]
    for members in wrong:
        answer = await strict.ecr("UploadLayerPart", {**about, **members})
        assert answer.status == 400
        assert answer.json == {
            "__type": "InvalidLayerPartException",
            "message": answer.json["message"],
            "registryId": HUB.account,
            **about,
            "lastValidByteReceived": len(first) - 1,
        }
    await strict.done("UploadLayerPart", {**about, **part(b"yy", len(first))})
    whole = {**about, "layerDigests": [digest_of(first + b"yy")]}
    assert (await strict.done("CompleteLayerUpload", whole))["layerDigest"] == digest_of(
        first + b"yy"
    )


async def test_only_the_last_part_may_be_small(strict: Any) -> None:
    """Five mebibytes, by ECR's quota."""
    about = await begin(strict)
    await strict.done("UploadLayerPart", {**about, **part(b"x")})
    await strict.done("UploadLayerPart", {**about, **part(b"y", 1)})
    whole = {**about, "layerDigests": [digest_of(b"xy")]}
    assert await strict.refused("CompleteLayerUpload", whole) == (
        "LayerPartTooSmallException",
        "Layer parts have at least 5242880 bytes",
    )


async def test_what_cannot_be_completed(strict: Any) -> None:
    """Nothing sent, another digest, a layer that is there, an upload that is not."""
    about = await begin(strict)
    layer = {**about, "layerDigests": [digest_of(LAYER)]}
    assert (await strict.refused("CompleteLayerUpload", layer))[0] == "EmptyUploadException"
    await strict.done("UploadLayerPart", {**about, **part(LAYER)})
    other = {**about, "layerDigests": [digest_of(CONFIG)]}
    assert await strict.refused("CompleteLayerUpload", other) == (
        "InvalidLayerException",
        f"The layer's digest is '{digest_of(LAYER)}', not '{digest_of(CONFIG)}'",
    )
    await strict.done("CompleteLayerUpload", layer)
    assert await strict.refused("CompleteLayerUpload", layer) == (
        "UploadNotFoundException",
        (
            f"The upload with id '{about['uploadId']}' does not exist in the repository with name "
            f"'base/python' in the registry with id '{HUB.account}'"
        ),
    )
    again = await begin(strict)
    await strict.done("UploadLayerPart", {**again, **part(LAYER)})
    twice = {**again, "layerDigests": [digest_of(LAYER)]}
    assert (await strict.refused("CompleteLayerUpload", twice))[0] == "LayerAlreadyExistsException"


async def test_which_layers_are_there(strict: Any) -> None:
    """Each digest is answered for itself; what is no digest is a failure."""
    await upload(strict, LAYER)
    digests = [digest_of(LAYER), digest_of(CONFIG), "nonsense", ""]
    answer = await strict.done("BatchCheckLayerAvailability", {**NAME, "layerDigests": digests})
    assert answer["layers"] == [
        {
            "layerDigest": digest_of(LAYER),
            "layerAvailability": "AVAILABLE",
            "layerSize": len(LAYER),
            "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
        },
        {"layerDigest": digest_of(CONFIG), "layerAvailability": "UNAVAILABLE"},
    ]
    assert [(one["layerDigest"], one["failureCode"]) for one in answer["failures"]] == [
        ("nonsense", "InvalidLayerDigest"),
        ("", "MissingLayerDigest"),
    ]


async def test_a_clients_own_errors(strict: Any) -> None:
    """The SDK reads the members that an error has beside its message."""
    async with strict.client("ecr", await strict.session(HUB.account)) as ecr:
        begun = await ecr.initiate_layer_upload(**NAME)
        with pytest.raises(ClientError) as caught:
            await ecr.upload_layer_part(
                **NAME,
                uploadId=begun["uploadId"],
                partFirstByte=9,
                partLastByte=9,
                layerPartBlob=b"x",
            )
    response: Any = caught.value.response
    assert response["Error"]["Code"] == "InvalidLayerPartException"
    assert response["uploadId"] == begun["uploadId"]


async def test_a_part_that_is_no_base64(strict: Any) -> None:
    """It cannot be read."""
    about = await begin(strict)
    broken = {**about, "partFirstByte": 0, "partLastByte": 0, "layerPartBlob": "?"}
    assert await strict.refused("UploadLayerPart", broken) == (
        "SerializationException",
        "layerPartBlob is not base64",
    )
