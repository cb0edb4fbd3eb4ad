"""Progress of a run as numbers: events in, counters out.

Cheap, because it runs on the event loop for every event of a hundred thousand registries;
drawing happens elsewhere, a few times a second.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from fleet_repl.ecr.backfills import Backfill
from fleet_repl.runs.events import (
    BackfillEnded,
    BackfillProgressed,
    BackfillStarted,
    BackfillsWanted,
    CallRetried,
    Event,
    ImageAwaited,
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
    """The waves that a run leaves out if it ends after the wave `last`; none for None."""
    return frozenset(() if last is None else waves[waves.index(last) + 1 :])


class Copies:
    """Progress of a run's backfills."""

    def __init__(self) -> None:
        self.wanted = 0
        """Backfills of the run: one for each destination of a source."""
        self.looking = False
        """Whether the run only shows their status, and starts none."""
        self.ended = 0
        self.total = 0
        """Images to copy, as far as ECR has counted them."""
        self.completed = 0
        self.failed = 0
        self._last: dict[tuple[Registry, Registry], Backfill] = {}

    def see(
        self, event: BackfillsWanted | BackfillStarted | BackfillProgressed | BackfillEnded
    ) -> None:
        """Count an event."""
        match event:
            case BackfillsWanted(backfills=backfills, looking=looking):
                self.wanted, self.looking, self.ended = backfills, looking, 0
            case BackfillStarted() | BackfillProgressed():
                self._count(event.source, event.backfill)
            case BackfillEnded(outcome=outcome):
                self.ended += 1
                if outcome.backfill is not None:
                    self._count(outcome.source, outcome.backfill)

    def _count(self, source: Registry, latest: Backfill) -> None:
        """Replace the counts of a backfill as it was by those of its latest state."""
        link = source, latest.destination
        for backfill, sign in ((self._last.get(link), -1), (latest, 1)):
            if backfill is not None:
                self.total += sign * (backfill.total or 0)
                self.completed += sign * backfill.completed
                self.failed += sign * backfill.failed
        self._last[link] = latest


class Counters:
    """Progress of a run.

    An account is done once all its registries in scope are; a write once it has ended, or once
    the outcome of its registry says that it will not be made.
    """

    def __init__(
        self,
        scope: Iterable[Registry],
        waves: Sequence[str] = (),
        monotonic: Callable[[], float] = time.monotonic,
        *,
        last_wave: str | None = None,
    ) -> None:
        """`waves` are the names in order; writes of waves after `last_wave` are not counted."""
        self.phase: Literal["reading", "writing", "backfilling", "waiting"] = "reading"
        self.waves: tuple[str, ...] = ()
        """The waves with writes, in order; empty where only one wave has any."""
        self.wave: str | None = None
        """The wave that is being written."""
        self.writes = 0
        """Writes of the plan, up to the wave that the run ends after."""
        self.writes_ended = 0
        self._monotonic = monotonic
        self._resumes: float | None = None
        """The time when the next wave begins; None while a wave is written."""
        self._all_waves = waves
        self._left_out = waves_after(waves, last_wave)
        self.copies = Copies()
        self.arrivals = (0, 0)
        """Registries that have the image that is waited for, and those that are to get it."""
        self.in_flight = 0
        """Registries that are being read or written right now."""
        self.throttled = 0
        """Calls that AWS has throttled so far."""
        self._failed: set[Registry] = set()
        self._unwritten: Counter[Registry] = Counter()
        """Changes of each registry that are not done yet."""
        self._begin(scope)

    @property
    def failed(self) -> int:
        """Registries that could not be read or written."""
        return len(self._failed)

    @property
    def share(self) -> tuple[int, int]:
        """Done and total, of whatever the phase counts: accounts, writes, backfills or registries
        that an image has arrived in."""
        if self.phase == "backfilling":
            return self.copies.ended, self.copies.wanted
        if self.phase == "waiting":
            return self.arrivals
        if self.phase == "writing":
            return self.writes_ended, self.writes
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
                self.writes_ended += self._unwritten.pop(outcome.registry, 0)
                self._done(outcome.registry)
            case BackfillsWanted() | BackfillStarted() | BackfillProgressed() | BackfillEnded():
                self.phase = "backfilling"
                self.copies.see(event)
            case ImageAwaited(there=there, asked=asked):
                self.phase, self.arrivals = "waiting", (there, asked)
            case _:
                # Starts and ends of runs move no counter.
                pass

    def _turn_to(self, event: PlanMade | VerifyStarted | WaveStarted | WaveFinished) -> None:
        """Begin another part of the run. A plan and a verification start the counts afresh: the
        rest of the run is about their registries only."""
        match event:
            case WaveStarted(wave=wave):
                self.wave, self._resumes = wave, None
            case WaveFinished(pause=pause):
                self._resumes = self._monotonic() + pause if pause else None
            case PlanMade(plan=plan):
                self.phase = "writing"
                self._begin(registry_plan.registry for registry_plan in plan.registries)
                changes = [pair for pair in plan.changes if pair[1].wave not in self._left_out]
                self._unwritten = Counter(registry for registry, _ in changes)
                self.writes, self.writes_ended = len(changes), 0
                writing = {change.wave for _, change in changes}
                waves = tuple(wave for wave in self._all_waves if wave in writing)
                self.waves = waves if len(waves) > 1 else ()
            case VerifyStarted(sources=sources):
                self._begin(sources)

    def _written(self, event: WriteSettled) -> None:
        self.in_flight -= 1
        self._unwritten[event.registry] -= 1
        self.writes_ended += 1
        if self._unwritten[event.registry] == 0:
            # RegistryFinished comes late: only after the run has read back all that it wrote.
            self._done(event.registry)

    def _read(self, event: RegistryRead) -> None:
        self.in_flight -= 1
        failed = event.error is not None and event.excuse is None
        if failed and event.registry.account in self._left:
            self._failed.add(event.registry)
        if self.phase == "reading":
            self._done(event.registry)

    def _begin(self, registries: Iterable[Registry]) -> None:
        self._pending = set(registries)
        self._left = Counter(registry.account for registry in self._pending)
        self.accounts = len(self._left)
        self.accounts_done = 0

    def _done(self, registry: Registry) -> None:
        # Registries outside the scope may be read too; they do not count as progress.
        if registry in self._pending:
            self._pending.remove(registry)
            self._left[registry.account] -= 1
            self.accounts_done += self._left[registry.account] == 0
