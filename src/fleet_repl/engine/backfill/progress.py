"""The state of one source's destinations: without a backfill, followed, or ended.

Every destination gets exactly one outcome. Nothing is started here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import anyio

from fleet_repl.ecr.backfills import Backfill, BackfillOutcome, BackfillState
from fleet_repl.engine.backfill.start import BackfillContext
from fleet_repl.runs.events import BackfillEnded, BackfillProgressed
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import CallError, Fault
from fleet_repl.values.names import Registry

NOT_OFFERED: Final = "this region's ECR API does not offer backfill yet"
_UNKNOWN_OPERATION: Final = "UnknownOperationException"
_UNLISTED_LOOKS: Final = 8
"""Lists in a row without a followed backfill after which it is given up: a list may lag behind a
start, but not for minutes."""
_GOES_ON: Final = "what was started goes on at AWS"


class SourceProgress:
    """The destinations of one source, and their outcomes so far."""

    def __init__(
        self,
        source: Registry,
        destinations: Mapping[Registry, datetime | None],
        context: BackfillContext,
        limiter: anyio.CapacityLimiter,
    ) -> None:
        self.outcomes: list[BackfillOutcome] = []
        self.open = dict(destinations)
        """Destinations without a backfill so far, with the time since when their rule is there."""
        self.waiting: Mapping[Registry, str] = {}
        """Open destinations that ECR has no room for, with the reason."""
        self.following: dict[Registry, Backfill] = {}
        """Backfills under way, as they were listed last, by destination."""
        self.started: set[Registry] = set()
        """Destinations whose backfill this run has started."""
        self._unlisted: Counter[str] = Counter()
        """Lists in a row that lacked a followed backfill, by its id."""
        self._source = source
        self._context = context
        self._limiter = limiter

    async def note(self, listed: Iterable[Backfill]) -> None:
        """Bring the followed backfills up to date with a list of ECR's."""
        by_id = {backfill.id: backfill for backfill in listed}
        for destination, last in tuple(self.following.items()):
            now = by_id.get(last.id, last)
            self._unlisted[last.id] = 0 if last.id in by_id else self._unlisted[last.id] + 1
            if self._unlisted[last.id] >= _UNLISTED_LOOKS:
                because = f"ECR lists this backfill no more; {_GOES_ON}"
                self.end(destination, BackfillState.UNKNOWN, last, because=because)
            elif now.destination != destination:
                because = f"ECR now tells of this backfill as one to {now.destination}; {_GOES_ON}"
                self.end(destination, BackfillState.UNKNOWN, last, because=because)
            elif not now.active:
                await self.conclude(now)
            elif now != last:
                self.following[destination] = now
                self._context.on_event(BackfillProgressed(source=self._source, backfill=now))

    def follow(self, backfill: Backfill) -> None:
        """Follow a backfill under way to a destination that was open."""
        del self.open[backfill.destination]
        self.following[backfill.destination] = backfill

    async def conclude(self, backfill: Backfill) -> None:
        """End a destination with its backfill as it is now; read why copies failed, if it ended."""
        failures: Mapping[str, int | None] = dict.fromkeys(backfill.failure_codes)
        error = None
        if not backfill.active and (backfill.failed or backfill.failure_codes):
            try:
                failures = await self._failures(backfill) or failures
            except CallError as failure:
                error = failure.fault
        self.end(backfill.destination, backfill.state, backfill, failures=failures, error=error)

    def give_up(self, fault: Fault, state: BackfillState = BackfillState.NOT_STARTED) -> None:
        """End all destinations: a failure keeps this run from following the registry."""
        because = NOT_OFFERED if fault.code == _UNKNOWN_OPERATION else None
        for destination in tuple(self.open):
            self.end(destination, state, error=fault, because=because)
        for destination, last in tuple(self.following.items()):
            self.end(destination, last.state, last, error=fault, because=because)

    def leave(self, *, followed: bool) -> None:
        """End every destination that is left; `followed`: the run was to follow them to the end."""
        stop = self._context.stop
        cut = "interrupted" if stop.interrupted else stop.because
        for destination, last in tuple(self.following.items()):
            because = f"{cut}; {_GOES_ON}" if followed else None
            self.end(destination, last.state, last, because=because)
        for destination in tuple(self.open):
            queued = self.waiting.get(destination)
            if queued is None:
                self.end(destination, BackfillState.NOT_STARTED, because=stop.because)
            else:
                because = f"{queued}; {cut}" if stop.requested else queued
                self.end(destination, BackfillState.QUEUED, because=because)

    def end(
        self,
        destination: Registry,
        state: BackfillState,
        last: Backfill | None = None,
        *,
        failures: Mapping[str, int | None] | None = None,
        error: Fault | None = None,
        because: str | None = None,
    ) -> None:
        """End a destination: record and announce its outcome."""
        self.open.pop(destination, None)
        self.following.pop(destination, None)
        if failures is None:
            failures = dict.fromkeys(last.failure_codes) if last is not None else {}
        outcome = BackfillOutcome(
            source=self._source,
            destination=destination,
            state=state,
            started=destination in self.started and last is not None,
            backfill=last,
            failures=failures,
            error=error,
            because=because,
        )
        self.outcomes.append(outcome)
        self._context.on_event(BackfillEnded(outcome=outcome))

    async def _failures(self, backfill: Backfill) -> dict[str, int | None]:
        """Returns the count of each failure code in the results; no count after an interruption."""
        results: list[JsonObject] = []
        with self._context.stop.abandonable():
            async with self._limiter:
                results += await self._context.backfills.backfill_results(self._source, backfill.id)
        codes = Counter(code for result in results for code in _codes(result))
        return dict(sorted(codes.items()))


def _codes(result: JsonObject) -> Iterable[str]:
    """The failure codes of one copy. A manifest list may only have those of its images."""
    code, inner = result.get("failureCode"), result.get("subImageFailureCodes")
    if isinstance(code, str):
        return (code,)
    if isinstance(inner, Sequence) and not isinstance(inner, str):
        return [text for text in inner if isinstance(text, str)] or ("unknown",)
    return ("unknown",)
