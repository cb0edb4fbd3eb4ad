"""The start of one backfill: after a lost answer the backfill is looked up, not started again.

And lists of backfills as values. An entry that cannot be understood makes the call a failure: if
it were ignored, its backfill might be started twice.
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
from fleet_repl.engine.retry_events import retry_event
from fleet_repl.engine.stop import Admit, Stop
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.clock import Clock
from fleet_repl.values.errors import CallError, Fault, FaultKind
from fleet_repl.values.names import Registry

START: Final = "StartReplicationBackfill"
LIST: Final = "ListReplicationBackfills"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillContext:
    """Everything that backfills need besides the registries."""

    backfills: Backfills
    pace: Pace
    stop: Stop
    admit: Admit
    """Called before each attempt at a start."""
    concurrency: int
    """Registries that are called at a time; a registry that is only followed does not count."""
    on_event: EventSink


async def list_backfills(source: Registry, context: BackfillContext) -> tuple[Backfill, ...]:
    """Every backfill of a registry that ECR still lists. Raises CallError."""
    return _parsed(await context.backfills.list_backfills(source))


class Start:
    """The start of one backfill, which may take several attempts."""

    def __init__(
        self,
        source: Registry,
        destination: Registry,
        known: Collection[str],
        context: BackfillContext,
    ) -> None:
        """`known`: ids of the backfills that existed before."""
        self._source = source
        self._destination = destination
        self._known = known
        self._context = context
        self._error: CallError | None = None
        self._looked = False
        """True if the list was read since the last attempt."""
        self.uncertain = False
        """True if an answer was lost, so that the backfill may have been started."""

    async def run(self) -> Backfill:
        """Start the backfill, and return it. Raises CallError where none was started."""
        # An interruption may end a delay: an uncertain start is looked up after the delay.
        context = self._context
        pace = replace(context.pace, clock=_Rousable(context.pace.clock, context.stop))
        try:
            return await pace.retry(self._once, on_retry=self._announce)
        except CallError:
            unanswered = self.uncertain and not self._looked
            backfill = await self._appeared() if unanswered else None
            if backfill is None:
                raise
            return backfill

    async def _once(self) -> Backfill:
        """Make an attempt, unless an earlier attempt turns out to have started the backfill."""
        if self.uncertain and (backfill := await self._appeared()) is not None:
            return backfill
        stop = self._context.stop
        if self._error is not None and not await stop.admits(self._context.admit):
            raise CallError(self._error.fault)
        self._looked = False
        try:
            answer = await self._context.backfills.start_backfill(self._source, self._destination)
            return _started(answer, self._destination)
        except CallError as error:
            self._error = error
            self.uncertain = self.uncertain or error.uncertain
            raise

    async def _appeared(self) -> Backfill | None:
        """The backfill that an attempt without an answer has started; None if it has not."""
        for delay in (*READ_BACK_DELAYS, None):
            listed = await list_backfills(self._source, self._context)
            new = [backfill for backfill in listed if backfill.id not in self._known]
            backfill = latest(new, self._destination)
            if backfill is not None or delay is None:
                self._looked = True
                return backfill
            await self._context.pace.clock.sleep(delay)
        return None

    def _announce(self, error: CallError, attempt: int, delay: float) -> None:
        self._context.on_event(retry_event(self._source, START, error, attempt, delay))


class _Rousable:
    """A clock whose sleep ends at an interruption."""

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
        return tuple(map(parse_backfill, documents))
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
