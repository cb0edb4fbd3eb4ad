"""What a repository holds: images, and where each was replicated to. State only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from fleet_repl.canonical import JsonObject
from fleet_repl.names import Registry
from fleet_repl.sandbox.wildcards import matches

ACTIVE: Final = "ACTIVE"
ARCHIVED: Final = "ARCHIVED"
ACTIVATING: Final = "ACTIVATING"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One manifest in a repository."""

    digest: str
    tags: tuple[str, ...]
    manifest: str
    media_type: str
    pushed_at: datetime
    size: int
    """Bytes of the manifest and of the config and layers that it names."""
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
        excluded = any(matches(one, tag) for one in self.exclusions)
        return self.mutability.startswith("IMMUTABLE") is not excluded

    def record(self, digest: str, delivery: Delivery) -> None:
        """Tell how an image fares at a destination, in place of what was told of it before."""
        known = {one.destination: one for one in self.deliveries.get(digest, ())}
        known[delivery.destination] = delivery
        self.deliveries[digest] = tuple(known.values())
