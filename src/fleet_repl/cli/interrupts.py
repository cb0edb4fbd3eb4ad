"""Ctrl-C, SIGTERM and a terminal that is closed, as signals to the work of a command.

The first signal asks the work to stop, the second ends it at once, and a later one only gets a
message: the lock is given back all the same. Work that has not said how to stop it is ended by the
first signal. SIGHUP counts only as a first signal: the shell and the kernel may both send it.
"""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

import anyio

from fleet_repl.cli.log import Log
from fleet_repl.cli.process import SIGNALS
from fleet_repl.values.errors import FleetError

T = TypeVar("T")

ENDED: Final = "stopped at once"
ENDING: Final = "ending already: what was in flight is cut off, and the next run finds it out"


class Interrupts:
    """The way to stop the work in progress, and whether a stop was requested."""

    def __init__(self) -> None:
        self.requested = anyio.Event()
        """Set by the first signal."""
        self._stop: Callable[[], None] | None = None
        self._message: str | None = None

    @contextmanager
    def stopping(self, stop: Callable[[], None], message: str | None = None) -> Iterator[None]:
        """While this lasts, the first signal logs `message` and calls `stop`."""
        before = self._stop, self._message
        self._stop, self._message = stop, message
        try:
            yield
        finally:
            self._stop, self._message = before

    def finish(self) -> None:
        """Say that the work is done and only tidies up: a first signal changes nothing any more."""
        self._stop, self._message = (lambda: None), None

    def request(self, log: Log) -> bool:
        """Ask the work to stop; returns whether the work has said how."""
        self.requested.set()
        if self._stop is None:
            return False
        if self._message is not None:
            log.note(self._message)
        self._stop()
        return True


async def interruptible(
    log: Log, work: Callable[[Interrupts], Awaitable[T]], *, ended_note: str | None = None
) -> T | None:
    """Do `work` and return its result; None, after logging `ended_note`, where a signal ended it.

    Raises the FleetErrors of the work.
    """
    interrupts = Interrupts()
    ended: T | FleetError | None = None
    with _handlers_kept(), anyio.open_signal_receiver(*_received()) as signals:
        async with anyio.create_task_group() as group:
            working = anyio.CancelScope()
            group.start_soon(_listen, signals, interrupts, log, working, ended_note)
            with working:
                try:
                    ended = await work(interrupts)
                except FleetError as error:
                    # Kept, and raised outside: a task group would wrap it in an exception group.
                    ended = error
            group.cancel_scope.cancel()
    if isinstance(ended, FleetError):
        raise ended
    return ended


@contextmanager
def _handlers_kept() -> Iterator[None]:
    """Restore the process's own signal handlers in the end: asyncio restores Python's defaults."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def _listen(
    signals: AsyncIterator[signal.Signals],
    interrupts: Interrupts,
    log: Log,
    working: anyio.CancelScope,
    ended_note: str | None,
) -> None:
    async for number in signals:
        if number is signal.SIGHUP and interrupts.requested.is_set():
            continue
        if working.cancel_called:
            log.note(ENDING)
        elif interrupts.requested.is_set() or not interrupts.request(log):
            # Logged before it is cancelled: ending may take a while.
            if ended_note is not None:
                log.note(ended_note)
            working.cancel()


def _received() -> list[signal.Signals]:
    """The signals to react to: not SIGHUP under nohup, where the command outlives the terminal."""
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return [number for number in SIGNALS if not (ignored and number is signal.SIGHUP)]
