"""The members of the JSON document `fleet-repl/delivery-news/1`: deliveries that failed or are
late, as a watch notifies of them. `watch` fills them in."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, field

from fleet_repl.planning.explain import Explanation
from fleet_repl.reports.documents.explanation import ExplanationDocument
from fleet_repl.reports.documents.member_types import RegistryName, Timestamp
from fleet_repl.reports.documents.reader import Document
from fleet_repl.runs.timed_deliveries import DeliveryResult, TimedDelivery
from fleet_repl.values.text import timestamp

DELIVERY_NEWS_SCHEMA: Final = "fleet-repl/delivery-news/1"
SHOWN: Final = 50
"""Deliveries that the document names at the most."""


class TimedDeliveryDocument(Document, frozen=True, kw_only=True):
    """An image at one destination."""

    source: RegistryName = field(name="from")
    destination: RegistryName = field(name="to")
    repository: str
    digest: str
    tag: str | None
    routes: Annotated[tuple[str, ...], Meta(description="Those that ask for it.")]
    result: Annotated[
        DeliveryResult,
        Meta(description="Missing: it has not arrived, although its objective is over."),
    ]
    at: Annotated[
        Timestamp,
        Meta(description="When it arrived or failed; where it is missing, when that was seen."),
    ]
    seconds: Annotated[
        float | None, Meta(description="From its push until then; null where that is not known.")
    ]
    within: Annotated[
        float | None, Meta(description="The objective in seconds; null where there is none.")
    ]
    code: Annotated[str | None, Meta(description="ECR's failure code, where it is known.")]
    explanation: Annotated[
        ExplanationDocument | None,
        Meta(description="What decides on it, as `explain --live` says; null where not asked."),
    ]

    @classmethod
    def of(cls, delivery: TimedDelivery, explanation: Explanation | None) -> TimedDeliveryDocument:
        return cls(
            source=str(delivery.source),
            destination=str(delivery.destination),
            repository=delivery.repository,
            digest=delivery.digest,
            tag=delivery.tag,
            routes=delivery.routes,
            result=delivery.result,
            at=timestamp(delivery.at),
            seconds=None if delivery.seconds is None else round(delivery.seconds, 3),
            within=delivery.within,
            code=delivery.code,
            explanation=None if explanation is None else ExplanationDocument.of(explanation),
        )


class DeliveryNewsDocument(
    Document, frozen=True, kw_only=True, tag_field="schema", tag=DELIVERY_NEWS_SCHEMA
):
    """Deliveries that somebody has to do something about, or that are well again."""

    text: Annotated[str, Meta(description="In one line. Chats show the member of this name.")]
    news: Annotated[
        Literal["failed", "late", "recovered"],
        Meta(description="Recovered: links that were told of deliver in time again."),
    ]
    fleet: str
    at: Timestamp
    deliveries: Annotated[
        tuple[TimedDeliveryDocument, ...],
        Meta(description="One for each link that is news; the first of them.", max_length=SHOWN),
    ]
    more_deliveries: Annotated[int, Meta(ge=0, description="How many of them are not listed.")]
