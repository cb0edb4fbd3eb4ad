"""stderr: notes, errors and log lines, as text or as one JSON object a line.

Writing to it never fails and never blocks a run: where nobody reads any more it falls silent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fleet_repl.cli.flags import STANDARD_INPUT, Format
from fleet_repl.cli.options import CommonOptions
from fleet_repl.cli.streams import Streams
from fleet_repl.reports.log_entry import LogEntry, json_line
from fleet_repl.values.canonical_json import Json
from fleet_repl.values.errors import InventoryError, Problem
from fleet_repl.values.text import counted, instant, visible

if TYPE_CHECKING:
    from rich.console import Console

    from fleet_repl.runs.events import Event

_STYLES: Mapping[str, str] = {"info": "", "warning": "yellow", "error": "bold red"}


_WITH_INVENTORY: Final = re.compile(r"fleet-repl ([a-z]+) INVENTORY\b")


def now() -> datetime:
    """The time of log lines."""
    return datetime.now(UTC)


class Log:
    """The messages of a command on stderr, as its options want them."""

    def __init__(
        self, streams: Streams, options: CommonOptions, clock: Callable[[], datetime] = now
    ) -> None:
        self._streams = streams
        self._json = options.log_format is Format.JSON
        self._quiet = options.quiet
        self._verbose = options.verbose
        self._clock = clock
        self._inventory: Path | None = getattr(options, "inventory", None)
        self._state: str | None = getattr(options, "state", None)

    @cached_property
    def console(self) -> Console:
        """The console that lines are written to, and live progress too."""
        from fleet_repl.cli.console import console_on  # noqa: PLC0415 - many runs write no line

        return console_on(self._streams.stderr, self._streams)

    def event(self, event: Event) -> None:
        """With --verbose, write the log line of an event that has one."""
        if not self._verbose:
            return
        from fleet_repl.reports.log_entries import entry_of  # noqa: PLC0415 - loads all events

        if (entry := entry_of(event)) is not None:
            self._line(entry)

    def line(self, entry: LogEntry) -> None:
        """Write a log line whether or not --verbose is given; with --quiet only errors."""
        if not self._quiet or entry.level == "error":
            self._line(entry)

    def note(self, message: str) -> None:
        """Write a note; nothing with --quiet."""
        if not self._quiet:
            self._say(LogEntry(event="note", message=message), "")

    def paste(self, line: str) -> None:
        """Write a line of a text to paste, which is whole at a terminal too; nothing with
        --quiet."""
        if self._json:
            self.note(line)
        elif not self._quiet:
            self._print(line, "")

    def write_warning(self, message: str) -> None:
        """Write a warning about the result; nothing with --quiet."""
        if not self._quiet:
            self._say(LogEntry(level="warning", event="warning", message=message), "warning: ")

    def failure(self, message: str) -> None:
        """Write an error. --quiet does not silence it.

        `fleet-repl COMMAND INVENTORY` in it becomes a command to paste, where the command that
        failed has an inventory.
        """
        entry = LogEntry(level="error", event="error", message=self._to_paste(message))
        self._say(entry, "fleet-repl: ")

    def problems(self, error: InventoryError) -> None:
        """Write every problem of an inventory, and their number."""
        for problem in error.problems:
            if self._json:
                self._write_json(_problem_entry(problem))
                continue
            self._write(problem.headline, "")
            if problem.remedy:
                self._write(f"    {problem.remedy}", "green")
        done = "written" if error.discovered else "called"
        self.failure(f"{counted(len(error.problems), 'problem')}; nothing was {done}")

    def block(self, text: str) -> bool:
        """Write a text of several lines, made for this stream, as it is.

        Returns whether it was written: not with --quiet, and not among JSON lines.
        """
        shown = not self._quiet and not self._json
        if shown:
            self._guard(lambda: print(text, end="", file=self._streams.stderr, flush=True))
        return shown

    def trace(self, text: str) -> None:
        """Write a traceback, for whoever looks for a defect of this program."""
        if self._json:
            self._write_json(LogEntry(level="error", event="traceback", message=text))
        else:
            for line in text.splitlines():
                self._print(line, "")

    def _to_paste(self, message: str) -> str:
        if self._inventory is None or self._inventory == STANDARD_INPUT:
            return message
        from fleet_repl.inventory.advice import spelled  # noqa: PLC0415 - only errors need it

        path = str(self._inventory)
        return _WITH_INVENTORY.sub(lambda match: spelled(match[1], path, self._state), message)

    def _line(self, entry: LogEntry) -> None:
        if self._json:
            self._write_json(entry)
            return
        line = f"{instant(self._clock())} {entry.level:<7} {entry.message}"
        self._write(line, _STYLES[entry.level])

    def _say(self, entry: LogEntry, prefix: str) -> None:
        if self._json:
            self._write_json(entry)
        else:
            for line in f"{prefix}{entry.message}".splitlines():
                self._write(line, _STYLES[entry.level])

    def _write_json(self, entry: LogEntry) -> None:
        self._print(json_line(entry, self._clock()), "")

    def _write(self, line: str, style: str) -> None:
        for part in self._streams.fitted(visible(line), self._streams.stderr):
            self._print(part, style)

    def _print(self, line: str, style: str) -> None:
        # The console knows of live progress, and puts lines above it.
        self._guard(lambda: self.console.print(visible(line), style=style, soft_wrap=True))

    def _guard(self, write: Callable[[], object]) -> None:
        try:
            write()
        except (OSError, ValueError):
            self.console.quiet = True


def failure_in_json(streams: Streams, message: str) -> None:
    """Write an error as a JSON line, before there are any options."""
    Log(streams, CommonOptions(log_format=Format.JSON)).failure(message)


def problem_document(problem: Problem) -> dict[str, Json]:
    """A problem as a JSON object."""
    return {
        "file": problem.file,
        "line": problem.line,
        "key": problem.key,
        "message": problem.message,
        "value": problem.value,
        "remedy": problem.remedy,
    }


def _problem_entry(problem: Problem) -> LogEntry:
    return LogEntry(
        level="error",
        event="problem",
        message=problem.message,
        fields=problem_document(problem),
    )
