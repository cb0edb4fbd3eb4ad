"""Who there is: accounts, roles with whom they trust, and the base identity.

An account's role trusts the last role of the inventory's `via`, or the base identity where there
is none; each role of `via` trusts the one before it. Sessions are `keys`' business.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from fleet_repl.inventory.model import Inventory
from fleet_repl.names import AccountId, RoleArn, Secret
from fleet_repl.sandbox.scenario import AccountScenario, Scenario
from fleet_repl.sandbox.wildcards import matches

BASE_ACCOUNT = AccountId("999999999999")
"""Where the base identity lives, unless an account of the inventory is its own."""
_ORDINARY = AccountScenario(id="000000000000")
"""What a scenario says of an account that it does not name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who a call is made by."""

    account: AccountId
    arn: str
    user_id: str
    role: RoleArn | None
    """The role it has assumed; None: the base identity, a user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Who may assume a role, and with which external id."""

    caller: RoleArn | None
    """None: the base identity."""
    external_id: Secret | None

    def admits(self, caller: Identity, external_id: str | None) -> bool:
        """IAM asks for the external id only where the trust policy names one."""
        wanted = None if self.external_id is None else self.external_id.reveal()
        return caller.role == self.caller and wanted in (None, external_id)


class Directory:
    """The accounts and roles of an inventory, with what a scenario changes about them."""

    def __init__(self, inventory: Inventory, scenario: Scenario) -> None:
        self.partition = inventory.aws.partition
        self.region = inventory.aws.sts_region or self.partition.first_region
        self._via = inventory.aws.via
        self._via_external_id = inventory.aws.external_id
        self._accounts = {one.id: one for one in inventory.accounts}
        self._peculiar = {one.id: one for one in scenario.accounts}
        own = next((one.id for one in inventory.accounts if one.role is None), BASE_ACCOUNT)
        self.base = Identity(
            account=own,
            arn=f"arn:{self.partition}:iam::{own}:user/sandbox",
            user_id="AIDASANDBOXSANDBOXSAN",
            role=None,
        )
        self._known = {
            own,
            *self._accounts,
            *(one.id for one in inventory.externals),
            *(one.account for one in self._via),
            *map(AccountId, scenario.other_accounts),
        }

    def admit(self, accounts: Iterable[AccountId]) -> None:
        """From now on these accounts exist."""
        self._known.update(accounts)

    def lists(self, account: str) -> bool:
        """Whether the account was ever known here, closed or not."""
        return account in self._known

    def exists(self, account: str) -> bool:
        """Whether the account is there and not closed."""
        return account in self._known and not self._of(account).closed

    def enabled(self, account: AccountId, region: str) -> bool:
        """Whether the account can use the region at all."""
        return self.partition.holds(region) and region not in self._of(account).disabled_regions

    def lacks(self, account: AccountId, action: str) -> bool:
        """Whether the account's identities are not allowed an IAM action."""
        lacking = self._of(account).denied_actions
        return any(matches(one.lower(), action.lower()) for one in lacking)

    def policy_scope(self, account: AccountId) -> str:
        """The account's REGISTRY_POLICY_SCOPE where nobody has set it since."""
        return self._of(account).policy_scope

    def may_assume(self, caller: Identity, role: RoleArn, external_id: str | None) -> bool:
        """Whether the role exists, trusts the caller and got the right external id."""
        return (
            role.partition is self.partition
            and self.exists(role.account)
            and not self._of(role.account).denied
            and any(trust.admits(caller, external_id) for trust in self._trusts(role))
        )

    def assumed(self, role: RoleArn, session_name: str) -> Identity:
        """Who one is in a session of the role."""
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

    def _trusts(self, role: RoleArn) -> Iterable[Trust]:
        for before, one in zip((None, *self._via), self._via, strict=False):
            if one == role:
                yield Trust(caller=before, external_id=self._via_external_id)
        account = self._accounts.get(role.account)
        if account is not None and account.role == role:
            last = self._via[-1] if self._via else None
            yield Trust(caller=last, external_id=account.external_id)
