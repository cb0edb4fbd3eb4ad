"""Live progress as numbers: events in, counters out.

Cheap, because it runs on the event loop for every event of a hundred thousand registries;
drawing happens elsewhere, a few times a second.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from fleet_repl.cli.copying import Copies
from fleet_repl.runs.events import (
    BackfillEnded,
    BackfillProgressed,
    BackfillStarted,
    BackfillsWanted,
    CallRetried,
    Event,
    PlanMade,
    ReadStarted,
    RegistryFinished,
    RegistryRead,
    VerifyStarted,
    WaveFinished,
    WaveStarted,
    WriteSettled,
    WriteStarted,
)
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.values.errors import FaultKind
from fleet_repl.values.names import Registry


def waves_after(waves: Sequence[str], last: str | None) -> frozenset[str]:
    """The waves that a run leaves out if it ends after `last`; none where it does not."""
    return frozenset(() if last is None else waves[waves.index(last) + 1 :])


class Counters:
    """How far a run is. An account is done when all its registries in scope are, a write once it
    has settled or its registry has ended without it."""

    def __init__(
        self,
        scope: Iterable[Registry],
        waves: Sequence[str] = (),
        monotonic: Callable[[], float] = time.monotonic,
        *,
        last_wave: str | None = None,
    ) -> None:
        """`waves` are the names in order; writes of waves after `last_wave` are not counted."""
        self.phase: Literal["reading", "writing", "backfilling"] = "reading"
        self.waves: tuple[str, ...] = ()
        """Those that write something, in order; empty where there is but one."""
        self.wave: str | None = None
        """The one that is being written."""
        self.writes = 0
        """Those of the plan, up to the wave that the run ends after."""
        self.writes_settled = 0
        self._monotonic = monotonic
        self._resumes: float | None = None
        """When the next wave begins; None while one is written."""
        self._known = waves
        self._left_out = waves_after(waves, last_wave)
        self.copies = Copies()
        self.in_flight = 0
        """Registries that are being read or written right now."""
        self.throttled = 0
        """Calls that were asked to slow down, so far."""
        self._failed: set[Registry] = set()
        self._unwritten: Counter[Registry] = Counter()
        """Changes that have not ended yet."""
        self._begin(scope)

    @property
    def failed(self) -> int:
        """Registries that could not be read or written."""
        return len(self._failed)

    @property
    def share(self) -> tuple[int, int]:
        """How much is done, and of how much."""
        if self.phase == "backfilling":
            return self.copies.ended, self.copies.wanted
        if self.phase == "writing":
            return self.writes_settled, self.writes
        return self.accounts_done, self.accounts

    @property
    def pause_left(self) -> float:
        """Seconds until the next wave begins; 0 while one is written."""
        return 0.0 if self._resumes is None else max(0.0, self._resumes - self._monotonic())

    def see(self, event: Event) -> None:
        """Count an event."""
        match event:
            case RegistryRead():
                self._read(event)
            case PlanMade() | VerifyStarted() | WaveStarted() | WaveFinished():
                self._turn_to(event)
            case CallRetried(error=error):
                self.throttled += error.kind is FaultKind.THROTTLED
            case ReadStarted() | WriteStarted():
                self.in_flight += 1
            case WriteSettled():
                self._written(event)
            case RegistryFinished(outcome=outcome):
                if outcome.outcome is Outcome.FAILED:
                    self._failed.add(outcome.registry)
                self.writes_settled += self._unwritten.pop(outcome.registry, 0)
                self._done(outcome.registry)
            case BackfillsWanted() | BackfillStarted() | BackfillProgressed() | BackfillEnded():
                self.phase = "backfilling"
                self.copies.see(event)
            case _:
                # Starts and ends of runs move no counter.
                pass

    def _turn_to(self, event: PlanMade | VerifyStarted | WaveStarted | WaveFinished) -> None:
        """Another part of the run begins. A plan, or what is verified, is counted afresh: its
        registries are those that the rest of the run is about."""
        match event:
            case WaveStarted(wave=wave):
                self.wave, self._resumes = wave, None
            case WaveFinished(pause=pause):
                self._resumes = self._monotonic() + pause if pause else None
            case PlanMade(plan=plan):
                self.phase = "writing"
                self._begin(one.registry for one in plan.registries)
                changes = [pair for pair in plan.changes if pair[1].wave not in self._left_out]
                self._unwritten = Counter(registry for registry, _ in changes)
                self.writes, self.writes_settled = len(changes), 0
                writing = {change.wave for _, change in changes}
                waves = tuple(wave for wave in self._known if wave in writing)
                self.waves = waves if len(waves) > 1 else ()
            case VerifyStarted(sources=sources):
                self._begin(sources)

    def _written(self, event: WriteSettled) -> None:
        self.in_flight -= 1
        self._unwritten[event.registry] -= 1
        self.writes_settled += 1
        if self._unwritten[event.registry] == 0:
            # That it is finished is told once all that was written has been looked at again.
            self._done(event.registry)

    def _read(self, event: RegistryRead) -> None:
        self.in_flight -= 1
        if event.error is not None and event.registry.account in self._left:
            self._failed.add(event.registry)
        if self.phase == "reading":
            self._done(event.registry)

    def _begin(self, registries: Iterable[Registry]) -> None:
        self._pending = set(registries)
        self._left = Counter(registry.account for registry in self._pending)
        self.accounts = len(self._left)
        self.accounts_done = 0

    def _done(self, registry: Registry) -> None:
        # Registries outside the scope may be read too; they are nobody's progress.
        if registry in self._pending:
            self._pending.remove(registry)
            self._left[registry.account] -= 1
            self.accounts_done += self._left[registry.account] == 0
