"""A delivery report as the JSON document `fleet-repl/delivery/1`. Pure; the keys are a promise."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from msgspec import UNSET, Meta, UnsetType

from fleet_repl.reports.documents.member_types import (
    Count,
    PrefixList,
    Timestamp,
)
from fleet_repl.reports.documents.reader import Document
from fleet_repl.reports.documents.run_head import RunHead, run_head
from fleet_repl.reports.documents.sealed import OptionalDigest, sealed
from fleet_repl.reports.documents.shared import (
    ErrorDocument,
    NamedPlaceDocument,
    RegionsWarnings,
    prefix_list,
    recast,
    warning_documents,
)
from fleet_repl.reports.documents.writer import as_json
from fleet_repl.runs.delivery import (
    Delivery,
    DeliveryReport,
    DeliveryState,
    LinkDelivery,
    Times,
    UnreadRegistry,
)
from fleet_repl.runs.outcomes import Status
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.text import timestamp

DELIVERY_SCHEMA: Final = "fleet-repl/delivery/1"

_WITHOUT_IMAGES: Final = (DeliveryState.UNKNOWN, DeliveryState.IDLE)
"""States of links that no single image can have."""
_IMAGE_STATES: Final = tuple(state for state in DeliveryState if state not in _WITHOUT_IMAGES)
_STATUSES: Final = (Status.OK, Status.PARTIAL, Status.INTERRUPTED)

Seconds: TypeAlias = Annotated[float, Meta(ge=0)]


class TimesDocument(Document, frozen=True):
    measured: Annotated[int, Meta(ge=1, description="How many images a time is known of.")]
    median: Seconds
    slowest: Seconds

    @classmethod
    def of(cls, times: Times) -> TimesDocument:
        return cls(times.measured, round(times.median, 3), round(times.slowest, 3))


class SummaryDocument(Document, frozen=True):
    sources: Annotated[Count, Meta(description="Registries that links in scope start from.")]
    sampled: Annotated[Count, Meta(description="Images asked about.")]
    links: Annotated[
        dict[DeliveryState, Count],
        Meta(
            description="Links by state.",
            extra_json_schema={"required": list(map(str, DeliveryState))},
        ),
    ]
    deliveries: Annotated[
        dict[DeliveryState, Count],
        Meta(
            description="Images by state; an image counts once for each link that it falls under.",
            extra_json_schema={
                "required": list(map(str, _IMAGE_STATES)),
                "propertyNames": {"enum": list(map(str, _IMAGE_STATES))},
            },
        ),
    ]
    seconds: Annotated[
        TimesDocument | None,
        Meta(description="From push to arrival; null where no time is known."),
    ]
    unreadable: Annotated[Count, Meta(description="Registries that could not be read.")]

    @classmethod
    def of(cls, report: DeliveryReport) -> SummaryDocument:
        links, deliveries, times = report.link_states, report.image_states, report.times
        return cls(
            sources=report.sources,
            sampled=report.sampled,
            links={state: links[state] for state in DeliveryState},
            deliveries={state: deliveries[state] for state in _IMAGE_STATES},
            seconds=TimesDocument.of(times) if times is not None else None,
            unreadable=len(report.unreadable),
        )


class SourceDocument(NamedPlaceDocument, frozen=True):
    """The source of a link."""


class DestinationDocument(NamedPlaceDocument, frozen=True):
    """The destination of a link."""

    external: Annotated[
        bool, Meta(description="It is not managed: nothing could be looked up there.")
    ]


class ImageDocument(Document, frozen=True):
    repository: str
    digest: str
    tags: tuple[str, ...]
    pushed_at: Timestamp
    state: Annotated[DeliveryState, Meta(extra_json_schema={"enum": list(map(str, _IMAGE_STATES))})]
    code: Annotated[str | None, Meta(description="ECR's failure code.")]
    seconds: Annotated[
        Seconds | None,
        Meta(
            description="From push to arrival where the times show it; of an image in progress, "
            "since its push."
        ),
    ]
    because: str | None
    hint: Annotated[str | None, Meta(description="What can be done.")]

    @classmethod
    def of(cls, delivery: Delivery) -> ImageDocument:
        return cls(
            repository=delivery.image.repository,
            digest=delivery.image.digest,
            tags=delivery.image.tags,
            pushed_at=timestamp(delivery.image.pushed_at),
            state=delivery.state,
            code=delivery.code,
            seconds=None if delivery.seconds is None else round(delivery.seconds, 3),
            because=delivery.because,
            hint=delivery.hint,
        )


class LinkDocument(Document, frozen=True):
    source: SourceDocument
    destination: DestinationDocument
    prefixes: PrefixList
    routes: tuple[str, ...]
    state: Annotated[
        DeliveryState,
        Meta(
            description="The first of these that any of its images is in; unknown where the "
            "source could not be read or an account is joining, idle where no sampled image "
            "falls under it."
        ),
    ]
    images: Annotated[
        tuple[ImageDocument, ...], Meta(description="The sampled images that fall under it.")
    ]
    joining: Annotated[
        str | UnsetType,
        Meta(
            description="Why it is no problem that nothing is known of it, where the account of "
            "its source or destination has joined the fleet less than a day ago and its role "
            "cannot be assumed yet. Missing otherwise."
        ),
    ] = UNSET

    @classmethod
    def of(cls, link: LinkDelivery) -> LinkDocument:
        return cls(
            source=SourceDocument(*link.source, link.source_name),
            destination=DestinationDocument(
                *link.destination, link.destination_name, link.external
            ),
            prefixes=prefix_list(link.prefixes),
            routes=link.routes,
            state=link.state,
            images=tuple(map(ImageDocument.of, link.images)),
            joining=link.joining or UNSET,
        )


class UnreadableDocument(NamedPlaceDocument, frozen=True):
    error: ErrorDocument

    @classmethod
    def of(cls, unread: UnreadRegistry) -> UnreadableDocument:
        return cls(*unread.registry, unread.name, recast(unread.error, ErrorDocument))


_BY_STATE: Final = {
    "if": {"properties": {"state": {"enum": list(map(str, _WITHOUT_IMAGES))}}},
    "then": {"properties": {"images": {"maxItems": 0}}},
    "else": {"properties": {"images": {"minItems": 1}}},
}


class DeliveryDocument(RunHead, frozen=True, kw_only=True, tag_field="schema", tag=DELIVERY_SCHEMA):
    """Whether recent images arrived. Every link in scope is listed exactly once."""

    status: Annotated[
        Status,
        Meta(
            description="partial: something failed, is missing, or could not be read.",
            extra_json_schema={"enum": list(map(str, _STATUSES))},
        ),
    ]
    count: Annotated[
        int, Meta(ge=1, description="Images asked about for each source, at the most.")
    ]
    age_seconds: Annotated[Count, Meta(description="How long ago they were pushed, at the most.")]
    summary: SummaryDocument
    links: Annotated[
        tuple[Annotated[LinkDocument, Meta(extra_json_schema=_BY_STATE)], ...],
        Meta(description="By source and destination."),
    ]
    unreadable: Annotated[
        tuple[UnreadableDocument, ...],
        Meta(description="Sources, and destinations that something was to be looked up in."),
    ]
    warnings: RegionsWarnings = UNSET
    digest: OptionalDigest = UNSET

    @classmethod
    def of(cls, report: DeliveryReport) -> DeliveryDocument:
        document = cls(
            **run_head(report),
            count=report.count,
            age_seconds=round(report.age.total_seconds()),
            summary=SummaryDocument.of(report),
            links=tuple(map(LinkDocument.of, report.links)),
            unreadable=tuple(map(UnreadableDocument.of, report.unreadable)),
            warnings=warning_documents(report.warnings),
        )
        return sealed(document)


def delivery_document(report: DeliveryReport) -> JsonObject:
    """Returns the document `fleet-repl/delivery/1` of a report."""
    return as_json(DeliveryDocument.of(report))
