"""A run's journal read by writes: the line that announced each of them, with the line of its end.

Pure. Example of lines about one policy: sending, sending, settled, sending. These are two writes.
The first was announced for two attempts and has ended; the second is open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias, assert_never

from fleet_repl.planning.change import Change, Phase, Resource
from fleet_repl.runs.history import JournalEntry, Moment
from fleet_repl.runs.overwritten import prefix_of
from fleet_repl.values.names import Registry

WriteKey: TypeAlias = tuple[Registry, Resource, str | None, str, Phase]
"""A planned write of a run: registry, resource, the prefix of a template, wave and phase."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournaledWrite:
    """The journal's account of one write."""

    sent: JournalEntry | None = None
    """The announcement; None where the write ended without having been sent."""
    ended: JournalEntry | None = None
    """The end; None for a write that may have been sent and whose outcome nobody wrote down."""


def key_of(registry: Registry, change: Change) -> WriteKey:
    """Returns the key under which the journal tells of a planned change."""
    return registry, change.resource, prefix_of(change), change.wave, change.phase


def journaled_writes(journal: Iterable[JournalEntry]) -> tuple[JournaledWrite, ...]:
    """Returns every write of a journal, in the order in which the writes were first named.

    Others may change a document between two attempts, so a write that has ended may be sent anew.
    """
    return tuple(write for _, write in _paired(journal))


def last_writes(journal: Iterable[JournalEntry]) -> Mapping[WriteKey, JournaledWrite]:
    """Returns the last write for each planned change that the journal names."""
    return dict(_paired(journal))


def _paired(journal: Iterable[JournalEntry]) -> list[tuple[WriteKey, JournaledWrite]]:
    writes: list[tuple[WriteKey, JournaledWrite]] = []
    last: dict[WriteKey, int] = {}
    for entry in journal:
        key = (entry.registry, entry.resource, entry.prefix, entry.wave, entry.phase)
        before = writes[last[key]][1] if key in last else None
        match entry.moment:
            case Moment.SENDING if before is not None and before.ended is None:
                # The announcement of another attempt at the same write.
                continue
            case Moment.ENDED if before is not None:
                # The last look of a run may replace the end that was written first.
                writes[last[key]] = key, replace(before, ended=entry)
                continue
            case Moment.SENDING:
                write = JournaledWrite(sent=entry)
            case Moment.ENDED:
                write = JournaledWrite(ended=entry)
            case _:
                assert_never(entry.moment)
        last[key] = len(writes)
        writes.append((key, write))
    return writes
