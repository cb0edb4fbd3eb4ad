"""Statements of IAM policies as values, and as IAM spells them. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Final

from fleet_repl.values.canonical_json import Json, JsonObject

VERSION: Final = "2012-10-17"
"""The version of IAM's policy language."""

_WILD: Final = re.compile(r"[*?$]")
_ESCAPED: Final = re.compile(r"\$\{([*?$])\}")


def escaped(name: str) -> str:
    """Returns a name as part of a resource: IAM reads `*`, `?` and `${…}` as its own, and a policy
    variable such as `${*}` as the character in it."""
    return _WILD.sub(r"${\g<0>}", name)


def unescaped(resource: str) -> str:
    """Returns a resource for calls that take ARNs and read no policy variables."""
    return _ESCAPED.sub(r"\1", resource)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One `Allow`.

    Names from outside are `escaped` in `resources`. There, `{partition}`, `{account}` and `{role}`
    stand for the partition, the account and the path and name of the role that has the statement.
    """

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ("*",)
    service: str | None = None
    """The service whose linked role may be made; None for other actions."""

    def filled_resources(self, partition: str, account: str, role: str = "*") -> tuple[str, ...]:
        """The resources for one account, and a role whose path is `escaped`."""
        values = {"{partition}": partition, "{account}": account, "{role}": role}
        resources = self.resources
        for name, value in values.items():
            resources = tuple(resource.replace(name, value) for resource in resources)
        return resources

    def document(self, *, partition: str, account: str = "*", role: str = "*") -> JsonObject:
        """The statement as IAM takes it, for one account and role or for any."""
        document: dict[str, Json] = {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": alone(self.actions),
            "Resource": alone(self.filled_resources(partition, account, role)),
        }
        if self.service is not None:
            document["Condition"] = {"StringEquals": {"iam:AWSServiceName": self.service}}
        return document


def among(statements: Iterable[Statement], actions: Collection[str]) -> tuple[Statement, ...]:
    """The statements with only those of their actions that are among `actions`."""
    narrowed = (
        replace(statement, actions=tuple(filter(actions.__contains__, statement.actions)))
        for statement in statements
    )
    return tuple(statement for statement in narrowed if statement.actions)


def policy_document(statements: Iterable[JsonObject]) -> JsonObject:
    """A policy of these statements."""
    return {"Version": VERSION, "Statement": list(statements)}


def alone(items: Collection[str]) -> Json:
    """A list of one item as IAM's own documents have it: without the list."""
    return next(iter(items)) if len(items) == 1 else list(items)
