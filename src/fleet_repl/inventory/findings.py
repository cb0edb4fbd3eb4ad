"""Findings: everything wrong with one inventory, collected on the way through it.

Of one value only the first thing wrong is told, so that later checks may run on values that
earlier ones refused. What is shown is always the file's own text, never a filled-in value.
"""

from __future__ import annotations

from collections.abc import Mapping

from fleet_repl.errors import Problem
from fleet_repl.inventory.paths import KeyPath, found, nearest_line, written
from fleet_repl.inventory.spelling import spelled

SECRET = "external_id"  # noqa: S105 - the name of the key, not its value
"""The key whose value no problem shows."""


class Findings:
    """Problems of one file; `document` is as parsed, before `${}` is filled in."""

    def __init__(self, file: str, document: Mapping[str, object], lines: Mapping[str, int]) -> None:
        self._file = file
        self._document = document
        self._lines = lines
        self._problems: dict[KeyPath, Problem] = {}
        self._unset: dict[KeyPath, Problem] = {}
        self._touched: set[KeyPath] = set()

    def tell(
        self, path: KeyPath, message: str, *, remedy: str | None = None, show: bool = True
    ) -> None:
        """Something is wrong at `path`. `show` tells whether the value may be quoted."""
        if self._is_told(path):
            return
        self._touched.update(_starts(path))
        self._problems[path] = self._problem(path, message, remedy=remedy, show=show)

    def excuse(self, path: KeyPath, message: str, *, remedy: str | None = None) -> None:
        """Something is wrong at `path` that matters only where AWS is called."""
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

    def about(self, path: KeyPath) -> bool:
        """Whether something is wrong at `path`, below it, or with what encloses it."""
        return path in self._touched or self._is_told(path)

    def raw(self, path: KeyPath) -> object:
        """What the file has at `path`; None where it has nothing."""
        return found(self._document, path)

    def line(self, path: KeyPath) -> int | None:
        """The line of `path` or of what encloses it."""
        return nearest_line(self._lines, written(path))

    def place(self, path: KeyPath) -> str:
        """`path` and its line, for a problem elsewhere to point at."""
        line = self.line(path)
        return written(path) if line is None else f"{written(path)} (line {line})"

    @property
    def problems(self) -> tuple[Problem, ...]:
        """By line, those of the file as a whole first; on one line by key."""
        return tuple(self._problems[path] for path in sorted(self._problems, key=self._order))

    @property
    def unset(self) -> tuple[Problem, ...]:
        """What was excused, in the order of the file."""
        return tuple(self._unset.values())

    def _order(self, path: KeyPath) -> tuple[int, list[tuple[bool, int, str]]]:
        steps = [(True, step, "") if isinstance(step, int) else (False, 0, step) for step in path]
        return self._problems[path].line or 0, steps

    def _is_told(self, path: KeyPath) -> bool:
        # Mostly nothing is wrong, and this is asked for every account of a large fleet.
        return bool(self._problems) and any(start in self._problems for start in _starts(path))


def _starts(path: KeyPath) -> list[KeyPath]:
    """`path` and everything that encloses it."""
    return [path[:length] for length in range(1, len(path) + 1)]
