"""Runs as processes of the real command line, against a simulated AWS in this one.

A fleet with everything that makes writing hard: waves, policies that are written several times,
rules and statements of strangers, templates, and calls that fail.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

import anyio
import anyio.abc
from tests.support.clock import MachineClock

import fleet_repl
from fleet_repl import Fleet, Inventory, Report, connect, load_inventory
from fleet_repl.aws import Endpoint
from fleet_repl.engine.ports import EventSink
from fleet_repl.sandbox import FaultRule, Mishap, Scenario, World, load_scenario, serve, world_of
from fleet_repl.sandbox.faults import Faults, Lot
from fleet_repl.sandbox.registries import RegistryState
from fleet_repl.values.clock import SYSTEM, Clock
from fleet_repl.values.names import AccountId, Region, Registry, Secret

HERE = Path(__file__).parents[1] / "survival"

READS: Final = ("DescribeRegistry", "GetRegistryPolicy", "DescribeRepositoryCreationTemplates")
ROUGH: Final = (
    FaultRule(kind=Mishap.THROTTLED, rate=0.03),
    FaultRule(kind=Mishap.LOST_ANSWER, rate=0.03),
    # Of writes it would take a second and more to find out that they have not happened.
    FaultRule(kind=Mishap.SERVER_ERROR, rate=0.02, operations=READS),
)


class QuickClock(MachineClock):
    """The machine's time, but nobody waits: who sleeps finds that the time has passed."""

    async def sleep(self, seconds: float) -> None:
        for _ in range(3):
            await anyio.lowlevel.checkpoint()
        self.ahead += seconds


class Reluctant(MachineClock):
    """The time of an AWS that takes every call, and answers none as long as it is hushed."""

    def __init__(self) -> None:
        super().__init__()
        self._speaks = anyio.Event()

    async def sleep(self, seconds: float) -> None:
        await self._speaks.wait()

    def hush(self) -> None:
        self._speaks = anyio.Event()

    def speak(self) -> None:
        self._speaks.set()


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    code: int
    out: str
    err: str


class Calls(Faults):
    """The draws of a world, and whoever wants to know of every call before it is carried out."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.count = 0
        self.listeners: list[Callable[[AccountId, Region, str], object]] = []

    def draw(self, account: AccountId, region: Region, operation: str) -> Lot:
        self.count += 1
        for tell in self.listeners:
            tell(account, region, operation)
        return super().draw(account, region, operation)


@dataclass
class Scene:
    """A fleet, the simulated AWS it lives in, and its state on this machine's disk."""

    folder: Path
    world: World
    calls: Calls
    environment: Mapping[str, str]
    endpoint: Endpoint
    inventory: Inventory
    clock: QuickClock = field(default_factory=QuickClock)

    @property
    def state(self) -> Path:
        """What is remembered of the AWS of this scene."""
        return _state(self.folder, self.endpoint)

    @property
    def registries(self) -> tuple[Registry, ...]:
        listed = self.inventory.accounts
        return tuple(
            sorted(Registry(item.id, region) for item in listed for region in item.regions)
        )

    def meaning(self) -> Any:
        """What the registries come to: links, grants and templates, however they are spelled."""
        world: Any = self.world
        links, grants, templates = set(), set(), set()
        for registry in self.registries:
            for rule in world.replication(registry)["rules"]:
                for end in rule["destinations"]:
                    for filter_ in rule["repositoryFilters"]:
                        links.add((registry, end["registryId"], end["region"], filter_["filter"]))
            for statement in (world.policy(registry) or {"Statement": []})["Statement"]:
                for who in _listed(statement["Principal"]["AWS"]):
                    for what in _listed(statement["Action"]):
                        where = _listed(statement["Resource"])
                        grants |= {(registry, who, what, resource) for resource in where}
            for template in world.templates(registry):
                templates.add((registry, template["prefix"], template["imageTagMutability"]))
        return links, grants, templates

    def change_mind(self) -> None:
        """Want the first version again."""
        self.inventory = written(self.folder, later=False)

    @asynccontextmanager
    async def connected(
        self, on_event: EventSink | None = None, **how: Any
    ) -> AsyncIterator[Fleet]:
        """A run of this process, which holds the lock as a command does."""
        how = {"locked": True, "clock": self.clock, **how}
        connection = connect(self.inventory, endpoint=self.endpoint, on_event=on_event, **how)
        async with connection as fleet:
            yield fleet

    async def applied(self, on_event: EventSink | None = None) -> Report:
        """A whole run: plan, and apply that."""
        async with self.connected(on_event) as fleet:
            return await fleet.apply(await fleet.plan())

    @asynccontextmanager
    async def started(
        self, *args: str, program: Sequence[str] = ("-m", "fleet_repl")
    ) -> AsyncIterator[Running]:
        """A process of the command line, which does not outlive this."""
        source = str(Path(fleet_repl.__file__).parents[1])
        clean = {name: text for name, text in os.environ.items() if not name.startswith("AWS_")}
        process = await anyio.open_process(
            [sys.executable, *program, *args],
            cwd=self.folder,
            env={**clean, **self.environment, "PYTHONPATH": source},
            stdin=subprocess.DEVNULL,
        )
        async with process:
            try:
                yield Running(process)
            finally:
                if process.returncode is None:
                    process.kill()


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@dataclass
class Running:
    """A process of the command line that is under way."""

    process: anyio.abc.Process

    @property
    def pid(self) -> int:
        return self.process.pid

    def send(self, number: signal.Signals) -> None:
        """A signal, unless it has ended already."""
        if self.process.returncode is None:
            self.process.send_signal(number)

    async def ended(self, on_err: Callable[[str], object] | None = None) -> Ended:
        """Wait for its end, and hear what it says until then. `on_err`: told of all that stderr
        has said so far."""
        said = {"out": b"", "err": b""}

        async def hear(name: str, stream: anyio.abc.ByteReceiveStream | None) -> None:
            assert stream is not None
            async for part in stream:
                said[name] += part
                if name == "err" and on_err is not None:
                    on_err(said[name].decode(errors="replace"))

        with anyio.fail_after(60):
            async with anyio.create_task_group() as group:
                group.start_soon(hear, "out", self.process.stdout)
                group.start_soon(hear, "err", self.process.stderr)
            code = await self.process.wait()
        return Ended(code, said["out"].decode(), said["err"].decode())


@dataclass
class Foundation:
    """The fleet with the first version of its inventory applied, made once."""

    folder: Path
    state: Path = Path()
    """Where it is remembered."""
    states: dict[Registry, RegistryState] = field(default_factory=dict)
    calls: dict[bool, int] = field(default_factory=dict)
    """That an apply of the later version makes where nothing goes wrong: as the fleet's first
    run, and after the first version."""
    writes: dict[bool, int] = field(default_factory=dict)
    meaning: dict[bool, Any] = field(default_factory=dict)
    """Of everything, once the first version is applied and once the later one is."""

    async def lay(self) -> None:
        """Apply the first version, remember what there is then, and count what follows."""
        if self.states:
            return
        quiet = load_scenario(HERE / "strangers.toml")
        async with set_up(self.folder, quiet, SYSTEM, later=False) as scene:
            report = await scene.applied()
            assert report.status == "ok", report
            self.state = scene.state
            self.states = {
                registry: scene.world.registries[registry] for registry in scene.registries
            }
            self.meaning[False] = scene.meaning()
        for fresh in (True, False):
            await self._count(quiet, fresh=fresh)

    async def _count(self, quiet: Scenario, *, fresh: bool) -> None:
        with tempfile.TemporaryDirectory() as folder:
            async with set_up(Path(folder), quiet, SYSTEM, later=True) as scene:
                if not fresh:
                    self.put_up(scene)
                report = await scene.applied()
                assert report.status == "ok", report
                self.calls[fresh], self.writes[fresh] = scene.calls.count, len(scene.world.writes)
                assert self.meaning.setdefault(True, scene.meaning()) == scene.meaning()

    def put_up(self, scene: Scene) -> None:
        """Make a scene as the foundation is."""
        for registry, state in self.states.items():
            there = scene.world.registries[registry]
            there.replication.replace(state.replication.latest)
            there.policy.replace(state.policy.latest)
            there.templates.replace(state.templates.latest)
        shutil.copytree(self.state, scene.state)


def _state(folder: Path, endpoint: Endpoint) -> Path:
    host = endpoint.url.removeprefix("http://").replace(":", "_")
    return folder / ".fleet-repl/.worlds" / host


def written(folder: Path, *, later: bool, concurrency: int = 16) -> Inventory:
    """A version of the fleet's file."""
    path = folder / "fleet.toml"
    text = (HERE / ("after.toml" if later else "before.toml")).read_text(encoding="utf-8")
    path.write_text(text.replace("concurrency = 16", f"concurrency = {concurrency}"), "utf-8")
    return load_inventory(path)


@asynccontextmanager
async def set_up(
    folder: Path, scenario: Scenario, clock: Clock, *, later: bool, concurrency: int = 16
) -> AsyncIterator[Scene]:
    """A fleet in a folder of its own, and AWS for it."""
    inventory = written(folder, later=later, concurrency=concurrency)
    world = world_of(inventory, scenario=scenario, clock=clock)
    calls = world.faults = Calls(scenario)
    async with serve(world) as server:
        endpoint = Endpoint(
            url=server.url,
            access_key_id=server.access_key_id,
            secret_access_key=Secret(server.secret_access_key),
            region=server.region,
        )
        yield Scene(folder, world, calls, server.environment(), endpoint, inventory)


SetUp: TypeAlias = Callable[..., AbstractAsyncContextManager[Scene]]
