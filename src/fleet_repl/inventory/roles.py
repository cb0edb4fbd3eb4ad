"""Roles: what an inventory writes for a role → the role's ARN in one account.

A name, path/name, or ARN with `{account}` in it fits every account; a plain ARN only its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

from fleet_repl.inventory.findings import BadValueError, Findings, KeyPath
from fleet_repl.inventory.kinds import Context, Kind
from fleet_repl.values.names import AccountId, Partition, RoleArn

if TYPE_CHECKING:
    from pydantic import ValidationInfo

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
class RoleTemplate:
    """A role in any account, or in `account` only."""

    partition: Partition
    path: str
    account: AccountId | None

    def fits(self, account: AccountId) -> bool:
        """Returns whether the role can belong to `account`."""
        return self.account in (None, account)

    def role_of(self, account: AccountId) -> RoleArn:
        """The role in `account`, which the template has to fit."""
        path = self.path.replace(_ACCOUNT, account)
        return RoleArn(partition=self.partition, account=account, path=path)


def read_role(text: str, partition: Partition) -> RoleTemplate:
    """The role of an account, or the default for all of them. Raises BadValueError."""
    account: AccountId | None = None
    name = text
    if text.startswith("arn:"):
        arn = _ARN.fullmatch(text)
        if arn is None:
            raise BadValueError("is not the ARN of a role", _FORMS)
        if arn["partition"] not in (_PARTITION, partition):
            raise foreign(partition)
        if arn["account"] != _ACCOUNT:
            account = AccountId(arn["account"])
        name = arn["path"]
    name = name.replace(_PARTITION, partition)
    template = RoleTemplate(partition=partition, path=name, account=account)
    role = template.role_of(account or AccountId("0" * 12))
    if not _is_path(role.path) or RoleArn.parse(str(role)) != role:
        raise BadValueError("is not a role", _FORMS)
    return template


def foreign(partition: Partition) -> BadValueError:
    """The error for an ARN of another partition."""
    return BadValueError(
        f"is an ARN of another partition than {partition}",
        f'write "arn:{partition}:…", or set aws.partition',
    )


def _via_role(text: str, info: ValidationInfo[Context]) -> RoleArn | None:
    partition = info.context.regions.partition
    if partition is None:
        return None
    role = RoleArn.parse(text)
    if role is None or not _is_path(role.path):
        remedy = f'write it like "arn:{partition}:iam::111122223333:role/hub"'
        raise BadValueError("is not the ARN of a role", remedy)
    if role.partition is not partition:
        raise foreign(partition)
    return role


ViaRole: TypeAlias = Annotated[RoleArn, Kind(_via_role, reads=str)]
"""A role that every session passes through: a plain ARN."""


class AccountRoles:
    """Gives each account its role. `default` is the role in [aws], whose problem is reported once
    and not for each account that takes it."""

    def __init__(
        self, default: str | None, partition: Partition | None, findings: Findings
    ) -> None:
        self._default = default
        self._partition = partition
        self._findings = findings
        self._templates: dict[str, RoleTemplate] = {}
        self._base_identities: dict[str | None, KeyPath] = {}
        """Profile, None for that of [aws] → the account that its identity acts in."""
        if default is not None and default != BASE_IDENTITY:
            self._template(_AWS_ROLE, default)

    def role_of(
        self, account: AccountId | None, where: KeyPath, own: str | None, profile: str | None
    ) -> RoleArn | None:
        """The role for the account at `where`, None for the base identity, or that of `profile`.

        None, too, where the role has a problem, which is reported, or `account` is not known.
        """
        text = self._default if own is None else own
        path = _AWS_ROLE if own is None else (*where, "role")
        if text is None:
            return None
        if text == BASE_IDENTITY:
            self._take_base_identity(where, path, profile)
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
        if self._templates.get(text) is None:
            try:
                self._templates[text] = read_role(text, self._partition)
            except BadValueError as fault:
                self._findings.report(path, fault.message, remedy=fault.remedy)
        return self._templates.get(text)

    def _take_base_identity(self, where: KeyPath, path: KeyPath, profile: str | None) -> None:
        """Report a second account that takes a base identity, which has only one account."""
        taken = self._base_identities.setdefault(profile, where)
        if taken is where:
            return
        first, second = self._findings.place(taken), self._findings.place(where)
        self._findings.report(
            path,
            f"the base identity acts in its own account only, and both {first} and {second} "
            "are said to be that",
            remedy="name a role for the other account",
        )


def _is_path(path: str) -> bool:
    return len(path) <= _LONGEST_PATH and _PATH.fullmatch(path) is not None
