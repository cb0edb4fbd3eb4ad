"""The process's three streams: who is at the other end, and what may be written there.

stdout carries the result and nothing else. Colour is for terminals that want it.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from fleet_repl.errors import FleetError


class OutputError(FleetError):
    """The result cannot be written to stdout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    stdin: TextIO | None
    """None where the process was started without one."""
    stdout: TextIO
    stderr: TextIO
    environ: Mapping[str, str]

    @classmethod
    def of_process(cls) -> Streams:
        """This process's own. What their encodings cannot express is spelled out from now on."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        return cls(stdin=sys.stdin, stdout=sys.stdout, stderr=sys.stderr, environ=os.environ)

    @property
    def keyboard(self) -> TextIO | None:
        """stdin, if somebody sits at it who can be asked."""
        return self.stdin if self.stdin is not None and self.stdin.isatty() else None

    def can_move(self, stream: TextIO) -> bool:
        """Whether what was written can be redrawn."""
        return stream.isatty() and self.environ.get("TERM") not in {"dumb", "unknown"}

    def has_colour(self, stream: TextIO) -> bool:
        """Whether to write colours: on a terminal, unless NO_COLOR is set to anything."""
        return self.can_move(stream) and not self.environ.get("NO_COLOR")

    def emit(self, text: str) -> None:
        """Write the result.

        A reader that has seen enough (`| head`) is no error. Raises OutputError.
        """
        try:
            self.stdout.write(text)
            self.stdout.flush()
        except BrokenPipeError:
            _discard(self.stdout)
        except OSError as error:
            _discard(self.stdout)
            reason = error.strerror or type(error).__name__
            raise OutputError(f"the result cannot be written to stdout: {reason}") from error

    @contextmanager
    def terminal(self, keyboard: TextIO) -> Iterator[TextIO]:
        """Where who sits at `keyboard` can read: not in a file that stderr goes to."""
        if self.stderr.isatty():
            yield self.stderr
        else:
            with Path(os.ttyname(keyboard.fileno())).open("w", encoding="utf-8") as terminal:
                yield terminal


def _discard(stream: TextIO) -> None:
    """Let what is still buffered go nowhere: the interpreter writes it once more at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
