"""The lock of a fleet, by which one run writes at a time.

The lock is a document of the store, and is only replaced if its version is the version that was
read. `lock_rules` judges what a lock means.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Final, TypeAlias

import anyio

from fleet_repl.engine.stores import Store, Stored
from fleet_repl.runs.history import Holder
from fleet_repl.state.lease import Check, Lease, Taken
from fleet_repl.state.lock_document import lock_content, parse_lock
from fleet_repl.state.lock_rules import NEARLY, LockDocument, SeenLock, Verdict, busy, judge, left
from fleet_repl.values.clock import Clock
from fleet_repl.values.errors import RefusedError, StateError

LOCK_NAME: Final = "lock.json"

_ROUNDS: Final = 5
"""The most attempts to take a lock that others take and release meanwhile."""
_RELEASING_SECONDS: Final = 5.0
_AFTERWARDS: Final = 0.5
"""The seconds after the end of a lease until its lock is read again."""

OnWait: TypeAlias = Callable[[SeenLock, float], object]


def _ignored(seen: SeenLock, seconds: float) -> None:
    """Does nothing."""


class Lock:
    """The lock of a fleet, as a run takes it."""

    def __init__(
        self,
        store: Store,
        fleet: str,
        holder: Holder,
        clock: Clock,
        *,
        gone: Callable[[Holder], bool],
        check: Check | None = None,
        beat: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        """`gone`: whether a holder is certainly dead. `check`: runs at each renewal, and halts the
        run by raising HaltedError. `beat`: waits between renewals, in real time whatever `clock`
        is, because others judge the lock by their own clocks.
        """
        self._store = store
        self._fleet = fleet
        self._holder = holder
        self._clock = clock
        self._gone = gone
        self._check = check
        self._beat = beat

    @asynccontextmanager
    async def held(self, on_wait: OnWait = _ignored) -> AsyncIterator[Lease]:
        """Holds the lock for a block, with renewals in the background. `on_wait`: is called with a
        lock whose lease ends soon, and the seconds until then, for which it is waited.

        Raises RefusedError where another run holds the lock, at once or after such a wait, and
        StateError. An exception of the block is raised unchanged.
        """
        lease = await self._take(on_wait)
        failure: Exception | None = None
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(lease.keep, self._beat)
                try:
                    yield lease
                except Exception as error:  # noqa: BLE001 - the group would wrap it in one of its own
                    failure = error
                group.cancel_scope.cancel()
        finally:
            await self._release(lease)
        if failure is not None:
            raise failure

    async def _take(self, on_wait: OnWait = _ignored) -> Lease:
        for _ in range(_ROUNDS):
            lease = await self._look(on_wait)
            answered = False
            try:
                taken = await lease.take()
                answered = True
            finally:
                if not answered:
                    # The attempt failed or was cancelled, and may still have taken the lock.
                    await self._release(lease)
            if taken:
                return lease
        raise RefusedError(
            f"fleet {self._fleet} is busy: other runs take its lock in {self._store} one after the "
            "other\n    run again"
        )

    async def _look(self, on_wait: OnWait) -> Lease:
        """Returns a lease to try in place of the present lock. Raises RefusedError if it binds."""
        stored = await self._store.find(_name(self._fleet))
        if (seen := _seen(stored, self._store, self._fleet)) is not None and self._binds(seen):
            await self._await_or_refuse(seen, on_wait)
            stored = await self._store.find(_name(self._fleet))
            if (seen := _seen(stored, self._store, self._fleet)) is not None and self._binds(seen):
                raise RefusedError(busy(seen.document, seen.holder, seen.age))
        return Lease(
            self._store,
            _name(self._fleet),
            self._holder,
            self._clock,
            taken=Taken(
                fleet=self._fleet,
                at=self._clock.now(),
                version=stored.version if stored is not None else None,
                replaced=seen.holder if seen is not None else None,
                previously=_taken_at(stored, self._store, self._fleet),
            ),
            check=self._check,
        )

    def _binds(self, seen: SeenLock) -> bool:
        # An attempt of this run may have succeeded although its answer was lost.
        return seen.holder != self._holder and _is_held(seen, self._gone)

    async def _await_or_refuse(self, seen: SeenLock, on_wait: OnWait) -> None:
        """Waits for a lock whose lease ends soon. Raises RefusedError for any other lock."""
        seconds = left(seen.age)
        if seconds > NEARLY:
            raise RefusedError(busy(seen.document, seen.holder, seen.age))
        on_wait(seen, seconds)
        await self._clock.sleep(seconds + _AFTERWARDS)

    async def _release(self, lease: Lease) -> None:
        # Also while the run is being cancelled.
        with anyio.move_on_after(_RELEASING_SECONDS, shield=True):
            try:
                await lease.release()
            except StateError:
                # The outcome of the run does not depend on it, and the lease ends by itself.
                return


async def current_holder(
    store: Store, fleet: str, *, gone: Callable[[Holder], bool]
) -> Holder | None:
    """Returns the holder of a fleet's lock; None if the holder is dead or silent for too long.
    Raises StateError."""
    lock = await binding_lock(store, fleet, gone=gone)
    return None if lock is None else lock.holder


async def binding_lock(
    store: Store, fleet: str, *, gone: Callable[[Holder], bool]
) -> LockDocument | None:
    """Returns a fleet's lock if it binds other runs, or else None. Raises StateError."""
    seen = await find_lock(store, fleet)
    return seen.document if seen is not None and _is_held(seen, gone) else None


async def find_lock(store: Store, fleet: str) -> SeenLock | None:
    """A fleet's lock that has a holder, whether it binds anybody or not. Raises StateError."""
    return _seen(await store.find(_name(fleet)), store, fleet)


async def last_taken_at(store: Store, fleet: str) -> datetime | None:
    """Returns when a fleet's lock was last taken, even if it is released; None if it never was.
    Raises StateError."""
    return _taken_at(await store.find(_name(fleet)), store, fleet)


async def release_lock(store: Store, seen: SeenLock) -> bool:
    """Give a lock back in place of its holder; False where that has changed it since it was seen,
    for a sign of life perhaps. Raises StateError."""
    content = lock_content(replace(seen.document, holder=None, sharers=None))
    return await store.swap(_name(seen.document.fleet), content, seen.version) is not None


def _is_held(seen: SeenLock, gone: Callable[[Holder], bool]) -> bool:
    return judge(seen.document, seen.age, gone=gone(seen.holder)) is Verdict.HELD


def _name(fleet: str) -> str:
    return f"{fleet}/{LOCK_NAME}"


def _taken_at(stored: Stored | None, store: Store, fleet: str) -> datetime | None:
    return None if stored is None else _parsed(stored, store, fleet).taken_at


def _parsed(stored: Stored, store: Store, fleet: str) -> LockDocument:
    return parse_lock(stored.content, fleet, where=f"{store}/{_name(fleet)}")


def _seen(stored: Stored | None, store: Store, fleet: str) -> SeenLock | None:
    if stored is None:
        return None
    document = _parsed(stored, store, fleet)
    if document.holder is None:
        return None
    return SeenLock(
        document=document, holder=document.holder, age=stored.age, version=stored.version
    )
