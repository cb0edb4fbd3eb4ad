"""Progress where no line can be redrawn: a log line now and then, so that silence means trouble."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Final, TypeVar

import anyio

from fleet_repl.cli.counting import Counters
from fleet_repl.cli.progress import progress_text
from fleet_repl.reports.log_entries import LogEntry
from fleet_repl.values.clock import Clock
from fleet_repl.values.errors import FleetError

T = TypeVar("T")

EVERY: Final = 30.0
"""Seconds between two lines."""


async def accompanied(
    work: Callable[[], Awaitable[T]], beat: Callable[[], Coroutine[None, None, None]]
) -> T:
    """Do `work`, and `beat` as long as that takes. Raises the FleetError that the work raises."""
    ended: list[T] = []
    failure: FleetError | None = None
    async with anyio.create_task_group() as group:
        group.start_soon(beat)
        try:
            ended.append(await work())
        except FleetError as error:
            # As a value, because a task group would wrap it.
            failure = error
        group.cancel_scope.cancel()
    if failure is not None:
        raise failure
    return ended[0]


async def heartbeat(tell: Callable[[LogEntry], object], counters: Counters, clock: Clock) -> None:
    """Tell how far a run is every 30 seconds, without an end."""
    started = clock.monotonic()
    while True:
        await clock.sleep(EVERY)
        tell(progress_entry(counters, clock.monotonic() - started))


def progress_entry(counters: Counters, seconds: float) -> LogEntry:
    """How far a run is, for people and for machines."""
    return LogEntry(
        event="progress",
        message=progress_text(counters, seconds).plain,
        fields={
            "phase": counters.phase,
            "wave": counters.wave,
            "accounts": counters.accounts,
            "accounts_done": counters.accounts_done,
            "writes": counters.writes,
            "writes_settled": counters.writes_settled,
            "in_flight": counters.in_flight,
            "throttled": counters.throttled,
            "failed": counters.failed,
            "pause": round(counters.pause_left, 3),
            "seconds": round(seconds, 3),
        },
    )
