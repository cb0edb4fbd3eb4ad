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
        self._problems: list[Problem] = []
        self._told: set[KeyPath] = set()
        self._touched: set[KeyPath] = set()

    def tell(
        self, path: KeyPath, message: str, *, remedy: str | None = None, show: bool = True
    ) -> None:
        """Something is wrong at `path`. `show` tells whether the value may be quoted."""
        starts = [path[:length] for length in range(1, len(path) + 1)]
        if any(start in self._told for start in starts):
            return
        self._told.add(path)
        self._touched.update(starts)
        value = self.raw(path)
        hidden = not show or value is None or SECRET in path
        self._problems.append(
            Problem(
                file=self._file,
                line=self.line(path),
                key=written(path),
                message=message,
                value=None if hidden else spelled(value),
                remedy=remedy,
            )
        )

    def about(self, path: KeyPath) -> bool:
        """Whether something at `path` or below it is wrong."""
        return path in self._touched

    def raw(self, path: KeyPath) -> object:
        """What the file has at `path`; None where it has nothing."""
        return found(self._document, path)

    def line(self, path: KeyPath) -> int | None:
        """The line of `path` or of what encloses it."""
        return nearest_line(self._lines, written(path))

    def place(self, path: KeyPath) -> str:
        """`path` and its line, for a problem elsewhere to point at."""
        line = self.line(path)
        return written(path) if line is None else f"{written(path)}, line {line}"

    @property
    def problems(self) -> tuple[Problem, ...]:
        """By line; those of the file as a whole first."""
        return tuple(sorted(self._problems, key=lambda problem: problem.line or 0))
