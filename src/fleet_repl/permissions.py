"""What a registry policy really allows: ours and foreign statements, Allows and Denies.

Certainty is asked for: an Allow under a condition does not count, and a Deny counts where any
request a link needs may fall under it, under whatever condition. An empty answer means that
every image of the link gets through.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from fleet_repl.canonical import Json, JsonObject
from fleet_repl.grants import Grant, Policy, account_of, as_tuple
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
        service_role = f"arn:{self.partition}:iam::{source}:{_SERVICE_ROLE}"
        if "NotPrincipal" in statement:
            # It exempts only whom it names, and a role is not named by its account.
            exempt = statement["NotPrincipal"]
            return not (self._names(exempt, source) and service_role in _aws(exempt))
        principal = statement.get("Principal")
        return self._names(principal, source) or service_role in _aws(principal)


def in_force(policy: Policy, registry: Registry, partition: Partition) -> Permissions:
    """What a policy allows as it stands, edited statements of ours included."""
    return Permissions(
        registry=registry,
        partition=partition,
        grants=policy.grants,
        statements=(*policy.foreign, *policy.opaque),
    )


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
    return len(pattern) in _reached(pattern, text)


def _reaches(pattern: str, start: str) -> bool:
    """Whether `pattern` matches everything that begins with `start`."""
    return pattern.endswith("*") and _matches(pattern, start)


def _meets(pattern: str, start: str) -> bool:
    """Whether `pattern` matches anything that begins with `start`."""
    # Whatever of the pattern is left after `start` can always be satisfied.
    return bool(_reached(pattern, start))


def _reached(pattern: str, text: str) -> set[int]:
    """How much of a pattern of `*` and `?` may be used up by all of `text`.

    One pass over the text with every possible position: no pattern takes long to decide.
    """
    positions = _past_stars(pattern, {0})
    for letter in text:
        if not positions:
            break
        moved = {
            at if pattern[at] == "*" else at + 1
            for at in positions
            if at < len(pattern) and pattern[at] in ("*", "?", letter)
        }
        positions = _past_stars(pattern, moved)
    return positions


def _past_stars(pattern: str, positions: set[int]) -> set[int]:
    """The positions, and those behind the stars that may stand for nothing."""
    found = set(positions)
    for start in positions:
        at = start
        while at < len(pattern) and pattern[at] == "*":
            at += 1
            found.add(at)
    return found
