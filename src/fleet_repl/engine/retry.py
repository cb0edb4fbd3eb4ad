"""Retries, and time limits of attempts.

This module knows nothing of AWS: it retries a CallError that is transient, and raises every other
exception as it is.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import anyio
import anyio.lowlevel

from fleet_repl.values.clock import Clock
from fleet_repl.values.errors import CallError, Fault, FaultKind

if TYPE_CHECKING:
    from tenacity import RetryCallState

T = TypeVar("T")

OnRetry: TypeAlias = Callable[[CallError, int, float], object]
"""Called before a delay with the error, the number of the failed attempt, and the delay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The attempts of a call, the time limit of an attempt, and the waits between them."""

    attempts: int
    """Attempts per call, the first included. A throttled attempt does not count: it is repeated
    until the deadline. Without a deadline it counts like any other."""
    timeout: float
    """Seconds per attempt, in real time."""
    deadline: float
    """The instant of `clock.monotonic()` that no delay may reach past."""
    clock: Clock
    uniform: Callable[[float, float], float]
    """A random number between two, such as `random.uniform`: the jitter."""
    first_delay: float = 0.25
    """Seconds that the first delay may take at most; each one doubles it."""
    longest_delay: float = 20.0

    async def retry(
        self, once: Callable[[], Awaitable[T]], *, on_retry: OnRetry | None = None
    ) -> T:
        """Call `once` until it answers or fails for good, with full jitter between attempts.

        Raises the last CallError as it came: the error was not transient, the attempt was the last,
        or its delay would have reached past the deadline. Nearly all first attempts are answered,
        so the machinery of retries is loaded and set up only after a first attempt has failed.
        """
        try:
            return await once()
        except CallError as error:
            if not error.transient:
                raise
            first = error
        return await self._repeat(once, first, on_retry)

    async def _repeat(
        self, once: Callable[[], Awaitable[T]], first: CallError, on_retry: OnRetry | None
    ) -> T:
        """Go on after a first attempt that ended with `first`."""
        from tenacity import AsyncRetrying, retry_if_exception  # noqa: PLC0415

        waited_out, failed = 0, [first]

        # tenacity awaits only what it can tell to be a coroutine function.
        async def attempt() -> T:
            nonlocal waited_out
            try:
                if failed:
                    raise failed.pop()
                return await once()
            except CallError as error:
                if error.fault.kind is FaultKind.THROTTLED and math.isfinite(self.deadline):
                    waited_out += 1
                raise

        def spent(state: RetryCallState) -> bool:
            if state.attempt_number - waited_out >= self.attempts:
                return True
            return self.clock.monotonic() + state.upcoming_sleep > self.deadline

        def announce(state: RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            if on_retry is not None and isinstance(error, CallError):
                on_retry(error, state.attempt_number, state.upcoming_sleep)

        # One object per call: shared, it would mix up attempts and errors of concurrent tasks.
        retrying = AsyncRetrying(
            retry=retry_if_exception(
                lambda error: isinstance(error, CallError) and error.transient
            ),
            stop=spent,
            wait=self._delay,
            sleep=self.clock.sleep,
            before_sleep=announce,
            reraise=True,
        )
        return await retrying(attempt)

    async def attempt(
        self, operation: str, once: Callable[[], Awaitable[T]], *, patience: float = 0.0
    ) -> T:
        """Call `once`, and wait for it `timeout` plus `patience` seconds at the most.

        Raises a CallError after that time, transient and uncertain: the other side may have
        carried the call out. For the same reason the deadline cuts no attempt short; `retry` looks
        at it before an attempt. A TimeoutError or a cancellation from elsewhere passes through.
        """
        seconds = self.timeout + patience
        with anyio.move_on_after(seconds):
            return await once()
        fault = Fault(
            kind=FaultKind.TIMEOUT, operation=operation, message=f"no answer within {seconds:.4g} s"
        )
        raise CallError(fault, transient=True, uncertain=True)

    def _delay(self, state: RetryCallState) -> float:
        # Beyond 2**30 the longest delay has long won, and a float could overflow.
        doublings = min(state.attempt_number - 1, 30)
        return self.uniform(0.0, min(self.longest_delay, self.first_delay * 2.0**doublings))
