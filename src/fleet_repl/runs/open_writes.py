"""Open writes: whether a write of which the journal tells no end was made, by what is in place.

Pure. A write whose document is in place was made; one that found what is still in place was not.
Of any other nobody can tell, and nothing is guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from fleet_repl.ecr.policy import Owner, parse_policy
from fleet_repl.ecr.rules import parse_stored_rules
from fleet_repl.ecr.templates import parse_template, template_at
from fleet_repl.planning.observed import Observed, Unreadable
from fleet_repl.planning.plan import Resource, operation_of
from fleet_repl.runs.history import JournalEntry
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.values.errors import Fault, FaultKind


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a write that was under way."""

    outcome: Outcome
    error: Fault | None = None

    @property
    def in_doubt(self) -> bool:
        return self.outcome is Outcome.FAILED


def verdict_of(entry: JournalEntry, seen: Observed | Unreadable | None, owner: Owner) -> Verdict:
    """Whether a write that was under way has happened."""
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
    """A write that was under way, by what is in place."""
    in_place = _in_place(entry, seen, owner)
    if in_place is None:
        return Verdict(Outcome.FAILED, unseen)
    before, after = in_place
    if after:
        return Verdict(Outcome.APPLIED)
    if before:
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


def _in_place(entry: JournalEntry, seen: Observed, owner: Owner) -> tuple[bool, bool] | None:
    """Whether what was there before is in place, and whether what was written is; None: unseen."""
    match entry.resource:
        case Resource.REPLICATION_CONFIGURATION:
            rules = seen.replication
            before, after = map(parse_stored_rules, (entry.before, entry.after))
            return rules.same_as(before), rules.shows(after)
        case Resource.REGISTRY_POLICY:
            if seen.policy is None:
                return None
            old, new = (
                parse_policy(document, owner, entry.registry)
                for document in (entry.before, entry.after)
            )
            return seen.policy.same_as(old), seen.policy.shows(new)
        case Resource.CREATION_TEMPLATE:
            if seen.templates is None:
                return None
            there = parse_template(template_at(seen.templates, entry.prefix or ""))
            return (
                there.same_as(parse_template(entry.before)),
                there.shows(parse_template(entry.after)),
            )
        case _:
            assert_never(entry.resource)
