"""SIGKILL at random points of an apply: nothing is ungranted at any instant, the next run says
what the dead one had done and converges, and the one after it writes nothing."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import anyio
import pytest
from tests.support.survival import Foundation, Scene, SetUp
from tests.support.witness import Aftermath, Witness

from fleet_repl.sandbox import FaultRule

BLOWS = 50


@dataclass(frozen=True)
class Blow:
    """Where a run is killed."""

    nth: int
    when: str
    """At a `call` that arrives, after a `write` that was taken, or some time after a call."""
    share: float
    """Of all the calls, or writes, that an undisturbed run makes."""
    seconds: float

    def __str__(self) -> str:
        return f"{self.nth}-{self.when}-{self.share:.0%}"

    @property
    def fresh(self) -> bool:
        """Whether it is the fleet's first run of all."""
        return self.nth % 5 == 4

    @property
    def back(self) -> bool:
        """Whether the next run is to take all of it back: what is the fleet's own must be known,
        however little of it was made."""
        return self.nth % 5 == 2


def blows() -> list[Blow]:
    """Spread over the whole run, the same ones every time."""
    chance = random.Random(20261123)
    return [
        Blow(
            nth=nth,
            when=chance.choice(("call", "call", "write", "later")),
            share=chance.random(),
            seconds=chance.uniform(0, 0.015),
        )
        for nth in range(BLOWS)
    ]


async def killed(scene: Scene, witness: Witness, blow: Blow, foundation: Foundation) -> int:
    """Let a real apply run into the blow. Its process."""
    struck = anyio.Event()
    world, calls = scene.world, scene.calls
    at_call = 1 + int(blow.share * 0.95 * foundation.calls[blow.fresh])
    at_write = 1 + int(blow.share * foundation.writes[blow.fresh])
    async with scene.started("apply", "fleet.toml", "--yes") as running:

        def called(*_: object) -> None:
            if blow.when == "call" and calls.count == at_call:
                running.send(signal.SIGKILL)
            if blow.when == "later" and calls.count == at_call:
                struck.set()

        def written() -> None:
            if blow.when == "write" and len(world.writes) == at_write:
                running.send(signal.SIGKILL)

        async def strike_later() -> None:
            await struck.wait()
            await anyio.sleep(blow.seconds)
            running.send(signal.SIGKILL)

        calls.listeners.append(called)
        witness.on_write.append(written)
        async with anyio.create_task_group() as group:
            group.start_soon(strike_later)
            ended = await running.ended()
            group.cancel_scope.cancel()
    assert ended.code == -signal.SIGKILL, ended.err
    calls.listeners.remove(called)
    witness.on_write.clear()
    return int(running.pid)


@pytest.mark.parametrize("blow", blows(), ids=str)
async def test_killed_at_a_random_point(
    blow: Blow,
    scene: SetUp,
    aftermath: Callable[[Any], Aftermath],
    foundation: Foundation,
    rough: tuple[FaultRule, ...],
) -> None:
    """With throttling and lost answers; some of the next runs are of the real command too."""
    async with scene(seed=blow.nth, faults=rough, fresh=blow.fresh) as made:
        after = aftermath(made)
        with after.witness.watching():
            pid = await killed(made, after.witness, blow, foundation)
            died = await after.died(pid)
            if died is not None:
                after.witness.agree(died)
            assert after.witness.problems == []
            if blow.back:
                made.change_mind()
            if blow.nth % 7 == 0:
                async with made.started("apply", "fleet.toml", "--yes") as running:
                    ended = await running.ended()
                assert ended.code == 0, ended.err
                assert ("unfinished-run" in ended.err) is (died is not None)
            else:
                await after.converges(foundation.meaning[not blow.back], died=died)
            if died is not None:
                await after.witness.concluded(died)
            await after.is_at_rest()
