"""Ctrl-C and SIGTERM: the first asks the work to stop, the second ends it at once.

Work that has not said how to stop it is ended by the first.
"""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import anyio

from fleet_repl.cli.log import Log
from fleet_repl.errors import FleetError

T = TypeVar("T")


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


async def interruptible(log: Log, work: Callable[[Interrupts], Awaitable[T]]) -> T | None:
    """Do `work` until it is done or a signal ends it, which gives None.

    Raises the FleetError that the work raises.
    """
    interrupts = Interrupts()
    ended: T | FleetError | None = None
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with anyio.create_task_group() as group:
            group.start_soon(_listen, signals, interrupts, log, group.cancel_scope)
            try:
                ended = await work(interrupts)
            except FleetError as error:
                # As a value, because a task group would wrap it.
                ended = error
            group.cancel_scope.cancel()
    if isinstance(ended, FleetError):
        raise ended
    return ended


async def _listen(
    signals: AsyncIterator[signal.Signals],
    interrupts: Interrupts,
    log: Log,
    scope: anyio.CancelScope,
) -> None:
    async for _ in signals:
        if interrupts.requested.is_set() or not interrupts.first(log):
            scope.cancel()
            return
