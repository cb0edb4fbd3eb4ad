"""ECR's calls on images: pushing, reading, and asking where one has been replicated to.

An image is its manifest: the layers that it names are taken to be there, the images are not.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from fleet_repl.canonical import Json, JsonObject
from fleet_repl.names import Registry
from fleet_repl.sandbox.aws_errors import AwsError, invalid_parameter
from fleet_repl.sandbox.images import (
    ACTIVATING,
    ACTIVE,
    ARCHIVED,
    Delivery,
    Image,
    Repository,
)
from fleet_repl.sandbox.manifests import DOCKER_MANIFEST, images, parsed
from fleet_repl.sandbox.paging import page
from fleet_repl.sandbox.placing import Push
from fleet_repl.sandbox.repository_calls import REPOSITORY_NAME, find_repository, refuse_paging
from fleet_repl.sandbox.shapes import Structure, Text
from fleet_repl.sandbox.world import World

_MANIFEST: Final = Text(shortest=1, longest=4_194_304)
TAG: Final = Text(shortest=1, longest=300, pattern=re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]*"))
DIGEST: Final = Text(pattern=re.compile(r"sha256:[0-9a-f]{64}"))
_TAG_STATUS: Final = Text(values=("TAGGED", "UNTAGGED", "ANY"))
_IMAGE_STATUS: Final = Text(values=(ACTIVE, ARCHIVED, ACTIVATING, "ANY"))
IN_REPOSITORY: Final = frozenset({"registryId", "repositoryName"})
_PUT: Final = IN_REPOSITORY | {
    "imageManifest",
    "imageManifestMediaType",
    "imageTag",
    "imageDigest",
}
_BATCH_GET: Final = IN_REPOSITORY | {"imageIds", "acceptedMediaTypes"}
_DESCRIBE: Final = IN_REPOSITORY | {"imageIds", "nextToken", "maxResults", "filter"}
IMAGE_ID: Final = frozenset({"imageDigest", "imageTag"})


def put_image(world: World, registry: Registry, body: JsonObject) -> JsonObject:
    asked = Structure.read(body, _PUT)
    repository = repository_of(world, registry, asked)
    text = asked.text("imageManifest", _MANIFEST)
    manifest = parsed(text)
    if manifest is None:
        raise invalid_parameter("ImageManifest", "Invalid JSON syntax")
    push = Push(
        manifest=text,
        media_type=_media_type(asked, manifest),
        tag=asked.optional_text("imageTag", TAG),
        at=world.clock.now(),
    )
    if asked.optional_text("imageDigest", DIGEST) not in (None, push.digest):
        raise AwsError(
            "ImageDigestDoesNotMatchException",
            f"The image digest '{asked.get('imageDigest')}' does not match the digest that Amazon "
            f"ECR computed, '{push.digest}'",
        )
    _check_references(registry, repository, manifest)
    image = world.estate.push(registry, repository, push)
    return {"image": _image(registry, repository, image, push.tag)}


def batch_get_image(world: World, registry: Registry, body: JsonObject) -> JsonObject:
    asked = Structure.read(body, _BATCH_GET)
    repository = repository_of(world, registry, asked)
    images: list[Json] = []
    failures: list[Json] = []
    for path, value in asked.items("imageIds", 1, 100):
        wanted = Structure.read(value, IMAGE_ID, path)
        image = image_by(repository, wanted)
        # What is archived cannot be pulled.
        if image is not None and image.status == ACTIVE:
            images.append(_image(registry, repository, image, wanted.optional_text("imageTag")))
        else:
            code, reason = why_not(wanted)
            failures.append(
                {"imageId": wanted.members, "failureCode": code, "failureReason": reason}
            )
    return {"images": images, "failures": failures}


def describe_images(world: World, registry: Registry, body: JsonObject) -> JsonObject:
    asked = Structure.read(body, _DESCRIBE)
    repository = repository_of(world, registry, asked)
    wanted, keeps = asked.optional_items("imageIds", 1, 100), _filter(asked)
    if wanted is None:
        found, more = page([one for one in repository.images.values() if keeps(one)], asked)
    else:
        refuse_paging(asked, "imageIds")
        ids = [Structure.read(value, IMAGE_ID, path) for path, value in wanted]
        found, more = [must_find(registry, repository, one, keeps) for one in ids], {}
    return {"imageDetails": [_detail(registry, repository, one) for one in found], **more}


def describe_image_replication_status(
    world: World, registry: Registry, body: JsonObject
) -> JsonObject:
    asked = Structure.read(body, IN_REPOSITORY | {"imageId"})
    repository = repository_of(world, registry, asked)
    wanted = asked.inner("imageId", IMAGE_ID)
    image = must_find(registry, repository, wanted)
    return {
        "repositoryName": repository.name,
        "imageId": {"imageDigest": image.digest, **wanted.members},
        "replicationStatuses": [
            _status(one) for one in repository.deliveries.get(image.digest, ())
        ],
    }


def _check_references(registry: Registry, repository: Repository, manifest: JsonObject) -> None:
    """Refuse a manifest list that names images which the repository does not have."""
    digests = [image.digest for image in images(manifest)]
    missing = [digest for digest in digests if digest not in repository.images]
    if missing:
        raise AwsError(
            "ReferencedImagesNotFoundException",
            f"Images with digests '[{', '.join(missing)}]' required for pushing image into "
            f"repository with name '{repository.name}' in the registry with id "
            f"'{registry.account}' do not exist",
        )


def repository_of(world: World, registry: Registry, asked: Structure) -> Repository:
    return find_repository(world, registry, asked.text("repositoryName", REPOSITORY_NAME))


def _media_type(asked: Structure, manifest: JsonObject) -> str:
    written = manifest.get("mediaType")
    default = written if isinstance(written, str) else DOCKER_MANIFEST
    return asked.optional_text("imageManifestMediaType") or default


def image_by(repository: Repository, wanted: Structure) -> Image | None:
    digest, tag = wanted.optional_text("imageDigest"), wanted.optional_text("imageTag")
    if digest is not None:
        image = repository.images.get(digest)
        return image if image is not None and (tag is None or tag in image.tags) else None
    return None if tag is None else repository.tagged(tag)


def must_find(
    registry: Registry,
    repository: Repository,
    wanted: Structure,
    keeps: Callable[[Image], bool] = lambda _: True,
) -> Image:
    """Raises AwsError for an image that is not there, or that is not to be shown."""
    image = image_by(repository, wanted)
    if image is None or not keeps(image):
        digest, tag = (wanted.optional_text(one) or "null" for one in ("imageDigest", "imageTag"))
        raise AwsError(
            "ImageNotFoundException",
            f"The image with imageId {{imageDigest:'{digest}', imageTag:'{tag}'}} does not exist "
            f"within the repository with name '{repository.name}' in the registry with id "
            f"'{registry.account}'",
        )
    return image


def why_not(wanted: Structure) -> tuple[str, str]:
    if not wanted.members:
        return (
            "MissingDigestAndTag",
            "Invalid request parameters: both tag and digest cannot be null",
        )
    return "ImageNotFound", "Requested image not found"


def _filter(asked: Structure) -> Callable[[Image], bool]:
    wanted = asked.optional_inner("filter", frozenset({"tagStatus", "imageStatus"}))
    if wanted is None:
        return lambda image: image.status == ACTIVE
    status = wanted.optional_text("tagStatus", _TAG_STATUS) or "ANY"
    kept = wanted.optional_text("imageStatus", _IMAGE_STATUS) or ACTIVE
    return lambda image: (
        kept in ("ANY", image.status) and status in ("ANY", "TAGGED" if image.tags else "UNTAGGED")
    )


def _image(registry: Registry, repository: Repository, image: Image, tag: str | None) -> JsonObject:
    image_id = {"imageDigest": image.digest}
    return {
        "registryId": registry.account,
        "repositoryName": repository.name,
        "imageId": image_id if tag is None else {**image_id, "imageTag": tag},
        "imageManifest": image.manifest,
        "imageManifestMediaType": image.media_type,
    }


def _detail(registry: Registry, repository: Repository, image: Image) -> JsonObject:
    detail: dict[str, Json] = {
        "registryId": registry.account,
        "repositoryName": repository.name,
        "imageDigest": image.digest,
        "imageSizeInBytes": image.size,
        "imagePushedAt": image.pushed_at.timestamp(),
        "imageManifestMediaType": image.media_type,
        "imageStatus": image.status,
    }
    return {**detail, "imageTags": list(image.tags)} if image.tags else detail


def _status(delivery: Delivery) -> JsonObject:
    account, region = delivery.destination
    status: dict[str, Json] = {"region": region, "registryId": account}
    if delivery.failure is None:
        return {**status, "status": "IN_PROGRESS" if delivery.pending else "COMPLETE"}
    return {**status, "status": "FAILED", "failureCode": delivery.failure}
