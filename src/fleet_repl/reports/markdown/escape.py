"""Text from outside within Markdown.

Markdown, and GitHub after it, read signs in a text: cells, tags, links, emphasis, mentions,
references to issues, formulas, emoji. All but a few harmless characters are written as character
references, which Markdown takes for the characters themselves. GitHub looks for mentions and
references in what comes of that, but not within `<code>`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from fleet_repl.values.text import shortened, visible

LONGEST: Final = 500
"""The most characters of a text from outside."""

# A hyphen, a full stop and a colon are harmless where they are not followed by what a list, a link
# or an emoji would go on with.
_PLAIN: Final = re.compile(r"[^\W_]|[ ,/();%']|(?<=[^\W_])-(?=[^\W_])|(?<=[^\W_])[.:](?= |$)")
_CALLING: Final = ("@", "#")
"""The signs that begin a mention of a person, and a reference to an issue."""


def prose(text: str) -> str:
    """Returns a sentence as Markdown on one line, inert whatever is in it."""
    return _escaped(text, lambda sign: f"<code>{_reference(sign)}</code>")


def code(text: str) -> str:
    """Returns a name as Markdown in code, inert whatever is in it."""
    return f"<code>{_escaped(text, _reference)}</code>" if text else ""


def remedy(text: str) -> str:
    """Returns what to do, and below it in code what to run or to paste."""
    first, *lines = text.splitlines() or [""]
    return "<br>".join([f"→ {prose(first)}", *map(code, lines)])


def row(cells: Iterable[str]) -> str:
    """Returns a row of a table, of cells that are Markdown already."""
    return f"| {' | '.join(cells)} |"


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Returns a table, of cells that are Markdown already."""
    names = list(header)
    return "\n".join([row(names), row("---" for _ in names), *map(row, rows)])


def _escaped(text: str, calling: Callable[[str], str]) -> str:
    shown = visible(shortened(text, LONGEST))
    plain = {match.start() for match in _PLAIN.finditer(shown)}
    return "".join(
        sign if place in plain else calling(sign) if sign in _CALLING else _reference(sign)
        for place, sign in enumerate(shown)
    )


def _reference(sign: str) -> str:
    return f"&#{ord(sign)};"
