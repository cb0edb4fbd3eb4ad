"""UpdateImageStorageClass: images go into the archive and come back from there.

An archived image keeps its digest and tags, and nobody can pull it. Archiving does not travel;
a restored image is replicated like one that is pushed.
"""

from __future__ import annotations

from typing import Final

from fleet_repl.canonical import JsonObject
from fleet_repl.names import Registry
from fleet_repl.sandbox.aws_errors import AwsError
from fleet_repl.sandbox.image_calls import IMAGE_ID, IN_REPOSITORY, must_find, repository_of
from fleet_repl.sandbox.images import ACTIVE, ARCHIVED
from fleet_repl.sandbox.shapes import Structure, Text
from fleet_repl.sandbox.world import World

_UPDATE: Final = IN_REPOSITORY | {"imageId", "targetStorageClass"}
_STORAGE_CLASS: Final = Text(values=("STANDARD", "ARCHIVE"))


def update_image_storage_class(world: World, registry: Registry, body: JsonObject) -> JsonObject:
    asked = Structure.read(body, _UPDATE)
    repository = repository_of(world, registry, asked)
    wanted = asked.inner("imageId", IMAGE_ID)
    image = must_find(registry, repository, wanted)
    archives = asked.text("targetStorageClass", _STORAGE_CLASS) == "ARCHIVE"
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
        "registryId": registry.account,
        "repositoryName": repository.name,
        "imageId": {"imageDigest": image.digest, **wanted.members},
        "imageStatus": repository.images[image.digest].status,
    }
