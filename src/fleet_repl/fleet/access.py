"""The right to write to a fleet: one run at a time has it, and none while the fleet is frozen."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import anyio

from fleet_repl.engine.ports import EventSink
from fleet_repl.engine.stores import Store
from fleet_repl.runs.events import LockAwaited
from fleet_repl.runs.history import Freeze, Holder, Purpose
from fleet_repl.state import (
    Lease,
    Lock,
    Registration,
    Turns,
    current_holder,
    frozen_refusal,
    gone,
    introduce_fleet,
    read_freeze,
    refresh_index,
    register_fleet,
    this_process,
)
from fleet_repl.state.lock_rules import SeenLock
from fleet_repl.values.clock import SYSTEM
from fleet_repl.values.errors import FrozenError, HaltedError, RefusedError, StateError
from fleet_repl.values.names import AccountId
from fleet_repl.values.text import first_line


@dataclass(slots=True, kw_only=True)
class Access:
    """The right of one connection to write, which several of its tasks may use at a time."""

    store: Store
    fleet: str
    formerly: tuple[str, ...]
    """Former names of the fleet. A lock or a freeze under one of them counts as well."""
    accounts: frozenset[AccountId]
    """Accounts that the fleet may write to."""
    run_id: str
    on_event: EventSink
    purpose: Purpose = Purpose.APPLY
    lease: Lease | None = field(default=None, init=False)
    """The lease of the lock, while it is held."""
    shared: frozenset[AccountId] = field(default=frozenset(), init=False)
    """Accounts that other fleets of the location list too; known once writing has begun."""
    _registration: Registration | None = field(default=None, init=False)
    """The fleet's entry in the register of fleets, from when the lock was taken."""
    _users: int = field(default=0, init=False)
    """The number of blocks that use the lock."""
    _ended: anyio.Event = field(default_factory=anyio.Event, init=False)
    """Set, and replaced, when such a block ends."""
    _acquiring: anyio.Lock = field(default_factory=anyio.Lock, init=False)
    _released: anyio.Event | None = field(default=None, init=False)
    """Set once the lock is released; None while it is not being released."""
    _carried_out: anyio.Event | None = field(default=None, init=False)
    """Set once the plan that is carried out has ended; None while no plan is."""

    @asynccontextmanager
    async def held(self) -> AsyncIterator[Lease]:
        """Holds the fleet's lock for a block. Blocks of this connection share the lock, and the
        block that took it waits at its end for the others.

        Raises RefusedError at once where another run holds the lock, FrozenError, and StateError.
        """
        async with AsyncExitStack() as stack:
            async with self._acquiring:
                if self._released is not None:
                    await self._released.wait()
                lease = self.lease
                if lease is None:
                    lease = await stack.enter_async_context(self._locked())
                self._users += 1
            try:
                yield lease
            finally:
                self._users -= 1
                self._ended.set()
                self._ended = anyio.Event()

    @contextmanager
    def carrying_out(self) -> Iterator[None]:
        """Marks a plan as being carried out for a block.

        Raises RefusedError where another plan is: both would be remembered as the same run.
        """
        if self._carried_out is not None:
            raise RefusedError("this connection carries out a plan already\n    wait until it ends")
        ended = self._carried_out = anyio.Event()
        try:
            yield
        finally:
            self._carried_out = None
            ended.set()

    async def wind_up(self, stop: Callable[[], object]) -> None:
        """Waits for a plan that another task carries out, whose writes need the connection and the
        lock. `stop` keeps that task from starting more writes."""
        if self._carried_out is not None:
            stop()
            with anyio.CancelScope(shield=True):
                await self._carried_out.wait()

    @asynccontextmanager
    async def _locked(self) -> AsyncIterator[Lease]:
        await self.refuse_if_frozen()
        # Other machines judge the lease by their clocks, so it is counted in real time.
        lock = Lock(
            self.store,
            self.fleet,
            self.holder,
            SYSTEM,
            gone=gone,
            check=self._check_freeze,
        )
        try:
            async with lock.held(self._report_wait) as lease:
                self.lease = lease
                try:
                    # The fleet may have been frozen while the lock was being taken.
                    await self.refuse_if_frozen()
                    await self._refuse_if_held_formerly()
                    # Other fleets have to know of this fleet before it begins to write.
                    self._registration = await self._register()
                    await refresh_index(self.store, self.fleet, lease)
                    yield lease
                finally:
                    await self._unused()
                    self.lease, self._released = None, anyio.Event()
        finally:
            if self._released is not None:
                self._released.set()
                self._released = None

    def _report_wait(self, seen: SeenLock, seconds: float) -> None:
        self.on_event(LockAwaited(fleet=self.fleet, holder=str(seen.holder), seconds=seconds))

    async def _unused(self) -> None:
        """Waits until no block uses the lock, also while the run is being cancelled."""
        with anyio.CancelScope(shield=True):
            while self._users:
                await self._ended.wait()

    @property
    def turns(self) -> Turns:
        """The turns with other fleets, at registries that they write too."""
        return Turns(
            self.store,
            self.fleet,
            self.holder,
            self.shared,
            gone=gone,
            clock=SYSTEM,
            uniform=random.uniform,
        )

    async def begin_writing(self, lease: Lease) -> None:
        """Prepares for the first write: proves that the store refuses writes of others, and gets to
        know the fleets that may write the same registries.

        Raises RefusedError where a run of such a fleet writes without knowing this fleet, and
        StateError.
        """
        # In a store that accepts every write, neither the lock nor a turn means anything.
        await lease.prove()
        registration = self._registration or await self._register()
        try:
            self.shared = await introduce_fleet(
                self.store, registration, lease=lease, gone=gone, clock=SYSTEM
            )
        except HaltedError as error:
            raise RefusedError(str(error)) from None

    async def _register(self) -> Registration:
        return await register_fleet(self.store, self.fleet, self.accounts, formerly=self.formerly)

    @property
    def holder(self) -> Holder:
        """The name of this process in the lock, for others to read."""
        return this_process().holder(self.run_id, self.purpose)

    async def refuse_if_frozen(self) -> None:
        """Raises FrozenError, which names who froze the fleet and why."""
        freeze = await self._freeze()
        if freeze is not None:
            raise FrozenError(frozen_refusal(freeze))

    async def halt_if_frozen(self) -> None:
        """Raises HaltedError where the fleet was frozen meanwhile, or that cannot be known any
        more."""
        try:
            await self._check_freeze()
        except StateError as error:
            reason = first_line(error)
        else:
            return
        raise HaltedError(f"whether the fleet is frozen cannot be known any more: {reason}")

    async def _check_freeze(self) -> None:
        freeze = await self._freeze()
        if freeze is not None:
            raise HaltedError(first_line(frozen_refusal(freeze)))

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
