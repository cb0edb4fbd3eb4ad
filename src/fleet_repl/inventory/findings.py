"""Findings: every problem of one inventory, collected while the inventory is read.

Of one value only the first problem is kept, so that later checks may run on values that earlier
checks refused. A problem shows the file's own text, never a value that was filled in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from fleet_repl.values.errors import Problem
from fleet_repl.values.text import quoted, spelled

KeyPath: TypeAlias = tuple[str | int, ...]
"""A place in an inventory: `("accounts", 2, "labels", "tier")`."""

SECRET: Final = "external_id"  # noqa: S105 - the name of the key, not its value
"""The key whose value no problem shows."""
MISSING: Final = "is missing"

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_LAST_STEP: Final = re.compile(r'(?:\[\d+\]|(?:^|\.)(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"))$')


def child(parent: str, key: str) -> str:
    """The path of a key in the table at `parent`; quoted where TOML would have to."""
    name = key if _BARE_KEY.fullmatch(key) else quoted(key)
    return f"{parent}.{name}" if parent else name


def item(parent: str, index: int) -> str:
    """The path of an element of the list at `parent`, counted from 0."""
    return f"{parent}[{index}]"


def written(path: KeyPath) -> str:
    """The path as people read it: `accounts[2].labels.tier`."""
    text = ""
    for step in path:
        text = item(text, step) if isinstance(step, int) else child(text, step)
    return text


def nearest_line(lines: Mapping[str, int], key: str) -> int | None:
    """The line of `key`, or of the nearest enclosing key: a missing key has its table's line."""
    while key and key not in lines:
        shorter = _LAST_STEP.sub("", key)
        if shorter == key:
            return None
        key = shorter
    return lines.get(key)


class BadValueError(ValueError):
    """A value is refused: the reason, in words that follow the value's key, and the remedy.

    `meant` is a remedy that repeats the value. Findings show it only where the file itself spells
    the value, and not where the value came out of the environment.
    """

    def __init__(self, message: str, remedy: str | None = None, meant: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.meant = meant


class Findings:
    """Problems of one file; `document` is as parsed, before `${}` is filled in."""

    def __init__(self, file: str, document: Mapping[str, object], lines: Mapping[str, int]) -> None:
        self._file = file
        self._document = document
        self._lines = lines
        self._problems: dict[KeyPath, Problem] = {}
        self._unset: dict[KeyPath, Problem] = {}
        self._touched: set[KeyPath] = set()

    def report(
        self, path: KeyPath, message: str, *, remedy: str | None = None, show: bool = True
    ) -> None:
        """Add a problem at `path`. With `show` the problem quotes the value."""
        if not self._is_reported(path):
            self._touched.update(_starts(path))
            self._problems[path] = self._problem(path, message, remedy=remedy, show=show)

    def check(self, path: KeyPath, check: Callable[[str], object], text: str) -> None:
        """Add a problem at `path` if `check` raises BadValueError for `text`."""
        try:
            check(text)
        except BadValueError as fault:
            self.report(path, fault.message, remedy=fault.remedy)

    def report_unset(self, path: KeyPath, message: str, *, remedy: str | None = None) -> None:
        """Add a problem that matters only where AWS is called."""
        self._unset.setdefault(path, self._problem(path, message, remedy=remedy, show=False))

    def _problem(self, path: KeyPath, message: str, *, remedy: str | None, show: bool) -> Problem:
        value = self.raw(path)
        hidden = not show or value is None or SECRET in path
        return Problem(
            file=self._file,
            line=self.line(path),
            key=written(path),
            message=message,
            value=None if hidden else spelled(value),
            remedy=remedy,
        )

    def has_problem(self, path: KeyPath) -> bool:
        """Returns whether `path`, a key below it, or a table around it has a problem."""
        return path in self._touched or self._is_reported(path)

    def raw(self, path: KeyPath) -> object:
        """The value of the file at `path`; None where the file has no such key."""
        value: object = self._document
        for step in path:
            match value, step:
                case dict(), str() if step in value:
                    value = value[step]
                case list(), int() if step < len(value):
                    value = value[step]
                case _:
                    return None
        return value

    def line(self, path: KeyPath) -> int | None:
        """The line of `path`, or of the nearest enclosing key."""
        return nearest_line(self._lines, written(path))

    def place(self, path: KeyPath) -> str:
        """`path` and its line, for a problem elsewhere to point at."""
        line = self.line(path)
        return written(path) if line is None else f"{written(path)} (line {line})"

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The problems in the order of lines and then keys, those of the whole file first."""
        return tuple(self._problems[path] for path in sorted(self._problems, key=self._order))

    @property
    def unset(self) -> tuple[Problem, ...]:
        """The problems of `report_unset`, in the order of the file."""
        return tuple(self._unset.values())

    def _order(self, path: KeyPath) -> tuple[int, list[tuple[bool, int, str]]]:
        steps = [(True, step, "") if isinstance(step, int) else (False, 0, step) for step in path]
        return self._problems[path].line or 0, steps

    def _is_reported(self, path: KeyPath) -> bool:
        # Most files have no problem, and this is asked for every account of a large fleet.
        return bool(self._problems) and any(start in self._problems for start in _starts(path))


def _starts(path: KeyPath) -> list[KeyPath]:
    """`path` and the paths that enclose it."""
    return [path[:length] for length in range(1, len(path) + 1)]
