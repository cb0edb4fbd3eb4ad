"""A page of Markdown that fits a comment at GitHub.

What does not fit is left out line by line, and the page says how much that is. Blocks are added in
order of their weight, since the first ones find room.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from fleet_repl.reports.markdown.escape import table

MOST: Final = 65_536
"""The most characters of a comment."""

SHARE: Final = 12_000
"""The most characters of a list beside others."""

_RESERVED: Final = 200
"""The characters of the note on what was left out whole."""
_OF_MORE: Final = 120
"""The characters of the note at the end of a list."""


class Page:
    """Blocks of Markdown, each a paragraph, a table or a list, with an empty line between them."""

    def __init__(self, most: int = MOST) -> None:
        self._blocks: list[str] = []
        self._left = most - _RESERVED
        self._is_cut = False

    @property
    def left(self) -> int:
        """The number of characters that there is room for."""
        return self._left

    def add(self, block: str) -> None:
        """Adds a block if there is room for it; otherwise the page says that it was left out."""
        if len(block) + 2 > self._left:
            self._is_cut = True
            return
        self._left -= len(block) + 2
        self._blocks.append(block)

    def add_counts(self, counts: Mapping[str, int]) -> None:
        """Adds a table with a column for each count."""
        self.add(table(counts, [[f"{number:,}" for number in counts.values()]]))

    def add_list(
        self,
        opening: str,
        lines: Iterable[str],
        *,
        total: int,
        noun: str,
        most: int,
        closing: str = "",
    ) -> None:
        """Adds as many lines as `most` characters have room for, between `opening` and `closing`.

        `total`: the number of lines that there are. `noun`: what a line is about, in the plural.
        """
        room = min(most, self._left) - len(opening) - len(closing) - _OF_MORE
        shown: list[str] = []
        for line in lines:
            room -= len(line) + 1
            if room < 0:
                break
            shown.append(line)
        if not shown:
            self._is_cut = True
            return
        left_out = total - len(shown)
        more = f"\n\n{left_out:,} more {noun}: see the JSON report" if left_out else ""
        self.add("\n".join([opening, *shown]) + more + closing)

    def add_some(self, opening: str, lines: Sequence[str], *, noun: str, most: int = SHARE) -> None:
        """Adds a list as `add_list` does; nothing for an empty one."""
        if lines:
            self.add_list(opening, lines, total=len(lines), noun=noun, most=most)

    def text(self) -> str:
        """Returns the page."""
        note = "_There is more than fits here: see the JSON report._" if self._is_cut else ""
        return "\n\n".join(filter(None, [*self._blocks, note])) + "\n"
