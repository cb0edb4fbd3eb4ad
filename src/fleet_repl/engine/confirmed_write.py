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

from fleet_repl.engine.document_write import DocumentWrite, V, WriteResult
from fleet_repl.engine.polls import ARRIVAL_DELAYS, poll
from fleet_repl.engine.retry import Pace
from fleet_repl.engine.stop import Stop
from fleet_repl.engine.write_faults import conflict, overtaken, unconfirmed, unguarded
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.values.errors import CallError, Fault, HaltedError, unforeseen

_LOOKS: Final = 3
"""The number of reads repeated because a slow read has left too little of the lease."""
_MERGES: Final = 3
"""The number of times that a write is made again on top of the changes of others."""


async def confirm_write(write: DocumentWrite[V], pace: Pace, stop: Stop) -> WriteResult[V]:
    """Write `write.after` if `write.before` is in place; returns how that ended.

    The end of an admitted write is reported to the write guard, unless it is cancelled: then its
    outcome is unknown. Raises nothing but the cancellation.
    """
    result: WriteResult[V] | None = None
    try:
        with stop.abandonable() as waiting:
            async with write.guarded.turn():
                stop.keep(waiting)
                if not waiting.cancel_called:
                    result = await _to_its_end(write, pace, stop)
    except CallError as error:
        fault = replace(error.fault, operation=write.operation)
        result = WriteResult(outcome=Outcome.FAILED, found=None, error=fault)
    except HaltedError as error:
        stop.halt(str(error))
    return result or WriteResult(outcome=stop.outcome, found=write.before)


async def _to_its_end(write: DocumentWrite[V], pace: Pace, stop: Stop) -> WriteResult[V]:
    """Write; where only others' changes were in the way, write once more on top of them."""
    overwritten: WriteResult[V] | None = None
    result, merges = await _attempted(write, pace, stop), _MERGES
    while merges and result.rival is not None and not stop.requested:
        merged = write.merge(result.rival)
        if merged is None:
            break
        overwritten = result if result.in_doubt else overwritten
        write, merges = merged, merges - 1
        result = await _attempted(write, pace, stop)
    if overwritten is None or result.outcome is Outcome.APPLIED:
        return result
    if result.outcome is Outcome.UNCHANGED:
        # Our write is in place after all.
        return replace(
            overwritten, outcome=Outcome.APPLIED, found=result.found, error=None, in_doubt=False
        )
    return replace(result, in_doubt=True)


async def _attempted(write: DocumentWrite[V], pace: Pace, stop: Stop) -> WriteResult[V]:
    try:
        result = await _Write(write, pace, stop).run()
    except Exception as error:  # noqa: BLE001 - one registry's failure is a value, whatever it is
        result = WriteResult(
            outcome=Outcome.FAILED,
            found=None,
            error=unforeseen(write.operation, error),
            in_doubt=write.guarded.admitted,
        )
    write.guarded.report_end(result.outcome, result.request_id, in_doubt=result.in_doubt)
    return replace(result, write=write)


class _EndedError(Exception, Generic[V]):
    """Carries a result out of the retries: no further attempt is to be made."""

    def __init__(self, result: WriteResult[V]) -> None:
        self.result = result


class _Write(Generic[V]):
    def __init__(self, write: DocumentWrite[V], pace: Pace, stop: Stop) -> None:
        self._write = write
        self._pace = pace
        self._stop = stop
        self._found: V | None = None
        """The document that the read before an attempt has shown."""
        self._uncertain = False
        """True if an answer was lost, so that the write may have happened."""

    async def run(self) -> WriteResult[V]:
        try:
            request_id = await self._pace.retry(self._attempt, on_retry=self._write.on_retry)
        except _EndedError as ended:
            return ended.result
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
        write = self._write
        if self._uncertain and await self._has_arrived():
            return None
        for _ in range(_LOOKS):
            await self._get_ready()
            if await self._is_done():
                return None
            self._go_on()
            if write.guarded.is_open:
                break
        else:
            raise CallError(unguarded(write.operation))
        try:
            return await write.put()
        except CallError as error:
            self._uncertain = self._uncertain or error.uncertain
            raise

    async def _has_arrived(self) -> bool:
        """Returns whether an attempt without answer has written, as far as reads show yet."""
        write = self._write

        def is_older(present: V) -> bool:
            return present.same_as(write.before) or self._is_stale(present)

        present = await poll(
            write.read,
            lambda present: present.shows(write.after) or not is_older(present),
            self._pace.clock,
            ARRIVAL_DELAYS,
        )
        if present.shows(write.after):
            return True
        if not is_older(present):
            raise _EndedError(self._in_conflict(present))
        return False

    async def _get_ready(self) -> None:
        """Do everything that takes time: then only the read and the write are left."""
        self._found = None
        self._go_on()
        with self._stop.abandonable():
            await self._write.prepare()
        self._go_on()
        await self._write.guarded.admit()

    async def _is_done(self) -> bool:
        """Read the document right before the write; returns whether an earlier attempt made it.

        Raises _EndedError where nothing is to be written. A read that lags is repeated.
        """
        write, present = self._write, await self._look()
        if present is None:
            raise _EndedError(self._abandoned())
        if self._uncertain and present.shows(write.after):
            return True
        if not self._uncertain and any(map(present.same_as, (write.after, *write.ahead))):
            raise _EndedError(WriteResult(outcome=Outcome.UNCHANGED, found=present))
        if not present.same_as(write.before):
            raise _EndedError(self._in_conflict(present))
        return False

    async def _look(self) -> V | None:
        """The document that is in place; None where an interruption cut the read short."""
        write, clock = self._write, self._pace.clock

        def is_expected(present: V) -> bool:
            return any(map(present.same_as, (write.before, write.after, *write.ahead)))

        with self._stop.abandonable():
            present = await poll(write.read, lambda present: not self._is_stale(present), clock)
            if not is_expected(present) and write.merge(present) is not None:
                # A read that lags may show a document from before the plan was made.
                present = await poll(write.read, is_expected, clock)
            self._found = present
        return self._found

    def _is_stale(self, present: V) -> bool:
        """Returns whether a read shows a document that this run has replaced: it lags."""
        return any(map(present.same_as, self._write.superseded))

    def _go_on(self) -> None:
        """Raises _EndedError once nothing more may be sent."""
        if self._stop.requested:
            raise _EndedError(self._abandoned())

    def _abandoned(self) -> WriteResult[V]:
        stop, before = self._stop, self._write.before
        return WriteResult(outcome=stop.outcome, found=before, in_doubt=self._uncertain)

    def _in_conflict(self, present: V) -> WriteResult[V]:
        # After a lost answer the document may be our write, changed by somebody else since.
        return WriteResult(
            outcome=Outcome.FAILED,
            found=present,
            error=conflict(self._write.operation),
            in_doubt=self._uncertain,
            rival=None if self._uncertain or self._is_stale(present) else present,
        )

    async def _read_back(self, request_id: str | None, fault: Fault | None) -> WriteResult[V]:
        """Read until the write shows. `fault`: why it is not sure that the write has happened."""
        write = self._write
        try:
            present = await poll(write.read, lambda now: now.shows(write.after), self._pace.clock)
        except CallError as error:
            return WriteResult(
                outcome=Outcome.FAILED,
                found=None,
                request_id=request_id,
                error=fault or unconfirmed(error.fault),
                in_doubt=True,
            )
        untouched = present.same_as(write.before)
        if present.shows(write.after) or (write.in_place(present) and not untouched):
            return WriteResult(outcome=Outcome.APPLIED, found=present, request_id=request_id)
        if fault is not None:
            why = fault if untouched else conflict(write.operation)
            return WriteResult(outcome=Outcome.FAILED, found=present, error=why, in_doubt=True)
        return WriteResult(
            outcome=Outcome.FAILED,
            found=None if untouched else present,
            request_id=request_id,
            error=overtaken(write.operation, untouched=untouched),
            in_doubt=True,
            rival=None if untouched or self._is_stale(present) else present,
        )
