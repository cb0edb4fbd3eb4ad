"""SIGTERM ends a watch cleanly: at once between rounds, and in a round after writes in flight."""

from __future__ import annotations

from dataclasses import replace

import anyio
import pytest
from tests.support.watched import HUB, Stage

from fleet_repl.values.exit_code import ExitCode


async def test_between_rounds_it_ends_at_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing more is connected, and the rest of the pause is not waited for."""
    sleep = stage.clock.sleep

    async def waits_for_ever(seconds: float) -> None:
        if seconds <= 1:
            await sleep(seconds)
            return
        stage.stop.set()
        await anyio.sleep_forever()

    monkeypatch.setattr(stage.clock, "sleep", waits_for_ever)
    with anyio.fail_after(60):
        assert await stage.watch(9, every=60) is ExitCode.OK
    assert len(stage.rounds) == 1
    assert stage.loads == 1


async def test_before_there_is_a_plan_it_is_cut_short(stage: Stage) -> None:
    """The exit code says so; nothing is written, and what was remembered stays."""
    stage.world.tamper(HUB)
    stage.world.while_planning = stage.stop.set
    assert await stage.watch(9, every=60, fix=True) is ExitCode.INTERRUPTED
    assert stage.verdicts == ["interrupted"]
    assert stage.world.writes == []
    assert stage.world.notes == {}
    assert stage.lines("stopping") == ["stopping: writes in flight finish first"]


async def test_while_it_connects_nothing_is_waited_for(stage: Stage) -> None:
    """There is nothing to lose yet, and what it waits for may never answer."""
    stage.world.hangs = True
    stage.world.while_connecting = stage.stop.set
    with anyio.fail_after(60):
        assert await stage.watch(9, every=60) is ExitCode.INTERRUPTED
    (last,) = stage.rounds
    assert (last.verdict, last.error, last.run_id) == ("interrupted", None, None)


async def test_a_connection_that_never_comes_breaks_the_round_only(stage: Stage) -> None:
    """A run's deadline counts for that, too."""
    stage.world.hangs = True
    apply = replace(stage.inventory.apply, deadline=0.01)
    stage.inventory = replace(stage.inventory, apply=apply)

    def between(number: int) -> None:
        stage.world.hangs = False

    assert await stage.watch(2, between, every=60) is ExitCode.OK
    assert stage.verdicts == ["broken", "in-sync"]
    assert stage.rounds[0].error == (
        "the run's deadline of 0.01 s had passed before there was a connection"
    )


async def test_a_round_that_writes_is_ended_and_reported(stage: Stage) -> None:
    """What was not written is cancelled, and the report is there."""
    stage.world.tamper(HUB)
    stage.world.while_writing = stage.stop.set
    assert await stage.watch(9, every=60, fix=True) is ExitCode.INTERRUPTED
    (last,) = stage.rounds
    assert last.report is not None
    assert last.report.status == "interrupted"
    assert last.drift_since == last.started_at


async def test_a_round_that_was_done_anyway_is_no_interruption(stage: Stage) -> None:
    """Stopped as it ends: the exit code is 0."""
    assert await stage.watch(1, every=60) is ExitCode.OK


async def test_stopped_before_the_first_round(stage: Stage) -> None:
    """Nothing is connected at all."""
    stage.stop.set()
    assert await stage.watch(9) is ExitCode.OK
    assert stage.rounds == []
