"""One writer at a time: the lock of a fleet, taken at once or not at all, and given back.

The lock is a document of the store, replaced only by whoever knows what is there; what it means
is judged elsewhere.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

import anyio

from fleet_repl.errors import RefusedError, StateError
from fleet_repl.leasing import LockDocument, Verdict, busy, judge
from fleet_repl.pacing import Clock
from fleet_repl.ports import Store, Stored
from fleet_repl.runs import Holder
from fleet_repl.store.lease import Check, Lease, Taken
from fleet_repl.store.lock_document import parse_lock

LOCK_NAME: Final = "lock.json"

_ROUNDS: Final = 5
"""How often a lock is looked at that others take and give back meanwhile."""
_RELEASING_SECONDS: Final = 5.0


class Lock:
    """The lock of one fleet, for one run."""

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
        """`gone`: whether a holder is surely dead. `check`: made at each renewal; the lease ends
        for its user where it raises HaltedError.

        `beat` waits between renewals in real time, whatever the run's clock does: others judge
        the lock by a clock of their own.
        """
        self._store = store
        self._fleet = fleet
        self._holder = holder
        self._clock = clock
        self._gone = gone
        self._check = check
        self._beat = beat

    def held(self) -> AbstractAsyncContextManager[Lease]:
        """Hold the lock meanwhile, renewed in the background.

        Raises RefusedError at once where somebody else holds it, and StateError. What the body
        raises comes out as it is.
        """
        return self._held()

    @asynccontextmanager
    async def _held(self) -> AsyncIterator[Lease]:
        lease = await self._take()
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

    async def _take(self) -> Lease:
        for _ in range(_ROUNDS):
            lease = await self._look()
            settled = False
            try:
                taken = await lease.take()
                settled = True
            finally:
                if not settled:
                    # Failed or cancelled half-way: it may have been taken all the same.
                    await self._release(lease)
            if taken:
                return lease
        raise RefusedError(
            f"fleet {self._fleet} is busy: other runs take its lock in {self._store} one after the "
            "other\n    run again"
        )

    async def _look(self) -> Lease:
        """What can be tried in place of what is there. Raises RefusedError where nothing can."""
        found = await self._store.find(_name(self._fleet))
        document = _parse(found, self._store, self._fleet)
        if found is not None and document is not None:
            self._refuse_if_held(document, found.age)
        return Lease(
            self._store,
            _name(self._fleet),
            self._holder,
            self._clock,
            taken=Taken(
                fleet=self._fleet,
                at=self._clock.now(),
                version=found.version if found is not None else None,
                replaced=document.holder if document is not None else None,
            ),
            check=self._check,
        )

    def _refuse_if_held(self, document: LockDocument, age: float) -> None:
        holder = document.holder
        # It is ours if taking it went through although it looked otherwise.
        if holder is None or holder == self._holder:
            return
        if judge(document, age, gone=self._gone(holder)) is Verdict.HELD:
            raise RefusedError(busy(document, holder, age))

    async def _release(self, lease: Lease) -> None:
        # Also while the run is being cancelled.
        with anyio.move_on_after(_RELEASING_SECONDS, shield=True):
            try:
                await lease.release()
            except StateError:
                # The run has ended as it has ended, and the lock runs out by itself.
                return


async def current_holder(
    store: Store, fleet: str, *, gone: Callable[[Holder], bool]
) -> Holder | None:
    """Who holds a fleet's lock now; None for one who is dead or has been silent for too long.

    Raises StateError.
    """
    lock = await binding_lock(store, fleet, gone=gone)
    return None if lock is None else lock.holder


async def binding_lock(
    store: Store, fleet: str, *, gone: Callable[[Holder], bool]
) -> LockDocument | None:
    """A fleet's lock while somebody holds it; None for one that binds nobody. Raises StateError."""
    found = await store.find(_name(fleet))
    document = _parse(found, store, fleet)
    if found is None or document is None or document.holder is None:
        return None
    verdict = judge(document, found.age, gone=gone(document.holder))
    return document if verdict is Verdict.HELD else None


def _name(fleet: str) -> str:
    return f"{fleet}/{LOCK_NAME}"


def _parse(found: Stored | None, store: Store, fleet: str) -> LockDocument | None:
    if found is None:
        return None
    return parse_lock(found.content, fleet, where=f"{store}/{_name(fleet)}")
