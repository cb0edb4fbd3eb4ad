"""SIGKILL at every step of what a run puts down: lock, record, journal, report, in their order.

What is on the disk half-way is never taken for more or less than it is.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from tests.support.survival import Foundation, SetUp
from tests.support.witness import Aftermath

DYING = """
import os, signal, sys
from pathlib import Path
from fleet_repl.cli import main

wanted, nth, moment = sys.argv[1], int(sys.argv[2]), sys.argv[3]
sys.argv[1:] = sys.argv[4:]
replace, write, seen = os.replace, os.write, 0

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def is_it(path):
    global seen
    seen += Path(path).name == wanted
    return Path(path).name == wanted and seen == nth

def dying_replace(source, target, **how):
    hit = is_it(target)
    if hit and moment == "before":
        die()
    replace(source, target, **how)
    if hit:
        die()

def dying_write(handle, content):
    hit = is_it(os.readlink(f"/proc/self/fd/{handle}"))
    if hit and moment == "before":
        die()
    if hit and moment == "half-way":
        write(handle, content[: len(content) // 2])
        die()
    done = write(handle, content)
    if hit:
        die()
    return done

os.replace, os.write = dying_replace, dying_write
main()
"""
"""The command line, but for the moment at which it dies: at the nth time that a file is put in
its place or, of the journal, written to."""


@dataclass(frozen=True)
class Step:
    """A step of a run at which it dies, and what it leaves."""

    file: str
    nth: int
    moment: str
    remembered: bool = True
    """Whether anybody knows of the run."""
    ended: bool = False
    """Whether it had said that it has ended."""
    fresh: bool = False
    """Whether nothing at all was there before."""

    def __str__(self) -> str:
        return f"{self.moment}-{self.file}-{self.nth}"


STEPS = (
    Step("lock.json", 1, "before", remembered=False, fresh=True),
    Step("lock.json", 1, "after", remembered=False, fresh=True),
    Step("runs.json", 1, "before", remembered=False, fresh=True),
    Step("runs.json", 1, "after", remembered=False, fresh=True),
    Step("plan.json", 1, "before", remembered=False, fresh=True),
    Step("before.json", 1, "before", remembered=False, fresh=True),
    Step("runs.json", 2, "before", remembered=False, fresh=True),
    Step("runs.json", 2, "after", remembered=False, fresh=True),
    Step("run.json", 1, "before", remembered=False, fresh=True),
    Step("run.json", 1, "after", fresh=True),
    Step("applied.json", 1, "before", fresh=True),
    Step("applied.json", 1, "after"),
    Step("journal.jsonl", 1, "before", fresh=True),
    Step("journal.jsonl", 1, "half-way"),
    Step("journal.jsonl", 1, "after"),
    Step("journal.jsonl", 4, "half-way"),
    Step("applied.json", 2, "before"),
    Step("traces.json", 1, "before"),
    Step("report.json", 1, "before"),
    Step("ended.json", 1, "before"),
    Step("ended.json", 1, "after", ended=True),
    Step("runs.json", 3, "before", ended=True),
    Step("lock.json", 2, "before", ended=True),
)


@pytest.mark.parametrize("step", STEPS, ids=str)
async def test_killed_at_a_step(
    step: Step, scene: SetUp, aftermath: Callable[[Any], Aftermath], foundation: Foundation
) -> None:
    """The next run takes over, tells of a run that is remembered, and makes everything good."""
    async with scene(fresh=step.fresh) as made:
        after = aftermath(made)
        with after.witness.watching():
            program = ("-c", DYING, step.file, str(step.nth), step.moment)
            async with made.started("apply", "fleet.toml", "--yes", program=program) as running:
                ended = await running.ended()
            assert ended.code == -signal.SIGKILL, ended.err
            died = await after.died(running.pid)
            assert (died is not None) is (step.remembered and not step.ended)
            if died is not None:
                after.witness.agree(died)
            await after.converges(foundation.meaning[True], died=died)
            if died is not None:
                await after.witness.concluded(died)
            await after.is_at_rest()
