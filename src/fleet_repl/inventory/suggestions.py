"""Guesses what a misspelt name was meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from typing import Final

MOST_COMPARISONS: Final = 50_000
"""Comparing one name with 100,000 others takes more than a second."""
LIKENESS: Final = 0.75
"""From 0 to 1; less would guess `accounts` for `same_account`."""


def closest(name: str, known: Iterable[str]) -> str | None:
    """The name in `known` that is most like `name`; None where no name is much like it."""
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=LIKENESS)
    return matches[0] if matches else None


class Guesser:
    """Guesses among many names, and gives up once it has compared enough."""

    def __init__(self, known: Collection[str]) -> None:
        self._known = known
        self._left = MOST_COMPARISONS

    def guess(self, name: str) -> str | None:
        """Returns the closest known name by `closest`; None also after `MOST_COMPARISONS`."""
        self._left -= len(self._known)
        return closest(name, self._known) if self._left >= 0 else None
