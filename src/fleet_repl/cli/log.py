"""stderr: notes, errors and log lines, as text or as one JSON object a line.

It never fails and never blocks a run: where nobody listens any more it falls silent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TextIO

from rich.console import Console
from rich.text import Text

from fleet_repl.cli.flags import Format
from fleet_repl.cli.options import Common
from fleet_repl.cli.streams import Streams
from fleet_repl.reports.log_entries import LogEntry, entry_of, json_line
from fleet_repl.runs.events import Event
from fleet_repl.values.canonical_json import Json
from fleet_repl.values.errors import InventoryError, Problem
from fleet_repl.values.text import counted, instant, visible

_STYLES: Mapping[str, str] = {"info": "", "warning": "yellow", "error": "bold red"}


def now() -> datetime:
    """The time of log lines."""
    return datetime.now(UTC)


class Log:
    """What is said on stderr, and how loudly."""

    def __init__(
        self, streams: Streams, options: Common, clock: Callable[[], datetime] = now
    ) -> None:
        self.console = console_on(streams.stderr, streams)
        self._stream = streams.stderr
        self._json = options.log_format is Format.JSON
        self._quiet = options.quiet
        self._verbose = options.verbose
        self._clock = clock

    def event(self, event: Event) -> None:
        """A log line for an event, if lines were asked for and it is worth one."""
        entry = entry_of(event) if self._verbose else None
        if entry is not None:
            self._line(entry)

    def line(self, entry: LogEntry) -> None:
        """A log line that was not asked for; with --quiet only errors."""
        if not self._quiet or entry.level == "error":
            self._line(entry)

    def note(self, message: str) -> None:
        """Something to know now; left out with --quiet."""
        if not self._quiet:
            self._say(LogEntry(event="note", message=message), "")

    def caution(self, message: str) -> None:
        """Something about the result that is easily missed; left out with --quiet."""
        if not self._quiet:
            self._say(LogEntry(level="warning", event="warning", message=message), "warning: ")

    def failure(self, message: str) -> None:
        """Why it did not work. Never left out."""
        self._say(LogEntry(level="error", event="error", message=message), "fleet-repl: ")

    def problems(self, error: InventoryError) -> None:
        """Everything that is wrong with an inventory, and how much that is."""
        for problem in error.problems:
            if self._json:
                self._write_json(_problem_entry(problem))
                continue
            place, remedy = problem_lines(problem)
            self._write(place, "")
            if remedy:
                self._write(f"    {remedy}", "green")
        self.failure(f"{counted(len(error.problems), 'problem')}; nothing was called")

    def block(self, text: str) -> bool:
        """A text of several lines that was made for this stream. Whether it is shown:
        not with --quiet, and not among JSON lines."""
        shown = not self._quiet and not self._json
        if shown:
            self._guard(lambda: print(text, end="", file=self._stream, flush=True))
        return shown

    def trace(self, text: str) -> None:
        """A traceback, for whoever has to find a mistake of ours."""
        if self._json:
            self._write_json(LogEntry(level="error", event="traceback", message=text))
        else:
            for line in text.splitlines():
                self._write(line, "")

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
        self._write(json_line(entry, self._clock()), "")

    def _write(self, line: str, style: str) -> None:
        # The console knows of live progress, and puts lines above it.
        text = Text(visible(line), style)
        self._guard(lambda: self.console.print(text, soft_wrap=True))

    def _guard(self, write: Callable[[], object]) -> None:
        try:
            write()
        except (OSError, ValueError):
            self.console.quiet = True


class _Console(Console):
    """A console that a closed pipe silences; rich's own would end the process in mid-write."""

    def on_broken_pipe(self) -> None:
        self.quiet = True


def console_on(stream: TextIO, streams: Streams) -> Console:
    """rich on a stream, deciding nothing by itself."""
    return _Console(
        file=stream,
        force_terminal=streams.can_move(stream),
        color_system="auto" if streams.has_colour(stream) else None,
        highlight=False,
        markup=False,
        emoji=False,
    )


def problem_lines(problem: Problem) -> tuple[str, str | None]:
    """A problem as a line for what and where, and one for what would be right."""
    place = problem.file if problem.line is None else f"{problem.file}:{problem.line}"
    value = "" if problem.value is None else f" (found {problem.value})"
    return f"{place}: {problem.key}: {problem.message}{value}", problem.remedy


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
