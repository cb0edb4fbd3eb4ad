"""Backfills of many registries: started where ECR has room, found again, followed by listing.

Each source is worked on by itself. Nothing is ever stopped at AWS: after an interruption, the next
run finds every backfill again by listing. `progress` keeps the state of each destination.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

import anyio

from fleet_repl.ecr.backfills import Backfill, BackfillOutcome, BackfillState, decide, latest
from fleet_repl.engine.backfill.progress import SourceProgress
from fleet_repl.engine.backfill.start import LIST, BackfillContext, Start, list_backfills
from fleet_repl.engine.retry_events import retry_event
from fleet_repl.runs.events import BackfillStarted
from fleet_repl.values.errors import CallError, unforeseen
from fleet_repl.values.names import Registry

FIRST_DELAY: Final = 1.0
LONGEST_DELAY: Final = 30.0
"""Seconds between looks at a registry's backfills; each delay is twice the one before."""

MISSED_LOOKS: Final = 5
"""Failed looks in a row after which a registry is no longer followed."""
_FULL: Final = {
    "LimitExceededException": "ECR takes on no more backfills of this registry at the moment",
    "ReplicationBackfillInProgressException": "another backfill to its region has not ended",
}
"""Refusals that pass once another backfill has ended."""
_IN_DOUBT: Final = "a start got no answer, and nothing it may have begun is listed yet"


async def backfill(
    targets: Mapping[Registry, Mapping[Registry, datetime | None]],
    context: BackfillContext,
    *,
    wait: bool,
    again: bool = False,
) -> tuple[BackfillOutcome, ...]:
    """Start the backfills of `targets` that do not exist yet; returns the outcome of each.

    `targets`: by source, then by destination, since when its rule is in place (None: not known).
    `wait`: start the queued backfills too, and follow all backfills to their end; otherwise the
    backfills that ECR has no room for stay queued. `again`: start new backfills also where a
    backfill has ended.
    """
    limiter = anyio.CapacityLimiter(context.concurrency)
    sources = [
        _SourceRun(source, destinations, context, limiter, again=again)
        for source, destinations in sorted(targets.items())
    ]
    return await _outcomes(sources, lambda source: source.run(wait=wait))


async def look(
    targets: Mapping[Registry, Collection[Registry]], context: BackfillContext
) -> tuple[BackfillOutcome, ...]:
    """Read the latest backfill of each source to each of its destinations; starts nothing."""
    limiter = anyio.CapacityLimiter(context.concurrency)
    sources = [
        _SourceRun(source, dict.fromkeys(destinations), context, limiter)
        for source, destinations in sorted(targets.items())
    ]
    return await _outcomes(sources, lambda source: source.look())


async def _outcomes(
    sources: Sequence[_SourceRun], work: Callable[[_SourceRun], Awaitable[None]]
) -> tuple[BackfillOutcome, ...]:
    async def do(source: _SourceRun) -> None:
        await work(source)

    async with anyio.create_task_group() as group:
        for source in sources:
            group.start_soon(do, source)
    outcomes = [outcome for source in sources for outcome in source.outcomes]
    return tuple(sorted(outcomes, key=lambda outcome: (outcome.source, outcome.destination)))


class _SourceRun:
    """The backfills of one source, from the first look at them to their outcomes."""

    def __init__(
        self,
        source: Registry,
        destinations: Mapping[Registry, datetime | None],
        context: BackfillContext,
        limiter: anyio.CapacityLimiter,
        *,
        again: bool = False,
    ) -> None:
        self._source = source
        self._context = context
        self._limiter = limiter
        self._again = again
        self._progress = SourceProgress(source, destinations, context, limiter)
        self._first: frozenset[str] | None = None
        """Ids of the backfills that existed before this run; None before the first look."""
        self._past: frozenset[str] = frozenset()
        """Ids of ended backfills beside which new backfills are started."""

    @property
    def outcomes(self) -> Sequence[BackfillOutcome]:
        return self._progress.outcomes

    async def run(self, *, wait: bool) -> None:
        """Start the backfills that ECR has room for; with `wait` all, and follow them."""
        try:
            await self._round()
            if wait:
                await self._rounds()
        except CallError as error:
            self._progress.give_up(error.fault)
        except Exception as error:  # noqa: BLE001 - one registry's failure is a value
            self._progress.give_up(unforeseen(LIST, error))
        self._progress.leave(followed=wait)

    async def look(self) -> None:
        """Read the latest backfill to each destination."""
        progress = self._progress
        try:
            listed = await self._list()
            for destination in sorted(progress.open) if listed is not None else ():
                last = latest(listed or (), destination)
                if last is None:
                    progress.end(destination, BackfillState.NONE)
                else:
                    await progress.conclude(last)
        except CallError as error:
            progress.give_up(error.fault, BackfillState.UNKNOWN)
        except Exception as error:  # noqa: BLE001 - one registry's failure is a value
            progress.give_up(unforeseen(LIST, error), BackfillState.UNKNOWN)
        for destination in tuple(progress.open):
            because = f"not looked at: {self._context.stop.because}"
            progress.end(destination, BackfillState.UNKNOWN, because=because)

    async def _rounds(self) -> None:
        """Look again and again until nothing is left. Raises the CallError that ends it."""
        progress, delay, missed = self._progress, FIRST_DELAY, 0
        while (progress.open or progress.following) and not self._context.stop.requested:
            started = len(progress.started)
            with self._context.stop.abandonable():
                await self._context.pace.clock.sleep(delay)
            delay = min(2 * delay, LONGEST_DELAY)
            try:
                await self._round()
            except CallError as error:
                missed += 1
                if not error.fault.passing or missed >= MISSED_LOOKS:
                    raise
                self._context.on_event(retry_event(self._source, LIST, error, missed, delay))
            else:
                missed = 0
                delay = FIRST_DELAY if len(progress.started) > started else delay

    async def _round(self) -> None:
        """List the source's backfills, and start those that ECR has room for."""
        listed = await self._list()
        if listed is None:
            return
        await self._progress.note(listed)
        full: dict[Registry, str] = {}
        again = True
        while again and not self._context.stop.requested:
            again = await self._start_some(listed, full)

    async def _start_some(self, listed: Sequence[Backfill], full: dict[Registry, str]) -> bool:
        """Start the backfills that there is room for.

        Returns whether ECR has refused one for good, so that its room is free for another. `full`:
        the destinations that ECR had no room for in this round, with the reason.
        """
        progress = self._progress
        # The list may lag behind a start, so backfills that are followed count as listed.
        by_id = {backfill.id: backfill for backfill in (*progress.following.values(), *listed)}
        decision = decide(
            {end: since for end, since in progress.open.items() if end not in full},
            by_id.values(),
            fresh=by_id.keys() - (self._first or frozenset()),
            past=self._past,
        )
        for ended in decision.done:
            await progress.conclude(ended)
        for active in decision.follow:
            progress.follow(active)
        for destination in decision.start:
            because = await self._start(destination, by_id.keys())
            if because is not None:
                full[destination] = because
        progress.waiting = {**decision.waiting, **full}
        return any(
            destination not in progress.open and destination not in progress.following
            for destination in decision.start
        )

    async def _list(self) -> tuple[Backfill, ...] | None:
        """The backfills that ECR lists; None once the run is stopped."""
        lists: list[tuple[Backfill, ...]] = []
        if not self._context.stop.requested:
            with self._context.stop.abandonable():
                async with self._limiter:
                    lists.append(await list_backfills(self._source, self._context))
        if lists and self._first is None:
            self._first = frozenset(backfill.id for backfill in lists[0])
            if self._again:
                self._past = frozenset(old.id for old in lists[0] if not old.active)
        return lists[0] if lists else None

    async def _start(self, destination: Registry, known: Collection[str]) -> str | None:
        """Start a backfill; returns why it has to wait, if ECR has no room for it after all.
        `known`: ids of the backfills that existed before."""
        progress, start = self._progress, Start(self._source, destination, known, self._context)
        try:
            async with self._limiter:
                # Waiting for the limiter may have taken long.
                if not await self._context.stop.admits(self._context.admit):
                    return None
                backfill = await start.run()
        except CallError as error:
            if start.uncertain:
                # If it shows in a list later, this run has started it.
                progress.started.add(destination)
            doubt = _IN_DOUBT if start.uncertain else None
            full = _FULL.get(error.fault.code or "")
            if full is None:
                state = BackfillState.NOT_STARTED
                progress.end(destination, state, error=error.fault, because=doubt)
                return None
            return f"{doubt}; {full}" if doubt else full
        progress.started.add(destination)
        self._context.on_event(BackfillStarted(source=self._source, backfill=backfill))
        if backfill.active:
            progress.follow(backfill)
        else:
            await progress.conclude(backfill)
        return None
