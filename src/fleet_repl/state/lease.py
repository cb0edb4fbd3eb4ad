"""The lease of a held lock: how long it still binds others, its renewals, and its release.

The lease counts from the moment before its last renewal was sent, by whichever of two clocks has
advanced further. The monotonic clock may stand still while a machine sleeps, and the wall clock may
be set back; a machine that slept for longer than the lease must not go on writing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

import anyio

from fleet_repl.engine.stores import Store
from fleet_repl.runs.history import Holder
from fleet_repl.state.lock_document import lock_content, parse_lock
from fleet_repl.state.lock_rules import LEASE, RENEWAL, LockDocument, taken_over
from fleet_repl.values.clock import Clock
from fleet_repl.values.errors import HaltedError, StateError
from fleet_repl.values.text import first_line

Check: TypeAlias = Callable[[], Awaitable[None]]

_NO_VERSION: Final = '"00000000000000000000000000000000"'
"""A version that no document has."""
_AGAIN: Final = 1.0
"""The seconds between attempts at a renewal that failed."""
_SLOW: Final = 3
"""The most renewals in a row that may take so long that too little of the lease is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The facts about a lock at the moment when it is taken."""

    fleet: str
    at: datetime
    version: str | None
    """The version of the document to replace; None if there is none."""
    replaced: Holder | None
    previously: datetime | None = None
    """The time when the lock was taken before; None if it never was."""


class Lease:
    """The lease that a run has of a lock. `Lock.held` makes it."""

    def __init__(
        self,
        store: Store,
        name: str,
        holder: Holder,
        clock: Clock,
        *,
        taken: Taken,
        check: Check | None,
    ) -> None:
        self._store = store
        self._name = name
        self._holder = holder
        self._clock = clock
        self._taken = taken
        self._check = check
        self._version = taken.version
        self._renewals = 0
        self._since = self._reading()
        self._renewing = anyio.Lock()
        self._sharers: Mapping[str, str] | None = None
        self._halted: str | None = None
        self._lost = False

    @property
    def replaced(self) -> Holder | None:
        """The former holder, if it was dead or silent and its lock was taken over."""
        return self._taken.replaced if self._taken.replaced != self._holder else None

    @property
    def taken_at(self) -> datetime:
        """Returns when the lock was taken, as its document says."""
        return self._taken.at

    @property
    def previously_taken_at(self) -> datetime | None:
        """Returns when the lock was taken the time before, whether that run has ended or died."""
        return self._taken.previously

    @property
    def remaining(self) -> float:
        """The seconds for which no other run can take the lock; negative after the lease ended."""
        monotonic, wall = self._reading()
        return LEASE - max(monotonic - self._since[0], wall - self._since[1])

    @property
    def held(self) -> bool:
        """Returns whether the lock cannot have been taken by another run so far."""
        return not self._lost and self.remaining > 0

    async def assure(self, seconds: float) -> None:
        """Returns when the lease lasts at least that many seconds, after a renewal if need be.

        Tasks that wait for a renewal share it. Raises HaltedError where the lock is lost, where it
        cannot be renewed in time, and where the check has halted the run.
        """
        self._complain()
        if self.remaining >= seconds:
            return
        async with self._renewing:
            for _ in range(_SLOW):
                if self.remaining < seconds:
                    await self._persist()
            if self.remaining < seconds:
                self._halt(f"renewing the lock takes so long that less than {seconds:g} s are left")
            self._complain()

    async def keep(self, beat: Callable[[float], Awaitable[None]]) -> None:
        """Renews the lease until the lock is lost. Raises nothing: `assure` does."""
        pause = RENEWAL
        while not self._lost:
            await beat(pause)
            async with self._renewing:
                pause = RENEWAL if await self._renew() else _AGAIN

    async def prove(self) -> None:
        """Tests that the store refuses to replace a document of another version than expected.

        Raises StateError where it does not, because two runs could then write at once.
        """
        async with self._renewing:
            self._renewals += 1
            content = lock_content(self._document(self._holder))
            for expected in (None, _NO_VERSION):
                if await self._store.swap(self._name, content, expected) is not None:
                    raise StateError(
                        f"the fleet's state cannot be kept in {self._store}: conditional writes "
                        "have no effect there, so two runs could write at once\n"
                        "    name a bucket that honours If-Match and If-None-Match, as S3 does"
                    )

    async def introduce(self, sharers: Mapping[str, str]) -> None:
        """Writes into the lock which fleets this run takes turns with. Others can see it on return.

        Raises HaltedError where the lock is lost. Raises StateError at the first failure, because a
        run that has written nothing yet need not wait until its state can be written again.
        """
        async with self._renewing:
            self._complain()
            self._sharers = sharers
            if not await self._rewrite():
                self._complain()

    async def take(self) -> bool:
        """Takes the lock. Returns False where another run was faster. Raises StateError."""
        return await self._swap(self._document(self._holder))

    async def release(self) -> None:
        """Releases the lock, if this run still holds it. Raises StateError."""
        await self._replace_own(self._document(None))

    async def _persist(self) -> None:
        """Renews the lease, in as many attempts as there is time for. Raises HaltedError."""
        self._complain()
        while not await self._renew():
            self._complain()
            await self._clock.sleep(_AGAIN)
        self._complain()

    async def _renew(self) -> bool:
        """Makes one attempt at a renewal. Returns False where another attempt may succeed."""
        try:
            await self._inspect()
            return await self._rewrite()
        except StateError as error:
            if self.remaining <= 0:
                reason = first_line(error)
                self._halt(f"the lock could not be renewed in time: {reason}")
            return False

    async def _rewrite(self) -> bool:
        """Writes the lock again. Returns False where it is lost. Raises StateError."""
        self._renewals += 1
        document = self._document(self._holder)
        return await self._swap(document) or await self._replace_own(document)

    async def _inspect(self) -> None:
        if self._check is None or self._halted is not None:
            return
        try:
            await self._check()
        except HaltedError as error:
            # The lock is kept, because writes that were sent before are still under way.
            self._halt(str(error))

    async def _replace_own(self, document: LockDocument) -> bool:
        """Replaces this run's document of any version. Returns False if another run has the lock.

        A write may have succeeded although its answer was lost, so the version may be unknown.
        """
        stored = await self._store.find(self._name)
        there = None
        if stored is not None:
            where = f"{self._store}/{self._name}"
            there = parse_lock(stored.content, self._taken.fleet, where=where)
            if there.holder == self._holder:
                self._version = stored.version
                if await self._swap(document):
                    return True
        self._lost = True
        self._halt(taken_over(there))
        return False

    async def _swap(self, document: LockDocument) -> bool:
        since = self._reading()
        version = await self._store.swap(self._name, lock_content(document), self._version)
        if version is None:
            return False
        self._version, self._since = version, since
        return True

    def _document(self, holder: Holder | None) -> LockDocument:
        return LockDocument(
            fleet=self._taken.fleet,
            holder=holder,
            taken_at=self._taken.at,
            renewed_at=self._clock.now(),
            renewals=self._renewals,
            sharers=self._sharers if holder is not None else None,
        )

    def _reading(self) -> tuple[float, float]:
        return self._clock.monotonic(), self._clock.now().timestamp()

    def _halt(self, because: str) -> None:
        self._halted = self._halted or because

    def _complain(self) -> None:
        if self._halted is not None:
            raise HaltedError(self._halted)
