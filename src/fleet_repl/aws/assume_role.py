"""Roles and their sessions: one AssumeRole for all tasks that need the session.

One task at a time assumes a role, and the others share the answer, also a refusal. If that task is
cancelled, the next task in line assumes the role. A denial is final only once AWS has given it
twice, seconds apart: a fresh role takes that long to be known everywhere.

Example: three tasks read registries of one account, and its session is due. The first task calls
AssumeRole; the other two wait for its lock and find the new session in hand. If AWS denies the
first call, all three raise that denial as transient. The next task that comes waits until three
seconds have passed, and assumes the role once more. A second denial is raised to it and, without
another call, to every task after it.
"""

from __future__ import annotations

import shlex
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import anyio

from fleet_repl.aws.answers import granted
from fleet_repl.aws.caller import Caller
from fleet_repl.aws.credentials import Held, Issued, Source, lasting
from fleet_repl.aws.error_codes import DENIED
from fleet_repl.aws.request import Call
from fleet_repl.inventory.settings import Aws
from fleet_repl.values.errors import CallError, Fault, FaultKind
from fleet_repl.values.names import AccountId, Region, RoleArn, Secret

_LASTING: Final = frozenset(
    {FaultKind.ACCESS_DENIED, FaultKind.INVALID, FaultKind.REGION_DISABLED, FaultKind.WRONG_ACCOUNT}
)
"""Failures that last for the whole run: the account's next registry would get the same answer."""

_SPREADING_SECONDS: Final = 3.0
"""The seconds after a denial until a role is assumed again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sts:
    """The STS of a run: who calls it, in which region, and what every AssumeRole has in common."""

    caller: Caller
    region: Region
    session_name: str
    inventory: str = "INVENTORY"
    """The path of the inventory, for commands."""
    audit: Mapping[str, object] = field(default_factory=dict)
    """The parameters for whoever reads CloudTrail: SourceIdentity and Tags."""
    session_policy: str | None = None
    """The inline policy of sessions in accounts; None: they may do what their roles may."""
    passing_policy: str | None = None
    """The inline policy of sessions on the way to others."""


def audit_parameters(aws: Aws) -> dict[str, object]:
    """The parameters of AssumeRole that say who started a session, as [aws] has them."""
    tags = [{"Key": key, "Value": value} for key, value in aws.session_tags.items()]
    parameters: dict[str, object] = {"Tags": tags} if tags else {}
    if aws.source_identity is not None:
        parameters["SourceIdentity"] = aws.source_identity
    return parameters


def _assume_role(
    sts: Sts,
    arn: RoleArn,
    assumer: str,
    seconds: int,
    external_id: Secret | None,
    account: AccountId | None,
) -> Call:
    """The call for a session of a role; the parameters are those of `Role`."""
    policy = sts.passing_policy if account is None else sts.session_policy
    bootstrap = f"fleet-repl bootstrap {shlex.quote(sts.inventory)}"
    return Call(
        service="sts",
        operation="AssumeRole",
        region=sts.region,
        account=account,
        role=arn,
        parameters={
            "RoleArn": str(arn),
            "RoleSessionName": sts.session_name,
            "DurationSeconds": seconds,
            **sts.audit,
            **({} if policy is None else {"Policy": policy}),
            **({"ExternalId": external_id.reveal()} if external_id is not None else {}),
        },
        assumer=assumer,
        # What makes a role on the way is printed in that format alone.
        bootstrap=bootstrap if account is not None else f"{bootstrap} --format iam",
        hidden=(external_id,) if external_id is not None else (),
    )


class Role:
    """A role, and its session in force. A `Source` of credentials."""

    def __init__(
        self,
        sts: Sts,
        arn: RoleArn,
        source: Source,
        *,
        assumer: str,
        seconds: int,
        external_id: Secret | None = None,
        account: AccountId | None = None,
    ) -> None:
        """`source` issues the credentials that may assume the role, of the identity `assumer`.
        `seconds`: how long a session shall last. `account`: the account that AssumeRole is counted
        for; None for a role on the way to all accounts."""
        self._sts = sts
        self._source = source
        self._account = arn.account
        self._seconds = seconds
        # The call is made anew each time: it is large, and mostly needed once for each account.
        self._make_call = partial(_assume_role, sts, arn, assumer, seconds, external_id, account)
        self._counted_for = account
        self._asking: anyio.Lock | None = None
        """Held by the task that asks for a session. It takes most of a kilobyte, and each account
        of a fleet has a role, so there is none while nobody asks."""
        self._held = Held(sts.caller.pace.clock)
        self._failure: CallError | None = None
        """The failure of the last AssumeRole, if it failed."""
        self._failures = 0
        self._denied_at: float | None = None
        """The time when AWS first denied the role; None where it has given a session since."""
        self._was_given = False
        """True if AWS has given a session of the role in this run."""

    async def issue(self, ahead: float = 0.0) -> Issued:
        """The session in force, or a new one.

        Raises CallError, transient only after the first denial: the next `issue` then waits until
        three seconds have passed since that denial.
        """
        if (issued := self._held.good(ahead)) is not None:
            return issued
        failures = self._failures
        async with self._alone():
            if (issued := self._held.good(ahead)) is not None:
                return issued
            # Tasks that waited for this AssumeRole share its failure; all later ones a lasting one.
            if (last := self._failure) is not None and (
                self._failures > failures or (last.fault.kind in _LASTING and not last.transient)
            ):
                raise CallError(last.fault, transient=last.transient)
            self._failure = None
            try:
                self._held.issued = issued = await self._assume()
            except CallError as error:
                if error.fault.kind is FaultKind.WRONG_ACCOUNT:
                    # Something is mixed up: the session before is to be trusted no more.
                    self._held.issued = None
                elif (issued := self._held.not_renewed()) is not None:
                    return issued
                self._failure = failure = self._judged(error.fault)
                self._failures += 1
            else:
                self._was_given, self._denied_at = True, None
                return issued
        raise CallError(failure.fault, transient=failure.transient)

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Let one task at a time ask for a session."""
        lock = self._asking = self._asking or anyio.Lock()
        try:
            async with lock:
                yield
        finally:
            # A lock that is released while others wait belongs to the next of them at once.
            if self._asking is lock and not lock.locked():
                self._asking = None

    @property
    def fails(self) -> bool:
        """Returns whether AWS last refused a session of the role."""
        return self._failure is not None

    def forget(self, issued: Issued) -> bool:
        """Drops an expired session, unless a newer session is in force already. Always True."""
        if self._held.issued is issued:
            self._held.issued = None
        return True

    def _judged(self, fault: Fault) -> CallError:
        """The failure to raise: transient for a first denial, final for a second one."""
        through = isinstance(self._source, Role) and self._source.fails
        if fault.code not in DENIED or through:
            return CallError(fault)
        pace = self._sts.caller.pace
        now = pace.clock.monotonic()
        if self._denied_at is None:
            self._denied_at = now
            return CallError(fault, transient=now + _SPREADING_SECONDS <= pace.deadline)
        refused = self._counted_for is not None and not self._was_given
        return CallError(replace(fault, role_refused=refused))

    async def _assume(self) -> Issued:
        caller, clock = self._sts.caller, self._sts.caller.pace.clock
        if self._denied_at is not None:
            await clock.sleep(max(0.0, self._denied_at + _SPREADING_SECONDS - clock.monotonic()))

        call = self._make_call()

        async def once() -> Issued:
            answer = await caller.once(call, self._source, granted)
            # No longer than was requested, in case this machine's clock is behind.
            seconds = min((answer.expires_at - clock.now()).total_seconds(), self._seconds)
            now = clock.monotonic()
            issued = Issued(credentials=answer.credentials, account=self._account, issued_at=now)
            return lasting(issued, seconds, now)

        return await caller.persist(call, once)
