"""The two arguments of a round: its options, and everything that it needs from outside."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import anyio

from fleet_repl.reports.log_entry import Log
from fleet_repl.topology import EVERYTHING, Selection
from fleet_repl.values.clock import SYSTEM, Clock
from fleet_repl.watch.fleets import Connect
from fleet_repl.watch.news import News
from fleet_repl.watch.reload import Current
from fleet_repl.watch.round import Round


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundOptions:
    """The options of one round."""

    number: int = 1
    fix: bool = False
    """Whether registries that differ are corrected."""
    over: float = 0
    """Seconds that reading is spread over."""
    selection: Selection = EVERYTHING
    """The part of the fleet that this round looks at."""
    watched: Selection = EVERYTHING
    """The part of the fleet that the watch is over, whose rounds share a memory."""
    shows_lock: bool = False
    """Whether lock and freeze are read when the round ends, for the page of a watch."""
    inventory_error: str | None = None
    """The reason why the inventory on disk cannot be used, where the last good inventory is in
    force."""

    @property
    def whole(self) -> bool:
        """Returns whether the round looks at every registry that is watched."""
        return self.selection == self.watched


async def _silence(_round: Round, _why: News) -> bool:
    """Notify nobody, and say so: a later round with a webhook then notifies of the trouble."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundContext:
    """Everything that a round needs from outside."""

    connect: Connect
    log: Log
    clock: Clock = SYSTEM
    stop: anyio.Event = field(default_factory=anyio.Event)
    """Set: start no more writes, and end the round."""
    publish: Callable[[Round, News], Awaitable[bool]] = _silence
    """Sends a notification; returns whether it was delivered. It never raises."""
    reload: Callable[[], Awaitable[Current]] | None = None
    """Reads the inventory again, where it was changed during the round; None: it cannot be."""
