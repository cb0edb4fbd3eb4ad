"""What a registry policy really allows: ours and foreign statements, Allows and Denies.

Certainty is asked for: an Allow under a condition does not count, and a Deny counts where any
request a link needs may fall under it, under whatever condition. An empty answer means that
every image of the link gets through.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from fleet_repl.canonical import Json, JsonObject
from fleet_repl.grants import Grant, account_of, as_tuple
from fleet_repl.names import AccountId, Partition, Registry, repositories_arn

_SERVICE_ROLE = (
    "role/aws-service-role/replication.ecr.amazonaws.com/AWSServiceRoleForECRReplication"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """What is in force in one registry: a set of our grants beside foreign statements."""

    registry: Registry
    partition: Partition
    grants: frozenset[Grant]
    statements: tuple[JsonObject, ...] = ()
    """Statements that `grants` does not stand for."""

    def lacks(self, source: AccountId, prefix: str, actions: Collection[str]) -> str | None:
        """Why `source` may not replicate `prefix` into the registry, or None where it may."""
        resource = repositories_arn(self.partition, self.registry) + prefix
        for statement in self.statements:
            if statement.get("Effect") == "Deny" and self._hits(
                statement, source, resource, actions
            ):
                return f"{_named(statement)} of its registry policy denies it"
        missing = [one for one in actions if not self._allows(source, prefix, resource, one)]
        return f"its registry policy does not grant {' and '.join(missing)}" if missing else None

    def _allows(self, source: AccountId, prefix: str, resource: str, action: str) -> bool:
        if Grant(source, prefix, action) in self.grants:
            return True
        ours = (one.prefix for one in self.grants if one.source == source and one.action == action)
        return any(prefix.startswith(one) for one in ours) or any(
            self._covers(one, source, resource, action) for one in self.statements
        )

    def _covers(self, statement: JsonObject, source: AccountId, resource: str, action: str) -> bool:
        return (
            statement.get("Effect") == "Allow"
            and not statement.get("Condition")
            and self._names(statement.get("Principal"), source)
            and any(_matches(one, action.lower()) for one in _actions(statement.get("Action")))
            and any(_reaches(one, resource) for one in _texts(statement.get("Resource")))
        )

    def _hits(
        self,
        statement: JsonObject,
        source: AccountId,
        resource: str,
        actions: Collection[str],
    ) -> bool:
        return (
            self._aims_at(statement, source)
            and any(_denies_action(statement, one.lower()) for one in actions)
            and _denies_resource(statement, resource)
        )

    def _names(self, principal: Json, source: AccountId) -> bool:
        """Whether a principal stands for the whole of `source`."""
        return any(
            one == "*" or account_of(one, self.partition) == source for one in _aws(principal)
        )

    def _aims_at(self, statement: JsonObject, source: AccountId) -> bool:
        if "NotPrincipal" in statement:
            return not self._names(statement["NotPrincipal"], source)
        principal = statement.get("Principal")
        service_role = f"arn:{self.partition}:iam::{source}:{_SERVICE_ROLE}"
        return self._names(principal, source) or service_role in _aws(principal)


def _named(statement: JsonObject) -> str:
    sid = statement.get("Sid")
    return f"statement {sid}" if isinstance(sid, str) and sid else "a statement without Sid"


def _aws(principal: Json) -> tuple[Json, ...]:
    if isinstance(principal, Mapping):
        return as_tuple(principal.get("AWS"))
    return as_tuple(principal)


def _texts(value: Json) -> Iterable[str]:
    return (one for one in as_tuple(value) if isinstance(one, str))


def _actions(value: Json) -> Iterable[str]:
    return (one.lower() for one in _texts(value))


def _denies_action(statement: JsonObject, action: str) -> bool:
    if "NotAction" in statement:
        return not any(_matches(one, action) for one in _actions(statement["NotAction"]))
    return any(_matches(one, action) for one in _actions(statement.get("Action")))


def _denies_resource(statement: JsonObject, resource: str) -> bool:
    if "NotResource" in statement:
        return not any(_reaches(one, resource) for one in _texts(statement["NotResource"]))
    return any(_meets(one, resource) for one in _texts(statement.get("Resource")))


def _matches(pattern: str, text: str) -> bool:
    return _compiled(pattern).fullmatch(text) is not None


def _reaches(pattern: str, start: str) -> bool:
    """Whether `pattern` matches everything that begins with `start`."""
    return pattern.endswith("*") and _matches(pattern, start)


def _meets(pattern: str, start: str) -> bool:
    """Whether `pattern` matches anything that begins with `start`."""
    # Some beginning of the pattern has to use up `start`; the rest can always be satisfied.
    return any(_matches(pattern[:length], start) for length in range(len(pattern) + 1))


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    """A policy's `*` and `?` as a regular expression."""
    parts = (".*" if one == "*" else "." if one == "?" else re.escape(one) for one in pattern)
    return re.compile("".join(parts), re.DOTALL)
