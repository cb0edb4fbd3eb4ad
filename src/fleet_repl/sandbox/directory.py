"""Accounts with their settings, roles with their trust policies, and the base identity.

An account's role trusts the last role of the inventory's `via`, or the base identity where there
is none; each role of `via` trusts the role before it. Sessions are in `keys`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from fleet_repl.inventory import Inventory, unlisted_accounts
from fleet_repl.sandbox.aws_errors import AwsError
from fleet_repl.sandbox.policy import matches, permits
from fleet_repl.sandbox.scenario import AccountScenario, Scenario
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import AccountId, Region, RoleArn, Secret

BASE_ACCOUNT: Final = AccountId("999999999999")
"""The account of the base identity, unless the inventory has an account without a role."""
_ORDINARY: Final = AccountScenario(id="000000000000")
"""The scenario of accounts that a scenario does not name."""


class AccountSetting(NamedTuple):
    default: str
    """The value in accounts that never set it."""
    accepted: tuple[str, ...]
    """The values that PutAccountSetting takes."""


POLICY_SCOPE: Final = "REGISTRY_POLICY_SCOPE"
SETTINGS: Final = {
    "BASIC_SCAN_TYPE_VERSION": AccountSetting("AWS_NATIVE", ("AWS_NATIVE",)),
    "BLOB_MOUNTING": AccountSetting("DISABLED", ("ENABLED", "DISABLED")),
    # Only accounts that have always had V1 still have it; nobody can choose it.
    POLICY_SCOPE: AccountSetting("V2", ("V2",)),
}
_ENFORCED_BY_V1: Final = (
    "ecr:ReplicateImage",
    "ecr:BatchImportUpstreamImage",
    "ecr:CreateRepository",
)


def enforced(scope: str, action: str) -> bool:
    """Returns whether a registry policy of this scope governs the action."""
    return scope != "V1" or action in _ENFORCED_BY_V1


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The identity that makes a call."""

    account: AccountId
    arn: str
    user_id: str
    role: RoleArn | None
    """The role it has assumed; None: the base identity, a user."""
    session_policies: tuple[JsonObject, ...] = ()
    """Policies that each narrow its session down; none: it may do all that the role may."""
    source_identity: str | None = None
    """The source identity that was set when the chain of roles began."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Session tags, keys as they were given."""

    def may(self, action: str, resource: str) -> bool:
        """Returns whether all its session policies allow the action on the resource."""
        return all(permits(policy, action, resource) for policy in self.session_policies)


class Directory:
    """The accounts and roles of an inventory, with what a scenario changes about them."""

    def __init__(
        self, inventory: Inventory, scenario: Scenario, seconds: Callable[[], float]
    ) -> None:
        """`seconds` since the start, at which members of the organization join and close."""
        self._seconds = seconds
        self.partition = inventory.aws.partition
        self.region = inventory.aws.sts_region or self.partition.first_region
        self._via = inventory.aws.via
        self._via_external_id = inventory.aws.external_id
        self._accounts = {account.id: account for account in inventory.accounts}
        self._peculiar = {account.id: account for account in scenario.accounts}
        roleless = (account.id for account in inventory.accounts if account.role is None)
        base_account = next(roleless, BASE_ACCOUNT)
        organization = scenario.organization
        members = () if organization is None else organization.members
        others = {base_account, *(AccountId(member.id) for member in members)} - {*self._accounts}
        # Accounts that an inventory discovers have the role that [aws] names.
        for account in unlisted_accounts(inventory, sorted(others)):
            self._accounts[account.id] = account
        self._lister = None if inventory.organization is None else inventory.organization.role
        self.base = Identity(
            account=base_account,
            arn=f"arn:{self.partition}:iam::{base_account}:user/sandbox",
            user_id="AIDASANDBOXSANDBOXSAN",
            role=None,
        )
        self._known = {
            base_account,
            *self._accounts,
            *(external.id for external in inventory.externals),
            *(role.account for role in self._via),
            *(() if self._lister is None else (self._lister.account,)),
            *map(AccountId, scenario.other_accounts),
        }
        self._known.update(AccountId(member.id) for member in members)
        self._members = {AccountId(member.id): member for member in members}

    def admit(self, accounts: Iterable[AccountId]) -> None:
        """Let these accounts exist from now on."""
        self._known.update(accounts)

    def lists(self, account: str) -> bool:
        """Returns whether the account is known, closed or not."""
        return account in self._known

    def exists(self, account: str) -> bool:
        """Returns whether the account is there and not closed."""
        if account not in self._known or self._of(account).closed:
            return False
        member = self._members.get(AccountId(account))
        if member is None:
            return True
        now = member.at(self._seconds())
        return now is not None and now.state not in ("SUSPENDED", "CLOSED")

    def enabled(self, account: AccountId, region: str) -> bool:
        """Returns whether the account can use the region at all."""
        return self.partition.holds(region) and region not in self._of(account).disabled_regions

    def named_regions(self, account: AccountId) -> tuple[Region, ...]:
        """Returns the regions that the inventory gives to the account."""
        listed = self._accounts.get(account)
        return () if listed is None else listed.regions

    def has_role(self, role: RoleArn) -> bool:
        """Returns whether there is such a role."""
        return any(self._trusts(role))

    def lacks(self, account: AccountId, action: str) -> bool:
        """Returns whether the account's identities are not allowed an IAM action."""
        denied = self._of(account).denied_actions
        return any(matches(pattern.lower(), action.lower()) for pattern in denied)

    def allows(self, caller: Identity, action: str, resource: str = "*") -> bool:
        """Returns whether neither the caller's account nor its session denies an IAM action."""
        return not self.lacks(caller.account, action) and caller.may(action, resource)

    def check_allowed(self, caller: Identity, action: str) -> None:
        """Raises AwsError where `allows` says no."""
        if not self.allows(caller, action):
            raise AwsError(
                "AccessDeniedException",
                f"User: {caller.arn} is not authorized to perform: {action} because no "
                f"identity-based policy allows the {action} action",
            )

    def policy_scope(self, account: AccountId) -> str:
        """Returns the account's REGISTRY_POLICY_SCOPE as long as nobody sets it."""
        return self._of(account).policy_scope

    def may_assume(self, caller: Identity, role: RoleArn, external_id: str | None) -> bool:
        """Returns whether the role exists, trusts the caller and got the right external id."""
        return (
            role.partition is self.partition
            and self.exists(role.account)
            and not self._of(role.account).denied
            and self._has_made(role)
            # IAM asks for an external id only where the trust policy names one.
            and any(
                caller.role == trusted and (secret is None or secret.reveal() == external_id)
                for trusted, secret in self._trusts(role)
            )
        )

    def _has_made(self, role: RoleArn) -> bool:
        """Returns whether a member of the organization has its role by now."""
        member = self._members.get(role.account)
        return member is None or self._seconds() >= member.role_after

    def assumed(self, role: RoleArn, session_name: str) -> Identity:
        account = AccountId(self._of(role.account).answers_as or role.account)
        name = role.path.rpartition("/")[2]
        unique = base64.b32encode(hashlib.sha256(str(role).encode()).digest()).decode()[:17]
        return Identity(
            account=account,
            arn=f"arn:{self.partition}:sts::{account}:assumed-role/{name}/{session_name}",
            user_id=f"AROA{unique}:{session_name}",
            role=role,
        )

    def _of(self, account: str) -> AccountScenario:
        return self._peculiar.get(account, _ORDINARY)

    def _trusts(self, role: RoleArn) -> Iterator[tuple[RoleArn | None, Secret | None]]:
        """Yields who may assume the role, None for the base identity, and the external id."""
        for previous, relay in zip((None, *self._via), self._via, strict=False):
            if relay == role:
                yield previous, self._via_external_id
        if self._lister == role:
            yield None, self._via_external_id
        account = self._accounts.get(role.account)
        if account is not None and account.role == role:
            yield (self._via[-1] if self._via else None), account.external_id
