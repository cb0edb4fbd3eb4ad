"""Who signs a call: credentials as they were issued, and where they come from.

The base identity is here; roles assumed from it are in `roles`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from botocore.credentials import ReadOnlyCredentials

from fleet_repl.names import AccountId


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

    def good_at(self, now: float, ahead: float) -> bool:
        """Whether no new session is wanted `ahead` seconds from now; one that is short of time
        from the start need not be renewed for half of it."""
        return now + min(ahead, (self.renew_at - self.issued_at) / 2) < self.renew_at

    @property
    def hidden(self) -> tuple[str, ...]:
        """Texts that no message may show."""
        return tuple(filter(None, self.credentials[:3]))


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
    """What the SDK resolves to: it renews itself where its kind can, one renewal at a time."""

    async def get_frozen_credentials(self) -> ReadOnlyCredentials: ...


class Base:
    """The base identity: what the SDK resolved before anything was called."""

    def __init__(self, credentials: SdkCredentials, account: AccountId | None = None) -> None:
        self._credentials = credentials
        self._account = account

    async def issue(self, ahead: float = 0.0) -> Issued:  # noqa: ARG002 - the SDK renews them
        frozen = await self._credentials.get_frozen_credentials()
        return Issued(credentials=frozen, account=self._account)

    def forget(self, issued: Issued) -> bool:  # noqa: ARG002 - there is nothing to tell apart
        """No: what can be renewed has been, minutes before it would have expired."""
        return False
