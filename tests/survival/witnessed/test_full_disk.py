"""A disk that takes no more: nothing is written that cannot be remembered, and the command says
so. The size of the process's files is limited from outside, as a full disk would."""

from __future__ import annotations

import resource
import shutil
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.survival import Foundation, SetUp
from tests.support.witness import Aftermath

TINY = 100
"""Bytes: no document of the state is so short."""


def fill(pid: int) -> None:
    """Let a process write to no file any more, beyond a few bytes."""
    _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (TINY, most))


async def test_full_before_the_first_write(
    scene: SetUp, aftermath: Callable[[Any], Aftermath], foundation: Foundation
) -> None:
    """The run is refused as a whole, and what it could not put down hurts nobody."""
    async with scene() as made:
        after = aftermath(made)
        with after.witness.watching():
            async with made.started("apply", "fleet.toml", "--yes") as running:

                def filling(*_: object) -> None:
                    fill(running.pid)

                made.calls.listeners.append(filling)
                ended = await running.ended()
                made.calls.listeners.remove(filling)
            assert (ended.code, ended.out) == (1, "")
            last = ended.err.splitlines()[-1]
            assert last.startswith("fleet-repl: the fleet's state cannot be written: ")
            assert last.endswith("/lock.json: File too large")
            assert made.world.writes == []
            await after.converges(foundation.meaning[True], died=None)
            await after.is_at_rest()


@pytest.mark.parametrize("at", [1, 20])
async def test_full_while_writing(
    at: int, scene: SetUp, aftermath: Callable[[Any], Aftermath], foundation: Foundation
) -> None:
    """What is on its way finishes, nothing follows, and report and exit code say why."""
    async with scene(concurrency=4) as made:
        after = aftermath(made)
        with after.witness.watching():
            async with made.started("apply", "fleet.toml", "--yes") as running:

                def filling() -> None:
                    if len(made.world.writes) == at:
                        fill(running.pid)

                after.witness.on_write.append(filling)
                ended = await running.ended()
            after.witness.on_write.clear()
            assert ended.code == 4, ended.err
            assert "the run's journal cannot be written any more: the fleet's state " in ended.out
            assert "File too large" in ended.out
            assert "the run's report could not be kept" in ended.out + ended.err
            # As many as could have been let in before, and no more.
            assert at <= len(made.world.writes) <= at + 4
            died = await after.died(running.pid)
            assert died is not None
            await after.converges(foundation.meaning[True], died=died)
            await after.witness.concluded(died)
            await after.is_at_rest()


async def test_gone_while_writing(
    scene: SetUp, aftermath: Callable[[Any], Aftermath], foundation: Foundation
) -> None:
    """A state location that vanishes is not made anew half-way through: nothing follows what is on
    its way. Once it is back, the next run goes on from there."""
    async with scene(concurrency=4) as made:
        after = aftermath(made)
        away = made.folder / "away"
        async with made.started("apply", "fleet.toml", "--yes") as running:

            def vanish(*_: object) -> None:
                if len(made.world.writes) >= 20 and not away.exists():
                    made.state.rename(away)

            made.calls.listeners.append(vanish)
            ended = await running.ended()
        made.calls.listeners.clear()
        assert ended.code == 4, ended.err
        assert "the run's journal cannot be written any more: " in ended.out
        assert "No such file or directory" in ended.out
        assert 20 <= len(made.world.writes) <= 24
        shutil.rmtree(made.state)
        away.rename(made.state)
        with after.witness.watching():
            died = await after.died(running.pid)
            assert died is not None
            await after.converges(foundation.meaning[True], died=died)
            await after.is_at_rest()
