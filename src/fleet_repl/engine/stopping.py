"""When a run starts nothing new: somebody asked for it, or the deadline has passed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import anyio

from fleet_repl.outcomes import Outcome
from fleet_repl.pacing import Clock

INTERRUPTED = "interrupted before it was started"


class Stop:
    """One run's switch. It never turns back, and asking it costs nothing."""

    def __init__(self, clock: Clock, deadline: float, seconds: float) -> None:
        self._clock = clock
        self._deadline = deadline
        self._seconds = seconds
        self._scopes: set[anyio.CancelScope] = set()
        self.interrupted = False

    def interrupt(self) -> None:
        """Start nothing new from now on, and give up what can be given up."""
        self.interrupted = True
        for scope in self._scopes:
            scope.cancel()

    @property
    def requested(self) -> bool:
        return self.interrupted or self._clock.monotonic() >= self._deadline

    @property
    def outcome(self) -> Outcome:
        """What becomes of work that was not started."""
        return Outcome.CANCELLED if self.interrupted else Outcome.SKIPPED

    @property
    def because(self) -> str:
        if self.interrupted:
            return INTERRUPTED
        return f"the run's deadline of {self._seconds:g} s had passed"

    @contextmanager
    def abandonable(self) -> Iterator[anyio.CancelScope]:
        """Work that is cut short by an interruption, because nothing is lost with it."""
        with anyio.CancelScope() as scope:
            if self.interrupted:
                scope.cancel()
            self._scopes.add(scope)
            try:
                yield scope
            finally:
                self._scopes.discard(scope)
