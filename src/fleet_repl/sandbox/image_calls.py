"""ECR's calls on images: push, read, delete, archive, and ask where an image was replicated to.

An image is its manifest. The layers that it names count as present; the images that it names have
to be there.
"""

from __future__ import annotations

from typing import Final

from fleet_repl.sandbox.aws_errors import AwsError, invalid_parameter
from fleet_repl.sandbox.images import (
    ACTIVE,
    ARCHIVED,
    DOCKER_MANIFEST,
    Delivery,
    Image,
    Push,
    Repository,
    listed_images,
)
from fleet_repl.sandbox.pages import page
from fleet_repl.sandbox.repository_calls import about, refuse_paging, repository_of
from fleet_repl.sandbox.shapes import SHAPES, Structure, json_object
from fleet_repl.sandbox.world import World
from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.names import Registry

_TAG: Final = SHAPES["PushedImageTag"]
_DIGEST: Final = SHAPES["PushedImageDigest"]


def put_image(world: World, registry: Registry, request: Structure) -> JsonObject:
    repository = repository_of(world, registry, request)
    text = request.text("imageManifest")
    manifest = json_object(text)
    if manifest is None:
        raise invalid_parameter("ImageManifest", "Invalid JSON syntax")
    media_type = manifest.get("mediaType")
    if not isinstance(media_type, str):
        media_type = DOCKER_MANIFEST
    push = Push(
        manifest=text,
        media_type=request.optional("imageManifestMediaType") or media_type,
        tag=request.optional("imageTag"),
        at=world.clock.now(),
    )
    digest = request.optional("imageDigest")
    if digest not in (None, push.digest):
        raise AwsError(
            "ImageDigestDoesNotMatchException",
            f"The image digest '{digest}' does not match the digest that Amazon ECR computed, "
            f"'{push.digest}'",
        )
    missing = [listed for listed in listed_images(manifest) if listed not in repository.images]
    if missing:
        raise AwsError(
            "ReferencedImagesNotFoundException",
            f"Images with digests '[{', '.join(missing)}]' required for pushing image into "
            f"repository with name '{repository.name}' in the registry with id "
            f"'{registry.account}' do not exist",
        )
    image = world.estate.push(registry, repository, push)
    return {"image": _image(registry, repository, image, push.tag)}


def batch_get_image(world: World, registry: Registry, request: Structure) -> JsonObject:
    repository = repository_of(world, registry, request)
    images: list[Json] = []
    failures: list[Json] = []
    for image_id in request.inners("imageIds"):
        image = _image_of(repository, image_id)
        # An archived image cannot be pulled.
        if image is not None and image.status == ACTIVE:
            images.append(_image(registry, repository, image, image_id.optional("imageTag")))
        else:
            failures.append(_not_found(image_id))
    return {"images": images, "failures": failures}


def batch_delete_image(world: World, registry: Registry, request: Structure) -> JsonObject:
    """Deletes images and tags, here and where rules replicate deletions to."""
    repository = repository_of(world, registry, request)
    deleted: list[Json] = []
    failures: list[Json] = []
    for image_id in request.inners("imageIds"):
        image = _image_of(repository, image_id)
        tag = image_id.optional("imageTag")
        failure = _deletion_failure(repository, image_id, image)
        if failure is not None or image is None:
            failures.append(failure or _not_found(image_id))
            continue
        digest = {"imageDigest": image.digest}
        tags = image.tags if tag is None else (tag,)
        deleted.extend([{**digest, "imageTag": tag} for tag in tags] or [digest])
        world.estate.delete(registry, repository, image.digest, tag)
    return {"imageIds": deleted, "failures": failures}


def describe_images(world: World, registry: Registry, request: Structure) -> JsonObject:
    repository = repository_of(world, registry, request)
    query = request.inner("filter")
    more: JsonObject = {}
    if image_ids := request.inners("imageIds"):
        refuse_paging(request, "imageIds")
        images = [_required_image(registry, repository, image_id, query) for image_id in image_ids]
    else:
        shown = [image for image in repository.images.values() if _passes(image, query)]
        images, more = page(shown, request)
    return {"imageDetails": [_detail(registry, repository, image) for image in images], **more}


def describe_image_replication_status(
    world: World, registry: Registry, request: Structure
) -> JsonObject:
    repository = repository_of(world, registry, request)
    image_id = request.inner("imageId")
    image = _required_image(registry, repository, image_id)
    deliveries = repository.deliveries.get(image.digest, ())
    return {
        "repositoryName": repository.name,
        "imageId": {"imageDigest": image.digest, **image_id.members},
        "replicationStatuses": [_status(delivery) for delivery in deliveries],
    }


def update_image_storage_class(world: World, registry: Registry, request: Structure) -> JsonObject:
    """Put an image into the archive, where nobody can pull it, or get it back from there.

    Archiving does not travel; a restored image is replicated like a pushed image.
    """
    repository = repository_of(world, registry, request)
    image_id = request.inner("imageId")
    image = _required_image(registry, repository, image_id)
    archives = request.text("targetStorageClass") == "ARCHIVE"
    if image.status != (ACTIVE if archives else ARCHIVED):
        raise AwsError(
            "ImageStorageClassUpdateNotSupportedException",
            f"The image '{image.digest}' is {image.status}, from which it cannot be moved to that "
            "storage class",
        )
    if archives:
        world.estate.archive(repository, image)
    else:
        world.estate.restore(registry, repository, image)
    return {
        **about(registry, repository),
        "imageId": {"imageDigest": image.digest, **image_id.members},
        "imageStatus": repository.images[image.digest].status,
    }


def _image_of(repository: Repository, image_id: Structure) -> Image | None:
    """Returns the image with this digest, under this tag, or both; None where there is none."""
    digest, tag = image_id.optional("imageDigest"), image_id.optional("imageTag")
    if digest is None:
        return None if tag is None else repository.tagged(tag)
    image = repository.images.get(digest)
    return image if image is not None and (tag is None or tag in image.tags) else None


def _required_image(
    registry: Registry, repository: Repository, image_id: Structure, query: Structure | None = None
) -> Image:
    """Returns the image; raises AwsError where it is missing or does not pass `query`."""
    image = _image_of(repository, image_id)
    if image is None or (query is not None and not _passes(image, query)):
        digest, tag = (image_id.optional(name) or "null" for name in ("imageDigest", "imageTag"))
        raise AwsError(
            "ImageNotFoundException",
            f"The image with imageId {{imageDigest:'{digest}', imageTag:'{tag}'}} does not exist "
            f"within the repository with name '{repository.name}' in the registry with id "
            f"'{registry.account}'",
        )
    return image


def _passes(image: Image, query: Structure) -> bool:
    """Returns whether the image passes a filter of DescribeImages; default: active images."""
    tagged = "TAGGED" if image.tags else "UNTAGGED"
    return (query.optional("tagStatus") or "ANY") in ("ANY", tagged) and (
        query.optional("imageStatus") or ACTIVE
    ) in ("ANY", image.status)


def _failure(image_id: Structure, code: str, reason: str) -> JsonObject:
    """Returns the entry of an image that a call on several images leaves out."""
    return {"imageId": image_id.members, "failureCode": code, "failureReason": reason}


def _not_found(image_id: Structure) -> JsonObject:
    if image_id.members:
        return _failure(image_id, "ImageNotFound", "Requested image not found")
    reason = "Invalid request parameters: both tag and digest cannot be null"
    return _failure(image_id, "MissingDigestAndTag", reason)


def _deletion_failure(
    repository: Repository, image_id: Structure, image: Image | None
) -> JsonObject | None:
    """Returns why an image or tag cannot be deleted; a missing image is not looked at here."""
    digest, tag = image_id.optional("imageDigest"), image_id.optional("imageTag")
    should_satisfy = "Invalid request parameters: image {} should satisfy the regex '{}'"
    if digest is not None and _DIGEST.objection(digest) is not None:
        reason = should_satisfy.format("digest", "[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+")
        return _failure(image_id, "InvalidImageDigest", reason)
    if tag is not None and _TAG.objection(tag) is not None:
        reason = should_satisfy.format("tag", "[a-zA-Z0-9-_+.]+")
        return _failure(image_id, "InvalidImageTag", reason)
    if image is None and digest in repository.images and tag and repository.tagged(tag):
        reason = "The tag is not one of the image's"
        return _failure(image_id, "ImageTagDoesNotMatchDigest", reason)
    goes = image is not None and (tag is None or image.tags == (tag,))
    if goes and image is not None and repository.references(image.digest):
        reason = "Requested image referenced by manifest list"
        return _failure(image_id, "ImageReferencedByManifestList", reason)
    return None


def _image(registry: Registry, repository: Repository, image: Image, tag: str | None) -> JsonObject:
    image_id = {"imageDigest": image.digest}
    return {
        **about(registry, repository),
        "imageId": image_id if tag is None else {**image_id, "imageTag": tag},
        "imageManifest": image.manifest,
        "imageManifestMediaType": image.media_type,
    }


def _detail(registry: Registry, repository: Repository, image: Image) -> JsonObject:
    tags: JsonObject = {"imageTags": list(image.tags)} if image.tags else {}
    return {
        **about(registry, repository),
        "imageDigest": image.digest,
        "imageSizeInBytes": image.size,
        "imagePushedAt": image.pushed_at.timestamp(),
        "imageManifestMediaType": image.media_type,
        "imageStatus": image.status,
        **tags,
    }


def _status(delivery: Delivery) -> JsonObject:
    account, region = delivery.destination
    status: dict[str, Json] = {"region": region, "registryId": account}
    if delivery.failure is None:
        return {**status, "status": "IN_PROGRESS" if delivery.pending else "COMPLETE"}
    return {**status, "status": "FAILED", "failureCode": delivery.failure}
