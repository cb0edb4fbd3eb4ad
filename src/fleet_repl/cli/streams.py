"""The process's three streams: who is at the other end, and what may be written there.

stdout carries the result and nothing else. Colour is for terminals that want it.
"""

from __future__ import annotations

import io
import os
import select
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, TextIO

from fleet_repl.values.errors import FleetError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


_PATIENCE: Final = 2.0
"""Seconds that a log line waits for whoever reads stderr."""


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

    def content(self) -> BinaryIO:
        """What stdin holds. Raises FleetError where the process was started without one."""
        if self.stdin is None:
            raise FleetError("there is no standard input to read from")
        return self.stdin.buffer

    def can_move(self, stream: TextIO) -> bool:
        """Whether what was written can be redrawn."""
        return stream.isatty() and self.environ.get("TERM") not in {"dumb", "unknown"}

    def has_colour(self, stream: TextIO) -> bool:
        """Whether to write colours: on a terminal, unless NO_COLOR is set to anything."""
        return self.can_move(stream) and not self.environ.get("NO_COLOR")

    def width(self, stream: TextIO) -> int | None:
        """Columns of the terminal that it is, as COLUMNS or the terminal says; None: wrap nothing,
        in a file or a pipe a line is whole."""
        if not stream.isatty():
            return None
        said = self.environ.get("COLUMNS", "")
        if said.isascii() and said.isdigit() and int(said):
            return int(said)
        try:
            return os.get_terminal_size(stream.fileno()).columns or None
        except (OSError, ValueError):
            return None

    def emit(self, text: str) -> None:
        """Write the result.

        A reader that has seen enough (`| head`) is no error. Raises OutputError.
        """
        self.stdout.write(text)
        self.stdout.flush()
        failure = _failure_of(self.stdout)
        if failure is not None and not isinstance(failure, BrokenPipeError):
            reason = failure.strerror or type(failure).__name__
            raise OutputError(f"the result cannot be written to stdout: {reason}")

    @contextmanager
    def terminal(self, keyboard: TextIO) -> Iterator[TextIO]:
        """Where who sits at `keyboard` can read: not in a file that stderr goes to."""
        if self.stderr.isatty():
            yield self.stderr
        else:
            with Path(os.ttyname(keyboard.fileno())).open("w", encoding="utf-8") as terminal:
                yield terminal


class _Enduring(io.FileIO):
    """A file that takes whatever is written to it. What it has no place for, because a disk is
    full or a reader has gone, is dropped: nothing that a program does may depend on that."""

    failure: OSError | None = None
    """Why everything is dropped from now on."""
    patience: float | None = None
    """Seconds to wait for a reader that has stopped reading; None: for ever."""
    _stalled = False

    def write(self, data: ReadableBuffer, /) -> int:
        # Whatever a pipe is ready for it takes so much of without making anybody wait.
        chunk = memoryview(data)[: select.PIPE_BUF]
        try:
            if self.failure is None and self._is_ready():
                return super().write(chunk) or 0
        except OSError as error:
            self.failure = error
        return chunk.nbytes

    def _is_ready(self) -> bool:
        """Whether it takes more by now. Who has stopped reading is waited for once."""
        patience = 0 if self._stalled else self.patience
        self._stalled = not select.select([], [self], [], patience)[1]
        return not self._stalled


def endure() -> None:
    """Make this process's streams take whatever is written to them from now on, and leave no
    descriptor of theirs to a file or a connection that is opened later."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            # The lowest free one is taken, which is this.
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = _enduring(1, sys.stdout, patience=None)
    # A run that writes has a lock to renew, and must not stand still for the reader of its log.
    sys.stderr = _enduring(2, sys.stderr, patience=_PATIENCE)


def _enduring(descriptor: int, stream: TextIO | None, *, patience: float | None) -> TextIO:
    """`stream`, which is None where the process was started without one."""
    file = _Enduring(descriptor, "w", closefd=False)
    file.patience = patience
    return io.TextIOWrapper(
        io.BufferedWriter(file),
        encoding="utf-8" if stream is None else stream.encoding,
        errors="backslashreplace",
        newline=None,
        line_buffering=True,
    )


def _failure_of(stream: TextIO) -> OSError | None:
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    return raw.failure if isinstance(raw, _Enduring) else None
