"""How one source's destinations stand: open, followed, or told of for good.

Each is told of exactly once, whatever becomes of its backfill. It starts nothing.
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
_GOES_ON: Final = "what was started goes on at AWS"


class Standing:
    """The destinations of one source, and what becomes of them."""

    def __init__(
        self,
        source: Registry,
        wanted: Mapping[Registry, datetime | None],
        how: BackfillContext,
        limiter: anyio.CapacityLimiter,
    ) -> None:
        self.outcomes: list[BackfillOutcome] = []
        self.open = dict(wanted)
        """Destinations without a backfill so far."""
        self.waiting: Mapping[Registry, str] = {}
        """Open ones that ECR has no room for → what they wait for."""
        self.following: dict[Registry, Backfill] = {}
        self.started: set[Registry] = set()
        """Those whose backfill is this run's own."""
        self._source = source
        self._how = how
        self._limiter = limiter

    async def note(self, listed: Iterable[Backfill]) -> None:
        """Those that are followed as they are now."""
        now = {one.id: one for one in listed}
        for destination, last in tuple(self.following.items()):
            seen = now.get(last.id, last)
            if seen.destination != destination:
                because = f"ECR now tells of this backfill as one to {seen.destination}; {_GOES_ON}"
                self.end(destination, BackfillState.UNKNOWN, last, because=because)
            elif not seen.active:
                await self.settle(seen)
            elif seen != last:
                self.following[destination] = seen
                self._how.on_event(BackfillProgressed(source=self._source, backfill=seen))

    def follow(self, one: Backfill) -> None:
        """An open destination has a backfill that is under way."""
        del self.open[one.destination]
        self.following[one.destination] = one

    async def settle(self, one: Backfill) -> None:
        """A backfill that is told as it is; of one that has ended, why copies failed."""
        failures: Mapping[str, int | None] = dict.fromkeys(one.failure_codes)
        error = None
        if not one.active and (one.failed or one.failure_codes):
            try:
                failures = await self._failures(one) or failures
            except CallError as failure:
                error = failure.fault
        self.end(one.destination, one.state, one, failures=failures, error=error)

    def give_up(self, fault: Fault, state: BackfillState = BackfillState.NOT_STARTED) -> None:
        """Nothing more can be learned of the registry."""
        because = NOT_OFFERED if fault.code == _UNKNOWN_OPERATION else None
        for destination in tuple(self.open):
            self.end(destination, state, error=fault, because=because)
        for destination, last in tuple(self.following.items()):
            self.end(destination, last.state, last, error=fault, because=because)

    def leave(self, *, followed: bool) -> None:
        """Tell of everything that has not ended."""
        stop = self._how.stop
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
        """The last word on a destination."""
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
        self._how.on_event(BackfillEnded(outcome=outcome))

    async def _failures(self, one: Backfill) -> dict[str, int | None]:
        results: list[JsonObject] = []
        with self._how.stop.abandonable():
            async with self._limiter:
                results += await self._how.backfills.backfill_results(self._source, one.id)
        return dict(sorted(Counter(code for each in results for code in _codes(each)).items()))


def _codes(result: JsonObject) -> Iterable[str]:
    """Why one copy failed. A manifest list may only have those of its images."""
    code, inner = result.get("failureCode"), result.get("subImageFailureCodes")
    if isinstance(code, str):
        return (code,)
    if isinstance(inner, Sequence) and not isinstance(inner, str):
        return [one for one in inner if isinstance(one, str)] or ("unknown",)
    return ("unknown",)
