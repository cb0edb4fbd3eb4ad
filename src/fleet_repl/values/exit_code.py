"""The exit codes of commands, with the meaning of each in words."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    OK = 0
    ERROR = 1
    PENDING = 2
    REFUSED = 3
    PARTIAL = 4
    USAGE = 64
    INTERRUPTED = 130

    @property
    def meaning(self) -> str:
        """The meaning of the code, in words."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitCode.OK: "done",
    ExitCode.ERROR: "error: no registry could be attempted",
    ExitCode.PENDING: "changes pending",
    ExitCode.REFUSED: "refused as a whole, nothing written",
    ExitCode.PARTIAL: "partial: something failed, was skipped, is held, or could not be read",
    ExitCode.USAGE: "wrong use of the command line",
    ExitCode.INTERRUPTED: "interrupted",
}
