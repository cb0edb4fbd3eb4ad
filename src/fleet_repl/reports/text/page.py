"""A page of lines for a terminal or a file: indented, styled, harmless.

Lines are wrapped for a terminal only: in a file or a pipe, the text depends on nothing but what it
says.
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
"""How much farther the rest of a wrapped line is indented."""
FEW: Final = 10
"""So many that share a reason are all named."""
EXAMPLES: Final = 3
"""So many are named where there are more."""


class Style(StrEnum):
    """What a piece of text means, in rich's words."""

    HEADING = "bold"
    ADDED = "green"
    REMOVED = "red"
    CHANGED = "yellow"
    BAD = "bold red"
    FAINT = "dim"


Part: TypeAlias = "str | tuple[str, Style]"


class Page:
    """Collects lines. Every part is made visible: no caller has to think of it.

    `full` lifts the caps on long lists; otherwise `cut` tells whether anything was left out.
    """

    def __init__(self, *, full: bool = False) -> None:
        self.full = full
        self.cut = False
        self._lines: list[Text] = []

    def add(self, *parts: Part, indent: int = 0) -> None:
        """One line."""
        line = Text(INDENT * indent)
        for part in parts:
            text, style = part if isinstance(part, tuple) else (part, "")
            line.append(visible(text), style)
        self._lines.append(line)

    def gap(self) -> None:
        """An empty line between two blocks; none at the top."""
        if self._lines and self._lines[-1].plain:
            self._lines.append(Text())

    def heading(self, text: str) -> None:
        """A line that starts a block."""
        self.gap()
        self.add((text, Style.HEADING))

    def within(self, items: Sequence[T], cap: int) -> Sequence[T]:
        """The first `cap` items; all of them on a full page."""
        # One that is left out takes as much room as the line that says so.
        return items if self.full or len(items) <= cap + 1 else items[:cap]

    def examples(self, items: Sequence[T]) -> Sequence[T]:
        """All items where they are few or the page is full, otherwise the first of them."""
        return items if self.full or len(items) <= FEW else items[:EXAMPLES]

    def more(self, left_out: int, *, indent: int = 0) -> None:
        """Say how many items `within` left out, if any."""
        if left_out:
            self.cut = True
            self.add((f"… and {left_out:,} more", Style.FAINT), indent=indent)

    def render(self, *, colour: bool, width: int | None = None) -> str:
        """The whole page, each line ending with a newline; `width`: that of the terminal."""
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
            # Whoever asks for colour has asked NO_COLOR before.
            no_color=False,
        )
        for line in lines:
            console.print(line, soft_wrap=True)
        return file.getvalue()


def _wrapped(line: Text, width: int) -> Iterator[Text]:
    """The line in pieces that fit where its words do: an id is never broken."""
    start = len(line.plain) - len(line.plain.lstrip())
    hanging = line.plain[:start] + HANGING
    ends, used = [], start
    for word in re.finditer(r"\S+ *", line.plain):
        if used + cell_len(word[0].rstrip()) > width and used > len(hanging):
            ends.append(word.start())
            used = len(hanging)
        used += cell_len(word[0])
    first, *others = line.divide(ends)
    for piece in (first, *(Text(hanging).append_text(one) for one in others)):
        piece.rstrip()
        yield piece
