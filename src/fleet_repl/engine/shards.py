"""Reads spread over processes: the registries of some accounts are one shard, read by one worker.

Reading is what takes the time over a large fleet, and needs nothing that is known elsewhere. So a
shard is read by another process, while plans and every write stay in the process of the run.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Protocol, TypeVar

from fleet_repl.engine.ports import EventSink, ImageReader, PermissionReader, RegistryReader
from fleet_repl.engine.stop import Stop
from fleet_repl.values.clock import Clock
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry

A = TypeVar("A")
A_co = TypeVar("A_co", covariant=True)

MOST_REGISTRIES: Final = 2_000
"""Registries of a shard, unless one account alone has more: some seconds of reading. Between two
shards a worker waits for sessions, and for its last answers."""
LAST_REGISTRIES: Final = 250
"""Registries of the last shards of a large fleet, over which workers wait for each other."""
SHARDS_EACH: Final = 4
"""Shards for each worker, at least: then none of them waits long for the last one."""


class Reader(RegistryReader, ImageReader, Protocol):
    """Every read of registries and images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardContext:
    """Everything that a worker reads a shard with."""

    reader: Reader
    permissions: PermissionReader
    concurrency: int
    stop: Stop
    clock: Clock
    on_event: EventSink


class Shard(Protocol[A_co]):
    """Registries that one worker reads, and how: a value that can be pickled."""

    @property
    def registries(self) -> tuple[Registry, ...]:
        """Every registry of some accounts that is to be read, so that one session serves each."""

    async def read(self, context: ShardContext) -> A_co:
        """Read the registries. A registry that fails is a value in the answer."""


class ShardReaders(Protocol):
    """The workers of a run."""

    @property
    def width(self) -> int:
        """The number of shards that are read at a time."""

    async def read(
        self,
        shards: Sequence[Shard[A]],
        take: Callable[[Shard[A], A | Fault], Awaitable[object]],
        stop: Stop,
        on_event: EventSink,
    ) -> None:
        """Have every shard read, and `take` each answer as it comes; a fault for a shard whose
        workers died. Other shards are read meanwhile. After `stop` no shard is started."""


def shards_of(registries: Collection[Registry], width: int) -> list[tuple[Registry, ...]]:
    """The registries in shards for `width` workers: whole accounts, in order, the last ones small,
    so that all workers end together.

    With two workers, 2,000 registries make eight shards of 250, and 100,000 of 10,000 accounts make
    43 of 2,000, followed by 1,750, 1,530, 1,340 and so on, and three of 250 and less.
    """
    left = len(registries)
    last = min(LAST_REGISTRIES, left // (width * SHARDS_EACH))
    shards: list[list[Registry]] = []
    most = 0
    for _, group in groupby(sorted(registries), key=lambda registry: registry.account):
        account = [*group]
        if shards and len(shards[-1]) + len(account) <= most:
            shards[-1] += account
        else:
            most = max(last, min(MOST_REGISTRIES, left // (width * SHARDS_EACH)))
            shards.append(account)
        left -= len(account)
    return [tuple(shard) for shard in shards]
