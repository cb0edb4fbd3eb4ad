"""The sources of accounts' credentials: an identity, and the roles on the way from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache, partial

import anyio

from fleet_repl.aws.answers import Identity, scoped_session
from fleet_repl.aws.assume_role import Role, Sts
from fleet_repl.aws.credentials import Base, Issued, Source, lasting
from fleet_repl.aws.request import Call
from fleet_repl.inventory.accounts import Account
from fleet_repl.inventory.settings import Aws
from fleet_repl.runs.events import IdentityNotNarrowed
from fleet_repl.values import limits
from fleet_repl.values.errors import CallError, Fault, FaultKind, IdentityError
from fleet_repl.values.names import AccountId


class Sources:
    """The sources of a run's credentials. What several accounts share is made once.

    A session of a role that was assumed by another role lasts an hour at most, whatever the role
    allows (AWS, "Role chaining").
    """

    def __init__(
        self,
        sts: Sts,
        aws: Aws,
        identity: Identity,
        base: Base,
        of_profile: Callable[[str], Awaitable[Base]],
    ) -> None:
        """`of_profile` gives the base identity of a profile, checked. It raises IdentityError."""
        self._sts = sts
        self._aws = aws
        self._identity = identity
        self._base = base
        self._of_profile = of_profile
        self._base_of = cache(self._new_base)
        self._before_roles = cache(self._new_chain)

    def of(self, account: Account) -> Source:
        """The account's role, assumed by way of the roles of `via`, or the base identity for an
        account without a role. For an account with a profile, the base identity is that of the
        profile."""
        if account.role is None:
            own, policy = self._base_of(account.profile), self._sts.session_policy
            return own if policy is None else ScopedBase(self._sts, own, policy, account.id)
        # Whether the identity of a profile is an assumed role shows only once it is used.
        via, has_profile = bool(self._aws.via), account.profile is not None
        chained = self._identity.is_assumed_role or via or has_profile
        longest = limits.CHAINED_SESSION_SECONDS if chained else max(limits.SESSION_SECONDS)
        source, assumer = self._before_roles(account.profile)
        return Role(
            self._sts,
            account.role,
            source,
            assumer=assumer,
            seconds=min(account.session_seconds, longest),
            external_id=account.external_id,
            account=account.id,
        )

    def _new_base(self, profile: str | None) -> Source:
        if profile is None:
            return self._base
        return ProfileBase(profile, partial(self._of_profile, profile))

    def _new_chain(self, profile: str | None) -> tuple[Source, str]:
        """Returns the source that assumes the roles of accounts, and its ARN."""
        last = self._base_of(profile)
        assumer = self._identity.arn if profile is None else f"the identity of profile {profile}"
        for arn in self._aws.via:
            last = Role(
                self._sts,
                arn,
                last,
                assumer=assumer,
                seconds=limits.CHAINED_SESSION_SECONDS,
                external_id=self._aws.external_id,
            )
            assumer = str(arn)
        return last, assumer


class ProfileBase:
    """The base identity of a profile that the inventory names for single accounts. A `Source`.

    The profile is looked up when an account first needs it, once, and what is wrong with it is a
    fault of its accounts alone.
    """

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


class ScopedBase:
    """The base identity, where it acts in an account by itself, narrowed to the calls of the run.

    STS narrows temporary credentials only (GetScopedCredentials, since autumn 2026). Where it
    cannot, or does not know the call yet, the base identity acts as it is: its own policies hold in
    any case. A `Source`.
    """

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
            answer = await caller.once(self._call, self._base, scoped_session)
        except CallError as error:
            # Nothing is lost by it that was there before, and an SDK may not know the call yet.
            caller.on_event(IdentityNotNarrowed(account=self._account, error=error.fault))
            return None
        clock = caller.pace.clock
        left = (answer.expires_at - clock.now()).total_seconds()
        issued = Issued(credentials=answer.credentials, account=wide.account)
        return lasting(issued, left, clock.monotonic())
