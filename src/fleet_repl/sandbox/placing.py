"""Putting one image into one repository and taking it out again, as ECR's tags work.

One repository at a time: where an image goes from there is `replication`'s.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime

from fleet_repl.sandbox.aws_errors import AwsError
from fleet_repl.sandbox.images import (
    Image,
    Repository,
    image_size,
    listed_images,
    parsed_manifest,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """An image on its way into a repository."""

    manifest: str
    media_type: str
    tag: str | None
    at: datetime

    @property
    def digest(self) -> str:
        return "sha256:" + hashlib.sha256(self.manifest.encode(errors="surrogatepass")).hexdigest()


def push_of(image: Image, tag: str | None, at: datetime) -> Push:
    """The push that brings an image somewhere else."""
    return Push(manifest=image.manifest, media_type=image.media_type, tag=tag, at=at)


def placed(repository: Repository, push: Push) -> Image | None:
    """Put an image into a repository; None: it is there already, under that tag.

    Raises AwsError where the tag is another image's and the repository does not move tags.
    """
    image = repository.images.get(push.digest)
    if image is not None and (push.tag is None or push.tag in image.tags):
        return None
    if push.tag is not None:
        _free(repository, push.tag)
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
    repository.images[image.digest] = image
    return image


def _free(repository: Repository, tag: str) -> None:
    """Take a tag off the image that has it, if one has."""
    holder = repository.tagged(tag)
    if holder is None:
        return
    if repository.fixes(tag):
        raise AwsError(
            "ImageTagAlreadyExistsException",
            f"The image tag '{tag}' already exists in the '{repository.name}' repository and "
            "cannot be overwritten because the tag is immutable.",
        )
    kept = tuple(other for other in holder.tags if other != tag)
    repository.images[holder.digest] = replace(holder, tags=kept)


def removed(repository: Repository, digest: str, tag: str | None) -> bool:
    """Take a tag off an image, or without a tag the image out; whether the image is gone.

    An image whose last tag goes, goes with it. Raises KeyError where there is no such image.
    """
    image = repository.images[digest]
    kept = () if tag is None else tuple(other for other in image.tags if other != tag)
    if kept:
        repository.images[digest] = replace(image, tags=kept)
        return False
    del repository.images[digest]
    repository.deliveries.pop(digest, None)
    return True


def referenced(repository: Repository, digest: str) -> bool:
    """Whether a manifest list of the repository names the image."""
    return any(
        digest in listed_images(parsed_manifest(image.manifest) or {})
        for image in repository.images.values()
    )
