"""Manifests of images, as far as it takes to put one again. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fleet_repl.values.canonical_json import parse_json

MEDIA_TYPES: Final = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
)
"""The types to ask for: ECR gives a manifest back as pushed only if its type is among them."""
_DIGEST: Final = slice(7, 19)
"""The first twelve digits of a `sha256:` digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The manifest of an image, as it was pushed."""

    digest: str
    text: str
    media_type: str | None

    @property
    def listed(self) -> tuple[str, ...]:
        """The digests of the images in a manifest list; none for the manifest of one image."""
        try:
            document = parse_json(self.text)
        except ValueError:
            return ()
        entries = document.get("manifests") if isinstance(document, dict) else None
        digests = (
            entry.get("digest")
            for entry in (entries if isinstance(entries, list) else ())
            if isinstance(entry, dict)
        )
        return tuple(digest for digest in digests if isinstance(digest, str))


def reput_tag(run_id: str, digest: str) -> str:
    """Returns the tag that a run puts an image again under. No other image has it.

    Of a manifest that is there under a tag ECR takes no second push under that tag, and it
    replicates pushes only. So an image that is to be sent once more needs another tag.
    """
    return f"reput-{run_id}-{digest[_DIGEST]}"
