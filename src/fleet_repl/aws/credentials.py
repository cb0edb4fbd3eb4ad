"""Who signs a call: credentials as they were issued, and where they come from.

The base identity is here; roles assumed from it are in `roles`.
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
"""How long credentials in hand are used after their renewal has failed."""


@dataclass(frozen=True, slots=True, weakref_slot=True, kw_only=True, eq=False, repr=False)
class Issued:
    """Credentials issued once. Its identity tells one session from the next; it shows nothing."""

    credentials: ReadOnlyCredentials
    account: AccountId | None
    """Whose they are; None while nobody has asked."""
    issued_at: float = -math.inf
    """The monotonic instant of the AssumeRole that gave them: AWS may refuse fresh ones for
    seconds. The base identity's are never fresh."""
    renew_at: float = math.inf
    """The monotonic instant from which on a new session is wanted."""
    ends_at: float = math.inf
    """The monotonic instant at which they expire."""

    def good_at(self, now: float, ahead: float) -> bool:
        """Whether no new session is wanted `ahead` seconds from now; a session that is short from
        the start need not be renewed for half of its time."""
        if self.renew_at == math.inf:
            return True
        half = (self.ends_at - self.renew_at) / _RENEWAL_SHARE / 2
        return now + min(ahead, half) < self.renew_at

    @property
    def hidden(self) -> tuple[str, ...]:
        """Texts that no message may show."""
        return tuple(filter(None, self.credentials[:3]))


def lasting(issued: Issued, seconds: float, now: float) -> Issued:
    """The same with `seconds` left: renewed five minutes before the end, or after nine tenths."""
    margin = min(_RENEWAL_SECONDS, seconds * _RENEWAL_SHARE)
    return replace(issued, renew_at=now + seconds - margin, ends_at=now + seconds)


class Held:
    """The credentials that somebody has in hand, and whether they will do."""

    def __init__(self, clock: Clock) -> None:
        self.issued: Issued | None = None
        self._clock = clock
        self._ask_at = -math.inf

    def usable(self) -> Issued | None:
        """What is in hand, unless it has ended."""
        issued = self.issued
        return issued if issued is not None and self._clock.monotonic() < issued.ends_at else None

    def good(self, ahead: float) -> Issued | None:
        """What is in hand, unless it should be renewed and that has not just failed."""
        issued, now = self.usable(), self._clock.monotonic()
        good = issued is not None and (issued.good_at(now, ahead) or now < self._ask_at)
        return issued if good else None

    def not_renewed(self) -> Issued | None:
        """What is in hand will have to do for a while, if it can."""
        self._ask_at = self._clock.monotonic() + _ASK_AGAIN_SECONDS
        return self.usable()


class Source(Protocol):
    """Where the credentials for a call come from."""

    async def issue(self, ahead: float = 0.0) -> Issued:
        """Credentials good for a call now, and if possible still in `ahead` seconds.

        Raises CallError where a call to get them failed, and whatever the SDK raises.
        """
        ...

    def forget(self, issued: Issued) -> bool:
        """AWS says that `issued` has expired: whether others can be had."""
        ...


class SdkCredentials(Protocol):
    """What the SDK resolves to: it asks its source anew, where its kind can, once that is due."""

    async def get_frozen_credentials(self) -> ReadOnlyCredentials: ...


class Base:
    """The base identity: what the SDK resolved before anything was called.

    What was issued is held: the SDK would ask its source for every call in the last ten minutes.
    """

    def __init__(self, credentials: SdkCredentials, given: ReadOnlyCredentials, pace: Pace) -> None:
        """`given`: what they have given already."""
        self._credentials = credentials
        self._pace = pace
        self._account: AccountId | None = None
        self._held = Held(pace.clock)
        self._asking = anyio.Lock()
        self._taken(given)

    def owned_by(self, account: AccountId) -> None:
        """AWS has said whose the credentials are."""
        self._account = account
        if self._held.issued is not None:
            self._held.issued = replace(self._held.issued, account=account)

    async def issue(self, ahead: float = 0.0) -> Issued:
        """What is in hand, else what the source gives: asked by one task, bounded and tried again.

        While it is asked, and where it fails, what is in hand is good until it ends.
        """
        held = self._held
        if (issued := held.usable() if self._asking.locked() else held.good(ahead)) is not None:
            return issued
        async with self._asking:
            if (issued := held.good(ahead)) is not None:
                return issued
            try:
                given = await renewed(self._credentials.get_frozen_credentials, self._pace)
            except Exception:
                if (issued := held.not_renewed()) is not None:
                    return issued
                raise
            return self._taken(given)

    def _taken(self, given: ReadOnlyCredentials) -> Issued:
        held = self._held
        if held.issued is not None and held.issued.credentials == given:
            # The source has nothing newer.
            return held.not_renewed() or held.issued
        held.issued = issued = self._lasting(Issued(credentials=given, account=self._account))
        return issued

    def _lasting(self, issued: Issued) -> Issued:
        ends: object = getattr(self._credentials, "_expiry_time", None)
        clock = self._pace.clock
        if not isinstance(ends, datetime):
            return issued
        return lasting(issued, (ends - clock.now()).total_seconds(), clock.monotonic())

    def forget(self, issued: Issued) -> bool:  # noqa: ARG002 - there is nothing to tell apart
        """No: what can be renewed has been, minutes before it would have expired."""
        return False
