"""The surroundings of a watch, and the waiting between its rounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import anyio

from fleet_repl.reports.log_entry import Log, LogEntry
from fleet_repl.values.clock import Clock
from fleet_repl.values.text import counted
from fleet_repl.watch.fleets import Connect
from fleet_repl.watch.reload import LoadInventory

_JITTER: Final = 0.1
"""The share of a pause that it is made longer or shorter by, so that many watches that were
started together do not stay together."""

Uniform: TypeAlias = Callable[[float, float], float]
"""A random number between two, such as `random.uniform`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchContext:
    """Everything that a watch needs from outside."""

    load: LoadInventory
    connect: Connect
    log: Log
    stop: anyio.Event
    """Set: end after the round that is under way."""
    clock: Clock
    uniform: Uniform


async def pause(context: WatchContext, *, due: float, every: float) -> int:
    """Wait until the round at the monotonic instant `due`, plus or minus a tenth of the wait; or
    until the watch is stopped.

    Returns how many later rounds are overdue as well: they are left out, which is logged.
    `every`: seconds between two rounds.
    """
    rest = due - context.clock.monotonic()
    if rest <= 0:
        missed = int(-rest // every)
        context.log(_late(missed))
        return missed
    rest += context.uniform(-_JITTER, _JITTER) * rest
    async with anyio.create_task_group() as group:
        group.start_soon(_wake, context.stop, group.cancel_scope)
        await context.clock.sleep(rest)
        group.cancel_scope.cancel()
    return 0


def _late(missed: int) -> LogEntry:
    message = "the round took longer than the time between rounds; the next one begins at once"
    if missed:
        verb = "was" if missed == 1 else "were"
        message = f"{message}, and {counted(missed, 'round')} {verb} missed"
    return LogEntry(level="warning", event="late", message=message, fields={"missed": missed})


async def _wake(stop: anyio.Event, scope: anyio.CancelScope) -> None:
    await stop.wait()
    scope.cancel()
