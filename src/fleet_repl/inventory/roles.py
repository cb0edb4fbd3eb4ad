"""Roles: what an inventory writes for a role → the role's ARN in one account.

A name, path/name, or ARN with `{account}` in it fits every account; a plain ARN only its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from fleet_repl.inventory.fields import Context, ListOf, Text
from fleet_repl.inventory.findings import Findings, KeyPath
from fleet_repl.values.names import AccountId, Partition, RoleArn

BASE_IDENTITY: Final = "none"
"""In place of a role: the base identity acts itself."""

_ACCOUNT: Final = "{account}"
_PARTITION: Final = "{partition}"
_ARN: Final = re.compile(r"arn:(?P<partition>[^:]*):iam::(?P<account>[^:]*):role/(?P<path>.*)")
_PATH: Final = re.compile(
    r"(?:[\x21-\x2e\x30-\x7a\x7c\x7e][\x21-\x7a\x7c\x7e]*/)?[A-Za-z0-9_+=,.@-]{1,64}"
)
"""IAM's path without its leading slash, and the role's name."""
_LONGEST_PATH: Final = 512
_AWS_ROLE: Final[KeyPath] = ("aws", "role")
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


class _ViaText(Text):
    """A role that every session passes through: a plain ARN."""

    def _read(self, text: str, path: KeyPath, context: Context) -> RoleArn | None:
        partition = context.regions.partition
        if partition is None:
            return None
        role = RoleArn.parse(text)
        if role is not None and _is_path(role.path) and role.partition is partition:
            return role
        refusal = _foreign(partition)
        if role is None or not _is_path(role.path):
            refusal = Refusal(
                message="is not the ARN of a role",
                remedy=f'write it like "arn:{partition}:iam::111122223333:role/hub"',
            )
        context.findings.report(path, refusal.message, remedy=refusal.remedy)
        return None


VIA: Final = ListOf(kind=_ViaText(), may_be_empty=True)


class AccountRoles:
    """Gives each account its role. `default` is the text in [aws]: a fault of it is reported once,
    not for every account that has it."""

    def __init__(
        self, default: str | None, partition: Partition | None, findings: Findings
    ) -> None:
        self._default = default
        self._partition = partition
        self._findings = findings
        self._templates: dict[str, RoleTemplate | Refusal] = {}
        self._base_identity: KeyPath | None = None
        if default is not None and default != BASE_IDENTITY:
            self._template(_AWS_ROLE, default)

    def role_of(self, account: AccountId | None, where: KeyPath, own: str | None) -> RoleArn | None:
        """The role for the account at `where`, None for the base identity.

        None, too, where something is wrong, which is reported, and where `account` is not known.
        """
        text = self._default if own is None else own
        path = _AWS_ROLE if own is None else (*where, "role")
        if text is None:
            return None
        if text == BASE_IDENTITY:
            self._take_base_identity(where, path)
            return None
        template = self._template(path, text)
        if template is None or account is None:
            return None
        if not template.fits(account):
            whose = "not of this one" if own else f"{self._findings.place(where)} takes it too"
            self._findings.report(
                path,
                f"is the ARN of one account, and {whose}",
                remedy="write {account} in place of the account id",
            )
        return template.role_of(account)

    def _template(self, path: KeyPath, text: str) -> RoleTemplate | None:
        if self._partition is None:
            return None
        template = self._templates.get(text) or parse_template(text, self._partition)
        self._templates[text] = template
        if isinstance(template, Refusal):
            self._findings.report(path, template.message, remedy=template.remedy)
            return None
        return template

    def _take_base_identity(self, where: KeyPath, path: KeyPath) -> None:
        """The base identity has one account; a second one cannot be its own."""
        if self._base_identity is None:
            self._base_identity = where
            return
        first, second = self._findings.place(self._base_identity), self._findings.place(where)
        self._findings.report(
            path,
            f"the base identity acts in its own account only, and both {first} and {second} "
            "are said to be that",
            remedy="name a role for the other account",
        )


def _is_path(path: str) -> bool:
    return len(path) <= _LONGEST_PATH and _PATH.fullmatch(path) is not None


def _foreign(partition: Partition) -> Refusal:
    return Refusal(
        message=f"is an ARN of another partition than {partition}",
        remedy=f'write "arn:{partition}:…", or set aws.partition',
    )
