"""BatchDeleteImage: images and tags go, and where rules replicate deletions they go there too."""

from __future__ import annotations

from typing import Final

from fleet_repl.canonical import Json, JsonObject
from fleet_repl.names import Registry
from fleet_repl.sandbox.image_calls import (
    DIGEST,
    IMAGE_ID,
    IN_REPOSITORY,
    TAG,
    image_by,
    why_not,
)
from fleet_repl.sandbox.images import Image, Repository
from fleet_repl.sandbox.placing import referenced
from fleet_repl.sandbox.repository_calls import REPOSITORY_NAME, find_repository
from fleet_repl.sandbox.shapes import Structure
from fleet_repl.sandbox.world import World

_DELETE: Final = IN_REPOSITORY | {"imageIds"}


def batch_delete_image(world: World, registry: Registry, body: JsonObject) -> JsonObject:
    asked = Structure.read(body, _DELETE)
    repository = find_repository(world, registry, asked.text("repositoryName", REPOSITORY_NAME))
    gone: list[Json] = []
    failures: list[Json] = []
    for path, value in asked.items("imageIds", 1, 100):
        wanted = Structure.read(value, IMAGE_ID, path)
        image = image_by(repository, wanted)
        tag = wanted.optional_text("imageTag")
        objection = _objection(repository, wanted, image)
        if objection is not None:
            code, reason = objection
            failures.append(
                {"imageId": wanted.members, "failureCode": code, "failureReason": reason}
            )
        elif image is not None:
            gone.extend(_ids(image, tag))
            world.estate.delete(registry, repository, image.digest, tag)
    return {"imageIds": gone, "failures": failures}


def _objection(
    repository: Repository, wanted: Structure, image: Image | None
) -> tuple[str, str] | None:
    """Why an image or tag is not deleted: ECR's code and reason; None: it is."""
    digest, tag = wanted.optional_text("imageDigest"), wanted.optional_text("imageTag")
    if digest is not None and DIGEST.objection(digest) is not None:
        return "InvalidImageDigest", _should_satisfy("digest", "[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+")
    if tag is not None and TAG.objection(tag) is not None:
        return "InvalidImageTag", _should_satisfy("tag", "[a-zA-Z0-9-_+.]+")
    if image is None:
        if digest in repository.images and tag is not None and repository.tagged(tag) is not None:
            return "ImageTagDoesNotMatchDigest", "The tag is not one of the image's"
        return why_not(wanted)
    goes = tag is None or image.tags == (tag,)
    if goes and referenced(repository, image.digest):
        return "ImageReferencedByManifestList", "Requested image referenced by manifest list"
    return None


def _should_satisfy(what: str, pattern: str) -> str:
    return f"Invalid request parameters: image {what} should satisfy the regex '{pattern}'"


def _ids(image: Image, tag: str | None) -> list[Json]:
    """What is told of a deletion: the tags that went, or an image that had none."""
    tags = image.tags if tag is None else (tag,)
    if not tags:
        return [{"imageDigest": image.digest}]
    return [{"imageDigest": image.digest, "imageTag": one} for one in tags]
