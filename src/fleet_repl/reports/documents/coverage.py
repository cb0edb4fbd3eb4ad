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
from fleet_repl.reports.documents.member_types import Count, PrefixList, RegistryName, Timestamp
from fleet_repl.reports.documents.reader import Document
from fleet_repl.reports.documents.run_head import RunHead, run_head
from fleet_repl.reports.documents.shared import (
    ErrorDocument,
    NamedPlaceDocument,
    prefix_list,
    recast,
)
from fleet_repl.runs.coverage import (
    CoverageReport,
    CoverageState,
    Gap,
    ImageInUse,
    InUse,
    LinkCoverage,
    RouteCoverage,
    Runtime,
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


class WorkloadDocument(Document, frozen=True):
    """Something that runs an image."""

    runtime: Runtime
    place: Annotated[
        str,
        Meta(
            description="Account and region, such as 111111111111/eu-west-1; of eks the context of "
            "a kubeconfig."
        ),
    ]
    name: Annotated[
        str,
        Meta(
            description="Of ecs such as cluster/service:web, of lambda the function, of eks "
            "namespace/owner."
        ),
    ]


class ImageInUseDocument(NamedPlaceDocument, frozen=True, kw_only=True):
    """A running image, and the registry that it is pulled from."""

    image: Annotated[
        str, Meta(description="repository@digest, or repository:tag where no digest is known.")
    ]
    tags: Annotated[tuple[str, ...], Meta(description="The tags that it is pulled by.")]
    workloads: Annotated[tuple[WorkloadDocument, ...], Meta(extra_json_schema={"minItems": 1})]
    copies: Annotated[
        tuple[RegistryName, ...], Meta(description="Registries in other regions that have it.")
    ]
    missing: Annotated[
        tuple[RegistryName, ...],
        Meta(
            description="Registries in other regions that have its repository, or that a route "
            "carries it to, and that do not have it."
        ),
    ]
    unknown: Annotated[
        tuple[RegistryName, ...], Meta(description="Such registries that could not be asked.")
    ]

    @classmethod
    def of(cls, use: ImageInUse) -> ImageInUseDocument:
        return cls(
            *use.registry,
            use.name,
            image=str(use.image),
            tags=use.tags,
            workloads=tuple(WorkloadDocument(*workload) for workload in use.workloads),
            copies=tuple(map(str, use.copies)),
            missing=tuple(map(str, use.missing)),
            unknown=tuple(map(str, use.unknown)),
        )


class UnaskedDocument(Document, frozen=True):
    """A place that did not say what it runs."""

    runtime: Runtime
    place: str
    error: ErrorDocument


class InUseDocument(Document, frozen=True):
    """What the accounts run. If a region is gone, so are its registries: what has no copies is then
    nowhere."""

    runtimes: tuple[Runtime, ...]
    images: Annotated[
        tuple[ImageInUseDocument, ...],
        Meta(description="Those of the fleet's registries, by registry and name."),
    ]
    elsewhere: Annotated[
        Count, Meta(description="Running images that are pulled from no registry of the fleet.")
    ]
    unasked: Annotated[
        tuple[UnaskedDocument, ...],
        Meta(description="A permission that is missing is optional, and no failure."),
    ]

    @classmethod
    def of(cls, in_use: InUse) -> InUseDocument:
        return cls(
            runtimes=in_use.runtimes,
            images=tuple(map(ImageInUseDocument.of, in_use.images)),
            elsewhere=in_use.elsewhere,
            unasked=tuple(recast(place, UnaskedDocument) for place in in_use.unasked),
        )


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

    @classmethod
    def of(cls, report: CoverageReport) -> CoverageDocument:
        return cls(
            **run_head(report),
            compared="images" if report.with_images else "repositories",
            routes=tuple(map(CoveredRouteDocument.of, report.routes)),
            unrouted=tuple(map(UnroutedDocument.of, report.unrouted)),
            links=tuple(map(CoveredLinkDocument.of, report.links)),
            unreadable=tuple(map(UnreadableDocument.of, report.unreadable)),
            in_use=None if report.in_use is None else InUseDocument.of(report.in_use),
        )


def _share(share: Fraction | None) -> float | None:
    return None if share is None else float(share)


def _tally(tally: Tally) -> TallyDocument:
    return TallyDocument(tally.wanted, tally.present, tally.pending)


def _images(images: Tally | None) -> TallyDocument | None:
    return None if images is None else _tally(images)
