"""The meaning of a fleet's lock: whether it still binds other runs. Pure.

The caller says how old the document is, and whether the process of its holder is gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from fleet_repl.inventory.fields import spell_seconds
from fleet_repl.runs.history import Holder
from fleet_repl.values.text import timestamp

LEASE: Final = 60.0
"""The seconds for which a lock binds others after it was taken or renewed."""
RENEWAL: Final = 20.0
"""The seconds between renewals. Two renewals may fail before the lease ends."""
MARGIN: Final = 5.0
"""The seconds that must be left of a lease beyond the longest time that a write can take."""
SKEW: Final = 3.0
"""The seconds by which a lease ends later for others than for its holder: object stores give times
in whole seconds, and clocks differ a little in their rates."""
NEARLY: Final = 10.0
"""The most seconds to wait for the end of a lease. A live run renews its lease long before."""
_LONG: Final = 120.0
"""The seconds from which a time is written in minutes and hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockDocument:
    """The document of a fleet's lock."""

    fleet: str
    holder: Holder | None
    """None after the lock was released."""
    taken_at: datetime
    renewed_at: datetime
    renewals: int = 0
    sharers: Mapping[str, str] | None = None
    """Other fleets that the holder takes turns with, each with the digest of the entry that it has
    seen; None until the holder begins to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenLock:
    """A lock with a holder, as it was read."""

    document: LockDocument
    holder: Holder
    age: float
    """The seconds since the lock was last written, by the clock of its store."""
    version: str

    @property
    def ends_at(self) -> datetime:
        """The time from which the lock, if not renewed, binds nobody, by its holder's clock."""
        return self.document.renewed_at + timedelta(seconds=LEASE + SKEW)

    def __str__(self) -> str:
        return (
            f"{self.holder} holds the lock of fleet {self.document.fleet} since "
            f"{timestamp(self.document.taken_at)}; {last_sign(self.age)}"
        )


class Verdict(StrEnum):
    """The verdict on a lock: whether it may be taken, and why."""

    FREE = "free"
    """There is no lock, or it was released."""
    DEAD = "dead"
    """The holder was a process of this host and is gone."""
    EXPIRED = "expired"
    """The holder has given no sign of life for longer than the lease."""
    HELD = "held"


def judge(document: LockDocument | None, age: float, *, gone: bool) -> Verdict:
    """Decides whether a lock may be taken. `age`: the seconds since it was last written. `gone`:
    whether its holder is certainly gone."""
    if document is None or document.holder is None:
        return Verdict.FREE
    if gone:
        return Verdict.DEAD
    if age > LEASE + SKEW:
        return Verdict.EXPIRED
    return Verdict.HELD


def left(age: float) -> float:
    """Returns the seconds for which a lock of that age still binds others."""
    return max(0.0, LEASE + SKEW - age)


def last_sign(age: float) -> str:
    """Returns, in words, when the holder of a lock gave its last sign of life."""
    if age < -SKEW:
        return f"its last sign of life is dated {_spelled(-age)} in the future"
    return f"last sign of life {max(0.0, age):.0f} s ago"


def busy(document: LockDocument, holder: Holder, age: float) -> str:
    """Returns the refusal of a run that finds a lock: who holds it since when, and what to do."""
    sooner = ", or now with: fleet-repl unlock INVENTORY" if age < -SKEW else ""
    return (
        f"fleet {document.fleet} is busy: {holder} holds its lock since "
        f"{timestamp(document.taken_at)}; {last_sign(age)}\n"
        f"    wait until it has ended; if it is dead, its lock runs out in "
        f"{_spelled(left(age))}{sooner}"
    )


def taken_over(document: LockDocument | None) -> str:
    """Returns why a holder has lost its lock, by the document that is in its place."""
    if document is None:
        return "the lock of this run was removed by somebody"
    if document.holder is None:
        return "the lock was given back by somebody else: a run that took it over, or unlock"
    return f"the lock was taken over by {document.holder} at {timestamp(document.taken_at)}"


def _spelled(seconds: float) -> str:
    """Returns a time in words. It may be long: a wrong clock can be wrong by years."""
    return f"{seconds:.0f} s" if seconds < _LONG else spell_seconds(round(seconds))
