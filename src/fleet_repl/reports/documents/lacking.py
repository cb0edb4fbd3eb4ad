"""Reads in a document of deliveries or of coverage what destinations lack. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from fleet_repl.inventory.model import InventoryRef
from fleet_repl.reports.documents.coverage import (
    COVERAGE_SCHEMA,
    CoverageDocument,
    CoveredLinkDocument,
)
from fleet_repl.reports.documents.delivery import (
    DELIVERY_SCHEMA,
    DeliveryDocument,
    LinkDocument,
)
from fleet_repl.reports.documents.reader import (
    MalformedError,
    converted,
    parsed,
    read,
    schema_of,
    shown,
    unusable,
    without_collection,
)
from fleet_repl.reports.documents.sealed import is_altered
from fleet_repl.reports.documents.shared import moment, recast
from fleet_repl.runs.delivery import DeliveryState
from fleet_repl.runs.repair import Lacking, LackingLink
from fleet_repl.values.errors import RefusedError

_LACKING: Final = (
    DeliveryState.FAILED,
    DeliveryState.MISSING,
    DeliveryState.NO_RULE,
    DeliveryState.NOT_SENT,
)
"""The states of images that their destinations lack, and that will not come by themselves."""


_KINDS: Final[Mapping[str, type[DeliveryDocument | CoverageDocument]]] = {
    DELIVERY_SCHEMA: DeliveryDocument,
    COVERAGE_SCHEMA: CoverageDocument,
}
AGAIN: Final = "    make a new one with fleet-repl verify or coverage"


def read_lacking(content: bytes, where: str) -> Lacking:
    """Returns what the document in a JSON text says that destinations lack. Raises RefusedError for
    a text that is no document of deliveries or of coverage, and for one that was altered."""
    try:
        with without_collection():
            document = _document(content, where)
            if is_altered(document, document.digest):
                raise RefusedError(
                    f"the document was altered after it was made: {where}: its content has another "
                    f"digest than {document.digest}\n{AGAIN}"
                )
            return lacking_in(document)
    except MalformedError as error:
        raise unusable(RefusedError, "document", where, error) from None


def _document(content: bytes, where: str) -> DeliveryDocument | CoverageDocument:
    kind = _KINDS.get(schema_of(content))
    if kind is not None:
        return read(content, kind)
    # It may be of another encoding than UTF-8, which only Python's parser reads.
    value = parsed(content)
    schema = value.get("schema")
    kind = _KINDS.get(schema) if isinstance(schema, str) else None
    if kind is not None:
        return converted(value, kind)
    raise RefusedError(
        f"the document cannot be read: {where}: schema: {DELIVERY_SCHEMA} or {COVERAGE_SCHEMA} is "
        f"needed, not {shown(schema)}\n"
        "    fleet-repl verify or coverage INVENTORY --report FILE.json writes one"
    )


def lacking_in(document: DeliveryDocument | CoverageDocument) -> Lacking:
    """Returns what a document says that destinations lack. Raises MalformedError."""
    links = _delivered(document) if isinstance(document, DeliveryDocument) else _covered(document)
    return Lacking(
        fleet=document.fleet,
        inventory=recast(document.inventory, InventoryRef),
        at=moment(document.finished_at, "finished_at"),
        links=tuple(link for link in links if link.repositories),
    )


def _delivered(document: DeliveryDocument) -> Iterator[LackingLink]:
    for link in document.links:
        images = [image for image in link.images if image.state in _LACKING]
        yield _link(link, [(image.repository, image.digest) for image in images])


def _covered(document: CoverageDocument) -> Iterator[LackingLink]:
    for link in document.links:
        images = [(gap.repository, image.digest) for gap in link.gaps for image in gap.newest]
        whole = all(gap.missing == len(gap.newest) for gap in link.gaps)
        repositories = tuple(gap.repository for gap in link.gaps)
        yield _link(link, images, repositories, is_whole=whole)


def _link(
    link: LinkDocument | CoveredLinkDocument,
    images: list[tuple[str, str]],
    repositories: tuple[str, ...] = (),
    *,
    is_whole: bool = True,
) -> LackingLink:
    named = dict.fromkeys((*repositories, *(repository for repository, _ in images)))
    return LackingLink(
        source=link.source.registry,
        destination=link.destination.registry,
        repositories=tuple(named),
        images=tuple(dict.fromkeys(images)),
        is_whole=is_whole,
    )
