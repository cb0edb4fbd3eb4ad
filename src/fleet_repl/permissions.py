"""What a registry policy really allows: ours and foreign statements, Allows and Denies.

Certainty is asked for: an Allow under a condition does not count, and a Deny counts where any
request a link needs may fall under it, under whatever condition. An empty answer means that
every image of the link gets through.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from fleet_repl.canonical import Json, JsonObject
from fleet_repl.grants import Grant, Policy, account_of, as_tuple, named
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
        wanted = [Grant(source, prefix, action) for action in actions]
        for statement in self.statements:
            if self.denied_by(statement, wanted):
                return f"{named(statement)} of its registry policy denies it"
        missing = [one.action for one in wanted if not self._allows(one)]
        return f"its registry policy does not grant {' and '.join(missing)}" if missing else None

    def allowed_by(self, statement: JsonObject, grants: Iterable[Grant]) -> frozenset[Grant]:
        """Those of the grants that an Allow statement makes needless: it lets in as much."""
        if statement.get("Effect") != "Allow" or statement.get("Condition"):
            return frozenset()
        patterns = tuple(texts(statement.get("Resource")))
        actions = tuple(_actions(statement.get("Action")))
        return _among(
            grants,
            lambda source: self._names(statement.get("Principal"), source),
            lambda prefix: any(_reaches(one, self._resource(prefix)) for one in patterns),
            lambda action: any(matches(one, action.lower()) for one in actions),
        )

    def denied_by(self, statement: JsonObject, grants: Iterable[Grant]) -> frozenset[Grant]:
        """Those of the grants that a Deny statement may hit, in whole or in part."""
        if statement.get("Effect") != "Deny":
            return frozenset()
        return _among(
            grants,
            lambda source: self._aims_at(statement, source),
            lambda prefix: _touches(statement, self._resource(prefix)),
            lambda action: concerns(statement, action),
        )

    def _resource(self, prefix: str) -> str:
        return repositories_arn(self.partition, self.registry) + prefix

    def _allows(self, wanted: Grant) -> bool:
        if wanted in self.grants:
            return True
        source, prefix, action = wanted
        ours = (one.prefix for one in self.grants if one.source == source and one.action == action)
        return any(prefix.startswith(one) for one in ours) or any(
            self.allowed_by(one, (wanted,)) for one in self.statements
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


def _aws(principal: Json) -> tuple[Json, ...]:
    if isinstance(principal, Mapping):
        return as_tuple(principal.get("AWS"))
    return as_tuple(principal)


def concerns(statement: JsonObject, action: str) -> bool:
    """Whether a statement speaks of an action, whatever it says about it."""
    action = action.lower()
    if "NotAction" in statement:
        return not any(matches(one, action) for one in _actions(statement["NotAction"]))
    return any(matches(one, action) for one in _actions(statement.get("Action")))


def texts(value: Json) -> Iterable[str]:
    """A policy's "one or a list of them", without what is no text."""
    return (one for one in as_tuple(value) if isinstance(one, str))


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern of `*` and `?` matches the whole of `text`."""
    if "?" not in pattern:
        # Nearly all patterns there are: none, or one star at the end.
        plain, star, rest = pattern.partition("*")
        if not star:
            return plain == text
        if not rest:
            return text.startswith(plain)
    return len(pattern) in _reached(pattern, text)


def meets(pattern: str, start: str) -> bool:
    """Whether `pattern` matches anything that begins with `start`."""
    # Whatever of the pattern is left after `start` can always be satisfied.
    plain, star, rest = pattern.partition("*")
    if "?" not in plain and not rest:
        return plain.startswith(start) or (bool(star) and start.startswith(plain))
    return bool(_reached(pattern, start))


def _reaches(pattern: str, start: str) -> bool:
    """Whether `pattern` matches everything that begins with `start`."""
    return pattern.endswith("*") and matches(pattern, start)


def _actions(value: Json) -> Iterable[str]:
    return (one.lower() for one in texts(value))


def _touches(statement: JsonObject, resource: str) -> bool:
    if "NotResource" in statement:
        return not any(_reaches(one, resource) for one in texts(statement["NotResource"]))
    return any(meets(one, resource) for one in texts(statement.get("Resource")))


def _among(
    grants: Iterable[Grant],
    source_fits: Callable[[AccountId], bool],
    prefix_fits: Callable[[str], bool],
    action_fits: Callable[[str], bool],
) -> frozenset[Grant]:
    """Those of the grants whose parts all fit; each part is asked about once."""
    grants = tuple(grants)
    actions = {one for one in {grant.action for grant in grants} if action_fits(one)}
    if not actions:
        return frozenset()
    sources = {one for one in {grant.source for grant in grants} if source_fits(one)}
    if not sources:
        return frozenset()
    prefixes = {one for one in {grant.prefix for grant in grants} if prefix_fits(one)}
    return frozenset(
        one
        for one in grants
        if one.action in actions and one.source in sources and one.prefix in prefixes
    )


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
