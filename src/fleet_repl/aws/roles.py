"""Roles and the sessions they give: one AssumeRole for everybody who needs it.

A role is asked by one task at a time and the answer shared, a refusal as well. Nobody waits on a
task that was cancelled: the next in line asks instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import anyio

from fleet_repl import limits
from fleet_repl.aws.answers import granted
from fleet_repl.aws.calling import Caller
from fleet_repl.aws.calls import Call
from fleet_repl.aws.credentials import Issued, Source
from fleet_repl.errors import CallError, Fault, FaultKind
from fleet_repl.names import AccountId, Region, RoleArn, Secret
from fleet_repl.pacing import TokenBucket

_LASTING: Final = frozenset({FaultKind.ACCESS_DENIED, FaultKind.INVALID, FaultKind.REGION_DISABLED})
"""Failures that stay for the run: asking again for the account's next registry tells nothing."""

_RENEWAL_SECONDS: Final = 300.0
_RENEWAL_SHARE: Final = 0.1
_NOT_IN_A_SESSION_NAME: Final = re.compile(r"[^\w+=,.@-]", re.ASCII)


def session_name(fleet: str, run_id: str) -> str:
    """`fleet-repl-<fleet>-<run id>` as STS takes it; a long fleet name is cut, the run id never.

    STS allows 2..64 characters of `[\\w+=,.@-]` (its service model).
    """
    room = limits.SESSION_NAME_LENGTH - len(f"fleet-repl--{run_id}")
    text = f"fleet-repl-{fleet[: max(room, 0)]}-{run_id}"
    return _NOT_IN_A_SESSION_NAME.sub("-", text)[-limits.SESSION_NAME_LENGTH :]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sts:
    """How roles are assumed in this run."""

    caller: Caller
    region: Region
    session_name: str
    limit: TokenBucket
    """AssumeRole calls: AWS's quota is charged to the base identity's account."""


class Role:
    """One role and its session in force."""

    def __init__(
        self,
        sts: Sts,
        arn: RoleArn,
        source: Source,
        *,
        seconds: int,
        external_id: Secret | None = None,
        account: AccountId | None = None,
    ) -> None:
        """`source` may assume it; `account` is the one whose attempts its calls count as."""
        self._sts = sts
        self._source = source
        self._account = arn.account
        self._seconds = seconds
        self._call = Call(
            service="sts",
            operation="AssumeRole",
            region=sts.region,
            account=account,
            role=arn,
            parameters={
                "RoleArn": str(arn),
                "RoleSessionName": sts.session_name,
                "DurationSeconds": seconds,
                **({"ExternalId": external_id.reveal()} if external_id is not None else {}),
            },
            hidden=(external_id,) if external_id is not None else (),
        )
        self._asking = anyio.Lock()
        self._issued: Issued | None = None
        self._failure: Fault | None = None
        """Of the last AssumeRole, if it failed."""
        self._failures = 0

    async def issue(self) -> Issued:
        """The session in force, or a new one. Raises CallError, never a transient one."""
        if (issued := self._in_force()) is not None:
            return issued
        failures = self._failures
        async with self._asking:
            if (issued := self._in_force()) is not None:
                return issued
            if (fault := self._failure) is not None and (
                self._failures > failures or fault.kind in _LASTING
            ):
                raise CallError(fault)
            self._failure = None
            try:
                self._issued = issued = await self._assume()
            except CallError as error:
                self._failure = error.fault
                self._failures += 1
                raise
            return issued

    def forget(self, issued: Issued) -> bool:
        """Yes. Of many who find the same session expired, only the first has it renewed."""
        if self._issued is issued:
            self._issued = None
        return True

    def _in_force(self) -> Issued | None:
        issued = self._issued
        if issued is None or self._sts.caller.pace.clock.monotonic() >= issued.renew_at:
            return None
        return issued

    async def _assume(self) -> Issued:
        caller, clock = self._sts.caller, self._sts.caller.pace.clock

        async def once() -> Issued:
            await self._sts.limit.take()
            answer = await caller.once(self._call, self._source, granted)
            # Not longer than was asked for, should this machine's clock be behind.
            left = min((answer.expires_at - clock.now()).total_seconds(), self._seconds)
            margin = min(_RENEWAL_SECONDS, left * _RENEWAL_SHARE)
            now = clock.monotonic()
            return Issued(
                credentials=answer.credentials,
                account=self._account,
                issued_at=now,
                renew_at=now + left - margin,
            )

        return await caller.persist(self._call, once)
