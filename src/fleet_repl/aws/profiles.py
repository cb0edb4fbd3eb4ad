"""Base identities of single accounts: those of the profiles that the inventory names for them.

A profile is looked up when an account first needs it, once, and what is wrong with it is a fault of
its accounts alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

from fleet_repl.aws.credentials import Base, Issued
from fleet_repl.values.errors import CallError, Fault, FaultKind, IdentityError


class ProfileBase:
    """The base identity of one profile. A `Source` of credentials."""

    def __init__(self, profile: str, find: Callable[[], Awaitable[Base]]) -> None:
        """`find` resolves and checks the identity. It raises IdentityError."""
        self._profile = profile
        self._find = find
        self._finding = anyio.Lock()
        self._base: Base | None = None
        self._failure: Fault | None = None

    async def issue(self, ahead: float = 0.0) -> Issued:
        """Credentials of the profile. Raises CallError where there are none."""
        async with self._finding:
            if self._base is None:
                self._base = await self._found()
        return await self._base.issue(ahead)

    def forget(self, issued: Issued) -> bool:
        """Returns whether other credentials can be had."""
        return self._base is not None and self._base.forget(issued)

    async def _found(self) -> Base:
        """The identity. Raises CallError, the same one each time."""
        if self._failure is None:
            try:
                return await self._find()
            except IdentityError as error:
                reason, *remedy = str(error).split("\n    ")
                self._failure = Fault(
                    kind=FaultKind.ACCESS_DENIED,
                    operation="credentials",
                    message=f"profile {self._profile}: {reason}",
                    hint="\n".join(remedy) or None,
                )
        raise CallError(self._failure)
