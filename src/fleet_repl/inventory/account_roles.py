"""Which role is assumed in which account, from the default in [aws] and the accounts' own.

A fault of the default is told once, not for every account that has it.
"""

from __future__ import annotations

from typing import Final

from fleet_repl.inventory.findings import Findings
from fleet_repl.inventory.paths import KeyPath
from fleet_repl.inventory.roles import BASE_IDENTITY, Refusal, RoleTemplate, parse_template
from fleet_repl.names import AccountId, Partition, RoleArn

_DEFAULT: Final[KeyPath] = ("aws", "role")


class AccountRoles:
    """Gives each account its role; `default` is the text in [aws]."""

    def __init__(
        self, default: str | None, partition: Partition | None, findings: Findings
    ) -> None:
        self._default = default
        self._partition = partition
        self._findings = findings
        self._templates: dict[str, RoleTemplate | Refusal] = {}
        self._base_identity: KeyPath | None = None
        if default is not None and default != BASE_IDENTITY:
            self._template(_DEFAULT, default)

    def role_of(self, account: AccountId | None, where: KeyPath, own: str | None) -> RoleArn | None:
        """The role for the account at `where`, None for the base identity.

        None, too, where something is wrong, which is told, and where `account` is not known.
        """
        text = self._default if own is None else own
        path = _DEFAULT if own is None else (*where, "role")
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
            self._findings.tell(
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
            self._findings.tell(path, template.message, remedy=template.remedy)
            return None
        return template

    def _take_base_identity(self, where: KeyPath, path: KeyPath) -> None:
        """The base identity has one account; a second one cannot be its own."""
        if self._base_identity is None:
            self._base_identity = where
            return
        first, second = (self._findings.place(one) for one in (self._base_identity, where))
        self._findings.tell(
            path,
            f"the base identity acts in its own account only, and both {first} and {second} "
            "are said to be that",
            remedy="name a role for the other account",
        )
