"""Decides as IAM would whether a registry policy allows one principal an action on a resource.

`access` and `replication` decide whether the policy is asked at all. Replication calls carry
neither `aws:SourceAccount` nor `aws:SourceArn`, and no other condition key is sure to be there. So
an Allow under any condition does not allow, and a Deny under a condition is decided as IAM decides
with an absent key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase

from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.names import AccountId, Partition, root_arn

SERVICE_LINKED_ROLE = (
    "aws-service-role/replication.ecr.amazonaws.com/AWSServiceRoleForECRReplication"
)
"""The role in the source account with which ECR replicates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """An action on a resource by an account's replication, or by somebody in the account."""

    partition: Partition
    account: AccountId
    action: str
    resource: str
    identities: tuple[str, ...] = ()
    """ARNs of the caller; none: the caller is the account's replication."""

    @property
    def principals(self) -> frozenset[str]:
        """Every way in which a policy may name the caller."""
        role = f"arn:{self.partition}:iam::{self.account}:role/{SERVICE_LINKED_ROLE}"
        root = root_arn(self.partition, self.account)
        return frozenset({"*", self.account, root, *(self.identities or (role,))})


class Verdict(Enum):
    """The answer of a policy to one access."""

    ALLOWED = "some statement allows it and none denies it"
    DENIED = "some statement denies it"
    SILENT = "no statement is about it"


def allows(policy: JsonObject | None, access: Access) -> bool:
    """Returns whether a statement allows the access and none denies it."""
    return verdict(policy or {}, access) is Verdict.ALLOWED


def verdict(policy: JsonObject, access: Access) -> Verdict:
    return _verdict(policy, lambda statement: _applies(statement, access))


def permits(policy: JsonObject, action: str, resource: str) -> bool:
    """Returns whether an identity's policy, which names no principal, allows the action."""
    answer = _verdict(policy, lambda statement: _covers(statement, action, resource))
    return answer is Verdict.ALLOWED


def _verdict(policy: JsonObject, is_about: Callable[[JsonObject], bool]) -> Verdict:
    answer = Verdict.SILENT
    for statement in filter(is_about, statements_of(policy)):
        condition = statement.get("Condition")
        if statement.get("Effect") == "Deny":
            if not condition or holds_without_keys(condition):
                return Verdict.DENIED
        elif not condition:
            answer = Verdict.ALLOWED
    return answer


def statements_of(policy: JsonObject) -> tuple[JsonObject, ...]:
    """Returns the statements; a policy may write a single statement without a list."""
    statements = listed(policy.get("Statement"))
    return tuple(statement for statement in statements if isinstance(statement, Mapping))


def listed(value: Json) -> Sequence[Json]:
    """Returns the values of an element, which IAM also takes without a list around a single one."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return value
    return () if value is None else (value,)


def holds_without_keys(condition: Json) -> bool:
    """Returns whether a condition is met by a request that carries none of its keys.

    IAM: a missing key fails a positive operator and meets a negated one, `…IfExists`,
    `ForAllValues:` and `Null` with true. All operators of a condition have to be met.
    """
    if not isinstance(condition, Mapping):
        return True
    return all(_holds(operator, keys) for operator, keys in condition.items())


def _holds(operator: str, keys: Json) -> bool:
    if operator == "Null":
        values = keys.values() if isinstance(keys, Mapping) else ()
        return all("true" in [str(item).lower() for item in listed(value)] for value in values)
    quantifier, _, name = operator.rpartition(":")
    if quantifier == "ForAnyValue":
        return False
    return quantifier == "ForAllValues" or name.endswith("IfExists") or "Not" in name


def _applies(statement: JsonObject, access: Access) -> bool:
    return _fits(statement, "Principal", lambda value: _names(value, access)) and _covers(
        statement, access.action, access.resource
    )


def _covers(statement: JsonObject, action: str, resource: str) -> bool:
    return _fits(
        statement, "Action", lambda value: _any_matches(value, action, fold=True)
    ) and _fits(statement, "Resource", lambda value: _any_matches(value, resource))


def _fits(statement: JsonObject, element: str, fits: Callable[[Json], bool]) -> bool:
    """Returns whether the element fits, or its `Not…` form does not."""
    if (excluded := statement.get(f"Not{element}")) is not None:
        return not fits(excluded)
    return fits(statement.get(element))


def _names(principal: Json, access: Access) -> bool:
    aws = principal.get("AWS") if isinstance(principal, Mapping) else None
    named = ["*"] if principal == "*" else listed(aws)
    return any(isinstance(name, str) and name in access.principals for name in named)


def _any_matches(patterns: Json, text: str, *, fold: bool = False) -> bool:
    """Returns whether the text fits a pattern; `fold` ignores case, as IAM does in actions."""
    texts = [pattern for pattern in listed(patterns) if isinstance(pattern, str)]
    if fold:
        return any(matches(pattern.lower(), text.lower()) for pattern in texts)
    return any(matches(pattern, text) for pattern in texts)


def matches(pattern: str, text: str) -> bool:
    """Returns whether all of `text` fits a pattern with IAM's wildcards, letter case and all.

    `*` stands for any text, `?` for one character. Patterns come from policies that anybody may
    write: fnmatch's take no exponential time, since a star never gives back what it took once a
    later star is reached.
    """
    # A bracket opens a set of characters in fnmatch, and is a character like any other in IAM.
    return fnmatchcase(text, pattern.replace("[", "[[]"))
