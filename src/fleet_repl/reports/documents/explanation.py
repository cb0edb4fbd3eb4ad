"""Where an image goes, and why not elsewhere, as the JSON document `fleet-repl/explain/1`.

Pure; the keys are a promise.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal, TypeAlias

from msgspec import UNSET, Meta, UnsetType, field

from fleet_repl.planning.explain import (
    Awaited,
    AwaitedImage,
    Carried,
    Explanation,
    NotCarried,
    Reason,
    Waited,
)
from fleet_repl.reports.documents.member_types import RegistryName
from fleet_repl.reports.documents.reader import Document
from fleet_repl.runs.delivery import DeliveryState

EXPLAIN_SCHEMA: Final = "fleet-repl/explain/1"

Facts: TypeAlias = Annotated[
    tuple[str, ...] | UnsetType,
    Meta(
        description="The rule and the statements in place, and what became of the image. Missing "
        "where there is nothing to say."
    ),
]


class CarriedDocument(Document, frozen=True, kw_only=True):
    """A registry that the image gets to."""

    source: RegistryName = field(name="from")
    destination: RegistryName = field(name="to")
    routes: Annotated[
        tuple[str, ...],
        Meta(description="None for a rule in place that no route asks for."),
    ]
    prefix: Annotated[str, Meta(description="What carries it; empty for every repository.")]
    status: Annotated[
        DeliveryState | None,
        Meta(description="What became of the image; null where ECR was not asked about one."),
    ]
    facts: Facts = UNSET

    @classmethod
    def of(cls, carried: Carried) -> CarriedDocument:
        return cls(
            source=str(carried.source),
            destination=str(carried.destination),
            routes=carried.routes,
            prefix=carried.prefix,
            status=None if carried.status is None else DeliveryState(carried.status),
            facts=carried.facts or UNSET,
        )


class NotCarriedDocument(Document, frozen=True, kw_only=True):
    """A registry that the image does not get to."""

    source: RegistryName = field(name="from")
    destination: RegistryName = field(name="to")
    because: str
    reason: Reason
    facts: Facts = UNSET

    @classmethod
    def of(cls, why: NotCarried) -> NotCarriedDocument:
        return cls(
            source=str(why.source),
            destination=str(why.destination),
            because=why.because,
            reason=why.reason,
            facts=why.facts or UNSET,
        )


class AwaitedImageDocument(Document, frozen=True, kw_only=True):
    """An image at a registry that it was awaited in."""

    destination: RegistryName = field(name="to")
    state: Awaited
    source: Annotated[
        RegistryName | None,
        Meta(description="What sends it; null where no source has it or no link leads there."),
    ] = field(name="from")
    digest: str | None
    pushed_at: Annotated[
        datetime | None, Meta(description="To its source: since then the destination lacks it.")
    ]
    because: str | None
    seconds: Annotated[
        float | None,
        Meta(description="Where it is there: from the start of the wait until that was seen."),
    ]

    @classmethod
    def of(cls, image: AwaitedImage) -> AwaitedImageDocument:
        return cls(
            destination=str(image.destination),
            state=image.state,
            source=None if image.source is None else str(image.source),
            digest=image.digest,
            pushed_at=image.pushed_at,
            because=image.because,
            seconds=None if image.seconds is None else round(image.seconds, 3),
        )


class TagMoveDocument(Document, frozen=True, kw_only=True):
    """A tag that got another digest during the wait, which was followed."""

    source: RegistryName = field(name="from")
    before: str
    after: str


class WaitedDocument(Document, frozen=True, kw_only=True):
    """A wait for an image."""

    started_at: datetime
    within: Annotated[float, Meta(description="Seconds, at the most.")]
    seconds: float
    images: Annotated[
        tuple[AwaitedImageDocument, ...],
        Meta(description="By destination. Empty where no link carries the image."),
    ]
    moves: tuple[TagMoveDocument, ...]

    @classmethod
    def of(cls, waited: Waited) -> WaitedDocument:
        moves = (
            TagMoveDocument(source=str(move.source), before=move.before, after=move.after)
            for move in waited.moves
        )
        return cls(
            started_at=waited.started_at,
            within=waited.within,
            seconds=round(waited.seconds, 3),
            images=tuple(map(AwaitedImageDocument.of, waited.images)),
            moves=tuple(moves),
        )


class ExplanationDocument(
    Document, frozen=True, kw_only=True, tag_field="schema", tag=EXPLAIN_SCHEMA
):
    """Where an image of a fleet goes, where it does not go, and why."""

    what: Annotated[str, Meta(description="The repository or image, as it was asked about.")]
    carried: Annotated[tuple[CarriedDocument, ...], Meta(description="By source and destination.")]
    not_carried: Annotated[
        tuple[NotCarriedDocument, ...],
        Meta(
            description="By destination. Without --from: the registries that it gets to from no "
            "registry, each with the source from which it comes nearest."
        ),
    ]
    remedy: Annotated[
        str | None,
        Meta(
            description="The one thing to do, and on lines of its own what to run or to paste; "
            "null for nothing."
        ),
    ]
    fleet: str
    live: Annotated[bool, Meta(description="Whether AWS was asked too.")]
    status: Annotated[
        Literal["ok", "partial", "interrupted"] | UnsetType,
        Meta(
            description="Partial where a registry could not be read; of a wait: where the image is "
            "not everywhere. Missing where AWS was not asked."
        ),
    ] = UNSET
    waited: Annotated[
        WaitedDocument | UnsetType, Meta(description="Only of a wait: what it has seen.")
    ] = UNSET

    @classmethod
    def of(cls, explanation: Explanation) -> ExplanationDocument:
        return cls(
            what=str(explanation.image),
            carried=tuple(map(CarriedDocument.of, explanation.carried)),
            not_carried=tuple(map(NotCarriedDocument.of, explanation.not_carried)),
            remedy=explanation.remedy,
            fleet=explanation.fleet,
            live=explanation.live,
            status=explanation.status if explanation.live else UNSET,
            waited=UNSET if explanation.waited is None else WaitedDocument.of(explanation.waited),
        )
