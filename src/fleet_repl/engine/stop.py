"""The reasons to start no more work in a run: an interruption, a halt, or the deadline."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

import anyio

from fleet_repl.runs.outcomes import Outcome
from fleet_repl.values.clock import Clock
from fleet_repl.values.errors import Fault, FaultKind, HaltedError

INTERRUPTED = "interrupted before it was started"

Admit: TypeAlias = Callable[[], Awaitable[None]]
"""Returns once one more write may be sent. Raises HaltedError where none may."""


class Stop:
    """The stop of one run. It never turns back, and reading it costs nothing."""

    def __init__(self, clock: Clock, deadline: float, seconds: float) -> None:
        self._clock = clock
        self._deadline = deadline
        self._seconds = seconds
        self._scopes: set[anyio.CancelScope] = set()
        self._halted: str | None = None
        self.interrupted = False

    def interrupt(self) -> None:
        """Stop because somebody has asked for it, and cancel abandonable work."""
        self.interrupted = True
        self._abandon()

    def halt(self, because: str) -> None:
        """Stop because the run must not go on; of several reasons the first one counts."""
        self._halted = self._halted or because
        self._abandon()

    async def admits(self, admit: Admit) -> bool:
        """Returns whether one more write may be sent. Where `admit` objects, the run halts."""
        if not self.requested:
            try:
                await admit()
            except HaltedError as error:
                self.halt(str(error))
        return not self.requested

    @property
    def requested(self) -> bool:
        return self._at_once or self.remaining <= 0

    @property
    def remaining(self) -> float:
        """Seconds until the deadline; less than nothing once it has passed."""
        return self._deadline - self._clock.monotonic()

    @property
    def outcome(self) -> Outcome:
        """The outcome of work that was not started."""
        return Outcome.CANCELLED if self.interrupted else Outcome.SKIPPED

    @property
    def because(self) -> str:
        """The reason why work was not started."""
        if self.interrupted:
            return INTERRUPTED
        if self._halted is not None:
            return self._halted
        return f"the run's deadline of {self._seconds:g} s had passed"

    def timeout(self, operation: str) -> Fault:
        """Returns the fault of a call that this stop came before."""
        return Fault(kind=FaultKind.TIMEOUT, operation=operation, message=self.because)

    @property
    def left_open(self) -> str:
        """The reason why the outcome of work that was started is unknown."""
        because = "interrupted" if self.interrupted else self.because
        return f"{because}; it is not known whether it was written"

    @contextmanager
    def abandonable(self) -> Iterator[anyio.CancelScope]:
        """While this lasts, an interruption or a halt cancels the work: nothing is lost with it."""
        with anyio.CancelScope() as scope:
            if self._at_once:
                scope.cancel()
            self._scopes.add(scope)
            try:
                yield scope
            finally:
                self._scopes.discard(scope)

    def keep(self, scope: anyio.CancelScope) -> None:
        """From now on, do not cancel the work of an abandonable scope any more."""
        self._scopes.discard(scope)

    @property
    def _at_once(self) -> bool:
        return self.interrupted or self._halted is not None

    def _abandon(self) -> None:
        for scope in self._scopes:
            scope.cancel()
