"""The process's three streams: terminal, file or pipe, and how to write to each without failing.

stdout carries the result and nothing else. Colour is for terminals that want it.
"""

from __future__ import annotations

import io
import os
import re
import select
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, TextIO

from fleet_repl.values.errors import FleetError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


_PATIENCE: Final = 2.0
"""Seconds that a log line waits for whoever reads stderr."""


_COMMAND: Final = re.compile(r"(?:^|[ `])(?:fleet-repl|aws|timedatectl) [a-z]|^ *\{")
"""A command, or a statement of a policy, to paste: line breaks would damage it."""
_HANGING: Final = "  "
"""The additional indentation of the second and later parts of a wrapped line: less than that of a
remedy, which stands below the message."""


class OutputError(FleetError):
    """The result cannot be written to stdout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    """stdin, stdout, stderr and the environment of a process."""

    stdin: TextIO | None
    """None where the process was started without one."""
    stdout: TextIO
    stderr: TextIO
    environ: Mapping[str, str]

    @classmethod
    def of_process(cls) -> Streams:
        """Returns the streams of this process. From now on a character that their encoding lacks is
        escaped, and bytes that are no text are no crash of whoever asks at the terminal."""
        if isinstance(sys.stdin, io.TextIOWrapper):
            # A caller in this process may have read from it, and then it stays as it is.
            with suppress(io.UnsupportedOperation):
                sys.stdin.reconfigure(errors="surrogateescape")
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        return cls(stdin=sys.stdin, stdout=sys.stdout, stderr=sys.stderr, environ=os.environ)

    @property
    def keyboard(self) -> TextIO | None:
        """stdin if it is a terminal, where somebody can be asked; else None."""
        return self.stdin if self.stdin is not None and self.stdin.isatty() else None

    def content(self) -> BinaryIO:
        """stdin as bytes. Raises FleetError where the process was started without one."""
        if self.stdin is None:
            raise FleetError("there is no standard input to read from")
        return self.stdin.buffer

    def can_move(self, stream: TextIO) -> bool:
        """Returns whether the stream is a terminal on which a line can be redrawn."""
        return stream.isatty() and self.environ.get("TERM") not in {"dumb", "unknown"}

    def has_colour(self, stream: TextIO) -> bool:
        """Returns whether to write colours: on a terminal, unless NO_COLOR is set to anything."""
        return self.can_move(stream) and not self.environ.get("NO_COLOR")

    def width(self, stream: TextIO) -> int | None:
        """Columns of a terminal, by COLUMNS or the terminal itself; None for a file or a pipe,
        where no line is wrapped."""
        if not stream.isatty():
            return None
        columns = self.environ.get("COLUMNS", "")
        if columns.isascii() and columns.isdigit() and int(columns):
            return int(columns)
        try:
            return os.get_terminal_size(stream.fileno()).columns or None
        except (OSError, ValueError):
            return None

    def fitted(self, line: str, stream: TextIO) -> list[str]:
        """Returns a line of words in parts that fit a terminal, broken between words. A line with
        a command to paste stays whole, and so does every line for a file or a pipe."""
        width = self.width(stream)
        if width is None or _COMMAND.search(line):
            return [line]
        from fleet_repl.reports.text.terminal import wrapped  # noqa: PLC0415 - loads rich

        return wrapped(line, width, hanging=_HANGING)

    def words(self, text: str, stream: TextIO) -> str:
        """Returns lines of words as they fit a stream, each with its end."""
        parts = (part for line in text.splitlines() for part in self.fitted(line, stream))
        return "".join(f"{part}\n" for part in parts)

    def emit(self, text: str | Iterable[str]) -> None:
        """Write the result, whole or in pieces, to stdout. Raises OutputError where that fails.

        A reader that stops reading early (`| head`) is no error.
        """
        self.stdout.writelines((text,) if isinstance(text, str) else text)
        self.stdout.flush()
        failure = _failure_of(self.stdout)
        if failure is not None and not isinstance(failure, BrokenPipeError):
            reason = failure.strerror or type(failure).__name__
            raise OutputError(f"the result cannot be written to stdout: {reason}")

    @contextmanager
    def terminal(self, keyboard: TextIO) -> Iterator[TextIO]:
        """A stream to the terminal of `keyboard`: stderr, unless that goes to a file or a pipe."""
        if self.stderr.isatty():
            yield self.stderr
        else:
            with Path(os.ttyname(keyboard.fileno())).open("w", encoding="utf-8") as terminal:
                yield terminal


class _DroppingFile(io.FileIO):
    """A file whose writes never fail: bytes that cannot be written, because the disk is full or
    the reader has gone, are dropped. A run must not end for the sake of its output."""

    failure: OSError | None = None
    """The first failure; from then on everything is dropped."""
    patience: float | None = None
    """Seconds to wait for a reader that has stopped reading; None: for ever."""
    _stalled = False

    def write(self, data: ReadableBuffer, /) -> int:
        # A pipe that is ready takes at least PIPE_BUF bytes without blocking.
        chunk = memoryview(data)[: select.PIPE_BUF]
        try:
            if self.failure is None and self._is_ready():
                return super().write(chunk) or 0
        except OSError as error:
            self.failure = error
        return chunk.nbytes

    def _is_ready(self) -> bool:
        """Returns whether the file takes more bytes. A reader that has stopped reading is waited
        for once, not at every write."""
        patience = 0 if self._stalled else self.patience
        self._stalled = not select.select([], [self], [], patience)[1]
        return not self._stalled


def endure() -> None:
    """Replace stdout and stderr by streams whose writes never fail, and open those of the
    descriptors 0 to 2 that are closed: a connection opened later could else get one of them."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            # The system takes the lowest free descriptor, which is this one.
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = _dropping(1, sys.stdout, patience=None)
    # A run that writes has a lock to renew, and must not block on the reader of its log.
    sys.stderr = _dropping(2, sys.stderr, patience=_PATIENCE)


def _dropping(descriptor: int, stream: TextIO | None, *, patience: float | None) -> TextIO:
    """`stream` (None where the process was started without it) as a stream whose writes never
    fail."""
    file = _DroppingFile(descriptor, "w", closefd=False)
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
    return raw.failure if isinstance(raw, _DroppingFile) else None
