"""One write, settled: announced, then read, compared and written at once, and read back.

Nothing is overwritten that is not as the plan saw it, nothing counts as written before a read
shows it, and a write whose answer was lost is settled by reading. Whatever takes time, such as
the journal, comes before the read: between its answer and the write nobody is waited for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Generic

from fleet_repl.engine.polls import ARRIVAL_DELAYS, poll
from fleet_repl.engine.retry import Pace
from fleet_repl.engine.slots import Settled, Slot, V
from fleet_repl.engine.stop import Stop
from fleet_repl.engine.write_faults import conflict, overtaken, unconfirmed, unguarded
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.values.errors import CallError, Fault, HaltedError, unforeseen

_LOOKS: Final = 3
"""How often an attempt looks anew because too little was left of the lock after a slow read."""

_MERGES: Final = 3
"""How often a write is made anew on top of what others have made meanwhile."""


async def settle(slot: Slot[V], pace: Pace, stop: Stop) -> Settled[V]:
    """Write `slot.after` unless something else than `slot.before` is there.

    A write that the gate has admitted is reported to it once it has ended. One that is cancelled
    has not: nobody knows what became of it.
    """
    settled: Settled[V] | None = None
    try:
        with stop.abandonable() as waiting:
            async with slot.passage.turn():
                stop.keep(waiting)
                if not waiting.cancel_called:
                    settled = await _to_its_end(slot, pace, stop)
    except CallError as error:
        fault = replace(error.fault, operation=slot.operation)
        settled = Settled(outcome=Outcome.FAILED, found=None, error=fault)
    except HaltedError as error:
        stop.halt(str(error))
    return settled or Settled(outcome=stop.outcome, found=slot.before)


async def _to_its_end(slot: Slot[V], pace: Pace, stop: Stop) -> Settled[V]:
    """Write; where only others' content was in the way, write once more on top of that."""
    made: Settled[V] | None = None
    """The last write of this run that somebody has overwritten."""
    settled, merges = await _attempted(slot, pace, stop), _MERGES
    while merges and settled.rival is not None and not stop.requested:
        merged = slot.merge(settled.rival)
        if merged is None:
            break
        made = settled if settled.in_doubt else made
        slot, merges = merged, merges - 1
        settled = await _attempted(slot, pace, stop)
    if made is None or settled.outcome is Outcome.APPLIED:
        return settled
    if settled.outcome is Outcome.UNCHANGED:
        # It is in place after all.
        return replace(
            made, outcome=Outcome.APPLIED, found=settled.found, error=None, in_doubt=False
        )
    return replace(settled, in_doubt=True)


async def _attempted(slot: Slot[V], pace: Pace, stop: Stop) -> Settled[V]:
    try:
        settled = await _Write(slot, pace, stop).run()
    except Exception as error:  # noqa: BLE001 - one registry's failure is a value, whatever it is
        settled = Settled(
            outcome=Outcome.FAILED,
            found=None,
            error=unforeseen(slot.operation, error),
            in_doubt=slot.passage.admitted,
        )
    slot.passage.leave(settled.outcome, settled.request_id, in_doubt=settled.in_doubt)
    return replace(settled, slot=slot)


class _EndedError(Exception, Generic[V]):
    """No attempt, or no other one, is to be made."""

    def __init__(self, settled: Settled[V]) -> None:
        self.settled = settled


class _Write(Generic[V]):
    """One write under way."""

    def __init__(self, slot: Slot[V], pace: Pace, stop: Stop) -> None:
        self._slot = slot
        self._pace = pace
        self._stop = stop
        self._found: V | None = None
        """What the look before an attempt has shown."""
        self._uncertain = False
        """An answer was lost, so it may have happened."""

    async def run(self) -> Settled[V]:
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
            return Settled(outcome=Outcome.FAILED, found=self._found, error=error.fault)
        return await self._read_back(request_id, None)

    async def _attempt(self) -> str | None:
        """One attempt, unless an earlier one turns out to have done it."""
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
        """Whether an attempt whose answer was lost has done it, as far as reads show by now."""
        slot = self._slot

        def is_older(now: V) -> bool:
            return now.same_as(slot.before) or self._is_stale(now)

        now = await poll(
            slot.read,
            lambda now: now.shows(slot.after) or not is_older(now),
            self._pace.clock,
            ARRIVAL_DELAYS,
        )
        if now.shows(slot.after):
            return True
        if not is_older(now):
            raise _EndedError(self._in_conflict(now))
        return False

    async def _get_ready(self) -> None:
        """Have everything done that takes time: then only the read and the write are left."""
        self._found = None
        self._go_on()
        with self._stop.abandonable():
            await self._slot.prepare()
        self._go_on()
        await self._slot.passage.enter()

    async def _is_done(self) -> bool:
        """Look at what is in place, right before the write; whether an earlier attempt made it.

        Raises where nothing is to be written. A read that lags behind our own write does not
        count, and nothing is lost with a read that is cut short by an interruption.
        """
        slot, now = self._slot, await self._look()
        if now is None:
            raise _EndedError(self._abandoned())
        if self._uncertain and now.shows(slot.after):
            return True
        if not self._uncertain and any(now.same_as(one) for one in (slot.after, *slot.ahead)):
            raise _EndedError(Settled(outcome=Outcome.UNCHANGED, found=now))
        if not now.same_as(slot.before):
            raise _EndedError(self._in_conflict(now))
        return False

    async def _look(self) -> V | None:
        """What is in place; None where an interruption cut the look short."""
        slot, clock = self._slot, self._pace.clock
        known = (slot.before, slot.after, *slot.ahead)
        with self._stop.abandonable():
            now = await poll(slot.read, lambda now: not self._is_stale(now), clock)
            if not any(now.same_as(one) for one in known) and slot.merge(now) is not None:
                # A read that lags may show what was there before what the plan saw.
                now = await poll(
                    slot.read, lambda now: any(now.same_as(one) for one in known), clock
                )
            self._found = now
        return self._found

    def _is_stale(self, now: V) -> bool:
        """Whether a read shows what is surely not there any more."""
        return any(now.same_as(old) for old in self._slot.superseded)

    def _go_on(self) -> None:
        """Raises once nothing more may be sent."""
        if self._stop.requested:
            raise _EndedError(self._abandoned())

    def _abandoned(self) -> Settled[V]:
        stop, before = self._stop, self._slot.before
        return Settled(outcome=stop.outcome, found=before, in_doubt=self._uncertain)

    def _in_conflict(self, now: V) -> Settled[V]:
        # An attempt whose answer was lost may have been written, and then changed.
        return Settled(
            outcome=Outcome.FAILED,
            found=now,
            error=conflict(self._slot.operation),
            in_doubt=self._uncertain,
            rival=None if self._uncertain or self._is_stale(now) else now,
        )

    async def _read_back(self, request_id: str | None, fault: Fault | None) -> Settled[V]:
        """Read until what was written shows. `fault`: why it is not sure that it was."""
        slot = self._slot
        try:
            now = await poll(slot.read, lambda now: now.shows(slot.after), self._pace.clock)
        except CallError as error:
            return Settled(
                outcome=Outcome.FAILED,
                found=None,
                request_id=request_id,
                error=fault or unconfirmed(error.fault),
                in_doubt=True,
            )
        untouched = now.same_as(slot.before)
        if now.shows(slot.after) or (slot.in_place(now) and not untouched):
            return Settled(outcome=Outcome.APPLIED, found=now, request_id=request_id)
        if fault is not None:
            why = fault if untouched else conflict(slot.operation)
            return Settled(outcome=Outcome.FAILED, found=now, error=why, in_doubt=True)
        return Settled(
            outcome=Outcome.FAILED,
            found=None if untouched else now,
            request_id=request_id,
            error=overtaken(slot.operation, untouched=untouched),
            in_doubt=True,
            rival=None if untouched or self._is_stale(now) else now,
        )
