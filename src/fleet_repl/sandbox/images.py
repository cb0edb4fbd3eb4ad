"""Repositories: the images they hold, under their tags, and where each was replicated to.

An image is its manifest: JSON from anybody, read as far as ECR reads it. Entries that do not look
like a reference to a layer or image are ignored.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from fleet_repl.sandbox.aws_errors import AwsError
from fleet_repl.sandbox.policy import matches
from fleet_repl.sandbox.shapes import json_object, objects
from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.names import Registry

ACTIVE: Final = "ACTIVE"
ARCHIVED: Final = "ARCHIVED"
ACTIVATING: Final = "ACTIVATING"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"


def listed_images(manifest: JsonObject) -> tuple[str, ...]:
    """Returns the digests of the images in a manifest list or index."""
    return tuple(_sizes(manifest.get("manifests")))


def image_size(manifest: str) -> int:
    """Returns the bytes of a manifest and of its config and layers, each counted once."""
    document = json_object(manifest) or {}
    blobs = _sizes([document.get("config"), *objects(document.get("layers"))])
    return len(manifest.encode(errors="surrogatepass")) + sum(blobs.values())


def _sizes(descriptors: Json) -> dict[str, int]:
    """Returns the bytes of each described blob or image, by digest; 0 where they are absent."""
    sizes = {}
    for descriptor in objects(descriptors):
        digest, size = descriptor.get("digest"), descriptor.get("size")
        if isinstance(digest, str):
            sizes[digest] = size if type(size) is int and size >= 0 else 0
    return sizes


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One manifest in a repository."""

    digest: str
    tags: tuple[str, ...]
    manifest: str
    media_type: str
    pushed_at: datetime
    size: int
    """Bytes of the manifest with its config and layers."""
    status: str = ACTIVE
    """ECR's name for whether the image can be pulled: only ACTIVE images can."""

    def without(self, tag: str) -> Image:
        return replace(self, tags=tuple(other for other in self.tags if other != tag))


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """An image on its way into a repository."""

    manifest: str
    media_type: str
    tag: str | None
    at: datetime

    @classmethod
    def of(cls, image: Image, tag: str | None, at: datetime) -> Push:
        """Returns the push that copies an image."""
        return cls(manifest=image.manifest, media_type=image.media_type, tag=tag, at=at)

    @property
    def digest(self) -> str:
        return "sha256:" + hashlib.sha256(self.manifest.encode(errors="surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The replication of an image to one destination."""

    destination: Registry
    pending: bool = False
    """The copy has not arrived yet."""
    failure: str | None = None
    """ECR's failure code; None: the copy arrived or is pending."""


@dataclass(slots=True, kw_only=True)
class Repository:
    name: str
    created_at: datetime
    mutability: str = "MUTABLE"
    exclusions: tuple[str, ...] = ()
    """Wildcards of tags for which the opposite of `mutability` holds."""
    scan_on_push: bool = False
    encryption: JsonObject = field(default_factory=lambda: {"encryptionType": "AES256"})
    tags: tuple[JsonObject, ...] = ()
    policy: str | None = None
    lifecycle_policy: str | None = None
    images: dict[str, Image] = field(default_factory=dict)
    """By digest, in the order of their first push."""
    deliveries: dict[str, tuple[Delivery, ...]] = field(default_factory=dict)
    """By digest: the replications of its latest push."""

    def tagged(self, tag: str) -> Image | None:
        return next((image for image in self.images.values() if tag in image.tags), None)

    def put(self, push: Push) -> Image | None:
        """Adds an image and returns it, or None if it is there already under that tag.

        Raises AwsError where another image has the tag and the tag is immutable.
        """
        image = self.images.get(push.digest)
        if image is not None and (push.tag is None or push.tag in image.tags):
            return None
        if push.tag is not None:
            self._free(push.tag)
        image = image or Image(
            digest=push.digest,
            tags=(),
            manifest=push.manifest,
            media_type=push.media_type,
            pushed_at=push.at,
            size=image_size(push.manifest),
        )
        if push.tag is not None:
            image = replace(image, tags=(*image.tags, push.tag))
        self.images[image.digest] = image
        return image

    def _free(self, tag: str) -> None:
        """Takes a tag off the image that has it; raises AwsError if the tag is immutable."""
        holder = self.tagged(tag)
        if holder is None:
            return
        excluded = any(matches(pattern, tag) for pattern in self.exclusions)
        if self.mutability.startswith("IMMUTABLE") is not excluded:
            raise AwsError(
                "ImageTagAlreadyExistsException",
                f"The image tag '{tag}' already exists in the '{self.name}' repository and cannot "
                "be overwritten because the tag is immutable.",
            )
        self.images[holder.digest] = holder.without(tag)

    def remove(self, digest: str, tag: str | None) -> bool:
        """Removes a tag, or without a tag the image. Returns whether the image is gone.

        With its last tag an image goes too. Raises KeyError where there is no such image.
        """
        image = self.images[digest]
        kept = () if tag is None else image.without(tag).tags
        if kept:
            self.images[digest] = replace(image, tags=kept)
            return False
        del self.images[digest]
        self.deliveries.pop(digest, None)
        return True

    def references(self, digest: str) -> bool:
        """Returns whether a manifest list in the repository names the image."""
        manifests = (json_object(image.manifest) or {} for image in self.images.values())
        return any(digest in listed_images(manifest) for manifest in manifests)

    def record(self, digest: str, delivery: Delivery) -> None:
        """Replaces the record of an image's replication to a destination."""
        deliveries = {earlier.destination: earlier for earlier in self.deliveries.get(digest, ())}
        deliveries[delivery.destination] = delivery
        self.deliveries[digest] = tuple(deliveries.values())
