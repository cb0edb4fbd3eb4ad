"""Decides which running images are whose, and where else each of them may be. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from fleet_repl.planning.desired import Desired
from fleet_repl.runs.coverage.in_use import ImageInUse, PulledImage, RunningImage
from fleet_repl.runs.coverage.tallies import CoverageTallies, Repositories
from fleet_repl.values.images import ImageName, is_digest, pulled_image
from fleet_repl.values.names import Registry


class Uses(NamedTuple):
    """Running images, grouped by what they are."""

    of_fleet: Mapping[PulledImage, tuple[RunningImage, ...]]
    elsewhere: int


def uses_of(running: Iterable[RunningImage], registries: Collection[Registry]) -> Uses:
    """Returns the images of the fleet's registries, and how many others there are."""
    of_fleet: dict[PulledImage, list[RunningImage]] = defaultdict(list)
    others: set[str] = set()
    for item in running:
        pulled = pulled_image(item.uri)
        if pulled is None or pulled[0] not in registries:
            others.add(item.uri)
            continue
        registry, image = pulled
        if item.digest is not None and is_digest(item.digest):
            image = ImageName(repository=image.repository, digest=item.digest)
        of_fleet[PulledImage(registry, image)].append(item)
    return Uses({pulled: tuple(items) for pulled, items in of_fleet.items()}, len(others))


def holders_of(
    uses: Iterable[PulledImage], repositories: Repositories
) -> Mapping[str, tuple[Registry, ...]]:
    """Returns the registries that have the repositories of these images, by repository."""
    names = {pulled.image.repository for pulled in uses}
    holders: dict[str, list[Registry]] = defaultdict(list)
    for registry, own in repositories.items():
        for name in names & own:
            holders[name].append(registry)
    return {name: tuple(registries) for name, registries in holders.items()}


def places_of(
    pulled: PulledImage, holders: Iterable[Registry], tallies: CoverageTallies, desired: Desired
) -> Mapping[Registry, bool]:
    """Returns the registries in other regions where the image may or should be, each with whether
    it has the repository at all. `holders`: the registries that do."""
    registry, image = pulled
    places = {holder: True for holder in holders if holder.region != registry.region}
    for link in desired.outgoing.get(registry, ()):
        end = link.destination
        is_ours = end.account in desired.by_account and end.region != registry.region
        if is_ours and tallies.wants(link, image.repository):
            places.setdefault(end, False)
    return dict(sorted(places.items()))


def image_in_use(
    pulled: PulledImage,
    running: Iterable[RunningImage],
    found: Mapping[Registry, bool | None],
    desired: Desired,
) -> ImageInUse:
    """Returns a running image. `found`: whether each registry elsewhere has it, if known."""
    by_answer: dict[bool | None, list[Registry]] = defaultdict(list)
    for place, has_it in found.items():
        by_answer[has_it].append(place)
    items = tuple(running)
    return ImageInUse(
        registry=pulled.registry,
        name=desired.names[pulled.registry.account],
        image=pulled.image,
        tags=tuple(sorted(set(_tags(items)))),
        workloads=tuple(sorted({item.workload for item in items})),
        copies=tuple(by_answer[True]),
        missing=tuple(by_answer[False]),
        unknown=tuple(by_answer[None]),
    )


def _tags(items: Iterable[RunningImage]) -> Iterator[str]:
    for item in items:
        pulled = pulled_image(item.uri)
        if pulled is not None and pulled[1].tag is not None:
            yield pulled[1].tag
