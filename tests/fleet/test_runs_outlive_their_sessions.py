"""Runs that take longer than the sessions of their accounts, because waves are hours apart."""

from __future__ import annotations

from typing import Final

import pytest
from tests.support.inventories import fleet_text
from tests.support.simulated import simulate

from fleet_repl import Event, Status
from fleet_repl.runs.events import CallRetried
from fleet_repl.sandbox import Scenario

PAUSES: Final = {
    "canary": ("1", 'pause = "50m"'),
    "early": ("2", 'pause = "2h"'),
}
ACCOUNTS: Final = 4
LONG: Final = '[apply]\ndeadline = "6h"\n'


@pytest.mark.parametrize(
    ("lasting", "assumed", "refused"),
    [
        # Told by their Expiration: renewed five minutes before it, and no call is refused.
        (None, 3, 0),
        # Ended by AWS before that: each refused session is renewed once.
        (1_200, 3, 2),
    ],
)
async def test_each_session_is_renewed_when_it_is_needed_again(
    lasting: int | None, assumed: int, refused: int
) -> None:
    """The plan, and three waves over three hours. Every account is asked for again once a wave at
    the most, and the run ends well."""
    text = fleet_text("1,2,3>4 base/", accounts=ACCOUNTS, waves=PAUSES, more=LONG)
    scenario = Scenario(sessions_expire_after_seconds=lasting)
    async with simulate(text, scenario) as fleet:
        events: list[Event] = []
        async with fleet.connected(events.append) as connection:
            report = await connection.apply(await connection.plan())
    assert report.status is Status.OK
    assert sum(fleet.clock.slept) >= 170 * 60
    # The destination is written in each wave, a source in its own alone.
    assert fleet.world.calls["AssumeRole"] <= ACCOUNTS * assumed
    retried = [event for event in events if isinstance(event, CallRetried)]
    assert all(event.error.kind == "expired" for event in retried)
    assert len(retried) <= ACCOUNTS * refused
    assert bool(retried) == bool(refused)
