"""One write, settled: read, compare, write, read back.

Nothing is overwritten that is not as the plan saw it, nothing counts as written before a read
shows it, and a write whose answer was lost is settled by reading.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from fleet_repl.engine.stopping import Stop
from fleet_repl.errors import CallError, Fault, FaultKind
from fleet_repl.outcomes import Outcome
from fleet_repl.pacing import OnRetry, Pace

READ_BACK_DELAYS: Final = (0.1, 0.2, 0.4, 0.8, 1.5, 2.0, 2.0, 3.0)
"""Seconds between reads that still show what was there before; about 10 s in all."""

_T = TypeVar("_T")


class Comparable(Protocol):
    """A document that knows when another one means the same."""

    def same_as(self: _T, other: _T, /) -> bool: ...


V = TypeVar("V", bound=Comparable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot(Generic[V]):
    """One document of one registry: how to read it, and the write that is asked for."""

    operation: str
    """The write's API call."""
    read: Callable[[], Awaitable[V]]
    put: Callable[[], Awaitable[str | None]]
    """One attempt."""
    before: V
    after: V
    superseded: Sequence[V] = ()
    """What this run itself has replaced here: a late read may still show it."""
    on_retry: OnRetry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled(Generic[V]):
    """How a write ended. `found` is what the last read showed, None where nobody knows."""

    outcome: Outcome
    found: V | None
    request_id: str | None = None
    error: Fault | None = None


async def settle(slot: Slot[V], pace: Pace, stop: Stop) -> Settled[V]:
    """Write `slot.after` unless something else than `slot.before` is there."""
    try:
        now = await _read_before(slot, pace)
    except CallError as error:
        return Settled(outcome=Outcome.FAILED, found=None, error=error.fault)
    if now.same_as(slot.after):
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
            return Settled(outcome=self._stop.outcome, found=self._slot.before)
        except _ConflictError as conflict:
            return Settled(
                outcome=Outcome.FAILED, found=conflict.found, error=_conflict(self._slot)
            )
        except CallError as error:
            return await self._after_failure(error.fault)
        return await self._read_back(request_id, None)

    async def _once(self) -> str | None:
        """One attempt; any but the first looks first whether it still may, and has to, write."""
        if self._tried:
            if self._stop.requested and not self._uncertain:
                raise _AbandonedError
            now = await self._slot.read()
            if now.same_as(self._slot.after):
                return None
            if not now.same_as(self._slot.before):
                raise _ConflictError(now)
        self._tried = True
        try:
            return await self._slot.put()
        except CallError as error:
            self._uncertain = self._uncertain or error.uncertain
            raise

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
            )
        if now.same_as(slot.after):
            return Settled(outcome=Outcome.APPLIED, found=now, request_id=request_id)
        return Settled(
            outcome=Outcome.FAILED,
            found=None if now.same_as(slot.before) and fault is None else now,
            request_id=request_id,
            error=fault if fault and now.same_as(slot.before) else _overtaken(slot, now),
        )


class _AbandonedError(Exception):
    """The run was stopped before a write that surely had not happened was tried again."""


class _ConflictError(Exception, Generic[V]):
    def __init__(self, found: V) -> None:
        self.found = found
        super().__init__()


async def _read_before(slot: Slot[V], pace: Pace) -> V:
    """What is in place now, without being fooled by a read that lags behind our own write."""
    return await _poll(
        slot.read, lambda now: not any(now.same_as(old) for old in slot.superseded), pace
    )


async def _read_until(slot: Slot[V], wanted: V, pace: Pace) -> V:
    return await _poll(slot.read, lambda now: now.same_as(wanted), pace)


async def _poll(read: Callable[[], Awaitable[V]], good: Callable[[V], bool], pace: Pace) -> V:
    """Read until `good`, or for as long as reads may lag; the last answer."""
    for delay in READ_BACK_DELAYS:
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


def _overtaken(slot: Slot[V], now: V) -> Fault:
    shows = "what was there before" if now.same_as(slot.before) else "something else"
    return Fault(
        kind=FaultKind.CONFLICT,
        operation=slot.operation,
        message=f"it was written, but reads still show {shows} after {sum(READ_BACK_DELAYS):.0f} s",
        hint="someone else may be writing too; run drift to see what is in place",
    )
