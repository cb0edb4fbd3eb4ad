"""The lines of a page in the colours and the width of a terminal."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from fleet_repl.reports.text.page import Line, Style

HANGING: Final = "    "
"""The additional indentation of the second and later parts of a wrapped line."""


def terminal_text(lines: Iterable[Line], *, colour: bool, width: int | None) -> str:
    """Returns lines as text, with escape codes if `colour`. `width`: the columns of the terminal;
    None wraps no line."""
    texts = [piece for line in lines for piece in _pieces(line, width)]
    if not colour:
        return "".join(f"{text.plain}\n" for text in texts)
    file = io.StringIO()
    console = Console(
        file=file,
        force_terminal=True,
        color_system="standard",
        legacy_windows=False,
        # The caller has looked at NO_COLOR.
        no_color=False,
    )
    for text in texts:
        console.print(text, soft_wrap=True)
    return file.getvalue()


def wrapped(text: str, width: int, *, hanging: str = HANGING) -> list[str]:
    """Returns a line of text in parts that fit into `width`, each but the first with `hanging` as
    its additional indentation."""
    return [piece.plain for piece in _wrapped(Text(text), width, hanging)]


def _pieces(line: Line, width: int | None) -> Iterable[Text]:
    text = Text.assemble(*line)
    pasted = any(style == Style.PASTED for _, style in line)
    return [text] if width is None or pasted else _wrapped(text, width, HANGING)


def _wrapped(line: Text, width: int, additional: str) -> Iterator[Text]:
    """Yields a line in parts that fit into `width`; a longer word, such as an id, is not broken."""
    start = len(line.plain) - len(line.plain.lstrip())
    hanging = line.plain[:start] + additional
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
