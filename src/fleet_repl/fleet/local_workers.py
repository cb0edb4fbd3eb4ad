"""Workers on this machine: processes of the standard library, which end with the run."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager, contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Final, ParamSpec, TypeVar

from fleet_repl.values.garbage import collect_seldom

P = ParamSpec("P")
T = TypeVar("T")

_SIGNALS: Final = (signal.SIGINT, signal.SIGHUP)
"""The signals that a terminal sends to every process of a run: the run itself decides when workers
end."""


class LocalWorkers(Executor):
    """Worker processes, which start at once, each given one call at a time. Each has a pool of its
    own, so that a process which dies breaks one shard only, and it is known which; the process is
    then made anew."""

    def __init__(self, count: int) -> None:
        self._workers: Final = [_Worker() for _ in range(count)]

    def __len__(self) -> int:
        return len(self._workers)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call `fn` in a worker that has nothing to do; where none has, in place of a call that the
        run has given up."""
        worker = min(self._workers, key=lambda worker: worker.is_busy)
        return worker.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - the standard library's signature
        """End the processes; with `cancel_futures` at once, whatever they do."""
        for worker in self._workers:
            worker.shutdown(wait=wait, at_once=cancel_futures)


@asynccontextmanager
async def local_workers(count: int) -> AsyncIterator[LocalWorkers]:
    """Worker processes for a block, and none after it."""
    workers = LocalWorkers(count)
    try:
        yield workers
    finally:
        # Whatever they still read, nobody waits for any more.
        workers.shutdown(cancel_futures=True)


class _Worker:
    """One process, in a pool of its own."""

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        theirs, self._lifeline = context.Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(1, context, initializer=_begin, initargs=(theirs,))
        self._processes: set[BaseProcess] = set()
        self._pending: set[object] = set()
        """Calls that have not ended."""
        # Nobody waits for what it loads: the first shard follows. A process that cannot be started
        # is reported with that.
        with suppress(OSError):
            self._submit(_load)

    @property
    def is_busy(self) -> bool:
        return bool(self._pending)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        if self.is_busy:
            # The process hangs, or does what nobody waits for any more.
            self._restart()
        try:
            future = self._submit(fn, *args, **kwargs)
        except BrokenProcessPool:
            self._restart()
            future = self._submit(fn, *args, **kwargs)
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        return future

    def _submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call `fn` in the process, which the pool starts for the first call."""
        others = {*multiprocessing.active_children()} - self._processes
        with _signals_blocked():
            future = self._pool.submit(fn, *args, **kwargs)
        self._processes = {*multiprocessing.active_children()} - others
        return future

    def _restart(self) -> None:
        self.shutdown(wait=False, at_once=True)
        self._start()

    def shutdown(self, *, wait: bool, at_once: bool) -> None:
        if at_once:
            # A process that hangs, or is stopped, ends in no other way.
            for process in self._processes:
                process.kill()
        self._pool.shutdown(wait=wait, cancel_futures=at_once)
        if wait or at_once:
            self._lifeline.close()


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """While this lasts, a process that is started does not get the terminal's signals, and will
    not: it inherits the mask."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(lifeline: Connection) -> None:
    """Begin as a worker: end when the run ends, however it does."""
    gc.disable()
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()


def _load() -> None:
    """Load what reads shards, and look for garbage as seldom as the process of the run."""
    import fleet_repl.aws  # noqa: PLC0415 - loads the SDK
    import fleet_repl.fleet.shard_worker  # noqa: F401, PLC0415

    collect_seldom()


def _end_with(lifeline: Connection) -> None:
    """End this process once the other end of the pipe is closed: by the run, or because its
    process is no more. Nothing is ever sent."""
    try:
        lifeline.recv_bytes()
    except (EOFError, OSError):
        os._exit(1)
