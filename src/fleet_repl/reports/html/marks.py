"""The states that pages show, each as a word, a symbol and a colour."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Tone(StrEnum):
    """The meaning of a colour. Every use of it has a word or a symbol beside it."""

    GOOD = "good"
    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    HELD = "held"
    BAD = "bad"
    IDLE = "idle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A state as a word, a symbol that is legible without colour, and a colour."""

    word: str
    symbol: str
    tone: Tone


FAILED: Final = Mark(word="failed", symbol="✕", tone=Tone.BAD)
HELD: Final = Mark(word="held", symbol="‖", tone=Tone.HELD)
REMOVED: Final = Mark(word="removed", symbol="\N{MINUS SIGN}", tone=Tone.REMOVED)
DELETES: Final = Mark(word="delete replication", symbol="D", tone=Tone.CHANGED)
NOT_WRITTEN: Final = Mark(word="not written", symbol="○", tone=Tone.IDLE)
ADDED: Final = Mark(word="added", symbol="+", tone=Tone.ADDED)
IN_PLACE: Final = Mark(word="in place", symbol="●", tone=Tone.GOOD)
LINK_MARKS: Final = (FAILED, HELD, REMOVED, DELETES, NOT_WRITTEN, ADDED, IN_PLACE)
"""The states of a link of a plan or a run; a cell with several shows the first of these."""
