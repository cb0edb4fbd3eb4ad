"""What a watch keeps of its rounds for its page: of the last fifty a few numbers, and of the last
its document and its result. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from fleet_repl.planning.plan import Plan
from fleet_repl.reports.documents.round import RoundDocument
from fleet_repl.reports.documents.shared import given
from fleet_repl.runs.outcomes import Report
from fleet_repl.state import LockAndFreeze
from fleet_repl.values.errors import StateError
from fleet_repl.watch.delivery_totals import DeliveryNote
from fleet_repl.watch.documents import document_of_round
from fleet_repl.watch.round import Round, Verdict

KEPT: Final = 50
"""Rounds that are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundCounts:
    """Numbers of registries, and of held links, of a round that made a plan."""

    drifted: int
    still_differing: int
    corrected: int
    failed: int
    """Registries that could not be read, except for those that are joining, or not be corrected
    in part or as a whole."""
    held: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundNote:
    """A round that has ended, in a few values."""

    number: int
    verdict: Verdict
    started_at: datetime
    finished_at: datetime
    counts: RoundCounts | None
    """None where the round made no plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentRounds:
    """The last rounds of a watch."""

    notes: tuple[RoundNote, ...] = ()
    """At most `KEPT`, oldest first."""
    last: RoundDocument | None = field(default=None, repr=False)
    """The last round; None before the first has ended."""
    result: Plan | Report | None = field(default=None, repr=False)
    """The report of the last round where it wrote, else its plan; None where it has neither."""
    lock_and_freeze: LockAndFreeze | StateError | None = None
    """The lock and the freeze when the last round ended: see `Round.lock_and_freeze`."""

    def after(self, round_: Round) -> RecentRounds:
        """Returns the last rounds once `round_` has ended."""
        document = document_of_round(round_)
        note = RoundNote(
            number=round_.number,
            verdict=round_.verdict,
            started_at=round_.started_at,
            finished_at=round_.finished_at,
            counts=_counts(document),
        )
        return RecentRounds(
            notes=(*self.notes, note)[-KEPT:],
            last=document,
            result=round_.report or round_.plan,
            lock_and_freeze=round_.lock_and_freeze,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchState:
    """A watch at one moment."""

    fleet: str
    now: datetime
    recent: RecentRounds
    writing: bool
    """Whether this watch holds the fleet's lock."""
    stuck: bool
    """Whether no round has finished for too long."""
    deliveries: DeliveryNote | None = None
    """The deliveries so far; None where they are not counted."""


def _counts(document: RoundDocument) -> RoundCounts | None:
    summary = document.summary
    if summary is None:
        return None
    outcomes = summary.outcomes
    unreadable = outcomes.unreadable - (given(summary.joining) or 0)
    return RoundCounts(
        drifted=summary.drifted,
        still_differing=summary.still_differing,
        corrected=outcomes.applied,
        failed=outcomes.failed + (given(outcomes.partial) or 0) + unreadable,
        held=summary.held,
    )
