"""The real fleet over HTTP against the sandbox, on a clock that nobody waits for."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest

from fleet_repl import Fleet, Inventory, connect, load_inventory
from fleet_repl.aws import Endpoint
from fleet_repl.names import AccountId, Region, Registry, Secret
from fleet_repl.reports import ExitCode
from fleet_repl.sandbox import Scenario, World, serve, world_of
from fleet_repl.watch import Round, Told, Watching, watch

TEXT = """
version = 1
name = "prod"
[aws]
role = "fleet"
regions = ["eu-west-1"]
[[accounts]]
id = "111111111111"
name = "hub"
[[accounts]]
id = "222222222222"
name = "shop"
[[accounts]]
id = "333333333333"
name = "search"
[[routes]]
name = "golden"
from = { accounts = "hub" }
to = { accounts = ["shop", "search"] }
prefixes = ["base/"]
"""
HUB, SHOP, SEARCH = (
    Registry(AccountId(digit * 12), Region("eu-west-1")) for digit in ("1", "2", "3")
)


@dataclass
class Looked:
    """A simulated fleet and the watch that looks after it."""

    path: Path
    world: World
    clock: Any
    endpoint: Endpoint
    stop: anyio.Event = field(default_factory=anyio.Event)
    told: list[Told] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)

    def connect(self, inventory: Inventory) -> AbstractAsyncContextManager[Fleet]:
        return connect(inventory, endpoint=self.endpoint, clock=self.clock)

    async def watch(
        self, rounds: int, between: Any = lambda number: None, **asked: Any
    ) -> ExitCode:
        """So many rounds; `between` is called after each one with its number."""

        def ended(round_: Round) -> None:
            self.rounds.append(round_)
            between(len(self.rounds))
            if len(self.rounds) >= rounds:
                self.stop.set()

        return await watch(
            Watching(every=900, fix=True, **asked),
            load=lambda: load_inventory(self.path),
            connect=self.connect,
            tell=self.told.append,
            stop=self.stop,
            clock=self.clock,
            uniform=lambda low, high: (low + high) / 2,
            on_round=ended,
        )

    @property
    def verdicts(self) -> list[str]:
        return [one.verdict.value for one in self.rounds]


@asynccontextmanager
async def looked_after(path: Path, clock: Any) -> AsyncIterator[Looked]:
    world = world_of(load_inventory(path), scenario=Scenario(), clock=clock)
    async with serve(world) as server:
        endpoint = Endpoint(
            url=server.url,
            access_key_id=server.access_key_id,
            secret_access_key=Secret(server.secret_access_key),
            region=server.region,
        )
        looked = Looked(path, world, clock, endpoint)
        async with looked.connect(load_inventory(path)) as fleet:
            await fleet.apply(await fleet.plan())
        yield looked


@pytest.fixture
def inventory_file(tmp_path: Path) -> Path:
    path = tmp_path / "fleet.toml"
    path.write_text(TEXT)
    return path


@pytest.fixture
async def looked(inventory_file: Path, stage: Any) -> AsyncIterator[Looked]:
    async with looked_after(inventory_file, stage.clock) as one:
        yield one


async def test_ten_rounds_with_tampering_between(looked: Looked) -> None:
    """Each is corrected, but for the registry that somebody changes every time."""
    world = looked.world
    wanted = world.replication(HUB)
    policies = [world.policy(one) for one in (SHOP, SEARCH)]

    def tamper(number: int) -> None:
        world.set_replication(HUB, {"rules": []})
        if number % 4 == 0:
            world.set_policy((SHOP, SEARCH)[number % 8 == 0], None)

    tamper(0)
    await looked.watch(10, tamper)
    assert looked.verdicts[:3] == ["corrected"] * 3
    assert set(looked.verdicts[3:]) == {"partial"}
    assert looked.rounds[-1].left_alone == (HUB,)
    # Nobody corrects it any more; everything else was put right each time.
    assert world.replication(HUB) == {"rules": []} != wanted
    assert [world.policy(one) for one in (SHOP, SEARCH)] == policies
    hub = [write for write in world.writes if write[0] == HUB]
    assert len(hub) == 1 + 3


async def test_what_is_remembered_lies_beside_the_record(looked: Looked) -> None:
    """So that restarts do not forget it; and each correction is a run of its own."""
    looked.world.set_replication(HUB, {"rules": []})
    assert await looked.watch(9, once=True) is ExitCode.OK
    state = looked.path.parent / ".fleet-repl" / "prod"
    note = json.loads((state / "watch.json").read_text())
    assert note["recent"] == {str(HUB): "c"}
    assert (state / "runs" / str(looked.rounds[0].run_id) / "report.json").is_file()


async def test_a_lock_that_is_held_is_sat_out(looked: Looked) -> None:
    """The watch goes on once the other run is done."""
    looked.world.set_replication(HUB, {"rules": []})
    async with looked.connect(load_inventory(looked.path)) as other, other.writing():
        assert await looked.watch(9, once=True) is ExitCode.PENDING
    assert looked.verdicts == ["busy"]
    assert await looked.watch(9, once=True) is ExitCode.OK
    assert looked.verdicts == ["busy", "corrected"]


async def test_links_of_nobody_are_left_to_a_person(looked: Looked) -> None:
    """A watch never forces."""
    stray = {"rules": [{"destinations": [{"region": "eu-west-2", "registryId": "1" * 12}]}]}
    looked.world.set_replication(HUB, stray)
    assert await looked.watch(9, once=True) is ExitCode.REFUSED
    assert looked.world.replication(HUB) == stray
    assert [one.kind for one in looked.rounds[0].objections] == ["foreign-rules"]


async def test_reading_is_spread_but_for_the_first_round(looked: Looked) -> None:
    """A later round takes its time, and less than half the interval."""
    await looked.watch(2)
    first, second = (one.finished_at - one.started_at for one in looked.rounds)
    assert first.total_seconds() < 1
    assert 1 < second.total_seconds() <= 450
