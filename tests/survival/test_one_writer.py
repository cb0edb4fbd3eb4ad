"""Commands that write to one fleet at the same time: one runs, the others are told which."""

from __future__ import annotations

import getpass
import json
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from tests.support.survival import Reluctant, SetUp

APPLY = ("apply", "fleet.toml", "--yes")
BUSY = re.compile(
    r"fleet-repl: fleet prod is busy: (?P<holder>(?P<purpose>\w+) (?P<run>\S+) of (?P<who>\S+) "
    r"\(process (?P<pid>\d+)\)) holds its lock since \S+; last sign of life \d+ s ago\n"
    r"    wait until it has ended; if it is dead, its lock runs out in \d+ s\n"
)
SOON = 60.0
"""Seconds that a refusal may take on a machine that is busy with something else."""


@asynccontextmanager
async def racing(made: Any, *commands: tuple[str, ...]) -> AsyncIterator[tuple[Any, Any]]:
    """Start commands at once: the one that runs, and how the first has ended."""
    ends: dict[int, Any] = {}
    first = anyio.Event()

    async def wait(nth: int, running: Any) -> None:
        ends[nth] = await running.ended()
        first.set()

    async with (
        made.started(*commands[0]) as first_run,
        made.started(*commands[1]) as other,
        anyio.create_task_group() as group,
    ):
        for nth, running in enumerate((first_run, other)):
            group.start_soon(wait, nth, running)
        with anyio.fail_after(SOON):
            await first.wait()
        (loser,) = ends
        winner = (first_run, other)[1 - loser]
        yield winner, ends[loser]
        made.world.clock.speak()
    assert ends[1 - loser].code == 0, ends[1 - loser].err


@pytest.mark.parametrize("attempt", range(3))
async def test_two_applies_started_together(
    scene: SetUp, reluctant: Reluctant, attempt: int
) -> None:
    """Exactly one runs; the other ends while that one still waits for AWS's first answer, names
    it, and has asked AWS for nothing."""
    async with (
        scene(latency=1, clock=reluctant) as made,
        racing(made, APPLY, APPLY) as (winner, refused),
    ):
        assert refused.code == 3, refused.err
        assert winner.process.returncode is None
        message = BUSY.fullmatch(refused.err)
        assert message is not None, refused.err
        holder = json.loads((made.state / "prod/lock.json").read_bytes())["holder"]
        assert (message["purpose"], message["run"]) == ("apply", holder["run_id"])
        assert int(message["pid"]) == winner.pid == holder["pid"]
        assert message["who"] == f"{getpass.getuser()}@{socket.gethostname()}"
        assert refused.out == ""
        # One process has one first call in flight, and gets no further.
        assert sum(made.world.calls.values()) <= 1
    assert len(made.world.writes) > 0


@pytest.mark.parametrize("holder", ["apply", "rollback"])
async def test_apply_and_rollback_keep_each_other_out(
    scene: SetUp, reluctant: Reluctant, holder: str
) -> None:
    """Whichever was first: the other is refused while that one waits for AWS."""
    commands = (APPLY, ("rollback", "last", "fleet.toml", "--yes"))
    first, second = commands if holder == "apply" else commands[::-1]
    called = anyio.Event()
    async with scene(latency=1, clock=reluctant) as made, made.started(*first) as running:
        made.calls.listeners.append(lambda *_: called.set())
        with anyio.fail_after(SOON):
            await called.wait()
        async with made.started(*second) as other:
            refused = await other.ended()
        assert (refused.code, refused.out) == (3, ""), refused.err
        message = BUSY.fullmatch(refused.err)
        assert message is not None, refused.err
        assert (message["purpose"], int(message["pid"])) == (holder, running.pid)
        assert sum(made.world.calls.values()) == 1
        reluctant.speak()
        ended = await running.ended()
        assert ended.code == 0, ended.err


async def test_looking_needs_no_lock(scene: SetUp) -> None:
    """While an apply holds it, plan and drift run through."""
    async with scene() as made, made.connected() as fleet:
        assert fleet.holds_lock
        for command, code in (("plan", 0), ("drift", 2)):
            async with made.started(command, "fleet.toml") as running:
                assert (await running.ended()).code == code
