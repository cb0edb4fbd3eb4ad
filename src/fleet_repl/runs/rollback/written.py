"""What a run wrote, write by write: its report where there is one, its journal where it died.

A write that was sent and of which nobody knows how it ended is in doubt, and counts: it may be
what is in place now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from fleet_repl.planning.plan import Resource
from fleet_repl.runs.history import JournalEntry, Moment, PastRun
from fleet_repl.runs.outcomes import ChangeOutcome, Outcome
from fleet_repl.values.canonical_json import JsonObject, canonical_json
from fleet_repl.values.names import Registry

Slot: TypeAlias = tuple[Registry, Resource, str | None]
"""One document: a creation template goes by its prefix."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One write that was sent, or may have been."""

    before: JsonObject | None
    after: JsonObject | None
    sure: bool
    """Whether it is in place for certain."""


def writes_of(past: PastRun) -> Mapping[Slot, tuple[Write, ...]]:
    """The writes that changed a document, or may have, in their order.

    What failed for certain, was skipped or found to be there already is not among them.
    """
    journal = tuple(_journalled(past.journal))
    found: dict[Slot, list[Write]] = {}
    for slot, write in _told(past, journal) if past.report is not None else _kept(journal):
        found.setdefault(slot, []).append(write)
    return {slot: tuple(writes) for slot, writes in found.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """What the journal tells of one write."""

    sent: JournalEntry
    ended: JournalEntry | None = None

    @property
    def slot(self) -> Slot:
        return self.sent.registry, self.sent.resource, self.sent.prefix

    @property
    def write(self) -> Write | None:
        """None for a write that surely did not happen."""
        applied = self.ended is not None and self.ended.outcome is Outcome.APPLIED
        if self.ended is not None and not applied and not self.ended.in_doubt:
            return None
        return Write(before=self.sent.before, after=self.sent.after, sure=applied)


def _journalled(journal: Iterable[JournalEntry]) -> Iterator[_Line]:
    """The writes of a journal: each line about sending, with the one about its end."""
    lines: list[_Line] = []
    under_way: set[tuple[object, ...]] = set()
    last: dict[tuple[object, ...], int] = {}
    for entry in journal:
        key = (entry.registry, entry.resource, entry.prefix, entry.wave, entry.phase)
        match entry.moment:
            case Moment.SENDING:
                # Announced once more before an end is told: another attempt at the same write.
                if key not in under_way:
                    under_way.add(key)
                    last[key] = len(lines)
                    lines.append(_Line(sent=entry))
            case Moment.SETTLED:
                under_way.discard(key)
                # Told twice where the last look of a run has found it to be otherwise.
                if (at := last.get(key)) is not None:
                    lines[at] = replace(lines[at], ended=entry)
    yield from lines


def _kept(journal: Iterable[_Line]) -> Iterator[tuple[Slot, Write]]:
    return ((line.slot, line.write) for line in journal if line.write is not None)


def _told(past: PastRun, journal: Iterable[_Line]) -> Iterator[tuple[Slot, Write]]:
    """The writes of a report; what was in doubt is told by the journal alone."""
    doubts = {(line.slot, canonical_json(line.sent.after)) for line in journal if _doubtful(line)}
    for one in past.report.registries if past.report is not None else ():
        for change in one.changes:
            slot = (one.registry, change.resource, _prefix(change))
            sure = change.outcome is Outcome.APPLIED
            if sure or change.in_doubt or (slot, canonical_json(change.after)) in doubts:
                yield slot, Write(before=change.before, after=change.after, sure=sure)


def _doubtful(line: _Line) -> bool:
    return line.write is not None and not line.write.sure


def _prefix(change: ChangeOutcome) -> str | None:
    if change.resource is not Resource.CREATION_TEMPLATE:
        return None
    return str((change.after or change.before or {}).get("prefix", ""))
