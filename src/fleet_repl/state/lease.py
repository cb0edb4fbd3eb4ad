"""A lock that is held: how long it still binds others, kept up, and given back.

It is believed in only as far as it can be known: from before its last renewal was sent, by
whichever of two clocks has gone further, so that a machine that slept does not go on writing.
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
"""That of no document."""
_AGAIN: Final = 1.0
"""Seconds between attempts at a renewal that failed."""
_SLOW: Final = 3
"""Renewals in a row that may take so long that too little is left of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """How a lock comes to be taken."""

    fleet: str
    at: datetime
    version: str | None
    """Of the document that is in its place."""
    replaced: Holder | None


class Lease:
    """One run's hold on a lock. Made by `Lock.held`."""

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
        """Whose lock was taken over because it was dead or had given no sign of life."""
        return self._taken.replaced if self._taken.replaced != self._holder else None

    @property
    def remaining(self) -> float:
        """Seconds for which nobody else can take the lock; negative once it has run out."""
        monotonic, wall = self._reading()
        return LEASE - max(monotonic - self._since[0], wall - self._since[1])

    @property
    def held(self) -> bool:
        """Whether nobody else can have taken the lock so far."""
        return not self._lost and self.remaining > 0

    async def assure(self, seconds: float) -> None:
        """Return once at least that long is left, after a renewal where it was less.

        Those who wait for a renewal share it. Raises HaltedError where the lock is lost, where it
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
        """Renew it for ever, or until it is lost. Never raises: `assure` tells."""
        pause = RENEWAL
        while not self._lost:
            await beat(pause)
            async with self._renewing:
                pause = RENEWAL if await self._renew() else _AGAIN

    async def prove(self) -> None:
        """See that the store refuses what would replace a document that is another one by now.

        Raises StateError where it does not: then two runs could write at once.
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
        """Say from now on which fleets this run takes turns with: everybody can see that when this
        returns.

        Raises HaltedError where the lock is lost, and StateError where it cannot be written: a run
        that has written nothing yet need not wait for a disk that is full.
        """
        async with self._renewing:
            self._complain()
            self._sharers = sharers
            if not await self._rewrite():
                self._complain()

    async def take(self) -> bool:
        """Put it in place; False where somebody else was quicker. Raises StateError."""
        return await self._swap(self._document(self._holder))

    async def release(self) -> None:
        """Let others have it, if it is still ours. Raises StateError."""
        await self._replace_own(self._document(None))

    async def _persist(self) -> None:
        """Renew it, however many attempts that takes while there is time. Raises HaltedError."""
        self._complain()
        while not await self._renew():
            self._complain()
            await self._clock.sleep(_AGAIN)
        self._complain()

    async def _renew(self) -> bool:
        """One attempt; False where it failed and may be made again."""
        try:
            await self._inspect()
            return await self._rewrite()
        except StateError as error:
            if self.remaining <= 0:
                reason = first_line(error)
                self._halt(f"the lock could not be renewed in time: {reason}")
            return False

    async def _rewrite(self) -> bool:
        """Put the lock in place anew; False where it is lost. Raises StateError."""
        self._renewals += 1
        document = self._document(self._holder)
        return await self._swap(document) or await self._replace_own(document)

    async def _inspect(self) -> None:
        if self._check is None or self._halted is not None:
            return
        try:
            await self._check()
        except HaltedError as error:
            # The lock stays held: what was sent before is still under way.
            self._halt(str(error))

    async def _replace_own(self, document: LockDocument) -> bool:
        """Put it in place of whatever is there of our own; an answer may have been lost."""
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
