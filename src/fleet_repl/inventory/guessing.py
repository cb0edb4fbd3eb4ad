"""Guesses what a misspelt name was meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from typing import Final

MOST_COMPARISONS: Final = 50_000
"""Comparing a name with every account of a large fleet takes a tenth of a second and more."""


def closest(name: str, known: Iterable[str]) -> str | None:
    """The one of `known` that is most like `name`, or None where none is much like it."""
    found = difflib.get_close_matches(name, list(known), n=1)
    return found[0] if found else None


class Guesser:
    """Guesses among many names, and gives up once it has compared enough."""

    def __init__(self, known: Collection[str]) -> None:
        self._known = known
        self._left = MOST_COMPARISONS

    def guess(self, name: str) -> str | None:
        """As `closest`; None also where guessing has taken long enough."""
        self._left -= len(self._known)
        return closest(name, self._known) if self._left >= 0 else None
