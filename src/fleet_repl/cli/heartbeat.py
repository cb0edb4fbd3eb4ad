"""Progress where no line can be redrawn: a log line now and then, so silence means trouble."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Final, TypeVar

import anyio

from fleet_repl.cli.counters import Counters
from fleet_repl.reports.log_entry import LogEntry
from fleet_repl.values.clock import Clock
from fleet_repl.values.errors import FleetError

T = TypeVar("T")

EVERY: Final = 30.0
"""Seconds between two lines."""


async def accompanied(
    work: Callable[[], Awaitable[T]], beat: Callable[[], Coroutine[None, None, None]]
) -> T:
    """Do `work`, with `beat` running beside it until it ends. Raises the FleetErrors of `work`."""
    ended: list[T] = []
    failure: FleetError | None = None
    async with anyio.create_task_group() as group:
        group.start_soon(beat)
        try:
            ended.append(await work())
        except FleetError as error:
            # Kept, and raised outside: a task group would wrap it in an exception group.
            failure = error
        group.cancel_scope.cancel()
    if failure is not None:
        raise failure
    return ended[0]


async def heartbeat(log: Callable[[LogEntry], object], counters: Counters, clock: Clock) -> None:
    """Log the progress of a run every 30 seconds, until cancelled."""
    started = clock.monotonic()
    while True:
        await clock.sleep(EVERY)
        log(progress_entry(counters, clock.monotonic() - started))


def progress_entry(counters: Counters, seconds: float) -> LogEntry:
    """The progress of a run as a log entry: a sentence for people, fields for machines."""
    from fleet_repl.cli.progress import progress_text  # noqa: PLC0415 - most runs end before it

    return LogEntry(
        event="progress",
        message=progress_text(counters, seconds).plain,
        fields={
            "phase": counters.phase,
            "wave": counters.wave,
            "accounts": counters.accounts,
            "accounts_done": counters.accounts_done,
            "writes": counters.writes,
            "writes_settled": counters.writes_ended,
            "in_flight": counters.in_flight,
            "throttled": counters.throttled,
            "failed": counters.failed,
            "pause": round(counters.pause_left, 3),
            "seconds": round(seconds, 3),
        },
    )
