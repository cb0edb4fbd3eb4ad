"""Images that ECR may still be replicating: neither at their destination nor missing there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, NamedTuple, TypeAlias

from fleet_repl.engine.answers import GONE
from fleet_repl.engine.ports import ImageLister
from fleet_repl.runs.delivery import Status, parse_statuses
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.clock import Clock
from fleet_repl.values.errors import CallError, Fault, unforeseen
from fleet_repl.values.names import Registry

GRACE: Final = timedelta(hours=1)
"""The age up to which ECR may still replicate an image: 30 minutes for most, by AWS."""
ASKED: Final = 20
"""Images of a repository, at the most, that ECR is asked about whether it still replicates them.
Other images of that age count as pending."""
_PREFIX: Final = "sha256:"


class HeldImage(NamedTuple):
    """An image of a source, in few bytes."""

    pushed_at: float
    """Seconds since 1970; 0 where ECR does not say."""
    tag: str | None


Chunk: TypeAlias = dict[bytes, HeldImage]
"""Images by the 32 bytes of their digests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentImages:
    """Sorts out recent images of one repository that ECR may still be replicating."""

    images: ImageLister
    clock: Clock
    source: Registry
    repository: str
    _statuses: dict[bytes, Mapping[Registry, Status]] = field(default_factory=dict)

    async def sift(self, chunk: Chunk, missing: set[bytes], destination: Registry) -> int:
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
                    self.source, self.repository, digest_of(key)
                )
            except CallError as error:
                if error.fault.code not in GONE:
                    raise
                answer = ()
            self._statuses[key] = parse_statuses(answer)
        return self._statuses[key]

    async def _has_arrived(self, key: bytes, destination: Registry) -> bool:
        with of_destination("DescribeImages"):
            image = await self.images.find_image(destination, self.repository, digest_of(key))
        return image is not None


class DestinationError(Exception):
    """A destination could not be read. Never leaves this package."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault.message)


@contextmanager
def of_destination(operation: str) -> Iterator[None]:
    """Raises every failure in the block as a DestinationError: the source is not to blame."""
    try:
        yield
    except CallError as error:
        raise DestinationError(error.fault) from None
    except Exception as error:  # noqa: BLE001 - one registry's failure is a value, whatever it is
        raise DestinationError(unforeseen(operation, error)) from None


def key_of(detail: JsonObject) -> bytes:
    """Returns the digest of an image in 32 bytes, or as it is where it is no SHA-256."""
    digest = str(detail.get("imageDigest"))
    try:
        return bytes.fromhex(digest.removeprefix(_PREFIX))
    except ValueError:
        return digest.encode()


def digest_of(key: bytes) -> str:
    return f"{_PREFIX}{key.hex()}" if len(key) == 32 else key.decode()
