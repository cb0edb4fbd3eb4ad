"""Ctrl-C and SIGTERM while a real process writes: it ends in good order, and nothing is left
for the next one to find out."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.survival import Foundation, Reluctant, SetUp
from tests.support.witness import Aftermath

from fleet_repl import Outcome
from fleet_repl.runs.history import Moment

APPLY = ("apply", "fleet.toml", "--yes", "--report", "report.json")
FINISHING = "finishing writes in flight; press Ctrl-C again to stop at once\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.75])
async def test_a_run_that_is_asked_to_stop(
    number: signal.Signals,
    share: float,
    scene: SetUp,
    aftermath: Callable[[Any], Aftermath],
    foundation: Foundation,
) -> None:
    """What is in flight finishes; the journal is complete, the run has ended, the lock is free,
    and the report is there."""
    async with scene(concurrency=4) as made:
        after = aftermath(made)
        with after.witness.watching():
            at = 1 + int(share * foundation.writes[False])
            async with made.started(*APPLY) as running:

                def strike() -> None:
                    if len(made.world.writes) == at:
                        running.send(number)

                after.witness.on_write.append(strike)
                ended = await running.ended()
            assert ended.code == 130, ended.err
            assert FINISHING in ended.err
            report = json.loads((made.folder / "report.json").read_text(encoding="utf-8"))
            assert report["status"] == "interrupted"
            assert len(report["registries"]) == len(made.registries)
            assert at <= len(made.world.writes) < foundation.writes[False]
            assert json.loads((made.state / "prod/lock.json").read_bytes())["holder"] is None
            (past,) = [run for run in await after.runs() if run.meta.holder.pid == running.pid]
            assert past.report is not None
            assert past.report.run_id == report["run_id"]
            lines = [item for item in past.journal if item.moment is Moment.ENDED]
            assert len(lines) * 2 == len(past.journal)
            # Some had been announced and were not sent any more.
            assert {item.outcome for item in lines} <= {Outcome.APPLIED, Outcome.CANCELLED}
            after.witness.agree(past)
            await after.witness.concluded(past)
            await after.converges(foundation.meaning[True], died=None)
            await after.is_at_rest()


async def test_a_run_that_is_asked_twice(
    scene: SetUp,
    reluctant: Reluctant,
    aftermath: Callable[[Any], Aftermath],
    foundation: Foundation,
) -> None:
    """It stops at once without a report; the lock is free, and the next one finds out the rest."""
    reluctant.speak()
    async with scene(concurrency=4, latency=1, clock=reluctant) as made:
        after = aftermath(made)
        with after.witness.watching():
            async with made.started(*APPLY) as running:

                def strike() -> None:
                    if len(made.world.writes) == foundation.writes[False] // 2:
                        reluctant.hush()
                        running.send(signal.SIGINT)

                def again(said: str) -> None:
                    if said.endswith(FINISHING):
                        running.send(signal.SIGINT)

                after.witness.on_write.append(strike)
                ended = await running.ended(on_err=again)
            after.witness.on_write.clear()
            reluctant.speak()
            assert (ended.code, ended.out) == (130, ""), ended.err
            assert ended.err.endswith(f"{FINISHING}stopped at once\n")
            assert json.loads((made.state / "prod/lock.json").read_bytes())["holder"] is None
            died = await after.died(running.pid)
            assert died is not None
            after.witness.agree(died)
            await after.converges(foundation.meaning[True], died=died)
            await after.witness.concluded(died)
            await after.is_at_rest()
