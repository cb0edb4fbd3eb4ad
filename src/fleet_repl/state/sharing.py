"""Fleets of one state location that list the same accounts: who they are, and that they know.

Each fleet enters its accounts in a register once it holds its own lock, and before its first write
says in its lock which entries it has seen. So whoever writes knows every other fleet that may write
the same registries, and is known to it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from fleet_repl.engine.ports import Store
from fleet_repl.reports.documents.member_types import (
    Account,
)
from fleet_repl.reports.documents.reader import Document, MalformedError, read
from fleet_repl.reports.documents.writer import line_in_utf8
from fleet_repl.runs.history import Holder
from fleet_repl.state.lease import Lease
from fleet_repl.state.lock import binding_lock
from fleet_repl.state.revise import revise
from fleet_repl.values.canonical_json import digest
from fleet_repl.values.clock import Clock
from fleet_repl.values.errors import RefusedError, StateError
from fleet_repl.values.names import AccountId

SHARING_SCHEMA: Final = "fleet-repl/sharing/1"
SHARING: Final = ".sharing"
"""The folder of a state location that belongs to all its fleets. No fleet can have that name."""

_NAME: Final = f"{SHARING}/fleets.json"
_PATIENCE: Final = 10.0
"""Seconds that a run of another fleet is given to end, or to notice this one."""
_PAUSE: Final = 0.25


class _Register(Document, frozen=True, tag_field="schema", tag=SHARING_SCHEMA):
    fleets: dict[str, tuple[Account, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharers:
    """The other fleets of a location that list accounts of this one."""

    accounts: frozenset[AccountId]
    """Those that another fleet lists too."""
    marks: Mapping[str, str]
    """By fleet, a digest of its entry."""
    own: str
    """That of this fleet's entry."""


async def enter_fleet(
    store: Store, fleet: str, accounts: Collection[AccountId], *, formerly: Collection[str]
) -> Sharers:
    """Have a fleet's accounts in the register, in place of what its former names have there.

    It is written only where that changes it. Raises StateError.
    """
    entry = tuple(sorted(accounts))

    def entered(content: bytes | None) -> bytes:
        before = _parse(content, store)
        after = {name: listed for name, listed in before.items() if name not in formerly}
        after[fleet] = entry
        return line_in_utf8(_Register(dict(sorted(after.items()))))

    register = _parse(await revise(store, _NAME, entered), store)
    own_accounts = frozenset(entry)
    others = {
        name: listed
        for name, listed in register.items()
        if name != fleet and not own_accounts.isdisjoint(listed)
    }
    shared = own_accounts.intersection(account for listed in others.values() for account in listed)
    return Sharers(
        accounts=frozenset(map(AccountId, shared)),
        marks={name: _mark(listed) for name, listed in others.items()},
        own=_mark(entry),
    )


async def begin_sharing(
    store: Store,
    fleet: str,
    accounts: Collection[AccountId],
    *,
    formerly: Collection[str],
    lease: Lease,
    gone: Callable[[Holder], bool],
    clock: Clock,
) -> frozenset[AccountId]:
    """Before a run's first write: the accounts at which it takes turns, for as long as it writes.

    Its lock says whom it knows. Others that have not begun to write will look before they do, so
    only a run that is writing already may not know this fleet. Raises RefusedError where that is
    so, StateError, and HaltedError where the own lock is lost.
    """
    sharers = await enter_fleet(store, fleet, accounts, formerly=formerly)
    while True:
        await lease.introduce(sharers.marks)
        # Whoever came between the look and the introduction may have taken this run for one that
        # had yet to look.
        latest = await enter_fleet(store, fleet, accounts, formerly=formerly)
        if latest == sharers:
            break
        sharers = latest
    names = (fleet, *formerly)
    for other in sorted(sharers.marks):
        until = clock.monotonic() + _PATIENCE
        while (unaware := await _unaware(store, other, names, sharers.own, gone)) is not None:
            if clock.monotonic() >= until:
                raise RefusedError(
                    f"fleet {other} is writing to accounts that it shares with this fleet, and "
                    f"began before it could know of that: {unaware}\n"
                    "    wait until it has ended; from then on the two take turns"
                )
            await clock.sleep(_PAUSE)
    return sharers.accounts


async def _unaware(
    store: Store, other: str, names: Collection[str], mark: str, gone: Callable[[Holder], bool]
) -> Holder | None:
    """Who is writing to another fleet without knowing this one as it is now."""
    lock = await binding_lock(store, other, gone=gone)
    if lock is None or lock.sharers is None:
        return None
    return None if any(lock.sharers.get(name) == mark for name in names) else lock.holder


def _parse(content: bytes | None, store: Store) -> Mapping[str, tuple[AccountId, ...]]:
    if content is None:
        return {}
    try:
        return read(content, _Register).fleets
    except MalformedError as malformed:
        raise StateError(
            f"which fleets share accounts cannot be read: {store}/{_NAME}: {malformed}\n"
            "    see that no run is under way, then remove it: each fleet enters itself again"
        ) from None


def _mark(entry: Collection[AccountId]) -> str:
    return digest(list(entry)).removeprefix("sha256:")[:16]
