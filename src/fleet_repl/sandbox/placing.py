"""Putting one image into one repository and taking it out again, as ECR's tags work.

One repository at a time: where an image goes from there is `replication`'s.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime

from fleet_repl.sandbox import manifests
from fleet_repl.sandbox.aws_errors import AwsError
from fleet_repl.sandbox.images import Image, Repository


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


def placed(repository: Repository, push: Push) -> Image | None:
    """The image in the repository, or None where it was there already, under that tag.

    Raises AwsError where the tag is another image's and the repository does not move it.
    """
    digest = push.digest
    known = repository.images.get(digest)
    if known is not None and (push.tag is None or push.tag in known.tags):
        return None
    holder = None if push.tag is None else repository.tagged(push.tag)
    if holder is not None and push.tag is not None:
        if repository.fixes(push.tag):
            raise AwsError(
                "ImageTagAlreadyExistsException",
                f"The image tag '{push.tag}' already exists in the '{repository.name}' repository "
                "and cannot be overwritten because the tag is immutable.",
            )
        left = tuple(tag for tag in holder.tags if tag != push.tag)
        repository.images[holder.digest] = replace(holder, tags=left)
    image = known or Image(
        digest=digest,
        tags=(),
        manifest=push.manifest,
        media_type=push.media_type,
        pushed_at=push.at,
        size=_size(push.manifest),
    )
    if push.tag is not None:
        image = replace(image, tags=(*image.tags, push.tag))
    repository.images[image.digest] = image
    return image


def removed(repository: Repository, digest: str, tag: str | None) -> bool:
    """Take a tag off an image, or without one the image out; whether the image is gone.

    An image whose last tag goes, goes with it. Raises KeyError where there is no such image.
    """
    image = repository.images[digest]
    left = () if tag is None else tuple(one for one in image.tags if one != tag)
    if left:
        repository.images[digest] = replace(image, tags=left)
        return False
    del repository.images[digest]
    repository.deliveries.pop(digest, None)
    return True


def referenced(repository: Repository, digest: str) -> bool:
    """Whether a manifest list of the repository names the image."""
    return any(
        digest == one.digest
        for image in repository.images.values()
        for one in manifests.images(manifests.parsed(image.manifest) or {})
    )


def _size(manifest: str) -> int:
    """Bytes of the manifest and of the config and layers that it names."""
    blobs = manifests.blobs(manifests.parsed(manifest) or {})
    of_blobs = sum(blob.size for blob in blobs)
    return len(manifest.encode(errors="surrogatepass")) + of_blobs
