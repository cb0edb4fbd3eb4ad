"""The guard that every write of a run passes.

A write is sent only while the lock is certain to be held for one more attempt, and only after the
journal says that the write will be sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Protocol

from fleet_repl.planning.change import Change
from fleet_repl.runs.history import JournalEntry, Moment
from fleet_repl.runs.outcomes import ChangeOutcome
from fleet_repl.runs.overwritten import prefix_of
from fleet_repl.state.lock_rules import MARGIN
from fleet_repl.values.clock import Clock
from fleet_repl.values.errors import HaltedError, StateError
from fleet_repl.values.names import Registry
from fleet_repl.values.text import first_line


class Leased(Protocol):
    """The lease of a held lock."""

    @property
    def held(self) -> bool:
        """Returns whether the lock cannot have been taken by another run so far."""

    @property
    def remaining(self) -> float:
        """The seconds for which no other run can take the lock."""

    async def assure(self, seconds: float) -> None:
        """Returns when the lease lasts that long. Raises HaltedError where it cannot."""


class TakesTurns(Protocol):
    """Turns with other fleets at registries that they write too."""

    def turn(self, registry: Registry) -> AbstractAsyncContextManager[None]:
        """Holds this run's turn at a registry for a block."""


class Journalled(Protocol):
    """The journal of a run."""

    async def announce(self, entry: JournalEntry) -> None:
        """Writes an entry; it is durable when this returns. Raises StateError."""

    def note(self, entry: JournalEntry) -> None:
        """Adds an entry, which is written with the next one that is announced."""


class JournalGuard:
    """The guard of one run."""

    def __init__(
        self,
        *,
        lease: Leased,
        journal: Journalled,
        turns: TakesTurns,
        timeout: float,
        clock: Clock,
    ) -> None:
        """`timeout`: the seconds that an attempt at a write may take."""
        self._lease = lease
        self._journal = journal
        self._turns = turns
        self._seconds = timeout + MARGIN
        self._clock = clock

    def turn(self, registry: Registry) -> AbstractAsyncContextManager[None]:
        """Keeps other fleets from writing the registry for a block. Waits only where another fleet
        lists its account."""
        return self._turns.turn(registry)

    async def admit(self, registry: Registry, change: Change) -> None:
        """Returns when the write may be sent. Raises HaltedError where nothing may be written."""
        await self._lease.assure(self._seconds)
        await _or_halt(lambda: self._journal.announce(self._sending(registry, change)))
        # The lease may have run short while the journal was written.
        await self._lease.assure(self._seconds)

    async def admit_again(self) -> None:
        """Returns when another attempt may be made at a write that is in the journal already."""
        await self._lease.assure(self._seconds)

    @property
    def is_open(self) -> bool:
        """Returns whether the lease lasts for one more attempt right now."""
        return self._lease.held and self._lease.remaining >= self._seconds

    def note_end(self, registry: Registry, change: Change, outcome: ChangeOutcome) -> None:
        """Notes in the journal how an admitted write has ended."""
        self._journal.note(
            replace(
                self._entry(Moment.ENDED, registry, change),
                outcome=outcome.outcome,
                request_id=outcome.request_id,
                in_doubt=outcome.in_doubt,
            )
        )

    def _sending(self, registry: Registry, change: Change) -> JournalEntry:
        entry = self._entry(Moment.SENDING, registry, change)
        return replace(entry, before=change.before.document, after=change.after.document)

    def _entry(self, moment: Moment, registry: Registry, change: Change) -> JournalEntry:
        return JournalEntry(
            moment=moment,
            at=self._clock.now(),
            registry=registry,
            resource=change.resource,
            action=change.action,
            phase=change.phase,
            wave=change.wave,
            prefix=prefix_of(change),
        )


async def _or_halt(work: Callable[[], Awaitable[None]]) -> None:
    try:
        await work()
    except StateError as error:
        reason = first_line(error)
    else:
        return
    raise HaltedError(f"the run's journal cannot be written any more: {reason}")
