"""Roles: what an inventory writes for a role → the role's ARN in one account.

A name, path/name, or ARN with `{account}` in it fits every account; a plain ARN only its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from fleet_repl.inventory.patterns import ROLE, ROLE_LENGTH
from fleet_repl.names import AccountId, Partition, RoleArn

BASE_IDENTITY: Final = "none"
"""In place of a role: the base identity acts itself."""

_ACCOUNT: Final = "{account}"
_PARTITION: Final = "{partition}"
_ARN: Final = re.compile(r"arn:(?P<partition>[^:]*):iam::(?P<account>[^:]*):role/(?P<path>.*)")
_PATH: Final = re.compile(ROLE)
_FORMS: Final = (
    'write a role\'s name, path/name, or ARN like "arn:{partition}:iam::{account}:role/name"'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a text cannot be used, in words that follow its key."""

    message: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleTemplate:
    """A role in any account, or in `account` only."""

    partition: Partition
    path: str
    account: AccountId | None

    def fits(self, account: AccountId) -> bool:
        """Whether the role can be one of `account`."""
        return self.account in (None, account)

    def role_of(self, account: AccountId) -> RoleArn:
        """The role in `account`, which it has to fit."""
        path = self.path.replace(_ACCOUNT, account)
        return RoleArn(partition=self.partition, account=account, path=path)


def parse_template(text: str, partition: Partition) -> RoleTemplate | Refusal:
    """Read the role of an account, or the default for all of them."""
    account: AccountId | None = None
    path = text
    if text.startswith("arn:"):
        arn = _ARN.fullmatch(text)
        if arn is None:
            return Refusal(message="is not the ARN of a role", remedy=_FORMS)
        if arn["partition"] not in (_PARTITION, partition):
            return _foreign(partition)
        if arn["account"] != _ACCOUNT:
            account = AccountId(arn["account"])
        path = arn["path"]
    path = path.replace(_PARTITION, partition)
    example = RoleTemplate(partition=partition, path=path, account=account)
    role = example.role_of(account or AccountId("0" * 12))
    if not _is_path(role.path) or RoleArn.parse(str(role)) != role:
        return Refusal(message="is not a role", remedy=_FORMS)
    return example


def parse_via(text: str, partition: Partition) -> RoleArn | Refusal:
    """Read a role that every session passes through: a plain ARN."""
    role = RoleArn.parse(text)
    if role is None or not _is_path(role.path):
        return Refusal(
            message="is not the ARN of a role",
            remedy=f'write it like "arn:{partition}:iam::111122223333:role/hub"',
        )
    return role if role.partition is partition else _foreign(partition)


def _is_path(path: str) -> bool:
    shortest, longest = ROLE_LENGTH
    return shortest <= len(path) <= longest and _PATH.fullmatch(path) is not None


def _foreign(partition: Partition) -> Refusal:
    return Refusal(
        message=f"is an ARN of another partition than {partition}",
        remedy=f'write "arn:{partition}:…", or set aws.partition',
    )
