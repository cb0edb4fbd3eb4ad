"""Places to keep documents in: a folder, a bucket in memory, a bucket of moto's over HTTP."""

from __future__ import annotations

import itertools
import math
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import anyio.lowlevel
import pytest
from tests.support.clock import VirtualClock
from tests.support.moto import moto_client, moto_server

from fleet_repl.aws import Endpoint
from fleet_repl.aws.open_objects import open_objects
from fleet_repl.aws.s3 import BucketObjects
from fleet_repl.engine.retry import Pace
from fleet_repl.engine.stores import Store, Stored
from fleet_repl.inventory.settings import Aws
from fleet_repl.runs.history import Holder, Purpose
from fleet_repl.state import BucketStore, FolderStore, Lock
from fleet_repl.values.errors import StateError
from fleet_repl.values.names import Region, Secret


@dataclass
class MemoryObjects:
    """An object store in memory, by a clock of its own; calls can be made to go wrong."""

    clock: VirtualClock
    objects: dict[str, tuple[bytes, str, float]] = field(default_factory=dict)
    failing: int = 0
    """How many of the next conditional puts fail, before anything is written."""
    losing: int = 0
    """How many of the next conditional puts are done, and their answer is lost for good."""
    puts: int = 0
    versions: Iterator[int] = field(default_factory=itertools.count)

    def __str__(self) -> str:
        return "s3://memory/fleets"

    async def get(self, key: str) -> Stored | None:
        await anyio.lowlevel.checkpoint()
        if key not in self.objects:
            return None
        content, version, at = self.objects[key]
        return Stored(content=content, version=version, age=self._now() - at)

    async def put(self, key: str, content: bytes) -> str:
        await anyio.lowlevel.checkpoint()
        version = f'"{next(self.versions)}"'
        self.objects[key] = (content, version, self._now())
        return version

    async def put_if(self, key: str, content: bytes, expected: str | None) -> str | None:
        self.puts += 1
        await anyio.lowlevel.checkpoint()
        if self.failing:
            self.failing -= 1
            raise StateError("the fleet's state cannot be written: no answer\n    wait")
        there = self.objects.get(key)
        if (there[1] if there else None) != expected:
            return None
        version = f'"{next(self.versions)}"'
        self.objects[key] = (content, version, self._now())
        if self.losing:
            self.losing -= 1
            raise StateError("the fleet's state cannot be written: the answer was lost")
        return version

    async def keys(self, prefix: str) -> tuple[str, ...]:
        await anyio.lowlevel.checkpoint()
        return tuple(sorted(key for key in self.objects if key.startswith(prefix)))

    async def delete(self, key: str) -> None:
        await anyio.lowlevel.checkpoint()
        self.objects.pop(key, None)

    def _now(self) -> float:
        return self.clock.now().timestamp()


@dataclass
class Place:
    """Somewhere that stores can be opened at, each as another process would."""

    open: Callable[[], Store]


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def memory(clock: VirtualClock) -> MemoryObjects:
    return MemoryObjects(clock)


moto = pytest.fixture(scope="session")(moto_server)


def s3(moto: str) -> Any:
    """Another client of moto's S3."""
    return moto_client("s3", moto)


@pytest.fixture
async def objects(
    moto: str, clock: VirtualClock, request: pytest.FixtureRequest
) -> AsyncIterator[BucketObjects]:
    """Those of a bucket of moto's, over HTTP."""
    name = f"state-{abs(hash(request.node.nodeid))}"[:40]
    client = s3(moto)
    client.create_bucket(Bucket=name)
    # What others keep in the bucket is none of ours.
    client.put_object(Bucket=name, Key="fleets-of-others/prod/applied.json", Body=b"{}")
    endpoint = Endpoint(
        url=moto,
        access_key_id="AKIA",
        secret_access_key=Secret("x"),
        region=Region("us-east-1"),
    )
    pace = Pace(
        attempts=3, timeout=10.0, deadline=math.inf, clock=clock, uniform=lambda low, high: high
    )
    async with open_objects(Aws(), f"s3://{name}/fleets", pace=pace, endpoint=endpoint) as opened:
        yield opened


@pytest.fixture(params=["folder", "memory", "moto"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Each kind of place."""
    if request.param == "folder":
        return Place(lambda: FolderStore(tmp_path / "state"))
    objects = request.getfixturevalue("memory" if request.param == "memory" else "objects")
    return Place(lambda: BucketStore(objects))


@pytest.fixture(params=["folder", "memory"])
def aging(request: pytest.FixtureRequest, tmp_path: Path, clock: VirtualClock) -> Place:
    """Each kind of place whose clock can be moved."""
    if request.param == "folder":
        begun = time.time()

        def now() -> float:
            return begun + clock.seconds + clock.suspended

        return Place(lambda: Dated(tmp_path / "state", now))
    objects = request.getfixturevalue("memory")
    return Place(lambda: BucketStore(objects))


class Dated(FolderStore):
    """A folder whose files get their times from the clock of the test."""

    def __init__(self, folder: Path, now: Callable[[], float]) -> None:
        super().__init__(folder, now=now)
        self._time = now
        self._place = folder

    async def swap(self, name: str, content: bytes, expected: str | None) -> str | None:
        version = await super().swap(name, content, expected)
        if version is not None:
            os.utime(self._place / name, (self._time(), self._time()))
        return version


@pytest.fixture
def holder() -> Callable[..., Holder]:
    """The holder of a run of this number."""

    def made(number: int = 1, **fields: Any) -> Holder:
        values: dict[str, Any] = {
            "run_id": f"20261123T08000{number}Z-00000{number}",
            "purpose": Purpose.APPLY,
            "user": "ops",
            "host": f"runner-{number}",
            "pid": 4000 + number,
            "process": f"boot/1/{number}",
        }
        return Holder(**{**values, **fields})

    return made


def nobody(holder: Holder) -> bool:
    """Nobody is known to be dead."""
    return False


async def never(seconds: float) -> None:
    """A heart that does not beat."""
    await anyio.sleep_forever()


Locks: TypeAlias = Callable[..., Lock]


@pytest.fixture
def lock(clock: VirtualClock, holder: Callable[..., Holder]) -> Locks:
    """The lock of the fleet `prod` for the run of a number, on a store of its own."""

    def made(place: Place, number: int = 1, **how: Any) -> Lock:
        options = {"gone": nobody, "beat": never, **how}
        return Lock(place.open(), "prod", holder(number), clock, **options)

    return made


@pytest.fixture
def shared(memory: MemoryObjects) -> Place:
    """The bucket in memory, as a place."""
    return Place(lambda: BucketStore(memory))
