"""Rounds come first at once and then on time, one at a time, spread over the interval."""

from __future__ import annotations

import random
from typing import Any

import pytest
from tests.support.watched import HUB, A, Stage

from fleet_repl.values.errors import FleetError
from fleet_repl.values.exit_code import ExitCode
from fleet_repl.watch import WatchOptions, watch


async def test_the_first_round_is_at_once_and_others_follow(stage: Stage) -> None:
    """A round that takes a second leaves the rest of the minute to wait."""
    assert await stage.watch(3, every=60) is ExitCode.OK
    assert [round_.number for round_ in stage.rounds] == [1, 2, 3]
    starts = [
        (round_.started_at - stage.rounds[0].started_at).total_seconds() for round_ in stage.rounds
    ]
    assert starts == [0, 60, 120]


async def test_reading_is_spread_but_for_the_first_round(stage: Stage) -> None:
    """Over half the interval, and no longer than a quarter of a run's deadline."""
    await stage.watch(2, every=60)
    assert stage.world.spread == [0, 30]
    stage.world.spread.clear()
    stage.stop = type(stage.stop)()
    await stage.watch(2, every=86400)
    assert stage.world.spread == [0, 7200 / 4]


async def test_rounds_never_overlap_and_missed_ones_are_counted(stage: Stage) -> None:
    """A round that takes two and a half intervals is followed at once by the next."""
    stage.world.took = 25
    await stage.watch(3, every=10)
    assert stage.world.most_connected == 1
    starts = [
        (round_.started_at - stage.rounds[0].started_at).total_seconds() for round_ in stage.rounds
    ]
    assert starts == [0, 25, 50]
    late = (
        "the round took longer than the time between rounds; the next one begins at once, "
        "and 1 round was missed"
    )
    assert stage.lines("late") == [late, late]


async def test_pauses_are_jittered_by_a_tenth(stage: Stage) -> None:
    """Watches that were started together drift apart."""
    dice = random.Random(7)

    def ended(round_: Any) -> None:
        if round_.number == 30:
            stage.stop.set()

    await watch(
        WatchOptions(every=101),
        load=stage.load,
        connect=stage.world.connect,
        log=stage.logged.append,
        stop=stage.stop,
        clock=stage.clock,
        uniform=dice.uniform,
        on_round=ended,
    )
    pauses = [slept for slept in stage.clock.slept if slept > 1]
    assert len(pauses) == 29
    assert all(90 <= pause <= 110 for pause in pauses)
    assert max(pauses) - min(pauses) > 10


@pytest.mark.parametrize("every", [0, -1, float("nan"), float("inf")])
async def test_an_interval_is_a_time(stage: Stage, every: float) -> None:
    """Without one there would be no end of rounds, or none at all."""
    with pytest.raises(
        FleetError, match=r"^the time between rounds has to be more than none, and to end$"
    ):
        await stage.watch(1, every=every)
    assert stage.loads == 0


async def test_once_gives_the_exit_code_of_its_round(stage: Stage) -> None:
    """As cron wants it: 0 in sync, 2 on drift, 4 where something could not be read."""
    assert await stage.watch(9, once=True) is ExitCode.OK
    stage.world.tamper(HUB)
    assert await stage.watch(9, once=True) is ExitCode.PENDING
    stage.world.unreadable.add(A)
    assert await stage.watch(9, once=True) is ExitCode.PARTIAL
    stage.world.no_identity = True
    assert await stage.watch(9, once=True) is ExitCode.ERROR
    assert [round_.number for round_ in stage.rounds] == [1, 1, 1, 1]
    assert stage.verdicts == ["in-sync", "drift", "drift", "broken"]
