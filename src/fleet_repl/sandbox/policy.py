"""What a registry policy allows, as IAM would decide it: one principal, action and resource.

Whether the policy is asked at all is the business of `access` and `replication`. Replication
calls carry neither `aws:SourceAccount` nor `aws:SourceArn`, and no other condition key is sure to
be there. So an Allow under any condition does not allow, and a Deny under a condition is decided
as IAM does with a key that is absent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from fleet_repl.canonical import Json, JsonObject
from fleet_repl.names import AccountId, Partition, root_arn
from fleet_repl.sandbox.wildcards import matches

SERVICE_LINKED_ROLE = (
    "aws-service-role/replication.ecr.amazonaws.com/AWSServiceRoleForECRReplication"
)
"""The role in the source account with which ECR replicates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One thing that an account's replication, or somebody in it, wants to do."""

    partition: Partition
    account: AccountId
    action: str
    resource: str
    identities: tuple[str, ...] = ()
    """ARNs of who asks; none: the account's replication does."""

    @property
    def principals(self) -> frozenset[str]:
        """Every way a policy may name who asks."""
        role = f"arn:{self.partition}:iam::{self.account}:role/{SERVICE_LINKED_ROLE}"
        root = root_arn(self.partition, self.account)
        return frozenset({"*", self.account, root, *(self.identities or (role,))})


class Verdict(Enum):
    """What a policy says of one access."""

    ALLOWED = "some statement allows it and none denies it"
    DENIED = "some statement denies it"
    SILENT = "no statement is about it"


def allows(policy: JsonObject | None, access: Access) -> bool:
    """Whether some statement allows it and none denies it; no policy allows nothing."""
    return verdict(policy, access) is Verdict.ALLOWED


def verdict(policy: JsonObject | None, access: Access) -> Verdict:
    allowed = False
    for statement in statements_of(policy) if policy is not None else ():
        if not _applies(statement, access):
            continue
        condition = statement.get("Condition")
        if statement.get("Effect") == "Deny":
            if not condition or holds_without_keys(condition):
                return Verdict.DENIED
        elif not condition:
            allowed = True
    return Verdict.ALLOWED if allowed else Verdict.SILENT


def statements_of(policy: JsonObject) -> tuple[JsonObject, ...]:
    """The statements, of which a policy may write a single one without a list."""
    return tuple(one for one in _listed(policy.get("Statement")) if isinstance(one, Mapping))


def principals_of(principal: Json) -> tuple[str, ...]:
    """The AWS principals that `Principal` or `NotPrincipal` names."""
    if isinstance(principal, Mapping):
        return texts(principal.get("AWS"))
    return ("*",) if principal == "*" else ()


def texts(value: Json) -> tuple[str, ...]:
    """The strings of a string or a list of them."""
    return tuple(one for one in _listed(value) if isinstance(one, str))


def holds_without_keys(condition: Json) -> bool:
    """Whether a condition is met by a request that carries none of its keys.

    IAM: a missing key fails a positive operator and meets a negated one, `…IfExists`,
    `ForAllValues:` and `Null` with true. All operators of a condition have to be met.
    """
    if not isinstance(condition, Mapping):
        return True
    return all(_holds(operator, keys) for operator, keys in condition.items())


def _holds(operator: str, keys: Json) -> bool:
    if operator == "Null":
        wanted = keys.values() if isinstance(keys, Mapping) else ()
        return all("true" in [str(one).lower() for one in _listed(value)] for value in wanted)
    quantifier, colon, name = operator.rpartition(":")
    if colon and quantifier == "ForAnyValue":
        return False
    return quantifier == "ForAllValues" or name.endswith("IfExists") or "Not" in name


def _applies(statement: JsonObject, access: Access) -> bool:
    return (
        _hit(statement, "Principal", lambda value: _is_named(value, access))
        and _hit(statement, "Action", lambda value: _fits(value, access.action, fold=True))
        and _hit(statement, "Resource", lambda value: _fits(value, access.resource, fold=False))
    )


def _hit(statement: JsonObject, element: str, fits: Callable[[Json], bool]) -> bool:
    """Whether the element fits, or its `Not…` form does not."""
    if (excluded := statement.get(f"Not{element}")) is not None:
        return not fits(excluded)
    return fits(statement.get(element))


def _is_named(principal: Json, access: Access) -> bool:
    return not access.principals.isdisjoint(principals_of(principal))


def _fits(value: Json, text: str, *, fold: bool) -> bool:
    if fold:
        return any(matches(pattern.lower(), text.lower()) for pattern in texts(value))
    return any(matches(pattern, text) for pattern in texts(value))


def _listed(value: Json) -> Iterable[Json]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return value
    return () if value is None else (value,)
