"""A page of indented and styled lines for a terminal or a file.

Control characters of names from outside are made visible. Lines are wrapped for a terminal only, so
that the text in a file or a pipe does not depend on where it was made.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Final, TypeAlias, TypeVar

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from fleet_repl.values.text import visible

T = TypeVar("T")

INDENT: Final = "  "
HANGING: Final = "    "
"""The additional indentation of the second and later parts of a wrapped line."""
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


Part: TypeAlias = "str | tuple[str, Style]"


class Page:
    """Lines in the order they are added. Control characters of every part are made visible.

    `full`: long lists are not cut. `cut`: whether a list was cut.
    """

    def __init__(self, *, full: bool = False) -> None:
        self.full = full
        self.cut = False
        self._lines: list[Text] = []

    def add(self, *parts: Part, indent: int = 0) -> None:
        """Adds a line."""
        line = Text(INDENT * indent)
        for part in parts:
            text, style = part if isinstance(part, tuple) else (part, "")
            line.append(visible(text), style)
        self._lines.append(line)

    def gap(self) -> None:
        """Adds an empty line between two blocks, and none at the top."""
        if self._lines and self._lines[-1].plain:
            self._lines.append(Text())

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
        lines = self._lines
        if width is not None:
            lines = [piece for line in lines for piece in _wrapped(line, width)]
        if not colour:
            return "".join(f"{line.plain}\n" for line in lines)
        file = io.StringIO()
        console = Console(
            file=file,
            force_terminal=True,
            color_system="standard",
            legacy_windows=False,
            # The caller has looked at NO_COLOR.
            no_color=False,
        )
        for line in lines:
            console.print(line, soft_wrap=True)
        return file.getvalue()


def _wrapped(line: Text, width: int) -> Iterator[Text]:
    """Yields a line in parts that fit into `width`; a longer word, such as an id, is not broken."""
    start = len(line.plain) - len(line.plain.lstrip())
    hanging = line.plain[:start] + HANGING
    ends, used = [], start
    for word in re.finditer(r"\S+ *", line.plain):
        if used + cell_len(word[0].rstrip()) > width and used > len(hanging):
            ends.append(word.start())
            used = len(hanging)
        used += cell_len(word[0])
    first, *others = line.divide(ends)
    for piece in (first, *(Text(hanging).append_text(rest) for rest in others)):
        piece.rstrip()
        yield piece
