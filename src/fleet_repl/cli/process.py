"""The parts of the process that a command gets, and the ways in which a command ends the process.

Importing this module loads nothing of the library.
"""

from __future__ import annotations

import gc
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fleet_repl.cli.streams import Streams
from fleet_repl.values.exit_code import ExitCode

if TYPE_CHECKING:
    from fleet_repl.cli.library import Library


SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The signals that ask a process to end."""
_COLLECTION: Final = (20_000, 50, 20)
"""The thresholds of Python's garbage collector, in place of its 700, 10 and 10."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandContext:
    """The library and the streams that every command gets, whatever its options."""

    backend: Library | None
    """A library of tests; None for the real one."""
    streams: Streams


def collect_seldom() -> None:
    """Have the garbage collector look less often for values that hold each other.

    A large fleet is millions of small values that all stay in use, and to examine them again and
    again took a quarter of the time of a plan.
    """
    gc.set_threshold(*_COLLECTION)


class Ended(Exception):  # noqa: N818 - a command's end is no error
    """Carries a command's exit code through typer, which would take 2 for wrong usage."""

    def __init__(self, code: ExitCode) -> None:
        self.code = code
        super().__init__(code)
