"""Backfills of many registries: started where ECR has room, found again, followed by listing.

Each source goes its own way. Nothing is ever stopped at AWS: who is interrupted finds every
backfill again by listing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import anyio

from fleet_repl.backfills import (
    Backfill,
    BackfillOutcome,
    BackfillState,
    decide,
    latest,
)
from fleet_repl.canonical import JsonObject
from fleet_repl.engine.concluding import unforeseen
from fleet_repl.engine.starting import LIST, Backfilling, Start, list_backfills
from fleet_repl.errors import CallError, Fault
from fleet_repl.names import Registry
from fleet_repl.outcomes import BackfillEnded, BackfillProgressed, BackfillStarted

FIRST_DELAY: Final = 1.0
LONGEST_DELAY: Final = 30.0
"""Seconds between two looks at the backfills of a registry; each delay doubles the last one."""

NOT_OFFERED: Final = "this region's ECR API does not offer backfill yet"
_UNKNOWN_OPERATION: Final = "UnknownOperationException"
_FULL: Final = {
    "LimitExceededException": "ECR takes on no more backfills of this registry at the moment",
    "ReplicationBackfillInProgressException": "another backfill to its region has not ended",
}
"""Refusals that pass once another backfill has ended."""
_GOES_ON: Final = "what was started goes on at AWS"


async def backfill(
    wanted: Mapping[Registry, Mapping[Registry, datetime | None]],
    how: Backfilling,
    *,
    wait: bool,
    again: bool = False,
) -> tuple[BackfillOutcome, ...]:
    """Start the backfills that are `wanted` (source → destination → since when) and not there.

    `wait`: start those in the queue too, and follow all to their end. Otherwise what cannot be
    started at once stays queued. `again`: backfills that have ended already do not count.
    """
    limiter = anyio.CapacityLimiter(how.crew)
    sources = [
        _Source(source, destinations, how, limiter, again=again)
        for source, destinations in sorted(wanted.items())
    ]
    return await _all_of(sources, lambda one: one.run(wait=wait))


async def look(
    wanted: Mapping[Registry, Collection[Registry]], how: Backfilling
) -> tuple[BackfillOutcome, ...]:
    """The latest backfill to each destination that is `wanted`; starts nothing."""
    limiter = anyio.CapacityLimiter(how.crew)
    sources = [
        _Source(source, dict.fromkeys(destinations), how, limiter)
        for source, destinations in sorted(wanted.items())
    ]
    return await _all_of(sources, lambda one: one.look())


async def _all_of(
    sources: Sequence[_Source], work: Callable[[_Source], Awaitable[None]]
) -> tuple[BackfillOutcome, ...]:
    async def go(one: _Source) -> None:
        await work(one)

    async with anyio.create_task_group() as group:
        for one in sources:
            group.start_soon(go, one)
    found = [outcome for one in sources for outcome in one.outcomes]
    return tuple(sorted(found, key=lambda one: (one.source, one.destination)))


class _Source:
    """One registry's backfills, from the first look at them to their outcomes."""

    def __init__(
        self,
        source: Registry,
        wanted: Mapping[Registry, datetime | None],
        how: Backfilling,
        limiter: anyio.CapacityLimiter,
        *,
        again: bool = False,
    ) -> None:
        self.outcomes: list[BackfillOutcome] = []
        self._source = source
        self._how = how
        self._limiter = limiter
        self._again = again
        self._open = dict(wanted)
        """Destinations without a backfill so far."""
        self._waiting: Mapping[Registry, str] = {}
        self._following: dict[Registry, Backfill] = {}
        self._started: set[Registry] = set()
        self._first: frozenset[str] | None = None
        """Ids of what was there before this run."""
        self._past: frozenset[str] = frozenset()
        """Ids of what counts no longer."""

    async def run(self, *, wait: bool) -> None:
        """Start what can be; with `wait`, everything, and follow it."""
        try:
            await self._round()
            delay = FIRST_DELAY
            while wait and (self._open or self._following) and not self._how.stop.requested:
                started = len(self._started)
                with self._how.stop.abandonable():
                    await self._how.pace.clock.sleep(delay)
                await self._round()
                grown = min(2 * delay, LONGEST_DELAY)
                delay = FIRST_DELAY if len(self._started) > started else grown
        except CallError as error:
            self._give_up(error.fault)
        except Exception as error:  # noqa: BLE001 - one registry's failure is a value
            self._give_up(unforeseen(LIST, error))
        self._leave(followed=wait)

    async def look(self) -> None:
        """The latest backfill to each destination."""
        try:
            listed = await self._list()
            for destination in sorted(self._open) if listed is not None else ():
                found = latest(listed or (), destination)
                if found is None:
                    self._end(destination, BackfillState.NONE)
                else:
                    await self._settle(found)
        except CallError as error:
            self._give_up(error.fault, BackfillState.UNKNOWN)
        except Exception as error:  # noqa: BLE001 - one registry's failure is a value
            self._give_up(unforeseen(LIST, error), BackfillState.UNKNOWN)
        for destination in tuple(self._open):
            because = f"not looked at: {self._how.stop.because}"
            self._end(destination, BackfillState.UNKNOWN, because=because)

    async def _round(self) -> None:
        """Look at what there is, and start what there is room for."""
        listed = await self._list()
        if listed is None:
            return
        await self._note(listed)
        # A list may lag behind a start.
        there = {one.id: one for one in (*self._following.values(), *listed)}
        decision = decide(
            self._open,
            [one for one in there.values() if one.id not in self._past],
            fresh=there.keys() - (self._first or frozenset()),
        )
        self._waiting = decision.waiting
        for one in decision.done:
            await self._settle(one)
        for one in decision.follow:
            self._follow(one)
        for destination in decision.start:
            if self._how.stop.requested:
                break
            await self._start(destination, there.keys())

    async def _list(self) -> tuple[Backfill, ...] | None:
        """What ECR tells of; None once the run is stopped."""
        found: list[tuple[Backfill, ...]] = []
        if self._how.stop.requested:
            return None
        with self._how.stop.abandonable():
            async with self._limiter:
                found.append(await list_backfills(self._source, self._how))
        if not found:
            return None
        if self._first is None:
            self._first = frozenset(one.id for one in found[0])
            if self._again:
                self._past = frozenset(one.id for one in found[0] if not one.active)
        return found[0]

    async def _note(self, listed: Iterable[Backfill]) -> None:
        """Those that are followed as they are now."""
        now = {one.id: one for one in listed}
        for destination, last in tuple(self._following.items()):
            seen = now.get(last.id, last)
            if not seen.active:
                await self._settle(seen)
            elif seen != last:
                self._following[destination] = seen
                self._how.on_event(BackfillProgressed(source=self._source, backfill=seen))

    async def _start(self, destination: Registry, seen: Collection[str]) -> None:
        start = Start(self._source, destination, seen, self._how)
        try:
            async with self._limiter:
                found = await start.run()
        except CallError as error:
            if start.uncertain:
                # Should it show later after all, it is ours.
                self._started.add(destination)
            full = _FULL.get(error.fault.code or "")
            if full is None:
                self._end(destination, BackfillState.NOT_STARTED, error=error.fault)
            else:
                self._waiting = {**self._waiting, destination: full}
            return
        self._started.add(destination)
        self._how.on_event(BackfillStarted(source=self._source, backfill=found))
        if found.active:
            self._follow(found)
        else:
            await self._settle(found)

    def _follow(self, one: Backfill) -> None:
        del self._open[one.destination]
        self._following[one.destination] = one

    async def _settle(self, one: Backfill) -> None:
        """A backfill that is told as it is; of one that has ended, why copies failed."""
        failures: Mapping[str, int | None] = dict.fromkeys(one.failure_codes)
        error = None
        if not one.active and (one.failed or one.failure_codes):
            try:
                failures = await self._failures(one) or failures
            except CallError as failure:
                error = failure.fault
        self._end(one.destination, one.state, one, failures=failures, error=error)

    async def _failures(self, one: Backfill) -> dict[str, int | None]:
        results: list[JsonObject] = []
        with self._how.stop.abandonable():
            async with self._limiter:
                results += await self._how.backfills.backfill_results(self._source, one.id)
        return dict(sorted(Counter(code for each in results for code in _codes(each)).items()))

    def _give_up(self, fault: Fault, state: BackfillState = BackfillState.NOT_STARTED) -> None:
        """Nothing more can be learned of the registry."""
        because = NOT_OFFERED if fault.code == _UNKNOWN_OPERATION else None
        for destination in tuple(self._open):
            self._end(destination, state, error=fault, because=because)
        for destination, last in tuple(self._following.items()):
            self._end(destination, last.state, last, error=fault, because=because)

    def _leave(self, *, followed: bool) -> None:
        """Tell of everything that has not ended."""
        stop = self._how.stop
        cut = "interrupted" if stop.interrupted else stop.because
        for destination, last in tuple(self._following.items()):
            because = f"{cut}; {_GOES_ON}" if followed else None
            self._end(destination, last.state, last, because=because)
        for destination in tuple(self._open):
            queued = self._waiting.get(destination)
            if queued is None:
                self._end(destination, BackfillState.NOT_STARTED, because=stop.because)
            else:
                because = f"{queued}; {cut}" if stop.requested else queued
                self._end(destination, BackfillState.QUEUED, because=because)

    def _end(
        self,
        destination: Registry,
        state: BackfillState,
        last: Backfill | None = None,
        *,
        failures: Mapping[str, int | None] | None = None,
        error: Fault | None = None,
        because: str | None = None,
    ) -> None:
        self._open.pop(destination, None)
        self._following.pop(destination, None)
        if failures is None:
            failures = dict.fromkeys(last.failure_codes) if last is not None else {}
        outcome = BackfillOutcome(
            source=self._source,
            destination=destination,
            state=state,
            started=destination in self._started and last is not None,
            backfill=last,
            failures=failures,
            error=error,
            because=because,
        )
        self.outcomes.append(outcome)
        self._how.on_event(BackfillEnded(outcome=outcome))


def _codes(result: JsonObject) -> Iterable[str]:
    """Why one copy failed. A manifest list may only have those of its images."""
    code, inner = result.get("failureCode"), result.get("subImageFailureCodes")
    if isinstance(code, str):
        return (code,)
    if isinstance(inner, Sequence) and not isinstance(inner, str):
        return [one for one in inner if isinstance(one, str)] or ("unknown",)
    return ("unknown",)
