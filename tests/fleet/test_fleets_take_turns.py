"""Two fleets that list the same registries, applied at once: nothing of either gets lost."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import anyio
import pytest
from tests.state.places.conftest import MemoryObjects
from tests.support.clock import VirtualClock
from tests.support.inventories import fleet_text
from tests.support.simulated import Simulated, simulate

from fleet_repl import Fleet, Outcome, Report, connect, load_inventory
from fleet_repl.aws import AwsRegistries
from fleet_repl.engine.stores import Store
from fleet_repl.state import BucketStore, FolderStore, fleets
from fleet_repl.values.errors import StateError

ADDITIVE = '[ownership]\nrules = "additive"\n'
ROUTES = {
    "alpha": ("1>2,3 a/", "2>3 a/", "4>1 a/"),
    "beta": ("1>2,3 b/", "2>3 b/", "4>1 b/"),
}
SEEDS = range(4)


@dataclass
class Pair:
    """Two fleets in one AWS, with one state location."""

    aws: Simulated
    folder: Path

    @asynccontextmanager
    async def connected(self, name: str, *routes: str) -> AsyncIterator[Fleet]:
        path = self.folder / f"{name}.toml"
        path.write_text(fleet_text(*routes, name=name, more=ADDITIVE))
        inventory = load_inventory(path, environ={})
        aws = self.aws
        async with connect(
            inventory, endpoint=aws.endpoint, clock=aws.clock, state=self.folder, locked=True
        ) as fleet:
            yield fleet

    async def applied(self, name: str, *routes: str) -> Report:
        async with self.connected(name, *routes) as fleet:
            return await fleet.apply(await fleet.plan())


@pytest.fixture(params=["folder", "bucket"])
def location(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Store:
    """Where both keep their state: a folder, or a bucket that takes its time."""
    if request.param == "folder":
        return FolderStore(tmp_path / ".worlds/sim")
    objects = MemoryObjects(VirtualClock())
    store = BucketStore(objects)

    @asynccontextmanager
    async def opened(*_: Any, **__: Any) -> AsyncIterator[Store]:
        yield store

    monkeypatch.setattr("fleet_repl.fleet.connect.open_place", opened)
    return store


@pytest.mark.parametrize("seed", SEEDS)
async def test_at_once(tmp_path: Path, location: Store, seed: int) -> None:
    """Whatever a report calls applied is in place in the end, with its grants, and nobody
    overwrote it meanwhile; what is left is applied by the next run."""
    rng = random.Random(seed)
    async with simulate(fleet_text(accounts=4)) as aws:
        pair, reports = Pair(aws, tmp_path), dict[str, Report]()
        writing, clashes = set[Any](), list[Any]()
        slow = {"put_replication", "put_policy", "delete_policy"}

        async def apply(name: str) -> None:
            await anyio.sleep(rng.random() / 20)
            reports[name] = await pair.applied(name, *ROUTES[name])

        with _slow_writes(writing, clashes, rng, slow):
            async with anyio.create_task_group() as group:
                for name in ROUTES:
                    group.start_soon(apply, name)
        assert clashes == []
        assert aws.ungranted() == set()
        for name, report in reports.items():
            for outcome in report.registries:
                if outcome.outcome is Outcome.APPLIED:
                    assert _wanted(name, int(outcome.registry.account)) <= aws.links(
                        int(outcome.registry.account)
                    )
        for name, routes in ROUTES.items():
            await pair.applied(name, *routes)
        for number in range(1, 5):
            assert aws.links(number) == _wanted("alpha", number) | _wanted("beta", number)
        assert aws.ungranted() == set()
        assert await fleets(location) == ("alpha", "beta")


def _wanted(name: str, number: int) -> set[str]:
    """The links out of an account that a fleet asks for."""
    links = set()
    for route in ROUTES[name]:
        source, _, rest = route.partition(">")
        ends, _, prefix = rest.partition(" ")
        if int(source) == number:
            links |= {f"{end} {prefix}" for end in ends.split(",")}
    return links


def _slow_writes(writing: set[Any], clashes: list[Any], rng: random.Random, slow: set[str]) -> Any:
    """Writes that take a while on their way; two at one registry at once are a clash."""

    def slowed(write: Any) -> Any:
        async def sent(self: Any, registry: Any, *arguments: Any) -> Any:
            if registry in writing:
                clashes.append(registry)
            writing.add(registry)
            await anyio.sleep(rng.random() / 50)
            try:
                return await write(self, registry, *arguments)
            finally:
                await anyio.sleep(rng.random() / 50)
                writing.discard(registry)

        return sent

    return mock.patch.multiple(
        AwsRegistries, **{name: slowed(getattr(AwsRegistries, name)) for name in slow}
    )


async def test_a_single_fleet_asks_nothing_for_its_writes(tmp_path: Path, location: Store) -> None:
    """The register is written once, and no turn is ever taken."""
    async with simulate(fleet_text(accounts=4)) as aws:
        pair = Pair(aws, tmp_path)
        await pair.applied("alpha", *ROUTES["alpha"])
        names = await location.names(".sharing/")
        assert names == (".sharing/fleets.json",)
        stored = await location.find(".sharing/fleets.json")
        await pair.applied("alpha", "1>2 other/")
        again = await location.find(".sharing/fleets.json")
        assert stored is not None
        assert again is not None
        assert again.version == stored.version


async def test_a_writing_run_looks_at_the_register_twice(tmp_path: Path, location: Store) -> None:
    """Once when it has taken its lock, and once when others can see in the lock whom it knows."""
    looks: list[str] = []

    def counted(find: Any) -> Any:
        async def counted_find(self: Any, name: str) -> Any:
            looks.append(name)
            return await find(self, name)

        return counted_find

    async with simulate(fleet_text(accounts=4)) as aws:
        pair = Pair(aws, tmp_path)
        kind = type(location)
        with mock.patch.object(kind, "find", counted(kind.find)):
            await pair.applied("alpha", *ROUTES["alpha"])
    assert looks.count(".sharing/fleets.json") == 2


async def test_a_bucket_that_ignores_conditions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written where neither the lock nor a turn would keep anybody out."""
    objects = MemoryObjects(VirtualClock())

    async def put_if(key: str, content: bytes, expected: str | None) -> str:
        return await objects.put(key, content)

    monkeypatch.setattr(objects, "put_if", put_if)

    @asynccontextmanager
    async def opened(*_: Any, **__: Any) -> AsyncIterator[Store]:
        yield BucketStore(objects)

    monkeypatch.setattr("fleet_repl.fleet.connect.open_place", opened)
    async with simulate(fleet_text(accounts=4)) as aws:
        pair = Pair(aws, tmp_path)
        with pytest.raises(StateError, match="conditional writes have no effect there"):
            await pair.applied("alpha", *ROUTES["alpha"])
        assert aws.world.writes == []
