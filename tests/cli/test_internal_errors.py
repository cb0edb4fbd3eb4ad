"""Mistakes of ours: one line for the reader, a traceback only on demand."""

from __future__ import annotations

import anyio
from tests.support.command_line import Cli, FakeFleet

LINE = (
    "internal error: ZeroDivisionError: division by zero. This is a mistake in fleet-repl; "
    "please report it to the project, with "
)


async def broken() -> None:
    """A mistake in a child task, wrapped by its group."""

    async def divide() -> None:
        _ = 1 / 0

    async with anyio.create_task_group() as group:
        group.start_soon(divide)


def test_one_line(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """Type, message and what to do; code 1."""
    fleet.planning = broken
    ended = cli("plan", inventory)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == f"fleet-repl: {LINE}what it says with -v\n"


def test_with_v(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """The traceback first, the line last."""
    fleet.planning = broken
    ended = cli("plan", inventory, "-v")
    assert ended.err.startswith("Traceback (most recent call last):\n")
    assert "in divide\n" in ended.err
    assert ended.err.endswith(f"fleet-repl: {LINE}this output\n")
