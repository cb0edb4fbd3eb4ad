"""The simulated AWS that a command serves, or runs against."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fleet_repl.aws import Endpoint
from fleet_repl.fleet.worlds import SANDBOX_WORLD
from fleet_repl.sandbox import load_scenario, serve, world_of
from fleet_repl.values.names import Region, Secret

if TYPE_CHECKING:
    from fleet_repl.inventory import Inventory


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """A simulated AWS that is being served."""

    url: str
    environment: Mapping[str, str]
    """The variables that point an AWS client at it."""
    endpoint: Endpoint


@asynccontextmanager
async def simulate(
    inventory: Inventory, *, scenario: Path | None, host: str, port: int
) -> AsyncIterator[Simulation]:
    """Serve a simulated AWS; port 0 takes a free one.

    Raises ScenarioError, and FleetError where nothing can listen on the address.
    """
    world = (
        world_of(inventory)
        if scenario is None
        else world_of(inventory, scenario=load_scenario(scenario))
    )
    async with serve(world, host=host, port=port) as server:
        yield Simulation(
            url=server.url,
            environment=server.environment(),
            endpoint=Endpoint(
                url=server.url,
                access_key_id=server.access_key_id,
                secret_access_key=Secret(server.secret_access_key),
                region=Region(server.region),
                world=SANDBOX_WORLD,
            ),
        )
