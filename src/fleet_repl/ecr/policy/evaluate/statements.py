"""A statement of a registry policy, and whether a grant falls under it.

A statement may have hundreds of principals and resources, and is asked about thousands of grants.
So each source, prefix and action is looked up only once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Final, TypeAlias

from fleet_repl.ecr.policy import Grant, account_of, as_tuple
from fleet_repl.ecr.policy.evaluate.conditions import (
    Context,
    Truth,
    all_of,
    any_of,
    condition_met,
    not_true,
    truth,
    undecided_keys,
)
from fleet_repl.ecr.policy.evaluate.patterns import matches, meets, reaches
from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.names import AccountId, Partition, Registry, repositories_arn, root_arn

_SERVICE_ROLE: Final = (
    "role/aws-service-role/replication.ecr.amazonaws.com/AWSServiceRoleForECRReplication"
)
_Match: TypeAlias = Callable[[str, str], Truth]
_VARIABLE: Final = re.compile(r"\$\{[^}]*\}")


def replication_requests(source: AccountId, partition: Partition) -> tuple[Context, ...]:
    """The requests that replication of an account may make.

    They come from the account itself or from its service role, over TLS, and have no source account
    or ARN: that is why conditions on these break replication.
    """
    known: dict[str, str | None] = {
        "aws:principalaccount": source,
        "aws:sourceaccount": None,
        "aws:sourcearn": None,
        "aws:securetransport": "true",
    }
    principals = (root_arn(partition, source), service_role(source, partition))
    return tuple({**known, "aws:principalarn": principal} for principal in principals)


def service_role(source: AccountId, partition: Partition) -> str:
    """The ARN of the role with which ECR copies an account's images."""
    return f"arn:{partition}:iam::{source}:{_SERVICE_ROLE}"


class Statement:
    """A statement that decides for grants whether they fall under it, and caches its answers.
    `exact`: the prefix of a grant is the whole name of a repository."""

    def __init__(
        self, document: JsonObject, registry: Registry, partition: Partition, *, exact: bool = False
    ) -> None:
        self.document = document
        self.denies = document.get("Effect") == "Deny"
        self._allows = document.get("Effect") == "Allow"
        self._partition = partition
        self._base = repositories_arn(partition, registry)
        self._source = cache(self._of_source)
        self._meets: _Match = _fits if exact else _meets
        self._covers: _Match = _fits if exact else _covers
        self._prefix = cache(self._denied_prefix if self.denies else self._allowed_prefix)
        self._action = cache(self._of_action)
        key = "NotPrincipal" if self.denies and "NotPrincipal" in document else "Principal"
        listed = _aws(document.get(key))
        accounts = (account_of(name, partition) for name in listed)
        self.accounts = frozenset(account for account in accounts if account is not None)
        """The accounts that its principals name as a whole."""
        self._principals = {name for name in listed if isinstance(name, str)}

    def applies(self, grant: Grant) -> Truth:
        """Returns whether a grant falls under the statement: all of the grant under an Allow, any
        part of it under a Deny."""
        source, prefix, action = grant
        if not (self.denies or self._allows) or self._action(action) is Truth.NO:
            return Truth.NO
        part = self._prefix(prefix)
        return part if part is Truth.NO else all_of((self._source(source), part))

    def hangs_on(self, grant: Grant) -> tuple[str, ...]:
        """Returns what the answer depends on where it cannot be decided whether the statement
        applies: condition keys, in words for people."""
        requests = replication_requests(grant.source, self._partition)
        variable = self._prefix(grant.prefix) is Truth.UNKNOWN
        return (
            *undecided_keys(self.document.get("Condition"), requests),
            *(("the variable in its resource",) if variable else ()),
        )

    def condition(self, source: AccountId) -> Truth:
        """Returns whether requests of an account meet its condition."""
        requests = replication_requests(source, self._partition)
        return condition_met(self.document.get("Condition"), requests)

    def names(self, source: AccountId) -> bool:
        """Returns whether its principals stand for the whole of an account."""
        return "*" in self._principals or source in self.accounts

    def _of_source(self, source: AccountId) -> Truth:
        role = service_role(source, self._partition) in self._principals
        if not self.denies:
            named_here = self.names(source)
        elif "NotPrincipal" in self.document:
            # It exempts only whom it names, and a role is not named by its account.
            named_here = not (self.names(source) and role)
        else:
            named_here = self.names(source) or role
        return self.condition(source) if named_here else Truth.NO

    def _of_action(self, action: str) -> Truth:
        if "NotAction" in self.document and not self.denies:
            return Truth.NO
        return truth(concerns(self.document, action))

    def _allowed_prefix(self, prefix: str) -> Truth:
        return any_of(
            self._covers(item, self._base + prefix) for item in self._resources("Resource")
        )

    def _denied_prefix(self, prefix: str) -> Truth:
        start = self._base + prefix
        if "NotResource" in self.document:
            return not_true(
                any_of(self._covers(item, start) for item in self._resources("NotResource"))
            )
        return any_of(self._meets(item, start) for item in self._resources("Resource"))

    def _resources(self, key: str) -> Iterable[str]:
        return texts(self.document.get(key))


def concerns(statement: JsonObject, action: str) -> bool:
    """Returns whether a statement is about an action, be it allowed or denied."""
    action = action.lower()
    if "NotAction" in statement:
        return not any(matches(pattern, action) for pattern in _lower(statement["NotAction"]))
    return any(matches(pattern, action) for pattern in _lower(statement.get("Action")))


def texts(value: Json) -> Iterable[str]:
    """The texts of a member of a policy, which may be a list or a single item."""
    return (item for item in as_tuple(value) if isinstance(item, str))


def _lower(value: Json) -> Iterable[str]:
    return map(str.lower, texts(value))


def _aws(principal: Json) -> tuple[Json, ...]:
    if isinstance(principal, Mapping):
        return as_tuple(principal.get("AWS"))
    return as_tuple(principal)


def _meets(resource: str, start: str) -> Truth:
    """Returns whether a resource matches any name that begins with `start`."""
    widest = _VARIABLE.sub("*", resource)
    if widest == resource or not meets(widest, start):
        return truth(meets(widest, start))
    return Truth.UNKNOWN


def _covers(resource: str, start: str) -> Truth:
    """Returns whether a resource matches every name that begins with `start`."""
    widest = _VARIABLE.sub("*", resource)
    if widest == resource or not meets(widest, start):
        return truth(reaches(resource, start))
    return Truth.UNKNOWN


def _fits(resource: str, name: str) -> Truth:
    """Returns whether a resource matches exactly this name."""
    widest = _VARIABLE.sub("*", resource)
    if widest == resource or not matches(widest, name):
        return truth(matches(resource, name))
    return Truth.UNKNOWN
