"""Compares the images of a repository with those at its destinations, in bounded memory.

Images are listed page by page, at the source first: an image that is pushed meanwhile is not missed
at a destination. Of each image of the source, digest, time and one tag are held until all
destinations are listed; for long lists, `MOST` images at a time. Example: of 250,000 images,
100,000 are held and compared, then the next 100,000, then the rest, and each destination is listed
three times.
"""

from __future__ import annotations

import heapq
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import anyio

from fleet_repl.engine.answers import GONE
from fleet_repl.engine.coverage.pending import (
    Chunk,
    DestinationError,
    HeldImage,
    RecentImages,
    digest_of,
    key_of,
    of_destination,
)
from fleet_repl.engine.ports import ImageLister
from fleet_repl.runs.coverage import Comparison
from fleet_repl.runs.delivery import PushedImage
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.clock import Clock
from fleet_repl.values.errors import CallError, Fault
from fleet_repl.values.names import Registry

MOST: Final = 100_000
"""Images of a repository that are held at a time: as many as ECR keeps in one, unless its quota was
raised. They take some 40 MB."""
LONG_LISTS: Final = 2
"""Repositories of more than a page that are held at a time."""
NEWEST: Final = 3
"""Missing images that are named of a repository."""


@dataclass(slots=True)
class _Count:
    """The comparison with one destination so far."""

    missing: int = 0
    pending: int = 0
    newest: list[tuple[float, bytes, str | None]] = field(default_factory=list)

    def add(self, chunk: Chunk, missing: Iterable[bytes]) -> None:
        for key in missing:
            self.missing += 1
            image = (chunk[key].pushed_at, key, chunk[key].tag)
            if len(self.newest) < NEWEST:
                heapq.heappush(self.newest, image)
            elif image[:2] > self.newest[0][:2]:
                heapq.heapreplace(self.newest, image)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparer:
    """Compares repositories, several at a time."""

    images: ImageLister
    clock: Clock
    most: int = MOST
    _long_lists: anyio.Semaphore = field(default_factory=lambda: anyio.Semaphore(LONG_LISTS))

    async def compare(
        self,
        source: Registry,
        repository: str,
        destinations: Mapping[Registry, bool],
        *,
        whole: bool = True,
    ) -> Mapping[Registry, Comparison | Fault]:
        """Returns the comparison with each destination, or why it could not be listed.

        `destinations`: each with whether it has the repository at all. Without `whole`, only the
        first page of the source is looked at: enough to know whether there are images. Raises
        CallError where the source could not be listed.
        """
        counts = {destination: _Count() for destination in destinations}
        faults: dict[Registry, Fault] = {}
        recent = RecentImages(
            images=self.images, clock=self.clock, source=source, repository=repository
        )
        wanted = 0
        async with aclosing(self._chunks(source, repository, whole=whole)) as chunks:
            async for chunk in chunks:
                wanted += len(chunk)
                for destination in [end for end in destinations if end not in faults]:
                    exists, count = destinations[destination], counts[destination]
                    try:
                        await self._count(chunk, recent, destination, count, exists=exists)
                    except DestinationError as error:
                        faults[destination] = error.fault
        return {
            destination: faults.get(destination) or _comparison(wanted, repository, count)
            for destination, count in counts.items()
        }

    async def _count(
        self,
        chunk: Chunk,
        recent: RecentImages,
        destination: Registry,
        count: _Count,
        *,
        exists: bool,
    ) -> None:
        missing = await self._missing(chunk, destination, recent.repository, exists=exists)
        count.pending += await recent.sift(chunk, missing, destination)
        count.add(chunk, missing)

    async def _chunks(
        self, source: Registry, repository: str, *, whole: bool
    ) -> AsyncGenerator[Chunk, None]:
        """Yields the images of the source, `most` at a time. Few repositories of more than a page
        are held at a time; one that is held never waits for another."""
        chunk: Chunk = {}
        async with AsyncExitStack() as held:
            is_long = False
            async for page in _pages(self.images, source, repository):
                if chunk and not is_long:
                    await held.enter_async_context(self._long_lists)
                    is_long = True
                if chunk and len(chunk) + len(page) > self.most:
                    yield chunk
                    # The caller holds the chunk still: without this, two would be in memory.
                    chunk.clear()
                chunk.update(_images(page))
                if chunk and not whole:
                    break
            if chunk:
                yield chunk

    async def _missing(
        self, chunk: Chunk, destination: Registry, repository: str, *, exists: bool
    ) -> set[bytes]:
        """Returns the images that the destination does not list."""
        missing = set(chunk)
        if not exists:
            return missing
        with of_destination("DescribeImages"):
            async with aclosing(_pages(self.images, destination, repository)) as pages:
                async for page in pages:
                    missing.difference_update(map(key_of, page))
                    if not missing:
                        break
        return missing


async def _pages(
    images: ImageLister, registry: Registry, repository: str
) -> AsyncGenerator[tuple[JsonObject, ...], None]:
    """Yields the pages of a repository; none for one that has been deleted since it was listed."""
    try:
        async for page in images.every_image(registry, repository):
            yield page
    except CallError as error:
        if error.fault.code not in GONE:
            raise


def _images(page: Iterable[JsonObject]) -> Iterable[tuple[bytes, HeldImage]]:
    for detail in page:
        pushed_at, tags = detail.get("imagePushedAt"), detail.get("imageTags")
        tags = tags if isinstance(tags, list) else []
        tag = next((tag for tag in tags if isinstance(tag, str)), None)
        yield (
            key_of(detail),
            HeldImage(pushed_at if isinstance(pushed_at, int | float) else 0.0, tag),
        )


def _comparison(wanted: int, repository: str, count: _Count) -> Comparison:
    return Comparison(
        wanted=wanted,
        missing=count.missing,
        pending=count.pending,
        newest=tuple(
            PushedImage(
                repository=repository,
                digest=digest_of(key),
                tags=() if tag is None else (tag,),
                pushed_at=datetime.fromtimestamp(pushed_at, UTC),
            )
            for pushed_at, key, tag in sorted(
                count.newest, key=lambda image: image[:2], reverse=True
            )
        ),
    )
