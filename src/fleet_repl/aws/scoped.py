"""The base identity narrowed to the calls of one run, where it acts in an account by itself.

STS narrows temporary credentials only (GetScopedCredentials, since autumn 2026). Where it cannot,
or does not know the call yet, the base identity acts as it is: its own policies hold in any case.
"""

from __future__ import annotations

import anyio

from fleet_repl.aws.answers import narrowed
from fleet_repl.aws.assume_role import Sts
from fleet_repl.aws.credentials import Issued, Source, lasting
from fleet_repl.aws.request import Call
from fleet_repl.runs.events import IdentityNotNarrowed
from fleet_repl.values.errors import CallError
from fleet_repl.values.names import AccountId


class ScopedBase:
    """The base identity as the source of one account's credentials. A `Source`."""

    def __init__(self, sts: Sts, base: Source, policy: str, account: AccountId) -> None:
        """`policy`: the inline policy that the credentials are narrowed by."""
        self._sts = sts
        self._base = base
        self._account = account
        self._call = Call(
            service="sts",
            operation="GetScopedCredentials",
            region=sts.region,
            account=account,
            parameters={"Policy": policy},
        )
        self._asking = anyio.Lock()
        self._wide: Issued | None = None
        """The credentials that were last narrowed, or found to be none that can be."""
        self._narrow: Issued | None = None

    async def issue(self, ahead: float = 0.0) -> Issued:
        """The base identity's credentials, narrowed if STS does that. Raises CallError."""
        wide = await self._base.issue(ahead)
        async with self._asking:
            if self._wide is not wide:
                self._narrow, self._wide = await self._narrowed(wide), wide
        return self._narrow or wide

    def forget(self, issued: Issued) -> bool:
        """Have the credentials narrowed anew. Returns whether others can be had."""
        if self._narrow is not issued:
            return self._base.forget(issued)
        self._wide = None
        return True

    async def _narrowed(self, wide: Issued) -> Issued | None:
        if wide.credentials.token is None:
            return None
        caller = self._sts.caller
        try:
            answer = await caller.once(self._call, self._base, narrowed)
        except CallError as error:
            # Nothing is lost by it that was there before, and an SDK may not know the call yet.
            caller.on_event(IdentityNotNarrowed(account=self._account, error=error.fault))
            return None
        clock = caller.pace.clock
        left = (answer.expires_at - clock.now()).total_seconds()
        issued = Issued(credentials=answer.credentials, account=wide.account)
        return lasting(issued, left, clock.monotonic())
