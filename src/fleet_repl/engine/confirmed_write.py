"""A confirmed write: put on record, then read, compared and written at once, and read back.

No document is overwritten that is not as the plan saw it, no write counts before a read shows it,
and after a lost answer a read finds out whether the write has happened. Everything that takes
time, such as the journal, comes before the read: nothing is waited for between the read's answer
and the write.

For example, another tool adds a rule after the plan was made. The read shows not `before`, so
nothing is written. Where `merge` finds that only others' rules have changed, the write is made
again with that rule in `before` and in `after`; otherwise it ends as a conflict.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Generic

from fleet_repl.engine.polls import ARRIVAL_DELAYS, poll
from fleet_repl.engine.retry import Pace
from fleet_repl.engine.slots import Slot, V, WriteResult
from fleet_repl.engine.stop import Stop
from fleet_repl.engine.write_faults import conflict, overtaken, unconfirmed, unguarded
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.values.errors import CallError, Fault, HaltedError, unforeseen

_LOOKS: Final = 3
"""How often an attempt reads again because a slow read has left too little of the lock's lease."""
_MERGES: Final = 3
"""How often a write is made again on top of changes that others have made meanwhile."""


async def settle(slot: Slot[V], pace: Pace, stop: Stop) -> WriteResult[V]:
    """Write `slot.after` if `slot.before` is in place; returns how that ended.

    The end of an admitted write is reported to the write guard, unless it is cancelled: then its
    outcome is unknown. Raises nothing but the cancellation.
    """
    settled: WriteResult[V] | None = None
    try:
        with stop.abandonable() as waiting:
            async with slot.passage.turn():
                stop.keep(waiting)
                if not waiting.cancel_called:
                    settled = await _to_its_end(slot, pace, stop)
    except CallError as error:
        fault = replace(error.fault, operation=slot.operation)
        settled = WriteResult(outcome=Outcome.FAILED, found=None, error=fault)
    except HaltedError as error:
        stop.halt(str(error))
    return settled or WriteResult(outcome=stop.outcome, found=slot.before)


async def _to_its_end(slot: Slot[V], pace: Pace, stop: Stop) -> WriteResult[V]:
    """Write; where only others' changes were in the way, write once more on top of them."""
    overwritten: WriteResult[V] | None = None
    settled, merges = await _attempted(slot, pace, stop), _MERGES
    while merges and settled.rival is not None and not stop.requested:
        merged = slot.merge(settled.rival)
        if merged is None:
            break
        overwritten = settled if settled.in_doubt else overwritten
        slot, merges = merged, merges - 1
        settled = await _attempted(slot, pace, stop)
    if overwritten is None or settled.outcome is Outcome.APPLIED:
        return settled
    if settled.outcome is Outcome.UNCHANGED:
        # Our write is in place after all.
        return replace(
            overwritten, outcome=Outcome.APPLIED, found=settled.found, error=None, in_doubt=False
        )
    return replace(settled, in_doubt=True)


async def _attempted(slot: Slot[V], pace: Pace, stop: Stop) -> WriteResult[V]:
    try:
        settled = await _Write(slot, pace, stop).run()
    except Exception as error:  # noqa: BLE001 - one registry's failure is a value, whatever it is
        settled = WriteResult(
            outcome=Outcome.FAILED,
            found=None,
            error=unforeseen(slot.operation, error),
            in_doubt=slot.passage.admitted,
        )
    slot.passage.leave(settled.outcome, settled.request_id, in_doubt=settled.in_doubt)
    return replace(settled, slot=slot)


class _EndedError(Exception, Generic[V]):
    """Carries a result out of the retries: no further attempt is to be made."""

    def __init__(self, settled: WriteResult[V]) -> None:
        self.settled = settled


class _Write(Generic[V]):
    """A write that is under way."""

    def __init__(self, slot: Slot[V], pace: Pace, stop: Stop) -> None:
        self._slot = slot
        self._pace = pace
        self._stop = stop
        self._found: V | None = None
        """The document that the read before an attempt has shown."""
        self._uncertain = False
        """Whether an answer was lost, so that the write may have happened."""

    async def run(self) -> WriteResult[V]:
        try:
            request_id = await self._pace.retry(self._attempt, on_retry=self._slot.on_retry)
        except _EndedError as ended:
            return ended.settled
        except HaltedError as error:
            self._stop.halt(str(error))
            return self._abandoned()
        except CallError as error:
            if self._uncertain:
                return await self._read_back(None, error.fault)
            return WriteResult(outcome=Outcome.FAILED, found=self._found, error=error.fault)
        return await self._read_back(request_id, None)

    async def _attempt(self) -> str | None:
        """Make an attempt, unless an earlier attempt turns out to have made the write."""
        slot = self._slot
        if self._uncertain and await self._has_arrived():
            return None
        for _ in range(_LOOKS):
            await self._get_ready()
            if await self._is_done():
                return None
            self._go_on()
            if slot.passage.is_open:
                break
        else:
            raise CallError(unguarded(slot.operation))
        try:
            return await slot.put()
        except CallError as error:
            self._uncertain = self._uncertain or error.uncertain
            raise

    async def _has_arrived(self) -> bool:
        """Whether an attempt whose answer was lost has made the write, as far as reads show yet."""
        slot = self._slot

        def is_older(present: V) -> bool:
            return present.same_as(slot.before) or self._is_stale(present)

        present = await poll(
            slot.read,
            lambda present: present.shows(slot.after) or not is_older(present),
            self._pace.clock,
            ARRIVAL_DELAYS,
        )
        if present.shows(slot.after):
            return True
        if not is_older(present):
            raise _EndedError(self._in_conflict(present))
        return False

    async def _get_ready(self) -> None:
        """Do everything that takes time: then only the read and the write are left."""
        self._found = None
        self._go_on()
        with self._stop.abandonable():
            await self._slot.prepare()
        self._go_on()
        await self._slot.passage.enter()

    async def _is_done(self) -> bool:
        """Read the document right before the write; returns whether an earlier attempt made it.

        Raises _EndedError where nothing is to be written. A read that lags behind our own writes
        is repeated.
        """
        slot, present = self._slot, await self._look()
        if present is None:
            raise _EndedError(self._abandoned())
        if self._uncertain and present.shows(slot.after):
            return True
        if not self._uncertain and any(map(present.same_as, (slot.after, *slot.ahead))):
            raise _EndedError(WriteResult(outcome=Outcome.UNCHANGED, found=present))
        if not present.same_as(slot.before):
            raise _EndedError(self._in_conflict(present))
        return False

    async def _look(self) -> V | None:
        """The document that is in place; None where an interruption cut the read short."""
        slot, clock = self._slot, self._pace.clock

        def is_expected(present: V) -> bool:
            return any(map(present.same_as, (slot.before, slot.after, *slot.ahead)))

        with self._stop.abandonable():
            present = await poll(slot.read, lambda present: not self._is_stale(present), clock)
            if not is_expected(present) and slot.merge(present) is not None:
                # A read that lags may show a document from before the plan was made.
                present = await poll(slot.read, is_expected, clock)
            self._found = present
        return self._found

    def _is_stale(self, present: V) -> bool:
        """Whether a read shows a document that this run has replaced, so that it surely lags."""
        return any(present.same_as(old) for old in self._slot.superseded)

    def _go_on(self) -> None:
        """Raises _EndedError once nothing more may be sent."""
        if self._stop.requested:
            raise _EndedError(self._abandoned())

    def _abandoned(self) -> WriteResult[V]:
        stop, before = self._stop, self._slot.before
        return WriteResult(outcome=stop.outcome, found=before, in_doubt=self._uncertain)

    def _in_conflict(self, present: V) -> WriteResult[V]:
        # After a lost answer the document may be our write, changed by somebody else since.
        return WriteResult(
            outcome=Outcome.FAILED,
            found=present,
            error=conflict(self._slot.operation),
            in_doubt=self._uncertain,
            rival=None if self._uncertain or self._is_stale(present) else present,
        )

    async def _read_back(self, request_id: str | None, fault: Fault | None) -> WriteResult[V]:
        """Read until the write shows. `fault`: why it is not sure that the write has happened."""
        slot = self._slot
        try:
            present = await poll(slot.read, lambda now: now.shows(slot.after), self._pace.clock)
        except CallError as error:
            return WriteResult(
                outcome=Outcome.FAILED,
                found=None,
                request_id=request_id,
                error=fault or unconfirmed(error.fault),
                in_doubt=True,
            )
        untouched = present.same_as(slot.before)
        if present.shows(slot.after) or (slot.in_place(present) and not untouched):
            return WriteResult(outcome=Outcome.APPLIED, found=present, request_id=request_id)
        if fault is not None:
            why = fault if untouched else conflict(slot.operation)
            return WriteResult(outcome=Outcome.FAILED, found=present, error=why, in_doubt=True)
        return WriteResult(
            outcome=Outcome.FAILED,
            found=None if untouched else present,
            request_id=request_id,
            error=overtaken(slot.operation, untouched=untouched),
            in_doubt=True,
            rival=None if untouched or self._is_stale(present) else present,
        )
