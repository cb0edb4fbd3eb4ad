"""A list of work that is made while it is worked on: never more of it than is being done."""

from __future__ import annotations

from collections.abc import Iterator

import anyio
import pytest

from fleet_repl.engine.workers import work_through


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_no_item_is_made_before_its_turn(concurrency: int) -> None:
    """Millions of repositories may be to be compared, and each knows its destinations."""
    done: list[int] = []
    made = most = 0

    def items() -> Iterator[int]:
        nonlocal made
        for number in range(10):
            made += 1
            yield number

    async def work(item: int) -> None:
        nonlocal most
        most = max(most, made - len(done))
        await anyio.lowlevel.checkpoint()
        done.append(item)

    await work_through(items(), work, concurrency=concurrency, stop=None)
    assert sorted(done) == [*range(10)]
    assert most == concurrency
