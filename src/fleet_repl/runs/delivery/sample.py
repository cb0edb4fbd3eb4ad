"""Chooses the images to ask about: recent images, spread fairly over repositories and links.

Pure, and the same for the same answers. ECR does not say which repositories are busy, so some
have to be looked into; how many at the most follows from the number of images wanted.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Final, TypeVar

from fleet_repl.runs.delivery.model import PushedImage
from fleet_repl.topology import Link
from fleet_repl.values.canonical_json import JsonObject, short_hash
from fleet_repl.values.clock import moment
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import Prefixes, selects

T = TypeVar("T")

LOOKS: Final = 5
"""Repositories looked into, and arrivals looked up, for each image wanted; at the most."""
TIMINGS: Final = 1_000
"""Arrivals looked up at one destination in a run for nothing but the time they took."""


def carried(links: Iterable[Link], repository: str) -> tuple[Link, ...]:
    """The links that a repository falls under."""
    return tuple(link for link in links if selects(link.prefixes, repository))


def repositories_to_ask(
    names: Iterable[str], links: Sequence[Link], received: Prefixes, *, count: int
) -> tuple[str, ...]:
    """The repositories to look into, in that order, at most `LOOKS` for each image wanted.

    Turn by turn one for each set of links that repositories fall under, so that no link is
    forgotten over a busier link. What may have come by replication itself (`received`) is not
    passed on, so it comes last. Within a set the order follows from the names, yet spreads.
    """
    groups: dict[tuple[Registry, ...], list[str]] = {}
    arriving: dict[tuple[Registry, ...], list[str]] = {}
    for name in sorted(set(names), key=lambda name: (short_hash(name), name)):
        ends = tuple(link.destination for link in carried(links, name))
        if ends:
            tier = arriving if selects(received, name) else groups
            tier.setdefault(ends, []).append(name)
    tiers = [[tier[ends] for ends in sorted(tier)] for tier in (groups, arriving)]
    order = (name for tier in tiers for name in in_turn(tier))
    return tuple(islice(order, count * LOOKS))


def recent_images(
    details: Iterable[JsonObject], repository: str, *, since: datetime
) -> tuple[PushedImage, ...]:
    """The images of a repository, or of a page of it, that were pushed since then.

    An image whose time ECR does not give is not known to be recent.
    """
    images = (image for detail in details if (image := _image(detail, repository)) is not None)
    return tuple(image for image in images if image.pushed_at >= since)


def newest(images: Iterable[PushedImage], *, count: int) -> tuple[PushedImage, ...]:
    """The newest of a repository's images, in that order; `count` at the most.

    Those with a tag come before those without, which mostly are parts of others. The newest of
    what is found page by page are the newest of the newest so far and the next page.
    """
    return tuple(
        heapq.nsmallest(
            count,
            images,
            key=lambda image: (not image.tags, -image.pushed_at.timestamp(), image.digest),
        )
    )


def sample(
    images_by_repository: Iterable[Sequence[PushedImage]], *, count: int
) -> tuple[PushedImage, ...]:
    """Out of the images of several repositories, turn by turn one of each; busiest first."""
    ordered = sorted(
        (images for images in images_by_repository if images),
        key=lambda images: (-images[0].pushed_at.timestamp(), images[0].repository),
    )
    return tuple(islice(in_turn(ordered), count))


def in_turn(queues: Sequence[Sequence[T]]) -> Iterator[T]:
    """The first of each queue, then the second of each, and so on to the end of the longest."""
    for turn in range(max(map(len, queues), default=0)):
        for queue in queues:
            if turn < len(queue):
                yield queue[turn]


def _image(detail: JsonObject, repository: str) -> PushedImage | None:
    digest, pushed_at = detail.get("imageDigest"), moment(detail.get("imagePushedAt"))
    if not isinstance(digest, str) or pushed_at is None:
        return None
    tags = detail.get("imageTags")
    return PushedImage(
        repository=repository,
        digest=digest,
        tags=tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
        pushed_at=pushed_at,
    )
