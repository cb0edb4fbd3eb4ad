"""One start of a backfill, settled: a start whose answer was lost is looked up, not repeated.

And lists of backfills as values. What ECR tells of one in a way that is not understood is a
failed call: taken for nothing, it would be started twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from fleet_repl.ecr.backfills import Backfill, MalformedBackfillError, latest, parse_backfill
from fleet_repl.engine.polls import READ_BACK_DELAYS
from fleet_repl.engine.ports import Backfills, EventSink
from fleet_repl.engine.retry import Pace
from fleet_repl.engine.stop import Stop
from fleet_repl.runs.events import CallRetried
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.clock import Clock
from fleet_repl.values.errors import CallError, Fault, FaultKind
from fleet_repl.values.names import Registry

START: Final = "StartReplicationBackfill"
LIST: Final = "ListReplicationBackfills"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillContext:
    """What backfilling needs beside the registries."""

    backfills: Backfills
    pace: Pace
    stop: Stop
    crew: int
    """Registries that are worked on at a time; following one takes no place."""
    on_event: EventSink


async def list_backfills(source: Registry, how: BackfillContext) -> tuple[Backfill, ...]:
    """Every backfill of a registry that ECR still tells of. Raises CallError."""
    return _parsed(await how.backfills.list_backfills(source))


class Start:
    """The start of one backfill, which may take several attempts."""

    def __init__(
        self, source: Registry, destination: Registry, seen: Collection[str], how: BackfillContext
    ) -> None:
        """`seen`: ids of the backfills that were there before."""
        self._source = source
        self._destination = destination
        self._seen = seen
        self._how = how
        self._error: CallError | None = None
        self._looked = False
        """Whether the list was looked at since the last attempt."""
        self.uncertain = False
        """Whether an answer was lost, so that it may have been started."""

    async def run(self) -> Backfill:
        """The backfill. Raises CallError where none is to be found."""
        # A delay has nothing to lose: whatever is uncertain is looked up after it.
        pace = replace(self._how.pace, clock=_Rousable(self._how.pace.clock, self._how.stop))
        try:
            return await pace.retry(self._once, on_retry=self._announce)
        except CallError:
            unsettled = self.uncertain and not self._looked
            found = await self._appeared() if unsettled else None
            if found is None:
                raise
            return found

    async def _once(self) -> Backfill:
        """One attempt; any but the first only if it still has to be made."""
        if self.uncertain and (found := await self._appeared()) is not None:
            return found
        if self._error is not None and self._how.stop.requested:
            raise CallError(self._error.fault)
        self._looked = False
        try:
            answer = await self._how.backfills.start_backfill(self._source, self._destination)
            return _started(answer, self._destination)
        except CallError as error:
            self._error = error
            self.uncertain = self.uncertain or error.uncertain
            raise

    async def _appeared(self) -> Backfill | None:
        """The backfill that an attempt without an answer has started, if it has."""
        for delay in (*READ_BACK_DELAYS, None):
            listed = await list_backfills(self._source, self._how)
            found = latest([one for one in listed if one.id not in self._seen], self._destination)
            if found is not None or delay is None:
                self._looked = True
                return found
            await self._how.pace.clock.sleep(delay)
        return None

    def _announce(self, error: CallError, attempt: int, delay: float) -> None:
        self._how.on_event(
            CallRetried(
                account=self._source.account,
                operation=START,
                error=error.fault,
                attempt=attempt,
                delay=delay,
            )
        )


class _Rousable:
    """A clock whose sleep an interruption ends."""

    def __init__(self, clock: Clock, stop: Stop) -> None:
        self._clock = clock
        self._stop = stop

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def now(self) -> datetime:
        return self._clock.now()

    async def sleep(self, seconds: float) -> None:
        with self._stop.abandonable():
            await self._clock.sleep(seconds)


def _started(answer: JsonObject, destination: Registry) -> Backfill:
    try:
        started = parse_backfill(answer, destination)
    except MalformedBackfillError as error:
        fault = _malformed(START, error)
    else:
        if started.destination == destination:
            return started
        fault = Fault(
            kind=FaultKind.SERVICE,
            operation=START,
            message=f"the answer tells of a backfill to {started.destination}, which was not "
            "asked for",
            hint="it is left alone: look at it with aws ecr list-replication-backfills",
        )
    raise CallError(fault, transient=True, uncertain=True)


def _parsed(documents: Iterable[JsonObject]) -> tuple[Backfill, ...]:
    try:
        return tuple(parse_backfill(one) for one in documents)
    except MalformedBackfillError as error:
        fault = _malformed(LIST, error)
    raise CallError(fault)


def _malformed(operation: str, error: MalformedBackfillError) -> Fault:
    return Fault(
        kind=FaultKind.SERVICE,
        operation=operation,
        message=f"the answer tells of a backfill without a {error} that can be read",
        hint="nothing was started, as one that runs may have been missed: run again later",
    )
