"""A registry policy read: which statements are ours, and what they mean.

Ours carry the mark of the fleet in their Sid; every other one is foreign. Whether a grant is in
force, foreign statements included, is for `permissions` to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from fleet_repl.canonical import Json, JsonObject
from fleet_repl.grants.model import (
    CREATE_REPOSITORY,
    REPLICATE_IMAGE,
    Grant,
    Owner,
    Policy,
    reduced,
)
from fleet_repl.names import AccountId, Partition, Registry, repositories_arn

_OUR_SID: Final = re.compile(r"(FleetRepl[0-9a-f]{8})[0-9a-f]{8}")
_KNOWN_ACTIONS: Final = {one.lower(): one for one in (REPLICATE_IMAGE, CREATE_REPOSITORY)}
_ACCOUNT_PRINCIPAL: Final = re.compile(
    r"(?:arn:(?P<partition>[a-z-]+):iam::)?(?P<id>[0-9]{12})(?P<root>:root)?"
)


def parse_policy(document: JsonObject | None, owner: Owner, registry: Registry) -> Policy:
    """Tell a registry policy's statements apart."""
    if document is None:
        return Policy(document=None)
    grants: set[Grant] = set()
    implied: set[Grant] = set()
    opaque: list[JsonObject] = []
    foreign: list[JsonObject] = []
    marks: set[str] = set()
    known = owner.marks
    for statement in _statements(document):
        mark = _mark_of(statement)
        if mark is None or mark not in known:
            foreign.append(statement)
            continue
        marks.add(mark)
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
        outdated=bool(marks - {owner.mark}),
    )


def as_tuple(value: Json) -> tuple[Json, ...]:
    """A policy's "one or a list of them"."""
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def account_of(principal: Json, partition: Partition) -> AccountId | None:
    """The account a principal stands for as a whole, or None for anything else."""
    match = _ACCOUNT_PRINCIPAL.fullmatch(principal) if isinstance(principal, str) else None
    if match is None or (match["partition"] is None) != (match["root"] is None):
        return None
    if match["partition"] not in (None, partition):
        return None
    return AccountId(match["id"])


def _statements(document: JsonObject) -> Iterable[JsonObject]:
    return (one for one in as_tuple(document.get("Statement")) if isinstance(one, Mapping))


def _mark_of(statement: JsonObject) -> str | None:
    sid = statement.get("Sid")
    match = _OUR_SID.fullmatch(sid) if isinstance(sid, str) else None
    return None if match is None else match[1]


def _meaning(statement: JsonObject, owner: Owner, registry: Registry) -> frozenset[Grant] | None:
    """The grants of one of our statements, or None where it says anything else."""
    principal = statement.get("Principal")
    if (
        set(statement) != {"Sid", "Effect", "Principal", "Action", "Resource"}
        or statement["Effect"] != "Allow"
        or not isinstance(principal, Mapping)
        or set(principal) != {"AWS"}
    ):
        return None
    base = repositories_arn(owner.partition, registry)
    sources = [account_of(one, owner.partition) for one in as_tuple(principal["AWS"])]
    actions = [_KNOWN_ACTIONS.get(str(one).lower()) for one in as_tuple(statement["Action"])]
    prefixes = [_prefix_of(one, base) for one in as_tuple(statement["Resource"])]
    found = frozenset(
        Grant(source, prefix, action)
        for source in sources
        for action in actions
        for prefix in prefixes
        if source is not None and action is not None and prefix is not None
    )
    understood = None not in sources and None not in actions and None not in prefixes
    # None of ours is ever without a grant: somebody has edited it into nothing.
    return found if understood and found else None


def _implied(statement: JsonObject, owner: Owner, registry: Registry) -> frozenset[Grant]:
    """What one of our statements that someone edited lets in at the most."""
    principal = statement.get("Principal")
    if statement.get("Effect") != "Allow" or not isinstance(principal, Mapping):
        return frozenset()
    base = repositories_arn(owner.partition, registry)
    accounts = {account_of(one, owner.partition) for one in as_tuple(principal.get("AWS"))}
    patterns = [str(one).lower() for one in as_tuple(statement.get("Action"))]
    return frozenset(
        Grant(account, _widest_prefix(str(resource), base), action)
        for account in accounts
        if account is not None
        for key, action in _KNOWN_ACTIONS.items()
        if any(key.startswith(pattern.partition("*")[0]) for pattern in patterns)
        for resource in as_tuple(statement.get("Resource"))
    )


def _widest_prefix(resource: str, base: str) -> str:
    """What every repository that a resource pattern names begins with."""
    literal = re.split(r"[*?]", resource, maxsplit=1)[0]
    return literal[len(base) :] if literal.startswith(base) else ""


def _prefix_of(resource: Json, base: str) -> str | None:
    if not isinstance(resource, str) or not resource.startswith(base) or resource[-1] != "*":
        return None
    prefix = resource[len(base) : -1]
    return None if set(prefix) & set("*?$") else prefix
