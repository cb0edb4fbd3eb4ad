"""Ctrl-C, SIGTERM and a terminal that is closed: the first asks the work to stop, the second ends
it at once, and any later one is only answered: what the end needs, such as giving back the lock, is
done all the same.

Work that has not said how to stop it is ended by the first. A closed terminal is only ever a first
one: the shell and the system both tell of it.
"""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

import anyio

from fleet_repl.cli.log import Log
from fleet_repl.values.errors import FleetError

T = TypeVar("T")

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

ENDED: Final = "stopped at once"
ENDING: Final = "ending already: what was in flight is cut off, and the next run finds it out"


class Interrupts:
    """What work says about being stopped, and learns of it."""

    def __init__(self) -> None:
        self.requested = anyio.Event()
        """Set by the first signal."""
        self._stop: Callable[[], None] | None = None
        self._message: str | None = None

    @contextmanager
    def stopping(self, stop: Callable[[], None], message: str | None = None) -> Iterator[None]:
        """While this lasts, the first signal tells `message` and calls `stop`."""
        before = self._stop, self._message
        self._stop, self._message = stop, message
        try:
            yield
        finally:
            self._stop, self._message = before

    def finish(self) -> None:
        """The work is done and only tidies up: the first signal changes nothing any more."""
        self._stop, self._message = _nothing, None

    def first(self, log: Log) -> bool:
        """Ask the work to stop. Whether it knows how to."""
        self.requested.set()
        if self._stop is None:
            return False
        if self._message is not None:
            log.note(self._message)
        self._stop()
        return True


def _nothing() -> None:
    """What is left to stop where everything is done."""


async def interruptible(
    log: Log, work: Callable[[Interrupts], Awaitable[T]], *, ended_note: str | None = None
) -> T | None:
    """Do `work` until it is done or a signal ends it, which gives None and tells `ended_note`.

    Raises the FleetError that the work raises.
    """
    interrupts = Interrupts()
    ended: T | FleetError | None = None
    with _handlers_kept(), anyio.open_signal_receiver(*_heard()) as signals:
        async with anyio.create_task_group() as group:
            working = anyio.CancelScope()
            group.start_soon(_listen, signals, interrupts, log, working, ended_note)
            with working:
                try:
                    ended = await work(interrupts)
                except FleetError as error:
                    # As a value, because a task group would wrap it.
                    ended = error
            group.cancel_scope.cancel()
    if isinstance(ended, FleetError):
        raise ended
    return ended


@contextmanager
def _handlers_kept() -> Iterator[None]:
    """Put back in the end what the process does at a signal: asyncio puts back what Python does
    by itself."""
    before = {one: signal.getsignal(one) for one in SIGNALS}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


async def _listen(
    signals: AsyncIterator[signal.Signals],
    interrupts: Interrupts,
    log: Log,
    working: anyio.CancelScope,
    ended_note: str | None,
) -> None:
    async for one in signals:
        if one is signal.SIGHUP and interrupts.requested.is_set():
            continue
        if working.cancel_called:
            log.note(ENDING)
        elif interrupts.requested.is_set() or not interrupts.first(log):
            # Told at once: ending may take a while.
            if ended_note is not None:
                log.note(ended_note)
            working.cancel()


def _heard() -> list[signal.Signals]:
    """Who starts a command with nohup wants it to outlive the terminal."""
    deaf = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return [one for one in SIGNALS if not (deaf and one is signal.SIGHUP)]
