"""What accounts run, in the document of a coverage. Pure; the keys are a promise."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from fleet_repl.reports.documents.member_types import Count, RegistryName
from fleet_repl.reports.documents.reader import Document
from fleet_repl.reports.documents.shared import ErrorDocument, NamedPlaceDocument, recast
from fleet_repl.runs.coverage import ImageInUse, InUse, Runtime


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
