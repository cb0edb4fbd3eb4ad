"""The links that an import could not express as routes, described for the reader of its inventory.

Texts that came from AWS may hold anything; here they become single lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fleet_repl.values.names import Registry
from fleet_repl.values.text import is_plain, listed

_SHOWN: Final = 5
"""Prefixes that one line names."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class LeftOut:
    """Something in a registry that no route stands for. It stays as it is."""

    registry: Registry
    name: str
    """The account's."""
    because: str
    """The description of the link left out and the reason, on one line."""
    unreadable: bool = False
    """True where the registry could not be read although it should have been."""

    def __str__(self) -> str:
        return f"{self.registry} ({self.name}): {self.because}"


def one_line(text: str) -> str:
    """`text` without line breaks, control characters and direction marks."""
    if is_plain(text):
        return text
    return "".join(letter if is_plain(letter) else " " for letter in text)


def prefix_words(prefixes: Sequence[str]) -> str:
    """A few prefixes by name, and how many more there are."""
    if "" in prefixes:
        return "every repository"
    return one_line(listed(prefixes, _SHOWN))
