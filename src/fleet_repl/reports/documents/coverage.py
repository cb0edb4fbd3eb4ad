"""The coverage of a fleet as the JSON document `fleet-repl/coverage/1`. Pure; the keys are a
promise."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Final, TypeAlias

from msgspec import UNSET, Meta, UnsetType

from fleet_repl.reports.documents.delivery import (
    DestinationDocument,
    SourceDocument,
    UnreadableDocument,
)
from fleet_repl.reports.documents.in_use import InUseDocument
from fleet_repl.reports.documents.member_types import Count, PrefixList, Timestamp
from fleet_repl.reports.documents.reader import Document
from fleet_repl.reports.documents.run_head import RunHead, run_head
from fleet_repl.reports.documents.sealed import OptionalDigest, sealed
from fleet_repl.reports.documents.shared import (
    NamedPlaceDocument,
    RegionsWarnings,
    prefix_list,
    warning_documents,
)
from fleet_repl.runs.coverage import (
    CoverageReport,
    CoverageState,
    Gap,
    LinkCoverage,
    RouteCoverage,
    Tally,
    Unrouted,
)
from fleet_repl.runs.delivery import PushedImage
from fleet_repl.runs.outcomes import Status
from fleet_repl.values.text import timestamp

COVERAGE_SCHEMA: Final = "fleet-repl/coverage/1"

_STATUSES: Final = (Status.OK, Status.PARTIAL, Status.INTERRUPTED)

Share: TypeAlias = Annotated[float, Meta(ge=0, le=1)]


class TallyDocument(Document, frozen=True):
    """Repositories or images that links carry; those that are neither present nor pending are
    missing."""

    wanted: Count
    present: Annotated[Count, Meta(description="At the destination, archived or not.")]
    pending: Annotated[Count, Meta(description="ECR is still replicating them.")]


Images: TypeAlias = Annotated[
    TallyDocument | None, Meta(description="Null where images were not compared.")
]


class MissingImageDocument(Document, frozen=True):
    digest: str
    tag: Annotated[str | None, Meta(description="One of its tags; null where it has none.")]
    pushed_at: Timestamp

    @classmethod
    def of(cls, image: PushedImage) -> MissingImageDocument:
        return cls(image.digest, next(iter(image.tags), None), timestamp(image.pushed_at))


class GapDocument(Document, frozen=True):
    """A repository that the destination lacks, or of which it lacks images."""

    repository: str
    exists: Annotated[bool, Meta(description="The destination has the repository.")]
    rule: Annotated[bool, Meta(description="A rule of the source carries it there.")]
    missing: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(description="Missing images; null where images were not compared."),
    ]
    newest: Annotated[
        tuple[MissingImageDocument, ...], Meta(description="The newest of the missing images.")
    ]

    @classmethod
    def of(cls, gap: Gap) -> GapDocument:
        return cls(
            repository=gap.repository,
            exists=gap.exists,
            rule=gap.has_rule,
            missing=gap.missing,
            newest=tuple(map(MissingImageDocument.of, gap.newest)),
        )


class CoveredLinkDocument(Document, frozen=True):
    source: SourceDocument
    destination: DestinationDocument
    prefixes: PrefixList
    routes: tuple[str, ...]
    state: Annotated[
        CoverageState,
        Meta(
            description="unknown: an end could not be read, or its account is joining; external: "
            "the destination cannot be looked into."
        ),
    ]
    repositories: TallyDocument
    images: Images
    gaps: Annotated[tuple[GapDocument, ...], Meta(description="By repository.")]
    joining: Annotated[
        str | UnsetType,
        Meta(
            description="Why it is no problem that nothing is known of it: the account of an end "
            "has joined the fleet less than a day ago. Missing otherwise."
        ),
    ] = UNSET

    @classmethod
    def of(cls, link: LinkCoverage) -> CoveredLinkDocument:
        return cls(
            source=SourceDocument(*link.source, link.source_name),
            destination=DestinationDocument(
                *link.destination, link.destination_name, link.state is CoverageState.EXTERNAL
            ),
            prefixes=prefix_list(link.prefixes),
            routes=link.routes,
            state=link.state,
            repositories=_tally(link.repositories),
            images=_images(link.images),
            gaps=tuple(map(GapDocument.of, link.gaps)),
            joining=link.joining or UNSET,
        )


class CoveredRouteDocument(Document, frozen=True):
    """A route, over all its links in scope that could be looked at."""

    name: str
    sources: Annotated[Count, Meta(description="Registries in scope that it starts from.")]
    unmatched: Annotated[
        tuple[str, ...],
        Meta(
            description="Its prefixes, and entries of its `only`, that match no repository of any "
            "of its sources; empty text for every repository. None unless all its sources were "
            "read."
        ),
    ]
    repositories: TallyDocument
    images: Images
    unknown: Annotated[Count, Meta(description="Its links of which nothing is known.")]
    share: Annotated[
        Share | None,
        Meta(
            description="The share of its images, or of its repositories where images were not "
            "compared, that is present at the destination that has least; pending ones left out. "
            "Null where it carries nothing."
        ),
    ]
    objective: Annotated[
        Share | None,
        Meta(description="What the inventory wants at each destination; null for none."),
    ]
    met: Annotated[
        bool | None,
        Meta(description="Null without an objective, and where that is not known for sure."),
    ]
    remedy: Annotated[
        str | None,
        Meta(description="What to do about its gaps, and the commands on lines of their own."),
    ]

    @classmethod
    def of(cls, route: RouteCoverage) -> CoveredRouteDocument:
        return cls(
            name=route.name,
            sources=route.sources,
            unmatched=route.unmatched,
            repositories=_tally(route.repositories),
            images=_images(route.images),
            unknown=route.unknown,
            share=_share(route.least),
            objective=_share(route.objective),
            met=route.is_met,
            remedy=route.remedy,
        )


class UnroutedDocument(NamedPlaceDocument, frozen=True):
    """A source with repositories that no route carries anywhere."""

    repositories: Annotated[
        tuple[str, ...],
        Meta(
            description="Sorted. What the source gets by replication itself is left out.",
            extra_json_schema={"minItems": 1, "uniqueItems": True},
        ),
    ]

    @classmethod
    def of(cls, unrouted: Unrouted) -> UnroutedDocument:
        return cls(*unrouted.registry, unrouted.name, unrouted.repositories)


class CoverageDocument(RunHead, frozen=True, kw_only=True, tag_field="schema", tag=COVERAGE_SCHEMA):
    """Whether everything that routes carry is where they send it. Every link in scope is listed
    exactly once."""

    status: Annotated[
        Status,
        Meta(
            description="partial: an objective is missed, or a registry could not be read. A gap "
            "alone is no failure.",
            extra_json_schema={"enum": list(map(str, _STATUSES))},
        ),
    ]
    compared: Annotated[str, Meta(extra_json_schema={"enum": ["repositories", "images"]})]
    routes: Annotated[
        tuple[CoveredRouteDocument, ...], Meta(description="In the order of the inventory.")
    ]
    unrouted: Annotated[tuple[UnroutedDocument, ...], Meta(description="By account and region.")]
    links: Annotated[
        tuple[CoveredLinkDocument, ...], Meta(description="By source and destination.")
    ]
    unreadable: tuple[UnreadableDocument, ...]
    in_use: Annotated[
        InUseDocument | None, Meta(description="Null where nobody was asked what runs.")
    ]
    warnings: RegionsWarnings = UNSET
    digest: OptionalDigest = UNSET

    @classmethod
    def of(cls, report: CoverageReport) -> CoverageDocument:
        document = cls(
            **run_head(report),
            compared="images" if report.with_images else "repositories",
            routes=tuple(map(CoveredRouteDocument.of, report.routes)),
            unrouted=tuple(map(UnroutedDocument.of, report.unrouted)),
            links=tuple(map(CoveredLinkDocument.of, report.links)),
            unreadable=tuple(map(UnreadableDocument.of, report.unreadable)),
            warnings=warning_documents(report.warnings),
            in_use=None if report.in_use is None else InUseDocument.of(report.in_use),
        )
        return sealed(document)


def _share(share: Fraction | None) -> float | None:
    return None if share is None else float(share)


def _tally(tally: Tally) -> TallyDocument:
    return TallyDocument(tally.wanted, tally.present, tally.pending)


def _images(images: Tally | None) -> TallyDocument | None:
    return None if images is None else _tally(images)
