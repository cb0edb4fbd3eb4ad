"""A fleet that was renamed: what was frozen or is being written under the old name."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.support.inventories import fleet_text
from tests.support.simulated import simulate

from fleet_repl import Status
from fleet_repl.values.errors import FrozenError, RefusedError

FORMERLY = '[ownership]\nformerly = ["prod"]\n'


async def test_a_freeze_of_the_old_name_holds() -> None:
    """Renaming is no way around it."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        async with aws.history() as history:
            await history.freeze("prod", who="ops", why="release week")
        aws.rewrite(fleet_text("1>2 base/", name="next", more=FORMERLY))
        with pytest.raises(FrozenError, match="by ops: release week"):
            await aws.applied()
        assert len(aws.world.writes) == 0
        async with aws.connected() as fleet:
            now = await fleet.lock_and_freeze()
        assert now.lock is None
        assert now.freeze is not None
        assert (now.freeze.who, now.freeze.why) == ("ops", "release week")
        async with aws.history() as history:
            await history.unfreeze("prod")
        assert (await aws.applied()).status is Status.OK


async def test_a_run_of_the_old_name_is_waited_for() -> None:
    """Two names are not two fleets."""
    async with simulate(fleet_text("1>2 base/")) as aws, aws.connected(locked=True) as old:
        aws.rewrite(fleet_text("1>2 base/", name="next", more=FORMERLY))
        with pytest.raises(RefusedError) as caught:
            await aws.applied()
        async with aws.connected() as fleet:
            seen = (await fleet.lock_and_freeze()).lock
        assert seen is not None
        assert seen.holder.run_id == old.run_id
        assert seen.ends_at == seen.document.renewed_at + timedelta(seconds=63)
        first, hint = str(caught.value).splitlines()
        assert first.startswith(f"fleet next is busy: apply {old.run_id} of ")
        assert first.endswith("holds the lock of its former name prod")
        assert hint.strip() == "wait until it has ended"
