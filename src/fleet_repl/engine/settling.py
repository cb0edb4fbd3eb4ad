"""One write, settled: read, compare, write, read back.

Nothing is overwritten that is not as the plan saw it, nothing counts as written before a read
shows it, and a write whose answer was lost is settled by reading.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from fleet_repl.engine.concluding import unforeseen
from fleet_repl.engine.passing import Passage
from fleet_repl.engine.stopping import Stop
from fleet_repl.errors import CallError, Fault, FaultKind, HaltedError
from fleet_repl.outcomes import Outcome
from fleet_repl.pacing import OnRetry, Pace

SETTLING_DELAYS: Final = (0.1, 0.2, 0.4, 0.8)
"""Seconds between reads that look whether a write whose answer was lost has happened."""
READ_BACK_DELAYS: Final = (0.1, 0.2, 0.4, 0.8, 1.5, 2.0, 2.0, 3.0)
"""Seconds between reads that still show what was there before; about 10 s in all."""

_T = TypeVar("_T")


class Comparable(Protocol):
    """A document that knows when another one means the same."""

    def same_as(self: _T, other: _T, /) -> bool: ...

    def shows(self: _T, written: _T, /) -> bool:
        """Whether this is what a read gives once `written` is in place."""
        ...


V = TypeVar("V", bound=Comparable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot(Generic[V]):
    """One document of one registry: how to read it, and the write that is asked for."""

    operation: str
    """The write's API call."""
    read: Callable[[], Awaitable[V]]
    put: Callable[[], Awaitable[str | None]]
    """One attempt."""
    passage: Passage
    before: V
    after: V
    superseded: Sequence[V] = ()
    """What this run itself has replaced here: a late read may still show it."""
    ahead: Sequence[V] = ()
    """What later writes of the plan leave: where one of it is there, this write is behind it."""
    on_retry: OnRetry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled(Generic[V]):
    """How a write ended. `found` is what the last read showed, None where nobody knows."""

    outcome: Outcome
    found: V | None
    request_id: str | None = None
    error: Fault | None = None
    in_doubt: bool = False
    """It failed, and may have been written all the same."""


async def settle(slot: Slot[V], pace: Pace, stop: Stop) -> Settled[V]:
    """Write `slot.after` unless something else than `slot.before` is there.

    A write that the gate has admitted is reported to it once it has ended. One that is cancelled
    has not: nobody knows what became of it.
    """
    settled = await _to_its_end(slot, pace, stop)
    slot.passage.leave(settled.outcome, settled.request_id, in_doubt=settled.in_doubt)
    return settled


async def _to_its_end(slot: Slot[V], pace: Pace, stop: Stop) -> Settled[V]:
    try:
        return await _settle(slot, pace, stop)
    except CallError as error:
        fault = error.fault
    except Exception as error:  # noqa: BLE001 - one registry's failure is a value, whatever it is
        fault = unforeseen(slot.operation, error)
    return Settled(outcome=Outcome.FAILED, found=None, error=fault, in_doubt=True)


async def _settle(slot: Slot[V], pace: Pace, stop: Stop) -> Settled[V]:
    try:
        now = await _read_before(slot, pace, stop)
    except CallError as error:
        return Settled(outcome=Outcome.FAILED, found=None, error=error.fault)
    if now is None:
        return Settled(outcome=stop.outcome, found=slot.before)
    if now.same_as(slot.after) or any(now.same_as(one) for one in slot.ahead):
        return Settled(outcome=Outcome.UNCHANGED, found=now)
    if not now.same_as(slot.before):
        return Settled(outcome=Outcome.FAILED, found=now, error=_conflict(slot))
    if stop.requested:
        return Settled(outcome=stop.outcome, found=now)
    return await _Write(slot, pace, stop).run()


class _Write(Generic[V]):
    """One write under way. `uncertain`: an answer was lost, so it may have happened."""

    def __init__(self, slot: Slot[V], pace: Pace, stop: Stop) -> None:
        self._slot = slot
        self._pace = pace
        self._stop = stop
        self._uncertain = False
        self._tried = False

    async def run(self) -> Settled[V]:
        try:
            request_id = await self._pace.retry(self._once, on_retry=self._slot.on_retry)
        except _AbandonedError:
            return self._abandoned()
        except HaltedError as error:
            self._stop.halt(str(error))
            return self._abandoned()
        except _ConflictError as conflict:
            # An attempt whose answer was lost may have been written, and then changed.
            return Settled(
                outcome=Outcome.FAILED,
                found=conflict.found,
                error=_conflict(self._slot),
                in_doubt=self._uncertain,
            )
        except CallError as error:
            return await self._after_failure(error.fault)
        return await self._read_back(request_id, None)

    async def _once(self) -> str | None:
        """One attempt; any but the first looks first whether it still may, and has to, write."""
        if self._tried and await self._settled_already():
            return None
        self._tried = True
        await self._slot.passage.enter()
        # The gate may have taken its time. Between this and the write nothing else may.
        if self._stop.requested:
            raise _AbandonedError
        try:
            return await self._slot.put()
        except CallError as error:
            self._uncertain = self._uncertain or error.uncertain
            raise

    async def _settled_already(self) -> bool:
        """Whether an earlier attempt has done it. Raises where another one must not be made."""
        slot = self._slot
        if self._stop.requested and not self._uncertain:
            raise _AbandonedError
        delays = SETTLING_DELAYS if self._uncertain else ()
        now = await _poll(slot.read, lambda now: not now.same_as(slot.before), self._pace, delays)
        if now.shows(slot.after):
            return True
        if not now.same_as(slot.before):
            raise _ConflictError(now)
        if self._stop.requested:
            raise _AbandonedError
        return False

    def _abandoned(self) -> Settled[V]:
        stop, before = self._stop, self._slot.before
        return Settled(outcome=stop.outcome, found=before, in_doubt=self._uncertain)

    async def _after_failure(self, fault: Fault) -> Settled[V]:
        if self._uncertain:
            return await self._read_back(None, fault)
        return Settled(outcome=Outcome.FAILED, found=self._slot.before, error=fault)

    async def _read_back(self, request_id: str | None, fault: Fault | None) -> Settled[V]:
        """Read until what was written shows. `fault`: why it is not sure that it was."""
        slot = self._slot
        try:
            now = await _read_until(slot, slot.after, self._pace)
        except CallError as error:
            return Settled(
                outcome=Outcome.FAILED,
                found=None,
                request_id=request_id,
                error=fault or _unconfirmed(error.fault),
                in_doubt=True,
            )
        if now.shows(slot.after):
            return Settled(outcome=Outcome.APPLIED, found=now, request_id=request_id)
        untouched = now.same_as(slot.before)
        if fault is not None:
            why = fault if untouched else _conflict(slot)
            return Settled(outcome=Outcome.FAILED, found=now, error=why, in_doubt=True)
        return Settled(
            outcome=Outcome.FAILED,
            found=None if untouched else now,
            request_id=request_id,
            error=_overtaken(slot, untouched=untouched),
            in_doubt=True,
        )


class _AbandonedError(Exception):
    """The run was stopped before a write that surely had not happened was tried again."""


class _ConflictError(Exception, Generic[V]):
    def __init__(self, found: V) -> None:
        self.found = found
        super().__init__()


async def _read_before(slot: Slot[V], pace: Pace, stop: Stop) -> V | None:
    """What is in place now, without being fooled by a read that lags behind our own write.

    None once the run is stopped: nothing is lost with a read, so it need not finish.
    """
    found: list[V] = []
    with stop.abandonable():
        found.append(
            await _poll(
                slot.read, lambda now: not any(now.same_as(old) for old in slot.superseded), pace
            )
        )
    return found[0] if found else None


async def _read_until(slot: Slot[V], wanted: V, pace: Pace) -> V:
    return await _poll(slot.read, lambda now: now.shows(wanted), pace)


async def _poll(
    read: Callable[[], Awaitable[V]],
    good: Callable[[V], bool],
    pace: Pace,
    delays: Sequence[float] = READ_BACK_DELAYS,
) -> V:
    """Read until `good`, or for as long as reads may lag; the last answer."""
    for delay in delays:
        now = await read()
        if good(now):
            return now
        await pace.clock.sleep(delay)
    return await read()


def _conflict(slot: Slot[V]) -> Fault:
    return Fault(
        kind=FaultKind.CONFLICT,
        operation=slot.operation,
        message="it was changed by someone else after the plan was made, and is left as it is",
        hint="plan again to see what is there now",
    )


def _unconfirmed(fault: Fault) -> Fault:
    return Fault(
        kind=fault.kind,
        operation=fault.operation,
        code=fault.code,
        request_id=fault.request_id,
        message=f"it was written, but could not be read back: {fault.message}",
        hint="run drift to see whether it is in place",
    )


def _overtaken(slot: Slot[V], *, untouched: bool) -> Fault:
    shows = "what was there before" if untouched else "something else"
    return Fault(
        kind=FaultKind.CONFLICT,
        operation=slot.operation,
        message=f"it was written, but reads still show {shows} after {sum(READ_BACK_DELAYS):.0f} s",
        hint="someone else may be writing too; run drift to see what is in place",
    )
