"""Backfills of many registries: started where ECR has room, found again, followed by listing.

Each source goes its own way. Nothing is ever stopped at AWS: who is interrupted finds every
backfill again by listing. How the destinations stand is kept elsewhere.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

import anyio

from fleet_repl.ecr.backfills import Backfill, BackfillOutcome, BackfillState, decide, latest
from fleet_repl.engine.backfill.progress import Standing
from fleet_repl.engine.backfill.start import LIST, BackfillContext, Start, list_backfills
from fleet_repl.runs.events import BackfillStarted, CallRetried
from fleet_repl.values.errors import CallError, FaultKind, unforeseen
from fleet_repl.values.names import Registry

FIRST_DELAY: Final = 1.0
LONGEST_DELAY: Final = 30.0
"""Seconds between two looks at the backfills of a registry; each delay doubles the last one."""

MISSED_LOOKS: Final = 5
"""So many looks in a row that fail for the moment end the following of a registry."""
_PASSING: Final = frozenset(
    {FaultKind.NETWORK, FaultKind.TIMEOUT, FaultKind.THROTTLED, FaultKind.SERVICE}
)
"""How a look fails that may work the next time."""
_FULL: Final = {
    "LimitExceededException": "ECR takes on no more backfills of this registry at the moment",
    "ReplicationBackfillInProgressException": "another backfill to its region has not ended",
}
"""Refusals that pass once another backfill has ended."""
_IN_DOUBT: Final = "a start got no answer, and nothing it may have begun is listed yet"


async def backfill(
    wanted: Mapping[Registry, Mapping[Registry, datetime | None]],
    how: BackfillContext,
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
    wanted: Mapping[Registry, Collection[Registry]], how: BackfillContext
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
        how: BackfillContext,
        limiter: anyio.CapacityLimiter,
        *,
        again: bool = False,
    ) -> None:
        self._source = source
        self._how = how
        self._limiter = limiter
        self._again = again
        self._standing = Standing(source, wanted, how, limiter)
        self._first: frozenset[str] | None = None
        """Ids of what was there before this run."""
        self._past: frozenset[str] = frozenset()
        """Ids of what counts no longer."""

    @property
    def outcomes(self) -> Sequence[BackfillOutcome]:
        return self._standing.outcomes

    async def run(self, *, wait: bool) -> None:
        """Start what can be; with `wait`, everything, and follow it."""
        try:
            await self._round()
            if wait:
                await self._rounds()
        except CallError as error:
            self._standing.give_up(error.fault)
        except Exception as error:  # noqa: BLE001 - one registry's failure is a value
            self._standing.give_up(unforeseen(LIST, error))
        self._standing.leave(followed=wait)

    async def look(self) -> None:
        """The latest backfill to each destination."""
        standing = self._standing
        try:
            listed = await self._list()
            for destination in sorted(standing.open) if listed is not None else ():
                found = latest(listed or (), destination)
                if found is None:
                    standing.end(destination, BackfillState.NONE)
                else:
                    await standing.settle(found)
        except CallError as error:
            standing.give_up(error.fault, BackfillState.UNKNOWN)
        except Exception as error:  # noqa: BLE001 - one registry's failure is a value
            standing.give_up(unforeseen(LIST, error), BackfillState.UNKNOWN)
        for destination in tuple(standing.open):
            because = f"not looked at: {self._how.stop.because}"
            standing.end(destination, BackfillState.UNKNOWN, because=because)

    async def _rounds(self) -> None:
        """Look again and again until nothing is left. Raises the CallError that ends it."""
        standing, delay, missed = self._standing, FIRST_DELAY, 0
        while (standing.open or standing.following) and not self._how.stop.requested:
            started = len(standing.started)
            with self._how.stop.abandonable():
                await self._how.pace.clock.sleep(delay)
            delay = min(2 * delay, LONGEST_DELAY)
            try:
                await self._round()
            except CallError as error:
                missed += 1
                if error.fault.kind not in _PASSING or missed >= MISSED_LOOKS:
                    raise
                self._tell_missed(error, missed, delay)
            else:
                missed = 0
                delay = FIRST_DELAY if len(standing.started) > started else delay

    async def _round(self) -> None:
        """Look at what there is, and start what there is room for."""
        listed = await self._list()
        if listed is None:
            return
        await self._standing.note(listed)
        full: dict[Registry, str] = {}
        again = True
        while again and not self._how.stop.requested:
            again = await self._start_some(listed, full)

    async def _start_some(self, listed: Sequence[Backfill], full: dict[Registry, str]) -> bool:
        """Start what there is room for. Whether one was refused for good, so that its room is free.

        `full`: what ECR had no room for in this round.
        """
        standing = self._standing
        # A list may lag behind a start.
        there = {one.id: one for one in (*standing.following.values(), *listed)}
        decision = decide(
            {one: since for one, since in standing.open.items() if one not in full},
            there.values(),
            fresh=there.keys() - (self._first or frozenset()),
            past=self._past,
        )
        for one in decision.done:
            await standing.settle(one)
        for one in decision.follow:
            standing.follow(one)
        for destination in decision.start:
            because = await self._start(destination, there.keys())
            if because is not None:
                full[destination] = because
        standing.waiting = {**decision.waiting, **full}
        return any(
            one not in standing.open and one not in standing.following for one in decision.start
        )

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

    async def _start(self, destination: Registry, seen: Collection[str]) -> str | None:
        """Start one. Why it has to wait, if ECR has no room for it after all."""
        standing, start = self._standing, Start(self._source, destination, seen, self._how)
        try:
            async with self._limiter:
                # Others may have been started for a long time before it was this one's turn.
                if self._how.stop.requested:
                    return None
                found = await start.run()
        except CallError as error:
            if start.uncertain:
                # Should it show later after all, it is ours.
                standing.started.add(destination)
            doubt = _IN_DOUBT if start.uncertain else None
            full = _FULL.get(error.fault.code or "")
            if full is None:
                state = BackfillState.NOT_STARTED
                standing.end(destination, state, error=error.fault, because=doubt)
                return None
            return f"{doubt}; {full}" if doubt else full
        standing.started.add(destination)
        self._how.on_event(BackfillStarted(source=self._source, backfill=found))
        if found.active:
            standing.follow(found)
        else:
            await standing.settle(found)
        return None

    def _tell_missed(self, error: CallError, missed: int, delay: float) -> None:
        self._how.on_event(
            CallRetried(
                account=self._source.account,
                operation=LIST,
                error=error.fault,
                attempt=missed,
                delay=delay,
            )
        )
