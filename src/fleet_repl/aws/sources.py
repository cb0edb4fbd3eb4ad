"""Where the credentials of an account come from: which identity, by way of which roles."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache, partial

from fleet_repl.aws.answers import Identity
from fleet_repl.aws.assume_role import Role, Sts
from fleet_repl.aws.credentials import Base, Source
from fleet_repl.aws.profiles import ProfileBase
from fleet_repl.aws.scoped import ScopedBase
from fleet_repl.inventory.accounts import Account
from fleet_repl.inventory.settings import Aws
from fleet_repl.values import limits


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
