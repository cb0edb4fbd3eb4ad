"""Whole runs against the sandbox over HTTP, on a clock that nobody waits for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import anyio
import pytest

from fleet_repl import Event, Fleet, Inventory, connect, load_inventory
from fleet_repl.aws import Endpoint
from fleet_repl.names import Secret
from fleet_repl.ports import EventSink
from fleet_repl.sandbox import Scenario, World, serve, world_of


class SharedClock:
    """Sleeping takes no real time; those who sleep at once wake at the same moment."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=self.seconds)

    async def sleep(self, seconds: float) -> None:
        until = self.seconds + seconds
        for _ in range(3):
            await anyio.lowlevel.checkpoint()
        self.seconds = max(self.seconds, until)


@dataclass
class Simulated:
    """A fleet, the simulated AWS it lives in, and what has happened."""

    inventory: Inventory
    world: World
    clock: SharedClock
    endpoint: Endpoint
    events: list[Event]

    @asynccontextmanager
    async def connected(self, on_event: EventSink | None = None) -> AsyncIterator[Fleet]:
        """A new connection, as each run of the program makes one."""
        sink = on_event or self.events.append
        async with connect(
            self.inventory, endpoint=self.endpoint, on_event=sink, clock=self.clock
        ) as fleet:
            yield fleet


Simulate = Callable[..., AbstractAsyncContextManager[Simulated]]


@pytest.fixture(scope="session")
def simulate(tmp_path_factory: pytest.TempPathFactory) -> Simulate:
    """Starts a sandbox for an inventory's text; each call is a new one."""

    @asynccontextmanager
    async def start(text: str, scenario: Scenario | None = None) -> AsyncIterator[Simulated]:
        path = tmp_path_factory.mktemp("inventory") / "fleet.toml"
        path.write_text(text)
        inventory = load_inventory(path, environ={"EXTERNAL_ID": "s3cr3t-external-id"})
        clock = SharedClock()
        world = world_of(inventory, scenario=scenario or Scenario(), clock=clock)
        async with serve(world) as server:
            endpoint = Endpoint(
                url=server.url,
                access_key_id=server.access_key_id,
                secret_access_key=Secret(server.secret_access_key),
                region=server.region,
            )
            yield Simulated(inventory, world, clock, endpoint, [])

    return start
