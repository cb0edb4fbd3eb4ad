"""Future events of a world in order of time: copies that arrive, backfills that go on.

Nothing runs in the background. Whoever looks at the world, or changes it, first runs the events
that are due by its clock. Each event sees its own time as the present, so that a clock that jumps
loses nothing.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

from fleet_repl.values.clock import Clock


class Agenda:
    """The events to come."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._at: float | None = None
        """The time of the event that is running; None: no event is, so the time is the clock's."""

    def now(self) -> datetime:
        if self._at is None:
            return self._clock.now()
        return self._clock.now() - timedelta(seconds=self._clock.monotonic() - self._at)

    def after(self, seconds: float, event: Callable[[], None]) -> None:
        """Schedule an event; after 0 seconds it runs at once."""
        if seconds <= 0:
            event()
            return
        start = self._clock.monotonic() if self._at is None else self._at
        heapq.heappush(self._due, (start + seconds, next(self._order), event))

    def run_due(self) -> None:
        """Run every event that is due by now, and the events that these schedule for now."""
        now = self._clock.monotonic()
        while self._due and self._due[0][0] <= now:
            self._at, _, event = heapq.heappop(self._due)
            try:
                event()
            finally:
                self._at = None
