"""Credentials as they were issued, and their sources.

The base identity is here; the roles that are assumed with it are in `assume_role`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol

import anyio
from botocore.credentials import ReadOnlyCredentials

from fleet_repl.aws.renewal import renewed
from fleet_repl.engine.retry import Pace
from fleet_repl.values.clock import Clock
from fleet_repl.values.names import AccountId

_RENEWAL_SECONDS: Final = 300.0
_RENEWAL_SHARE: Final = 0.1
_ASK_AGAIN_SECONDS: Final = 30.0
"""The seconds for which credentials in hand are used after their renewal has failed."""


@dataclass(frozen=True, slots=True, weakref_slot=True, kw_only=True, eq=False, repr=False)
class Issued:
    """Credentials as they were issued. Compared by identity, to tell one session from the next;
    the repr shows no secret."""

    credentials: ReadOnlyCredentials
    account: AccountId | None
    """The account that they belong to; None for the base identity before GetCallerIdentity."""
    issued_at: float = -math.inf
    """The monotonic instant of their AssumeRole: AWS may refuse fresh credentials for seconds. The
    base identity's are never fresh."""
    renew_at: float = math.inf
    """The monotonic instant from which on a new session is wanted."""
    ends_at: float = math.inf
    """The monotonic instant at which they expire."""

    def good_at(self, now: float, ahead: float) -> bool:
        """Returns whether the credentials need no renewal until `ahead` seconds from now.

        `ahead` counts up to half of the session: a short one would be renewed at every call.
        """
        if self.renew_at == math.inf:
            return True
        half = (self.ends_at - self.renew_at) / _RENEWAL_SHARE / 2
        return now + min(ahead, half) < self.renew_at

    @property
    def hidden(self) -> tuple[str, ...]:
        """Texts that no message may show: key id, secret key and token."""
        return tuple(filter(None, self.credentials[:3]))


def lasting(issued: Issued, seconds: float, now: float) -> Issued:
    """Returns the credentials with `seconds` left, to be renewed five minutes before they expire,
    or after nine tenths of their time if that is later."""
    margin = min(_RENEWAL_SECONDS, seconds * _RENEWAL_SHARE)
    return replace(issued, renew_at=now + seconds - margin, ends_at=now + seconds)


class Held:
    """The credentials that a source has in hand, and whether they can still be used."""

    def __init__(self, clock: Clock) -> None:
        self.issued: Issued | None = None
        self._clock = clock
        self._ask_at = -math.inf

    def usable(self) -> Issued | None:
        """The credentials in hand, unless they have expired."""
        issued = self.issued
        return issued if issued is not None and self._clock.monotonic() < issued.ends_at else None

    def good(self, ahead: float) -> Issued | None:
        """The credentials in hand, unless they should be renewed. For half a minute after a failed
        renewal they need not be."""
        issued, now = self.usable(), self._clock.monotonic()
        good = issued is not None and (issued.good_at(now, ahead) or self.asked_lately)
        return issued if good else None

    @property
    def asked_lately(self) -> bool:
        """Returns whether a renewal has failed in the last half minute."""
        return self._clock.monotonic() < self._ask_at

    def not_renewed(self) -> Issued | None:
        """Note that a renewal has failed; returns the credentials in hand unless expired."""
        self._ask_at = self._clock.monotonic() + _ASK_AGAIN_SECONDS
        return self.usable()


class Source(Protocol):
    """A source of credentials: the base identity, or a role."""

    async def issue(self, ahead: float = 0.0) -> Issued:
        """Credentials for a call now, and if possible for calls in `ahead` seconds.

        Raises CallError where a call to get them failed, and whatever the SDK raises.
        """

    def forget(self, issued: Issued) -> bool:
        """Take note that AWS calls `issued` expired; returns whether `issue` can give others."""


class SdkCredentials(Protocol):
    """Credentials as the SDK resolves them. They renew themselves when due, if they can."""

    async def get_frozen_credentials(self) -> ReadOnlyCredentials: ...


class Base:
    """The base identity: the credentials that the SDK resolved before anything was called.

    Kept here because the SDK, within ten minutes of their expiry, asks its source for every call.
    """

    def __init__(self, credentials: SdkCredentials, first: ReadOnlyCredentials, pace: Pace) -> None:
        """`first`: the frozen credentials that `credentials` have already given."""
        self._credentials = credentials
        self._pace = pace
        self._account: AccountId | None = None
        self._held = Held(pace.clock)
        self._asking = anyio.Lock()
        self._failure: Exception | None = None
        """The reason why the source has given nothing the last time."""
        self._hold(first)

    def owned_by(self, account: AccountId) -> None:
        """Set the account that the credentials belong to, as GetCallerIdentity says."""
        self._account = account
        if self._held.issued is not None:
            self._held.issued = replace(self._held.issued, account=account)

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the credentials in hand expire; None where they do not, or nobody says."""
        issued = self._held.issued
        if issued is None or issued.ends_at == math.inf:
            return None
        return issued.ends_at - self._pace.clock.monotonic()

    async def issue(self, ahead: float = 0.0) -> Issued:
        """The credentials in hand, or renewed by one task, with a time limit and retries.

        While the source is asked, and after it has failed, the credentials in hand are used until
        they expire. After that, the source is asked every half a minute, and its failure is that
        of all who come in between. Raises what the SDK raises.
        """
        held = self._held
        if (issued := held.usable() if self._asking.locked() else held.good(ahead)) is not None:
            return issued
        async with self._asking:
            if (issued := held.good(ahead)) is not None:
                return issued
            if self._failure is not None and held.asked_lately:
                raise self._failure.with_traceback(None)
            try:
                frozen = await renewed(self._credentials.get_frozen_credentials, self._pace)
            except Exception as error:
                self._failure = error
                if (issued := held.not_renewed()) is not None:
                    return issued
                raise
            self._failure = None
            return self._hold(frozen)

    def _hold(self, frozen: ReadOnlyCredentials) -> Issued:
        held = self._held
        if held.issued is not None and held.issued.credentials == frozen:
            # The source has nothing newer.
            return held.not_renewed() or held.issued
        held.issued = issued = self._lasting(Issued(credentials=frozen, account=self._account))
        return issued

    def _lasting(self, issued: Issued) -> Issued:
        ends: object = getattr(self._credentials, "_expiry_time", None)
        clock = self._pace.clock
        if not isinstance(ends, datetime):
            return issued
        return lasting(issued, (ends - clock.now()).total_seconds(), clock.monotonic())

    def forget(self, issued: Issued) -> bool:  # noqa: ARG002 - of the Source protocol
        """False: credentials that can be renewed were renewed minutes before their expiry."""
        return False
