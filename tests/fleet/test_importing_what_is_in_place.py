"""Importing over HTTP, end to end: a fleet that others set up becomes an inventory of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.support.simulated import Simulated, simulate

from fleet_repl import (
    Fleet,
    FleetError,
    Interrupted,
    InventoryError,
    ReadStarted,
    State,
    WriteStarted,
    connect,
    load_inventory,
)
from fleet_repl.sandbox import Scenario
from fleet_repl.values.names import AccountId, Region, Registry

TEXT = """\
version = 1
name = "found"
routes = []

[aws]
role = "fleet-replication"
external_id = "${EXTERNAL_ID}"
regions = ["eu-west-1", "us-east-1"]

[[accounts]]
id = "111111111111"
name = "build"
labels = { tier = "hub" }

[[accounts]]
id = "222222222222"
name = "shop"
labels = { tier = "spoke" }

[[accounts]]
id = "333333333333"
name = "pay"
labels = { tier = "spoke" }
"""
SPOKES = [
    {"registryId": account, "region": region}
    for account in ("222222222222", "333333333333")
    for region in ("eu-west-1", "us-east-1")
]
SCENARIO: dict[str, Any] = {
    "registries": [
        {
            "account": "111111111111",
            "region": "eu-west-1",
            "replication": {
                "rules": [
                    {
                        "destinations": SPOKES,
                        "repositoryFilters": [{"filter": "base/", "filterType": "PREFIX_MATCH"}],
                    }
                ]
            },
        },
        {
            "account": "222222222222",
            "region": "eu-west-1",
            "replication": {"rules": [{"destinations": [SPOKES[1]]}]},
            "unknown_fields": {"priority": 1},
        },
    ]
}


async def planned(simulated: Simulated, text: str, folder: Path) -> Any:
    """A plan of another inventory for the same simulated AWS."""
    path = folder / "imported.toml"
    path.write_text(text, encoding="utf-8")
    inventory = load_inventory(path, environ={"EXTERNAL_ID": "s3cr3t-external-id"})
    async with connect(
        inventory, endpoint=simulated.endpoint, clock=simulated.clock, state=folder / "state"
    ) as fleet:
        return await fleet.plan()


async def test_importing_then_planning_is_empty(tmp_path: Path) -> None:
    """Nothing is written, nothing is asked for that is not there, and nothing is shown."""
    async with simulate(TEXT, Scenario.model_validate(SCENARIO)) as simulated:
        async with simulated.connected() as fleet:
            result = await fleet.import_inventory()
        assert not any(isinstance(event, WriteStarted) for event in simulated.events)
        plan = await planned(simulated, result.text, tmp_path)
    assert (plan.changes, plan.objections) == ((), ())
    assert {registry.state for registry in plan.registries} == {State.UNCHANGED}
    assert "s3cr3t" not in result.text
    assert (result.links, result.routes) == (4, 1)
    assert [str(entry.registry) for entry in result.left_out] == ["222222222222/eu-west-1"]
    assert result.text.endswith(
        'name = "hub-eu-west-1-to-spoke"\n'
        'from = { labels = { tier = "hub" }, regions = "eu-west-1" }\n'
        'to = { labels = { tier = "spoke" } }\n'
        'prefixes = ["base/"]\n'
    )


async def test_a_registry_that_cannot_be_read_is_a_value(tmp_path: Path) -> None:
    """The others are imported, and nothing of it is ever removed."""
    denied = {**SCENARIO, "accounts": [{"id": "333333333333", "denied": True}]}
    async with simulate(TEXT, Scenario.model_validate(denied)) as simulated:
        async with simulated.connected() as fleet:
            result = await fleet.import_inventory()
        plan = await planned(simulated, result.text, tmp_path)
    pay = AccountId("333333333333")
    assert result.unreadable == tuple(
        Registry(pay, Region(region)) for region in ("eu-west-1", "us-east-1")
    )
    assert result.links == 4
    assert plan.changes == ()


async def test_an_interruption_leaves_nothing_half_done() -> None:
    """There is no such thing as half an inventory."""
    fleets: list[Fleet] = []

    def stop(event: object) -> None:
        if isinstance(event, ReadStarted):
            fleets[0].stop()

    async with simulate(TEXT) as simulated, simulated.connected(stop) as fleet:
        fleets.append(fleet)
        with pytest.raises(Interrupted):
            await fleet.import_inventory()


async def test_a_file_that_was_changed_meanwhile() -> None:
    """Its text would be put together with the accounts of another."""
    async with simulate(TEXT) as simulated, simulated.connected() as fleet:
        path = anyio.Path(simulated.inventory.path)
        await path.write_text(TEXT.replace("333333333333", "444444444444"), encoding="utf-8")
        with pytest.raises(InventoryError, match="was changed after it was loaded"):
            await fleet.import_inventory()
        await path.unlink()
        with pytest.raises(FleetError, match="cannot be read"):
            await fleet.import_inventory()
