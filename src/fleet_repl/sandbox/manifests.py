"""Image manifests, read as far as ECR reads them: which blobs and which images they name.

Manifests are anybody's JSON: what does not look like a reference is passed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fleet_repl.canonical import JsonObject
from fleet_repl.sandbox.shapes import objects

DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True, slots=True)
class Reference:
    """One blob or manifest that a manifest names."""

    digest: str
    size: int


def parsed(manifest: str) -> JsonObject | None:
    """The manifest's object, or None where it is none."""
    try:
        document = json.loads(manifest)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def blobs(manifest: JsonObject) -> tuple[Reference, ...]:
    """The config and the layers, each once."""
    config = manifest.get("config")
    named = [config] if isinstance(config, dict) else []
    return tuple(dict.fromkeys(_references([*named, *objects(manifest.get("layers"))])))


def images(manifest: JsonObject) -> tuple[Reference, ...]:
    """The images of a manifest list or index."""
    return tuple(dict.fromkeys(_references(objects(manifest.get("manifests")))))


def _references(descriptors: object) -> Iterator[Reference]:
    for one in descriptors if isinstance(descriptors, list | tuple) else ():
        digest, size = one.get("digest"), one.get("size")
        if isinstance(digest, str):
            whole = isinstance(size, int) and not isinstance(size, bool) and size >= 0
            yield Reference(digest, size if whole else 0)
