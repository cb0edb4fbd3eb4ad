"""Running images, and where each is beside the registry that it is pulled from: the types.

Pure values. If a region is gone, so are its registries: an image is still there if a registry of
the fleet in another region has its digest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from fleet_repl.values.errors import Fault, FaultKind, SelectionError
from fleet_repl.values.images import ImageName
from fleet_repl.values.names import Region, Registry
from fleet_repl.values.text import quoted


class Runtime(StrEnum):
    """A service that runs images, by its name on the command line."""

    ECS = "ecs"
    LAMBDA = "lambda"
    EKS = "eks"


def runtimes_of(names: Collection[str], contexts: Collection[str]) -> tuple[Runtime, ...]:
    """Returns the services of these names that can be asked, in their own order: EKS only by the
    contexts of a kubeconfig.

    Raises SelectionError for another name, for contexts without EKS, and for EKS alone without
    contexts.
    """
    known = [str(runtime) for runtime in Runtime]
    for name in names:
        if name not in known:
            raise SelectionError(f"{quoted(name)} runs no images: write {', '.join(known)}")
    asked = {Runtime(name) for name in names if contexts or name != Runtime.EKS}
    if (names and not asked) or (contexts and Runtime.EKS not in asked):
        raise SelectionError(
            "eks and --kube-context go together: pods are asked for by the contexts of a kubeconfig"
        )
    return tuple(runtime for runtime in Runtime if runtime in asked)


class Workload(NamedTuple):
    """Something that runs an image."""

    runtime: Runtime
    place: str
    """The registry of its account and region, such as 111111111111/eu-west-1, or a context."""
    name: str
    """Such as `cluster/service:web`, `namespace/pod`, or the name of a function, with `:` and the
    number where it is a published version."""


class FunctionImages(NamedTuple):
    """The images of the functions in one account and region."""

    running: Collection[RunningImage]
    denied: Fault | None = None
    """The denial that kept versions behind aliases from being known."""


class RunningImage(NamedTuple):
    """An image as the service that runs it names it."""

    uri: str
    digest: str | None
    """The digest of its tag when it was pulled; None where the service does not say."""
    workload: Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Unasked:
    """A place that did not say what it runs."""

    runtime: Runtime
    place: str
    error: Fault

    @property
    def fails(self) -> bool:
        """Returns whether that is a failure: a permission that is missing is optional."""
        return self.error.kind is not FaultKind.ACCESS_DENIED


class PulledImage(NamedTuple):
    """An image, and the registry of the fleet that it is pulled from."""

    registry: Registry
    image: ImageName
    """By its digest where that is known, else by its tag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageInUse:
    """A running image."""

    registry: Registry
    """The registry that it is pulled from."""
    name: str
    """The name of that registry's account."""
    image: ImageName
    tags: tuple[str, ...]
    """The tags that it is pulled by."""
    workloads: tuple[Workload, ...]
    copies: tuple[Registry, ...]
    """Registries in other regions that have it."""
    missing: tuple[Registry, ...]
    """Registries elsewhere with its repository, in place or by a route, but without the image."""
    unknown: tuple[Registry, ...]
    """Such registries that could not be asked."""

    @property
    def is_lost(self) -> bool | None:
        """Returns whether it is nowhere else; None where a registry not asked may have it."""
        return None if self.unknown and not self.copies else not self.copies


@dataclass(frozen=True, slots=True, kw_only=True)
class InUse:
    """The images that the accounts of a fleet run."""

    runtimes: tuple[Runtime, ...]
    images: tuple[ImageInUse, ...]
    """Images of the fleet's registries, by registry and name."""
    elsewhere: int
    """Running images that no registry of the fleet has: those of others."""
    unasked: tuple[Unasked, ...]

    def by_region(self) -> Mapping[Region, tuple[ImageInUse, ...]]:
        """Returns the images by the region of the registry that they are pulled from."""
        regions: dict[Region, list[ImageInUse]] = defaultdict(list)
        for image in self.images:
            regions[image.registry.region].append(image)
        return {region: tuple(regions[region]) for region in sorted(regions)}
