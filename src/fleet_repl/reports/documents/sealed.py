"""Digests of documents that others are made by, which tell whether one was altered. Pure."""

from __future__ import annotations

from typing import Annotated, TypeAlias, TypeVar

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from fleet_repl.reports.documents.member_types import Digest
from fleet_repl.reports.documents.writer import canonical, digest_of

OptionalDigest: TypeAlias = Annotated[
    Digest | UnsetType,
    Meta(
        description="Over this whole document without this key. Missing in documents of earlier "
        "versions."
    ),
]


_Document = TypeVar("_Document", bound=Struct)


def sealed(document: _Document) -> _Document:
    """Returns a document with the digest of its other members."""
    return replace(document, digest=_digest(document))


def is_altered(document: Struct, stated: str | UnsetType) -> bool:
    """Returns whether a document has another digest than the digest that it states; one that states
    none was not altered as far as anybody knows."""
    return stated is not UNSET and stated != _digest(replace(document, digest=UNSET))


def _digest(document: Struct) -> str:
    return digest_of((canonical(document),))
