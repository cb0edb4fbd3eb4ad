"""The parts of the process that a command gets, and the ways in which a command ends the process.

Importing this module loads nothing of the library.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fleet_repl.cli.streams import Streams
from fleet_repl.values.exit_code import ExitCode

if TYPE_CHECKING:
    from fleet_repl.cli.library import Library


SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The signals that ask a process to end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandContext:
    """The library and the streams that every command gets, whatever its options."""

    backend: Library | None
    """A library of tests; None for the real one."""
    streams: Streams


class Ended(Exception):  # noqa: N818 - a command's end is no error
    """Carries a command's exit code through typer, which would take 2 for wrong usage."""

    def __init__(self, code: ExitCode) -> None:
        self.code = code
        super().__init__(code)
