"""A registry policy read: which statements are ours, and what these mean.

The Sids of our statements start with the fleet's prefix; every other statement is foreign.
`permissions` decides whether a grant is in force, foreign statements included.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from fleet_repl.ecr.policy.model import (
    CREATE_REPOSITORY,
    NO_POLICY,
    REPLICATE_IMAGE,
    Grant,
    Owner,
    Policy,
    reduced,
)
from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.names import ACCOUNT_ID, AccountId, Partition, Registry, repositories_arn

_SPECIAL: Final = frozenset("*?$")


def resource_of(prefix: str, base: str) -> str:
    """The resource that matches the repositories of a prefix, and no others."""
    return f"{base}{prefix}*"


def prefix_of(resource: Json, base: str) -> str | None:
    """The prefix whose repositories a resource matches; None where it is not about just these."""
    if not isinstance(resource, str) or not resource.startswith(base) or resource[-1] != "*":
        return None
    prefix = resource[len(base) : -1]
    return None if is_pattern(prefix) else prefix


def is_pattern(prefix: str) -> bool:
    """Returns whether a policy takes the letters of a prefix for more than themselves."""
    return not _SPECIAL.isdisjoint(prefix)


def widest_prefix(resource: str, base: str) -> str:
    """The prefix that all repositories of a resource pattern share."""
    literal = re.split(r"[*?]", resource, maxsplit=1)[0]
    return literal[len(base) :] if literal.startswith(base) else ""


_OUR_SID: Final = re.compile(r"(FleetRepl[0-9a-f]{8})[0-9a-f]{8}")
_KNOWN_ACTIONS: Final = {action.lower(): action for action in (REPLICATE_IMAGE, CREATE_REPOSITORY)}
_ACCOUNT_PRINCIPAL: Final = re.compile(
    rf"(?:arn:(?P<partition>[a-z-]+):iam::)?(?P<id>{ACCOUNT_ID})(?P<root>:root)?"
)


def parse_policy(document: JsonObject | None, owner: Owner, registry: Registry) -> Policy:
    """Separates the statements of a registry policy into ours and others'."""
    if document is None:
        return NO_POLICY
    grants: set[Grant] = set()
    implied: set[Grant] = set()
    opaque: list[JsonObject] = []
    foreign: list[JsonObject] = []
    prefixes: set[str] = set()
    known = owner.sid_prefixes
    for statement in as_tuple(document.get("Statement")):
        if not isinstance(statement, Mapping):
            continue
        match = _OUR_SID.fullmatch(str(statement.get("Sid")))
        if match is None or match[1] not in known:
            foreign.append(statement)
            continue
        prefixes.add(match[1])
        if (meaning := _meaning(statement, owner, registry)) is None:
            opaque.append(statement)
            implied |= _implied(statement, owner, registry)
        else:
            grants |= meaning
    return Policy(
        document=document,
        grants=reduced(grants),
        opaque=tuple(opaque),
        implied=reduced(implied),
        foreign=tuple(foreign),
        outdated=bool(prefixes - {owner.sid_prefix}),
    )


def as_tuple(value: Json) -> tuple[Json, ...]:
    """The items of a member of a policy, which may be a list or a single item."""
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def account_of(principal: Json, partition: Partition) -> AccountId | None:
    """The account that a principal names as a whole, or None for any other principal."""
    match = _ACCOUNT_PRINCIPAL.fullmatch(principal) if isinstance(principal, str) else None
    if match is None or (match["partition"] is None) != (match["root"] is None):
        return None
    if match["partition"] not in (None, partition):
        return None
    return AccountId(match["id"])


def _meaning(statement: JsonObject, owner: Owner, registry: Registry) -> frozenset[Grant] | None:
    """The grants of a statement of ours, or None where it cannot be expressed by grants."""
    principal = statement.get("Principal")
    if (
        set(statement) != {"Sid", "Effect", "Principal", "Action", "Resource"}
        or statement["Effect"] != "Allow"
        or not isinstance(principal, Mapping)
        or set(principal) != {"AWS"}
    ):
        return None
    base = repositories_arn(owner.partition, registry)
    sources = [account_of(name, owner.partition) for name in as_tuple(principal["AWS"])]
    actions = [_KNOWN_ACTIONS.get(str(name).lower()) for name in as_tuple(statement["Action"])]
    prefixes = [prefix_of(resource, base) for resource in as_tuple(statement["Resource"])]
    grants = frozenset(
        Grant(source, prefix, action)
        for source in sources
        for action in actions
        for prefix in prefixes
        if source is not None and action is not None and prefix is not None
    )
    understood = None not in sources and None not in actions and None not in prefixes
    # A statement of ours never lacks a grant: somebody has emptied it.
    return grants if understood and grants else None


def _implied(statement: JsonObject, owner: Owner, registry: Registry) -> frozenset[Grant]:
    """The grants that an edited statement of ours gives at the most."""
    principal = statement.get("Principal")
    if statement.get("Effect") != "Allow" or not isinstance(principal, Mapping):
        return frozenset()
    base = repositories_arn(owner.partition, registry)
    accounts = {account_of(name, owner.partition) for name in as_tuple(principal.get("AWS"))}
    patterns = [str(action).lower() for action in as_tuple(statement.get("Action"))]
    return frozenset(
        Grant(account, widest_prefix(str(resource), base), action)
        for account in accounts
        if account is not None
        for key, action in _KNOWN_ACTIONS.items()
        if any(key.startswith(pattern.partition("*")[0]) for pattern in patterns)
        for resource in as_tuple(statement.get("Resource"))
    )
