"""A small fleet in a simulated AWS that is served over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiobotocore.session import AioSession, get_session
from tests.support.clock import VirtualClock
from tests.support.served import (
    CUSTOMER,
    EAST,
    EXTERNAL_ID,
    HUB,
    OTHER,
    SPOKE,
    WEST,
    Serve,
    Served,
    role_in,
)

from fleet_repl.inventory.accounts import Account, External
from fleet_repl.inventory.model import Inventory
from fleet_repl.inventory.settings import Aws
from fleet_repl.sandbox import Scenario, World, serve, world_of
from fleet_repl.values.names import Secret


@pytest.fixture
def inventory() -> Inventory:
    """Three accounts with a role and an external id each, and an external account."""
    return Inventory(
        path="fleet.toml",
        digest="sha256:0",
        name="fleet",
        aws=Aws(),
        accounts=tuple(
            Account(
                id=account,
                name=name,
                regions=(EAST, WEST),
                role=role_in(account),
                external_id=Secret(EXTERNAL_ID),
            )
            for account, name in ((HUB, "hub"), (SPOKE, "spoke"), (OTHER, "other"))
        ),
        externals=(External(id=CUSTOMER, name="customer", regions=(WEST,)),),
    )


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture(scope="session")
def sdk() -> AioSession:
    """One SDK session for all tests: loading service models is what costs."""
    return get_session()


@pytest.fixture
def served(inventory: Inventory, clock: VirtualClock, sdk: AioSession) -> Serve:
    """Serve the fleet, or another inventory, under a scenario."""

    @asynccontextmanager
    async def start(
        scenario: Scenario | None = None, of: Inventory = inventory
    ) -> AsyncIterator[Served]:
        world = world_of(of, scenario=scenario or Scenario(), clock=clock)
        async with serve(world) as server, aiohttp.ClientSession() as http:
            yield Served(world=world, server=server, clock=clock, http=http, sdk=sdk)

    return start


@pytest.fixture
async def aws(served: Serve) -> AsyncIterator[Served]:
    """The fleet in a quiet world."""
    async with served() as running:
        yield running


@pytest.fixture
def world(inventory: Inventory, clock: VirtualClock) -> World:
    """The fleet in a quiet world that nobody serves."""
    return world_of(inventory, clock=clock)
