"""Rate limits: calls per second, adapted to quotas that other programs may use too."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import anyio
import anyio.lowlevel

from fleet_repl.values.clock import Clock

_ROUNDING: Final = 1e-9
"""Seconds that are no time at all."""
_SLOWEST: Final = 0.5
"""Calls per second below which throttling slows no quota: recovery would not be noticed."""
_USUAL: Final = 0.03
"""The share of calls that AWS throttles now and then although the quota has room."""
_REMEMBERED: Final = 500
"""Calls over which that share is counted, about."""
_TELLING: Final = 100
"""Calls that a share means nothing below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Calls per second, adapted to a quota that other programs may use too.

    Additive increase, multiplicative decrease: half as fast once too many calls are throttled, and
    about a hundredth of the highest rate faster for every second in which calls are answered. So
    programs that share a quota in this way come to equal shares of it. For example, at a highest
    rate of 100, throttles make 100 calls per second 50, and answers make them 51 a second later.
    """

    highest: float
    value: float

    def slowed(self) -> Rate:
        """The rate after too many throttles."""
        return replace(self, value=max(min(_SLOWEST, self.highest), self.value / 2))

    def grown(self) -> Rate:
        """The rate after an answer, of which there are `value` in a second."""
        step = max(1.0, self.highest / 100) / self.value
        return replace(self, value=min(self.highest, self.value + step))


class TokenBucket:
    """A rate limit: `rate` per second in the long run, `burst` at once after a rest.

    In any `t` seconds it lets through at most `rate * t + burst`, first come, first served. It
    adapts to the results that are reported by `answered` and `throttled`, up to `rate`.

    A throttle alone proves no lack of room: AWS throttles some calls of a large fleet at any rate,
    and halving the rate for each of those would bring 600 calls per second down to 35. So the rate
    is lowered once more than 3 of the last 100 calls, or 15 of 500, were throttled.

    There is one for each registry of a fleet, so it is small: a lock takes a kilobyte, and is made
    once a call has to wait.
    """

    __slots__ = ("_burst", "_calls", "_clock", "_due", "_queue", "_slowed", "_throttles", "rate")

    def __init__(self, rate: float, clock: Clock, *, burst: float | None = None) -> None:
        """`burst` is at least 1; None: the calls of 50 ms."""
        self.rate = Rate(highest=rate, value=rate)
        """The rate as it is now."""
        self._burst = burst
        self._clock = clock
        self._due = -math.inf
        """The time at which the next token would be due if there were no burst."""
        self._queue: anyio.Lock | None = None
        self._slowed = 0
        self._calls = self._throttles = 0.0
        """Calls since the rate was last lowered, and throttles among them; older calls fade."""

    async def take(self) -> int:
        """Wait for a token and take it; returns it for `answered` or `throttled`. A cancellation
        while waiting takes no token."""
        if self._queue is None and self._wait() <= _ROUNDING:
            await anyio.lowlevel.checkpoint_if_cancelled()
            return self._taken()
        if self._queue is None:
            self._queue = anyio.Lock(fast_acquire=True)
        async with self._queue:
            while (wait := self._wait()) > _ROUNDING:
                await self._clock.sleep(wait)
            return self._taken()

    @property
    def is_new(self) -> bool:
        """Returns whether a new limit would let the next calls through just as this one does."""
        return self._throttles == 0 and self._due <= self._clock.monotonic()

    def _wait(self) -> float:
        """The seconds until the next token."""
        return self._due - self._leeway() - self._clock.monotonic()

    def _taken(self) -> int:
        # Counted from when it was due, not from a clock that may wake early, so that no rounding
        # adds up.
        self._due = max(self._due, self._clock.monotonic()) + 1 / self.rate.value
        return self._slowed

    def answered(self, token: int) -> None:
        """A call with that token was not throttled."""
        if token == self._slowed:
            self._count(0)
            if self.rate.value < self.rate.highest:
                self.rate = self.rate.grown()

    def throttled(self, token: int) -> None:
        """A call with that token was throttled.

        Calls under way when the rate was lowered tell nothing new: their tokens are older.
        """
        if token != self._slowed:
            return
        self._count(1)
        if self._throttles <= _USUAL * max(self._calls, _TELLING):
            return
        self._slowed += 1
        self._calls = self._throttles = 0.0
        self.rate = self.rate.slowed()
        # Tokens that were saved up for a burst are lost.
        self._due = self._clock.monotonic() + self._leeway() + 1 / self.rate.value

    def _count(self, throttles: int) -> None:
        faded = 1 - 1 / _REMEMBERED
        self._calls = self._calls * faded + 1
        self._throttles = self._throttles * faded + throttles

    def _leeway(self) -> float:
        rate = self.rate.value
        return (max(1.0, rate / 20 if self._burst is None else self._burst) - 1) / rate
