"""The two values that a round gets: its options, and the context that it runs in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import anyio

from fleet_repl.fleet.fleet import EVERYTHING
from fleet_repl.reports.log_entries import Log
from fleet_repl.topology import Selection
from fleet_repl.values.clock import SYSTEM, Clock
from fleet_repl.watch.fleets import Connect
from fleet_repl.watch.news import News
from fleet_repl.watch.reload import Current
from fleet_repl.watch.round import Round


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundOptions:
    """What one round is to do."""

    number: int = 1
    fix: bool = False
    over: float = 0
    """Seconds that reading is spread over."""
    selection: Selection = EVERYTHING
    """What it may change."""
    watched: Selection = EVERYTHING
    """What the rounds that share its memory are about."""
    inventory_error: str | None = None
    """Why the inventory on disk is not the one that counts."""

    @property
    def whole(self) -> bool:
        """Whether it looks at every registry that is watched."""
        return self.selection == self.watched


async def _silence(_round: Round, _why: News) -> bool:
    """Where nobody is notified, nothing counts as told: somebody may want to know later."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundContext:
    """What a round needs from outside."""

    connect: Connect
    log: Log
    clock: Clock = SYSTEM
    stop: anyio.Event = field(default_factory=anyio.Event)
    """Set: start nothing new, and come to an end."""
    publish: Callable[[Round, News], Awaitable[bool]] = _silence
    """Sends a notification; whether it was delivered. It never raises."""
    reload: Callable[[], Awaitable[Current]] | None = None
    """Reads the inventory again, where it was changed during the round."""
