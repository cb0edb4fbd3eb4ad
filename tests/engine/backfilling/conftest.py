"""A small fleet whose backfills are started and followed."""

from __future__ import annotations

import pytest
from anyio.lowlevel import checkpoint
from tests.support.backfilling import Ecr, Scene
from tests.support.clock import NOON, VirtualClock

from fleet_repl.engine.backfill.start import BackfillContext
from fleet_repl.engine.retry import Pace
from fleet_repl.engine.stop import Stop
from fleet_repl.runs.events import Event


@pytest.fixture
def scene() -> Scene:
    clock = VirtualClock(NOON)
    ecr, events = Ecr(clock), list[Event]()
    stop = Stop(clock, 7200, 7200)
    pace = Pace(attempts=4, timeout=30, deadline=7200, clock=clock, uniform=lambda low, high: high)
    how = BackfillContext(
        backfills=ecr, pace=pace, stop=stop, admit=checkpoint, concurrency=2, on_event=events.append
    )
    return Scene(ecr=ecr, clock=clock, stop=stop, how=how, events=events)
