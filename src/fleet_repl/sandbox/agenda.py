"""What will happen by itself, in order of time: copies that arrive, backfills that go on.

Nothing runs in the background. Whoever looks at the world, or changes it, first lets happen
what is due by its clock, each thing at its own moment; so a clock that jumps loses nothing.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

from fleet_repl.values.clock import Clock


class Agenda:
    """Things to come, and the time that it is for what happens now."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._at: float | None = None
        """The moment of what is happening; None: nothing is, so it is the clock's."""

    def now(self) -> datetime:
        if self._at is None:
            return self._clock.now()
        return self._clock.now() - timedelta(seconds=self._clock.monotonic() - self._at)

    def after(self, seconds: float, happen: Callable[[], None]) -> None:
        """Let something happen so long after this moment; at once if that is 0."""
        if seconds <= 0:
            happen()
            return
        start = self._clock.monotonic() if self._at is None else self._at
        heapq.heappush(self._due, (start + seconds, next(self._order), happen))

    def settle(self) -> None:
        """Let everything happen that is due by now, and what follows from it."""
        now = self._clock.monotonic()
        while self._due and self._due[0][0] <= now:
            self._at, _, happen = heapq.heappop(self._due)
            try:
                happen()
            finally:
                self._at = None
