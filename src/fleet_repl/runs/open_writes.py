"""Open writes: whether ECR made a write whose end is not in the journal, by what is in place.

Pure. If the document of the write is in place, ECR made the write. If the document that the write
expected is still in place, ECR did not make the write. Otherwise the outcome stays unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from fleet_repl.ecr.content import same, shows
from fleet_repl.ecr.policy import Owner
from fleet_repl.planning.change import operation_of
from fleet_repl.planning.observed import Observed, Unreadable
from fleet_repl.planning.stored import content_of
from fleet_repl.runs.history import JournalEntry
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.values.errors import Fault, FaultKind


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a write that was under way."""

    outcome: Outcome
    error: Fault | None = None

    @property
    def in_doubt(self) -> bool:
        return self.outcome is Outcome.FAILED


def verdict_of(entry: JournalEntry, seen: Observed | Unreadable | None, owner: Owner) -> Verdict:
    """Returns the outcome of a write that was under way; `seen` is None if not read."""
    fault = Fault(
        kind=FaultKind.TIMEOUT,
        operation=operation_of(entry.resource, entry.action),
        message="the run ended when it was to be written, and whether it was nobody has seen",
        hint="run drift to see what is in place",
    )
    match seen:
        case Unreadable(error=error):
            why = f"the run ended when it was to be written, and it cannot be read: {error}"
            return Verdict(
                Outcome.FAILED,
                Fault(kind=error.kind, operation=fault.operation, message=why, hint=error.hint),
            )
        case None:
            return Verdict(Outcome.FAILED, fault)
        case Observed():
            return _compared(entry, seen, owner, fault)
        case _:
            assert_never(seen)


def _compared(entry: JournalEntry, seen: Observed, owner: Owner, unseen: Fault) -> Verdict:
    """The outcome of the write by what is in place; `unseen`: a document's fault if not read."""
    present = seen.content(entry.resource, entry.prefix)
    if present is None:
        return Verdict(Outcome.FAILED, unseen)
    before, after = (
        content_of(entry.resource, document, owner, entry.registry)
        for document in (entry.before, entry.after)
    )
    if shows(present, after):
        return Verdict(Outcome.APPLIED)
    if same(present, before):
        return Verdict(Outcome.CANCELLED)
    return Verdict(
        Outcome.FAILED,
        Fault(
            kind=FaultKind.CONFLICT,
            operation=unseen.operation,
            message="the run ended when it was to be written, and what is in place is neither "
            "what was there before nor what was to be written",
            hint=unseen.hint,
        ),
    )
