"""Turns at registries that several fleets of a state location write, one fleet at a time.

A turn is a document that names a run. It binds other runs while that run holds its fleet's lock, so
a run that dies in its turn keeps others waiting no longer than its lock does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import anyio

from fleet_repl.engine.stores import Store, Stored
from fleet_repl.runs.history import Holder
from fleet_repl.state.fleet_register import SHARED_FOLDER
from fleet_repl.state.lock import current_holder
from fleet_repl.state.lock_document import lock_content, parse_lock
from fleet_repl.state.lock_rules import LockDocument
from fleet_repl.values.clock import Clock
from fleet_repl.values.errors import CallError, Fault, FaultKind, HaltedError, StateError
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.text import first_line

PATIENCE: Final = 180.0
"""The seconds to wait for a turn: the lock of a dead run lasts a minute, a slow write two."""
_PAUSES: Final = (0.1, 0.4)
_RELEASING_SECONDS: Final = 5.0


class Turns:
    def __init__(
        self,
        store: Store,
        fleet: str,
        holder: Holder,
        shared: frozenset[AccountId],
        *,
        gone: Callable[[Holder], bool],
        clock: Clock,
        uniform: Callable[[float, float], float],
    ) -> None:
        """`shared`: the accounts whose registries other fleets write too."""
        self._store = store
        self._fleet = fleet
        self._holder = holder
        self._shared = shared
        self._gone = gone
        self._clock = clock
        self._uniform = uniform
        self._taken = 0
        """The number of attempts at turns, which makes each document of the run different."""
        self._own: defaultdict[Registry, anyio.Lock] = defaultdict(anyio.Lock)

    @asynccontextmanager
    async def turn(self, registry: Registry) -> AsyncIterator[None]:
        """Keeps other fleets of the location from writing a registry for a block. Waits only where
        another fleet lists its account.

        Raises CallError where another fleet stays, and HaltedError if the state is unusable.
        """
        if registry.account not in self._shared:
            yield
            return
        async with self._own[registry]:
            version: str | None = None
            try:
                version = await self._take(registry)
                yield
            finally:
                await self._release(registry, version)

    async def _take(self, registry: Registry) -> str:
        try:
            return await self._wait(registry)
        except StateError as error:
            reason = first_line(error)
        raise HaltedError(f"turns with other fleets cannot be taken any more: {reason}")

    async def _wait(self, registry: Registry) -> str:
        name, until = _name(registry), self._clock.monotonic() + PATIENCE
        while True:
            stored = await self._store.find(name)
            other = await self._whose(name, stored)
            if other is None:
                self._taken += 1
                content = lock_content(self._document(self._holder))
                version = await self._store.swap(name, content, stored.version if stored else None)
                if version is not None:
                    return version
            elif self._clock.monotonic() >= until:
                raise CallError(_kept_waiting(other))
            await self._clock.sleep(self._uniform(*_PAUSES))

    async def _whose(self, name: str, stored: Stored | None) -> LockDocument | None:
        """Returns the turn of another run that binds this run, or None."""
        if stored is None:
            return None
        document = parse_lock(stored.content, None, where=f"{self._store}/{name}")
        holder = document.holder
        if holder is None or holder == self._holder:
            return None
        at_work = await current_holder(self._store, document.fleet, gone=self._gone)
        return document if at_work == holder else None

    async def _release(self, registry: Registry, version: str | None) -> None:
        """Ends this run's turn. `version`: that of its document; None if taking the turn was cut
        off, so that the document may be of another run."""
        name = _name(registry)
        # Also while the run is being cancelled.
        with anyio.move_on_after(_RELEASING_SECONDS, shield=True):
            try:
                stored = None if version is not None else await self._store.find(name)
                if stored is not None and self._is_own(stored, name):
                    version = stored.version
                if version is not None:
                    await self._store.swap(name, lock_content(self._document(None)), version)
            except StateError:
                # The turn binds no run any more once this run has released its lock.
                return

    def _is_own(self, stored: Stored, name: str) -> bool:
        document = parse_lock(stored.content, None, where=f"{self._store}/{name}")
        return document.holder == self._holder

    def _document(self, holder: Holder | None) -> LockDocument:
        now = self._clock.now()
        return LockDocument(
            fleet=self._fleet, holder=holder, taken_at=now, renewed_at=now, renewals=self._taken
        )


def _name(registry: Registry) -> str:
    return f"{SHARED_FOLDER}/turns/{registry.account}-{registry.region}.json"


def _kept_waiting(other: LockDocument) -> Fault:
    return Fault(
        kind=FaultKind.CONFLICT,
        operation="turn",
        message=f"fleet {other.fleet} has kept its turn at this registry for {PATIENCE:.0f} s: "
        f"{other.holder}",
        hint="see what that run waits for, and run again",
    )
