"""The console of rich that notes, errors and live progress are written to."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console

from fleet_repl.cli.streams import Streams


class _Console(Console):
    """A console that a closed pipe silences; rich's own would end the process in mid-write."""

    def on_broken_pipe(self) -> None:
        self.quiet = True


def console_on(stream: TextIO, streams: Streams) -> Console:
    """A rich console on a stream, which guesses nothing and only prints what it is given."""
    return _Console(
        file=stream,
        force_terminal=streams.can_move(stream),
        color_system="auto" if streams.has_colour(stream) else None,
        highlight=False,
        markup=False,
        emoji=False,
    )
