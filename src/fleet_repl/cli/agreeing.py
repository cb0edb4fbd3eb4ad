"""Show what is about to be written, and ask whether it may be."""

from __future__ import annotations

from collections.abc import Callable
from typing import TextIO

import anyio.to_thread

from fleet_repl.cli.prompt import confirm
from fleet_repl.cli.session import Session


async def agreed(
    session: Session,
    question: str,
    shown: Callable[[TextIO], str],
    keyboard: TextIO,
    *,
    seen: bool,
) -> bool:
    """Ask. Being interrupted is no agreement, and stops the fleet.

    `shown` gives the text that the question is about as it fits a stream; `seen`: it stands on
    stderr already.
    """
    streams = session.call.streams
    with (
        streams.terminal(keyboard) as terminal,
        session.interrupts.stopping(session.fleet.stop),
    ):
        if not seen or terminal is not streams.stderr:
            # Nobody can agree to what they have not seen.
            terminal.write(await anyio.to_thread.run_sync(shown, terminal))
        return await confirm(
            question, stdin=keyboard, terminal=terminal, given_up=session.interrupts.requested
        )
