"""The register of the fleets in a state location, by which fleets with common accounts find out.

Two fleets that list the same account may write the same registries, and must then take turns. So
each run does two things in this order. When it has taken its fleet's lock, it enters the fleet's
accounts in the register. Before its first write, it says in the lock which entries of other fleets
it has seen.

For example, fleet a starts while fleet b writes and has not seen a. The run of a finds b in the
register, reads in the lock of b that b does not know a, and waits until b has ended. If neither
writes yet, the later of the two sees the entry of the other, and both take turns.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from fleet_repl.engine.stores import Store
from fleet_repl.reports.documents.member_types import Account
from fleet_repl.reports.documents.reader import Document, MalformedError, read
from fleet_repl.reports.documents.writer import line_in_utf8
from fleet_repl.runs.history import Holder
from fleet_repl.state.lease import Lease
from fleet_repl.state.lock import binding_lock
from fleet_repl.state.revise import revise
from fleet_repl.values.canonical_json import short_digest
from fleet_repl.values.clock import Clock
from fleet_repl.values.errors import RefusedError, StateError
from fleet_repl.values.names import AccountId

SHARING_SCHEMA: Final = "fleet-repl/sharing/1"
SHARED_FOLDER: Final = ".sharing"
"""The folder of a state location that all its fleets share. No fleet can have that name."""

_NAME: Final = f"{SHARED_FOLDER}/fleets.json"
_PATIENCE: Final = 10.0
"""The seconds to wait for a run of another fleet to end, or to see this fleet's entry."""
_PAUSE: Final = 0.25


class _Register(Document, frozen=True, tag_field="schema", tag=SHARING_SCHEMA):
    fleets: dict[str, tuple[Account, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """The entry of a fleet in the register, and the entries of fleets with the same accounts."""

    fleet: str
    accounts: frozenset[AccountId]
    """The accounts that the fleet lists."""
    formerly: tuple[str, ...]
    """Former names of the fleet."""
    shared_accounts: frozenset[AccountId]
    """Accounts of the fleet that another fleet lists too."""
    digests: Mapping[str, str]
    """The other fleets, each with a digest of its entry."""
    own_digest: str
    """The digest of this fleet's entry."""


async def register_fleet(
    store: Store, fleet: str, accounts: Collection[AccountId], *, formerly: Collection[str]
) -> Registration:
    """Enters a fleet's accounts in the register, and removes the entries of its former names. The
    register is written only if that changes it. Raises StateError."""
    entry = tuple(sorted(accounts))

    def with_entry(content: bytes | None) -> bytes:
        before = _parse(content, store)
        after = {name: listed for name, listed in before.items() if name not in formerly}
        after[fleet] = entry
        return line_in_utf8(_Register(dict(sorted(after.items()))))

    register = _parse(await revise(store, _NAME, with_entry), store)
    own_accounts = frozenset(entry)
    others = {
        name: listed
        for name, listed in register.items()
        if name != fleet and not own_accounts.isdisjoint(listed)
    }
    shared = own_accounts.intersection(account for listed in others.values() for account in listed)
    return Registration(
        fleet=fleet,
        accounts=frozenset(accounts),
        formerly=tuple(formerly),
        shared_accounts=frozenset(map(AccountId, shared)),
        digests={name: short_digest(listed) for name, listed in others.items()},
        own_digest=short_digest(entry),
    )


async def introduce_fleet(
    store: Store,
    registration: Registration,
    *,
    lease: Lease,
    gone: Callable[[Holder], bool],
    clock: Clock,
) -> frozenset[AccountId]:
    """Makes a run known to other fleets before its first write, and returns the accounts at which
    it takes turns with them. `registration`: that of the fleet when its lock was taken.

    Runs that have not begun to write will look at the register before they do, so only a run that
    is already writing may not know this fleet. Raises RefusedError where such a run goes on for too
    long, HaltedError where the fleet's own lock is lost, and StateError.
    """
    registration = await _introduced(store, registration, lease)
    for other in sorted(registration.digests):
        until = clock.monotonic() + _PATIENCE
        while (holder := await _unaware_holder(store, other, registration, gone)) is not None:
            if clock.monotonic() >= until:
                raise RefusedError(
                    f"fleet {other} is writing to accounts that it shares with this fleet, and "
                    f"began before it could know of that: {holder}\n"
                    "    wait until it has ended; from then on the two take turns"
                )
            await clock.sleep(_PAUSE)
    return registration.shared_accounts


async def _introduced(store: Store, registration: Registration, lease: Lease) -> Registration:
    """Says in the fleet's lock which entries it has seen, and returns its latest registration."""
    while True:
        await lease.introduce(registration.digests)
        # A fleet that was entered after the register was read may have looked at the lock before
        # the digests stood there, and taken this run for one that had yet to read the register.
        latest = await register_fleet(
            store, registration.fleet, registration.accounts, formerly=registration.formerly
        )
        if latest == registration:
            return latest
        registration = latest


async def _unaware_holder(
    store: Store, other: str, registration: Registration, gone: Callable[[Holder], bool]
) -> Holder | None:
    """Returns the holder of another fleet's lock if it writes without knowing this registration."""
    lock = await binding_lock(store, other, gone=gone)
    if lock is None or lock.sharers is None:
        return None
    names, own = (registration.fleet, *registration.formerly), registration.own_digest
    return None if any(lock.sharers.get(name) == own for name in names) else lock.holder


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
