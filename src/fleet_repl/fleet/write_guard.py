"""What every write of a run passes: the lease of its lock, and its journal.

A write is sent only while the lock is surely held for one more attempt, and only once the
journal says that it will be.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from fleet_repl.planning.plan import Change
from fleet_repl.runs.history import JournalEntry, Moment, prefix_of
from fleet_repl.runs.outcomes import ChangeOutcome
from fleet_repl.state.lock_rules import MARGIN
from fleet_repl.values.clock import Clock
from fleet_repl.values.errors import HaltedError, StateError
from fleet_repl.values.names import Registry
from fleet_repl.values.text import first_line


class Leased(Protocol):
    """A lock that is held for a while."""

    @property
    def held(self) -> bool:
        """Whether nobody else can have taken it so far."""
        ...

    @property
    def remaining(self) -> float:
        """Seconds for which nobody else can take it."""
        ...

    async def assure(self, seconds: float) -> None:
        """Return once it is held for that long; HaltedError where it is not."""
        ...


class TakesTurns(Protocol):
    """One write of a registry at a time, among fleets."""

    def turn(self, registry: Registry) -> AbstractAsyncContextManager[None]:
        """It is this run's turn meanwhile."""
        ...


class Journalled(Protocol):
    """Where writes are put down."""

    async def announce(self, entry: JournalEntry) -> None:
        """It is on record when this returns. Raises StateError."""
        ...

    def note(self, entry: JournalEntry) -> None:
        """It goes on record with whatever comes next."""
        ...


class JournalGate:
    """The gate of one run."""

    def __init__(
        self,
        *,
        lease: Leased,
        journal: Journalled,
        turns: TakesTurns,
        timeout: float,
        clock: Clock,
    ) -> None:
        """`timeout`: seconds that one attempt at a write may take."""
        self._lease = lease
        self._journal = journal
        self._turns = turns
        self._seconds = timeout + MARGIN
        self._clock = clock

    def turn(self, registry: Registry) -> AbstractAsyncContextManager[None]:
        """Meanwhile no other fleet writes it; only fleets that share accounts have to wait."""
        return self._turns.turn(registry)

    async def admit(self, registry: Registry, change: Change) -> None:
        """Return once the write may be sent. Raises HaltedError where nothing may be written."""
        await self._lease.assure(self._seconds)
        await _or_halt(lambda: self._journal.announce(self._sending(registry, change)))
        # Writing the journal may have taken a while.
        await self._lease.assure(self._seconds)

    async def admit_again(self) -> None:
        """The same for another attempt: that it will be made is in the journal already."""
        await self._lease.assure(self._seconds)

    @property
    def is_open(self) -> bool:
        """Whether the lock is held for long enough right now."""
        return self._lease.held and self._lease.remaining >= self._seconds

    def settled(self, registry: Registry, change: Change, outcome: ChangeOutcome) -> None:
        """A write that was admitted has ended."""
        self._journal.note(
            JournalEntry(
                moment=Moment.SETTLED,
                at=self._clock.now(),
                registry=registry,
                resource=change.resource,
                action=change.action,
                phase=change.phase,
                wave=change.wave,
                prefix=prefix_of(change),
                outcome=outcome.outcome,
                request_id=outcome.request_id,
                in_doubt=outcome.in_doubt,
            )
        )

    def _sending(self, registry: Registry, change: Change) -> JournalEntry:
        return JournalEntry(
            moment=Moment.SENDING,
            at=self._clock.now(),
            registry=registry,
            resource=change.resource,
            action=change.action,
            phase=change.phase,
            wave=change.wave,
            prefix=prefix_of(change),
            before=change.before,
            after=change.after,
        )


async def _or_halt(work: Callable[[], Awaitable[None]]) -> None:
    try:
        await work()
    except StateError as error:
        reason = first_line(error)
    else:
        return
    raise HaltedError(f"the run's journal cannot be written any more: {reason}")
