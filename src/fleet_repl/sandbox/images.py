"""What a repository holds: images, and where each was replicated to.

An image is its manifest: anybody's JSON, read as far as ECR reads it. What does not look like a
reference to a layer or image is passed over.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from fleet_repl.canonical import Json, JsonObject
from fleet_repl.names import Registry
from fleet_repl.sandbox.policy import matches
from fleet_repl.sandbox.shapes import objects

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

    def fixes(self, tag: str) -> bool:
        """Whether the tag may not be moved to another image."""
        excluded = any(matches(pattern, tag) for pattern in self.exclusions)
        return self.mutability.startswith("IMMUTABLE") is not excluded

    def record(self, digest: str, delivery: Delivery) -> None:
        """Note how an image fares at a destination, in place of what was noted before."""
        deliveries = {known.destination: known for known in self.deliveries.get(digest, ())}
        deliveries[delivery.destination] = delivery
        self.deliveries[digest] = tuple(deliveries.values())
