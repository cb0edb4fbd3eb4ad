"""A round whose plan is stale by the time it would write: made anew, and not for ever."""

from __future__ import annotations

from pathlib import Path

from tests.support.watched import HUB, Stage, inventory_of

from fleet_repl import load_inventory
from fleet_repl.fleet.staleness import InventoryChangedError, OutdatedPlanError
from fleet_repl.inventory import changed_file
from fleet_repl.values.exit_code import ExitCode
from fleet_repl.watch.reload import Current, read_again

OVERTAKEN = OutdatedPlanError("the plan is stale: apply 1 has written since it was made\n    again")
EDITED = InventoryChangedError("the plan is stale: prod.toml was changed after it was read\n    x")

TEXT = """
version = 1
name = "prod"
routes = []
[aws]
role = "fleet"
regions = ["eu-west-1"]
[[accounts]]
id = "111111111111"
"""


async def test_another_run_has_ended(stage: Stage) -> None:
    """The next plan counts, and reading for it is not spread."""
    stage.world.tamper(HUB)
    stage.world.stale = [OVERTAKEN, OVERTAKEN]
    assert await stage.watch(9, once=True, fix=True) is ExitCode.OK
    assert stage.verdicts == ["corrected"]
    assert (
        stage.lines("planned-anew")
        == ["the plan is made anew: apply 1 has written since it was made"] * 2
    )
    assert stage.loads == 1


async def test_others_overtake_every_plan(stage: Stage) -> None:
    """It is sat out, as where another run holds the lock."""
    stage.world.tamper(HUB)
    stage.world.stale = [OVERTAKEN] * 3
    assert await stage.watch(9, once=True, fix=True) is ExitCode.PENDING
    assert stage.verdicts == ["busy"]
    assert stage.world.writes == []
    assert stage.rounds[0].error == str(OVERTAKEN)


async def test_the_inventory_was_edited(stage: Stage) -> None:
    """The round is one of the new version; it is read again, and connected anew."""
    stage.world.tamper(HUB)
    stage.world.stale = [EDITED]
    stage.world.while_planning = lambda: setattr(stage, "inventory", inventory_of(digest="b"))
    assert await stage.watch(9, once=True, fix=True) is ExitCode.OK
    assert stage.verdicts == ["corrected"]
    assert stage.rounds[0].inventory.digest == f"sha256:{'b' * 64}"
    assert (stage.loads, stage.world.connected, stage.world.most_connected) == (2, 0, 1)
    assert stage.lines("begun-anew") == [
        "the round begins anew: prod.toml was changed after it was read"
    ]


async def test_the_inventory_is_edited_all_the_time(stage: Stage) -> None:
    """Three versions are enough for a round; the next one tries again."""
    stage.world.tamper(HUB)
    stage.world.stale = [EDITED] * 3
    await stage.watch(2, every=60, fix=True)
    assert stage.verdicts == ["broken", "corrected"]
    assert stage.rounds[0].error == str(EDITED)


async def test_a_broken_file_is_known(tmp_path: Path) -> None:
    """The last good version goes on to count, as what the file says by now has been read; what it
    says after that is new again."""
    path = tmp_path / "prod.toml"
    path.write_text(TEXT)
    last = Current(inventory=load_inventory(path))
    path.write_text("version = ")
    assert changed_file(last.inventory) == str(path)
    current = await read_again(lambda: load_inventory(path), last, lambda entry: None)
    assert current.error is not None
    assert changed_file(current.inventory) is None
    path.write_text(TEXT.replace("prod", "prod2"))
    assert changed_file(current.inventory) == str(path)
