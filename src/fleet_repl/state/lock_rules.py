"""The lease of a fleet's lock: what its document says, and whether it still binds anybody.

Pure: where the document is, how old it is and whether a process lives is told by the caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from fleet_repl.inventory.fields import spell_seconds
from fleet_repl.runs.history import Holder
from fleet_repl.values.text import timestamp

LEASE: Final = 60.0
"""Seconds that a lock is held for after it was taken or renewed."""
RENEWAL: Final = 20.0
"""Seconds between renewals: two may fail before the lease runs out."""
MARGIN: Final = 5.0
"""Seconds that must be left of a lease beyond the longest time that a write can take."""
SKEW: Final = 3.0
"""Seconds by which a lease is over later for others than for its holder: object stores tell times
in whole seconds, and clocks do not run at quite the same rate."""
NEARLY: Final = 10.0
"""Seconds for which a lock is waited for that runs out by then. That of a run which lives is
renewed long before."""
_LONG: Final = 120.0
"""Seconds from which on a time is spelled in minutes and hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockDocument:
    """What the lock of a fleet says."""

    fleet: str
    holder: Holder | None
    """None once it was released."""
    taken_at: datetime
    renewed_at: datetime
    renewals: int = 0
    sharers: Mapping[str, str] | None = None
    """Other fleets that its holder takes turns with, each with a digest of what it knows of it;
    None until it begins to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenLock:
    """A lock that has a holder, as it was found."""

    document: LockDocument
    holder: Holder
    age: float
    """Seconds since its last sign of life, by the clock of its store."""
    version: str

    def __str__(self) -> str:
        return (
            f"{self.holder} holds the lock of fleet {self.document.fleet} since "
            f"{timestamp(self.document.taken_at)}; {last_sign(self.age)}"
        )


class Verdict(StrEnum):
    """Whether a lock may be taken, and why."""

    FREE = "free"
    """There is none, or it was released."""
    DEAD = "dead"
    """Its holder was a process of this host and is gone."""
    EXPIRED = "expired"
    """Its holder has given no sign of life for longer than the lease."""
    HELD = "held"


def judge(document: LockDocument | None, age: float, *, gone: bool) -> Verdict:
    """What a lock means whose document is `age` seconds old. `gone`: its holder surely is."""
    if document is None or document.holder is None:
        return Verdict.FREE
    if gone:
        return Verdict.DEAD
    if age > LEASE + SKEW:
        return Verdict.EXPIRED
    return Verdict.HELD


def left(age: float) -> float:
    """The seconds for which a lock of that age still binds others."""
    return max(0.0, LEASE + SKEW - age)


def last_sign(age: float) -> str:
    """When the holder of a lock gave its last sign of life."""
    if age < -SKEW:
        return f"its last sign of life is dated {_spelled(-age)} in the future"
    return f"last sign of life {max(0.0, age):.0f} s ago"


def busy(document: LockDocument, holder: Holder, age: float) -> str:
    """For whoever finds the lock held by `holder`: by whom, since when, and what to do."""
    sooner = ", or now with: fleet-repl unlock INVENTORY" if age < -SKEW else ""
    return (
        f"fleet {document.fleet} is busy: {holder} holds its lock since "
        f"{timestamp(document.taken_at)}; {last_sign(age)}\n"
        f"    wait until it has ended; if it is dead, its lock runs out in "
        f"{_spelled(left(age))}{sooner}"
    )


def taken_over(document: LockDocument | None) -> str:
    """For a holder that finds something else in the place of its own document."""
    if document is None:
        return "the lock of this run was removed by somebody"
    if document.holder is None:
        return "the lock was given back by somebody else: a run that took it over, or unlock"
    return f"the lock was taken over by {document.holder} at {timestamp(document.taken_at)}"


def _spelled(seconds: float) -> str:
    """A time that may be long: a clock that was wrong can be wrong by years."""
    return f"{seconds:.0f} s" if seconds < _LONG else spell_seconds(round(seconds))
