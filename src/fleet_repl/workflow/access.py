"""Who may write to a fleet: one run at a time, and none while it is frozen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from fleet_repl.errors import FrozenError, HaltedError, RefusedError
from fleet_repl.pacing import SYSTEM
from fleet_repl.ports import Store
from fleet_repl.runs import Freeze, Holder, Purpose
from fleet_repl.store import (
    Lease,
    Lock,
    current_holder,
    frozen_refusal,
    gone,
    read_freeze,
    this_process,
)


@dataclass(slots=True, kw_only=True)
class Access:
    """The right of one connection to write. It is asked for once, however often it is needed."""

    store: Store
    fleet: str
    formerly: tuple[str, ...]
    """Names that the fleet had: who holds or froze it by one of them counts as well."""
    run_id: str
    purpose: Purpose = Purpose.APPLY
    lease: Lease | None = field(default=None, init=False)
    """Of the lock, while it is held."""

    @asynccontextmanager
    async def held(self) -> AsyncIterator[Lease]:
        """Hold the fleet's lock. Raises RefusedError at once where another run does, or where
        the fleet is frozen, and StateError."""
        if self.lease is not None:
            yield self.lease
            return
        await self.refuse_if_frozen()
        # Its lease is agreed with other machines, so it is counted in real time.
        lock = Lock(
            self.store, self.fleet, self.holder, SYSTEM, gone=gone, check=self._halt_if_frozen
        )
        async with lock.held() as lease:
            self.lease = lease
            try:
                # It may have been frozen while the lock was being taken.
                await self.refuse_if_frozen()
                await self._refuse_if_held_formerly()
                yield lease
            finally:
                self.lease = None

    @property
    def holder(self) -> Holder:
        """This process, as others are told of it."""
        me = this_process()
        return Holder(
            run_id=self.run_id,
            purpose=self.purpose,
            user=me.user,
            host=me.host,
            pid=me.pid,
            process=me.process,
        )

    async def refuse_if_frozen(self) -> None:
        """Raises FrozenError with who froze the fleet and why."""
        freeze = await self._freeze()
        if freeze is not None:
            raise FrozenError(frozen_refusal(freeze))

    async def _halt_if_frozen(self) -> None:
        freeze = await self._freeze()
        if freeze is not None:
            raise HaltedError(frozen_refusal(freeze).partition("\n")[0])

    async def _freeze(self) -> Freeze | None:
        for name in (self.fleet, *self.formerly):
            freeze = await read_freeze(self.store, name)
            if freeze is not None:
                return freeze
        return None

    async def _refuse_if_held_formerly(self) -> None:
        for name in self.formerly:
            holder = await current_holder(self.store, name, gone=gone)
            if holder is not None:
                raise RefusedError(
                    f"fleet {self.fleet} is busy: {holder} holds the lock of its former name "
                    f"{name}\n    wait until it has ended"
                )
