"""A page of indented and styled lines for a terminal or a file.

Control characters of names from outside are made visible. Lines are wrapped for a terminal only, so
that the text in a file or a pipe does not depend on where it was made.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, TypeAlias, TypeVar

from fleet_repl.values.text import visible

T = TypeVar("T")

INDENT: Final = "  "
FEW: Final = 10
"""Up to this number, all members of a group are named."""
EXAMPLES: Final = 3
"""The number of members that are named of a larger group."""


class Style(StrEnum):
    """The meaning of a piece of text, with the style that rich shows it in."""

    HEADING = "bold"
    ADDED = "green"
    REMOVED = "red"
    CHANGED = "yellow"
    BAD = "bold red"
    FAINT = "dim"
    PASTED = "cyan"
    """A command to run or a statement to paste: its line is never wrapped."""


Part: TypeAlias = "str | tuple[str, Style]"
Line: TypeAlias = tuple[tuple[str, str], ...]
"""Pieces of text, each with its style or an empty text."""


class Page:
    """Lines in the order they are added. Control characters of every part are made visible.

    `full`: long lists are not cut. `cut`: whether a list was cut.
    """

    def __init__(self, *, full: bool = False) -> None:
        self.full = full
        self.cut = False
        self._lines: list[Line] = []

    def add(self, *parts: Part, indent: int = 0) -> None:
        """Adds a line."""
        styled = (part if isinstance(part, tuple) else (part, "") for part in parts)
        line = ((visible(text), style) for text, style in styled)
        self._lines.append(((INDENT * indent, ""), *line))

    def gap(self) -> None:
        """Adds an empty line between two blocks, and none at the top."""
        if self._lines and any(text for text, _ in self._lines[-1]):
            self._lines.append(())

    def heading(self, text: str) -> None:
        """Adds a gap and a bold line, which begin a block."""
        self.gap()
        self.add((text, Style.HEADING))

    def within(self, items: Sequence[T], cap: int) -> Sequence[T]:
        """Returns the first `cap` items; all items on a full page."""
        # A single item more takes no more room than the line `… and 1 more`.
        return items if self.full or len(items) <= cap + 1 else items[:cap]

    def examples(self, items: Sequence[T]) -> Sequence[T]:
        """Returns all items of a few, and on a full page; otherwise the first EXAMPLES."""
        return items if self.full or len(items) <= FEW else items[:EXAMPLES]

    def more(self, left_out: int, *, indent: int = 0) -> None:
        """Adds `… and 7 more` where items were left out."""
        if left_out:
            self.cut = True
            self.add((f"… and {left_out:,} more", Style.FAINT), indent=indent)

    def render(self, *, colour: bool, width: int | None = None) -> str:
        """Returns the page as text.

        `width`: the columns of the terminal; None wraps no line.
        """
        if colour or width is not None:
            from fleet_repl.reports.text.terminal import terminal_text  # noqa: PLC0415 - loads rich

            return terminal_text(self._lines, colour=colour, width=width)
        return "".join("".join((*(text for text, _ in line), "\n")) for line in self._lines)
