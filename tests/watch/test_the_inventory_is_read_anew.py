"""Each round goes by the inventory as it is now, or by the last good one."""

from __future__ import annotations

import pytest
from tests.support.watched import HUB, Stage, inventory_of

from fleet_repl.values.errors import FleetError, InventoryError, Problem
from fleet_repl.values.exit_code import ExitCode

BROKEN = InventoryError(
    [
        Problem(file="prod.toml", line=7, key="accounts[0].id", message="must have 12 digits"),
        Problem(file="prod.toml", line=9, key="routes[0].name", message="is missing"),
    ]
)


async def test_it_breaks_and_mends(stage: Stage) -> None:
    """The last good one counts meanwhile, and that is said each round."""

    def between(number: int) -> None:
        stage.broken = BROKEN if number in (1, 2) else None

    await stage.watch(4, between, every=60)
    assert stage.loads == 4
    assert stage.verdicts == ["in-sync"] * 4
    reason = "prod.toml:7: accounts[0].id: must have 12 digits (and 1 more problem)"
    assert [round_.inventory_error for round_ in stage.rounds] == [None, reason, reason, None]
    assert (
        stage.lines("inventory-broken")
        == [f"the inventory cannot be used, so the last good one counts: {reason}"] * 2
    )
    assert stage.lines("inventory-mended") == ["the inventory can be used again"]
    assert stage.lines("round-finished")[1] == (
        "round 2: prod: in sync, 3 registries; by the last good inventory, as it is broken: "
        f"{reason} (1.0 s)"
    )


async def test_a_change_is_taken_up(stage: Stage) -> None:
    """The next round goes by it."""

    def between(number: int) -> None:
        stage.inventory = inventory_of(digest="b")

    await stage.watch(2, between, every=60)
    assert [round_.inventory.digest[-1] for round_ in stage.rounds] == ["a", "b"]
    assert stage.lines("inventory-changed") == ["the inventory has changed"]


async def test_another_fleet_has_its_own_memory(stage: Stage) -> None:
    """Drift of the one is no drift of the other."""
    stage.world.tamper(HUB)

    def between(number: int) -> None:
        stage.inventory = inventory_of(name="test")
        stage.world.notes.clear()

    await stage.watch(2, between, every=60)
    first, second = stage.rounds
    assert (first.fleet, second.fleet) == ("prod", "test")
    assert second.drift_since == second.started_at


@pytest.mark.parametrize("once", [True, False])
async def test_a_watch_does_not_begin_without_one(stage: Stage, once: bool) -> None:
    """Whoever starts it sees every problem at once."""
    stage.broken = BROKEN
    with pytest.raises(InventoryError) as raised:
        await stage.watch(1, once=once)
    assert len(raised.value.problems) == 2
    stage.broken = PermissionError(13, "Permission denied")
    with pytest.raises(FleetError, match=r"^the inventory cannot be read: Permission denied$"):
        await stage.watch(1, once=once)


async def test_a_file_that_cannot_be_read_later(stage: Stage) -> None:
    """The reason is the system's."""

    def between(number: int) -> None:
        stage.broken = FileNotFoundError(2, "No such file or directory")

    assert await stage.watch(2, between, every=60) is ExitCode.OK
    assert stage.rounds[1].inventory_error == "No such file or directory"
