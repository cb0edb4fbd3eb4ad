"""Asking somebody at a terminal, without holding up the event loop or outliving a Ctrl-C."""

from __future__ import annotations

from typing import TextIO

import anyio

YES = frozenset({"y", "yes"})


async def confirm(question: str, *, stdin: TextIO, terminal: TextIO, given_up: anyio.Event) -> bool:
    """Whether the answer is yes. No answer, for want of input or because of `given_up`, is a no.

    A thread that waits for a line could not be called off; waiting until the terminal has one can.
    """
    terminal.write(f"{question} [y/N] ")
    terminal.flush()
    answer = ""
    async with anyio.create_task_group() as group:
        group.start_soon(_give_up, given_up, group.cancel_scope)
        await anyio.wait_readable(stdin)
        answer = stdin.readline()
        group.cancel_scope.cancel()
    if not answer.endswith("\n"):
        terminal.write("\n")
        terminal.flush()
    return answer.strip().lower() in YES


async def _give_up(given_up: anyio.Event, scope: anyio.CancelScope) -> None:
    await given_up.wait()
    scope.cancel()
