"""What a repository holds: images under tags, and where each was replicated to.

An image is its manifest: anybody's JSON, read as far as ECR reads it. What does not look like a
reference to a layer or image is passed over. Where an image goes from here is `replication`'s.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from fleet_repl.sandbox.aws_errors import AwsError
from fleet_repl.sandbox.policy import matches
from fleet_repl.sandbox.shapes import objects
from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.names import Registry

ACTIVE: Final = "ACTIVE"
ARCHIVED: Final = "ARCHIVED"
ACTIVATING: Final = "ACTIVATING"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"


def parsed_manifest(manifest: str) -> JsonObject | None:
    """The manifest's object, or None where the text holds none."""
    try:
        document = json.loads(manifest)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def listed_images(manifest: JsonObject) -> tuple[str, ...]:
    """The digests of the images in a manifest list or index."""
    return tuple(_sizes(manifest.get("manifests")))


def image_size(manifest: str) -> int:
    """Bytes of a manifest and of the config and layers that it names, each counted once."""
    document = parsed_manifest(manifest) or {}
    blobs = _sizes([document.get("config"), *objects(document.get("layers"))])
    return len(manifest.encode(errors="surrogatepass")) + sum(blobs.values())


def _sizes(descriptors: Json) -> dict[str, int]:
    """The size of each blob or image that is described, by digest; 0 where none is told."""
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
    """Bytes, with the config and layers that the manifest names."""
    status: str = ACTIVE
    """Whether it can be pulled, as ECR calls it: archived images and those that are being
    restored cannot."""

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
        """The push that brings an image somewhere else."""
        return cls(manifest=image.manifest, media_type=image.media_type, tag=tag, at=at)

    @property
    def digest(self) -> str:
        return "sha256:" + hashlib.sha256(self.manifest.encode(errors="surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of an image at one destination."""

    destination: Registry
    pending: bool = False
    """It is still on its way."""
    failure: str | None = None
    """ECR's failure code; None: it arrived, unless it is pending."""


@dataclass(slots=True, kw_only=True)
class Repository:
    name: str
    created_at: datetime
    mutability: str = "MUTABLE"
    exclusions: tuple[str, ...] = ()
    """Wildcards of the tags for which mutability is the other way round."""
    scan_on_push: bool = False
    encryption: JsonObject = field(default_factory=lambda: {"encryptionType": "AES256"})
    tags: tuple[JsonObject, ...] = ()
    policy: str | None = None
    lifecycle_policy: str | None = None
    images: dict[str, Image] = field(default_factory=dict)
    """By digest, in the order of their first push."""
    deliveries: dict[str, tuple[Delivery, ...]] = field(default_factory=dict)
    """By digest: where its latest push was replicated to."""

    def tagged(self, tag: str) -> Image | None:
        return next((image for image in self.images.values() if tag in image.tags), None)

    def put(self, push: Push) -> Image | None:
        """Put an image in; None: it is there already, under that tag.

        Raises AwsError where the tag is another image's and tags are not moved.
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
        """Take a tag off the image that has it, if one has."""
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
        """Take a tag off an image, or without a tag the image out; whether the image is gone.

        An image whose last tag goes, goes with it. Raises KeyError where there is no such image.
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
        """Whether a manifest list in the repository names the image."""
        manifests = (parsed_manifest(image.manifest) or {} for image in self.images.values())
        return any(digest in listed_images(manifest) for manifest in manifests)

    def record(self, digest: str, delivery: Delivery) -> None:
        """Note how an image fares at a destination, in place of what was noted before."""
        deliveries = {known.destination: known for known in self.deliveries.get(digest, ())}
        deliveries[delivery.destination] = delivery
        self.deliveries[digest] = tuple(deliveries.values())
