"""Compares the images of a repository with those at its destinations, in bounded memory.

Images are listed page by page, at the source first: an image that is pushed meanwhile is not missed
at a destination. Of each image of the source, digest, time and one tag are held until all
destinations are listed; for long lists, `MOST` images at a time. Example: of 250,000 images,
100,000 are held and compared, then the next 100,000, then the rest, and each destination is listed
three times.
"""

from __future__ import annotations

import heapq
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, aclosing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, TypeAlias

import anyio

from fleet_repl.engine.ports import ImageLister
from fleet_repl.runs.coverage import Comparison
from fleet_repl.runs.delivery import PushedImage, Status, parse_statuses
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.clock import Clock
from fleet_repl.values.errors import CallError, Fault, unforeseen
from fleet_repl.values.names import Registry

MOST: Final = 100_000
"""Images of a repository that are held at a time: as many as ECR keeps in one, unless its quota was
raised. They take some 40 MB."""
LONG_LISTS: Final = 2
"""Repositories of more than a page that are held at a time."""
GRACE: Final = timedelta(hours=1)
"""The age of an image up to which ECR may still be replicating it. AWS speaks of 30 minutes for
most."""
ASKED: Final = 20
"""Images of a repository, at the most, that ECR is asked about whether it still replicates them.
Other images of that age count as pending."""
NEWEST: Final = 3
"""Missing images that are named of a repository."""
_GONE: Final = frozenset({"ImageNotFoundException", "RepositoryNotFoundException"})
_PREFIX: Final = "sha256:"


class _Image(NamedTuple):
    """An image of a source, in few bytes."""

    pushed_at: float
    """Seconds since 1970; 0 where ECR does not say."""
    tag: str | None


_Chunk: TypeAlias = dict[bytes, _Image]
"""Images by the 32 bytes of their digests."""


@dataclass(slots=True)
class _Count:
    """The comparison with one destination so far."""

    missing: int = 0
    pending: int = 0
    newest: list[tuple[float, bytes, str | None]] = field(default_factory=list)

    def add(self, chunk: _Chunk, missing: Iterable[bytes]) -> None:
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
        recent = _Recent(images=self.images, clock=self.clock, source=source, repository=repository)
        wanted = 0
        async with aclosing(self._chunks(source, repository, whole=whole)) as chunks:
            async for chunk in chunks:
                wanted += len(chunk)
                for destination in [end for end in destinations if end not in faults]:
                    exists, count = destinations[destination], counts[destination]
                    try:
                        await self._count(chunk, recent, destination, count, exists=exists)
                    except _DestinationError as error:
                        faults[destination] = error.fault
        return {
            destination: faults.get(destination) or _comparison(wanted, repository, count)
            for destination, count in counts.items()
        }

    async def _count(
        self,
        chunk: _Chunk,
        recent: _Recent,
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
    ) -> AsyncGenerator[_Chunk, None]:
        """Yields the images of the source, `most` at a time. Few repositories of more than a page
        are held at a time; one that is held never waits for another."""
        chunk: _Chunk = {}
        async with AsyncExitStack() as held:
            is_long = False
            async for page in _pages(self.images, source, repository):
                if chunk and not is_long:
                    await held.enter_async_context(self._long_lists)
                    is_long = True
                if chunk and len(chunk) + len(page) > self.most:
                    yield chunk
                    # The one who was given it holds it still: two of them would be in memory.
                    chunk.clear()
                chunk.update(_images(page))
                if chunk and not whole:
                    break
            if chunk:
                yield chunk

    async def _missing(
        self, chunk: _Chunk, destination: Registry, repository: str, *, exists: bool
    ) -> set[bytes]:
        """Returns the images that the destination does not list."""
        missing = set(chunk)
        if not exists:
            return missing
        with _of_destination("DescribeImages"):
            async with aclosing(_pages(self.images, destination, repository)) as pages:
                async for page in pages:
                    missing.difference_update(map(_key, page))
                    if not missing:
                        break
        return missing


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recent:
    """Sorts out recent images of one repository that ECR may still be replicating."""

    images: ImageLister
    clock: Clock
    source: Registry
    repository: str
    _statuses: dict[bytes, Mapping[Registry, Status]] = field(default_factory=dict)

    async def sift(self, chunk: _Chunk, missing: set[bytes], destination: Registry) -> int:
        """Takes the images out of `missing` that are under way to the destination, and those that
        have arrived since it was listed; returns the number of those under way."""
        since = (self.clock.now() - GRACE).timestamp()
        recent = [key for key in missing if chunk[key].pushed_at >= since]
        recent.sort(key=lambda key: (-chunk[key].pushed_at, key))
        pending = 0
        for nth, key in enumerate(recent):
            status = None
            if nth < ASKED:
                status = (await self._statuses_of(key)).get(destination)
                if status is None or status.status == "FAILED":
                    continue
            if status is None or status.status != "COMPLETE":
                pending += 1
            elif not await self._has_arrived(key, destination):
                continue
            missing.discard(key)
        return pending

    async def _statuses_of(self, key: bytes) -> Mapping[Registry, Status]:
        if key not in self._statuses:
            try:
                answer = await self.images.replication_statuses(
                    self.source, self.repository, _digest(key)
                )
            except CallError as error:
                if error.fault.code not in _GONE:
                    raise
                answer = ()
            self._statuses[key] = parse_statuses(answer)
        return self._statuses[key]

    async def _has_arrived(self, key: bytes, destination: Registry) -> bool:
        with _of_destination("DescribeImages"):
            found = await self.images.find_image(destination, self.repository, _digest(key))
        return found is not None


class _DestinationError(Exception):
    """A destination could not be read. Never leaves this module."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault.message)


@contextmanager
def _of_destination(operation: str) -> Iterator[None]:
    """Raises every failure in the block as a _DestinationError: the source is not to blame."""
    try:
        yield
    except CallError as error:
        raise _DestinationError(error.fault) from None
    except Exception as error:  # noqa: BLE001 - one registry's failure is a value, whatever it is
        raise _DestinationError(unforeseen(operation, error)) from None


async def _pages(
    images: ImageLister, registry: Registry, repository: str
) -> AsyncGenerator[tuple[JsonObject, ...], None]:
    """Yields the pages of a repository; none for one that has been deleted since it was listed."""
    try:
        async for page in images.every_image(registry, repository):
            yield page
    except CallError as error:
        if error.fault.code not in _GONE:
            raise


def _images(page: Iterable[JsonObject]) -> Iterable[tuple[bytes, _Image]]:
    for detail in page:
        pushed_at, tags = detail.get("imagePushedAt"), detail.get("imageTags")
        tags = tags if isinstance(tags, list) else []
        tag = next((tag for tag in tags if isinstance(tag, str)), None)
        yield _key(detail), _Image(pushed_at if isinstance(pushed_at, int | float) else 0.0, tag)


def _key(detail: JsonObject) -> bytes:
    """Returns the digest of an image in 32 bytes, or as it is where it is no SHA-256."""
    digest = str(detail.get("imageDigest"))
    try:
        return bytes.fromhex(digest.removeprefix(_PREFIX))
    except ValueError:
        return digest.encode()


def _digest(key: bytes) -> str:
    return f"{_PREFIX}{key.hex()}" if len(key) == 32 else key.decode()


def _comparison(wanted: int, repository: str, count: _Count) -> Comparison:
    return Comparison(
        wanted=wanted,
        missing=count.missing,
        pending=count.pending,
        newest=tuple(
            PushedImage(
                repository=repository,
                digest=_digest(key),
                tags=() if tag is None else (tag,),
                pushed_at=datetime.fromtimestamp(pushed_at, UTC),
            )
            for pushed_at, key, tag in sorted(
                count.newest, key=lambda image: image[:2], reverse=True
            )
        ),
    )
