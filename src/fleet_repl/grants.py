"""Grants: the links into one registry as statements of its registry policy, and back.

Statements whose Sid carries the fleet's mark are ours; every other one is foreign and stays
as it is, in its place. The canonical form of ours is a set of `Grant`, so that grouping,
order and one-string-versus-list make no difference. Whether a grant is in force, foreign
statements included, is for `permissions` to say.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from fleet_repl.canonical import Json, JsonObject, canonical_json, compact_json, short_hash
from fleet_repl.names import AccountId, Partition, Registry, repositories_arn, root_arn
from fleet_repl.prefixes import Prefixes, reduce

REPLICATE_IMAGE: Final = "ecr:ReplicateImage"
CREATE_REPOSITORY: Final = "ecr:CreateRepository"
VERSION: Final = "2012-10-17"

_KNOWN_ACTIONS: Final = {one.lower(): one for one in (REPLICATE_IMAGE, CREATE_REPOSITORY)}
_ACCOUNT_PRINCIPAL: Final = re.compile(
    r"(?:arn:(?P<partition>[a-z-]+):iam::)?(?P<id>\d{12})(?P<root>:root)?"
)


class Grant(NamedTuple):
    """An account may do one thing with the repositories of one prefix. A named tuple,
    because sets of them are compared for every registry of a fleet."""

    source: AccountId
    prefix: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose statements are ours, and how a registry's resources are spelled."""

    fleet: str
    partition: Partition

    @property
    def mark(self) -> str:
        """What the Sid of each of the fleet's statements starts with."""
        return f"FleetRepl{short_hash(self.fleet)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A registry policy, told apart into ours and theirs."""

    document: JsonObject | None
    """As it was read; None where the registry has none."""
    grants: frozenset[Grant] = frozenset()
    """What our statements mean."""
    opaque: tuple[JsonObject, ...] = ()
    """Statements with our mark that do not mean exactly grants any more: someone edited them."""
    implied: frozenset[Grant] = frozenset()
    """What the edited ones may let in at the most, as far as it can be told."""
    foreign: tuple[JsonObject, ...] = ()
    """In their order."""

    @property
    def in_use(self) -> frozenset[Grant]:
        """Everything of ours that a source may rely on."""
        return self.grants | self.implied if self.implied else self.grants

    def same_as(self, other: Policy) -> bool:
        """Whether both mean the same to the service and to us."""
        return (
            self.grants == other.grants
            and (self.document is None) == (other.document is None)
            and _plain(self.opaque) == _plain(other.opaque)
            and _plain(self.foreign) == _plain(other.foreign)
            and _frame(self.document) == _frame(other.document)
        )

    def shows(self, written: Policy) -> bool:
        """Whether `written` is in place."""
        return self.same_as(written)


def actions_for(*, create_repositories: bool) -> tuple[str, ...]:
    """The actions a link needs in its destination."""
    return (REPLICATE_IMAGE, CREATE_REPOSITORY) if create_repositories else (REPLICATE_IMAGE,)


def grants_for(source: AccountId, prefixes: Prefixes, actions: Iterable[str]) -> frozenset[Grant]:
    """Everything `source` needs to replicate `prefixes`."""
    return frozenset(Grant(source, prefix, action) for action in actions for prefix in prefixes)


def reduced(grants: Iterable[Grant]) -> frozenset[Grant]:
    """The same meaning without grants that a shorter prefix covers."""
    found: dict[tuple[AccountId, str], list[str]] = defaultdict(list)
    for grant in grants:
        found[grant.source, grant.action].append(grant.prefix)
    return frozenset(
        Grant(source, prefix, action)
        for (source, action), prefixes in found.items()
        for prefix in reduce(prefixes)
    )


def statements_for(
    grants: Iterable[Grant], owner: Owner, registry: Registry
) -> tuple[JsonObject, ...]:
    """Least-privilege statements: one for each set of sources that share resources and actions."""
    needs: dict[AccountId, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for grant in reduced(grants):
        needs[grant.source][grant.prefix].add(grant.action)
    sharing: dict[tuple[tuple[str, ...], Prefixes], list[AccountId]] = defaultdict(list)
    for source, by_prefix in needs.items():
        together: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for prefix, actions in by_prefix.items():
            together[tuple(sorted(actions, reverse=True))].append(prefix)
        for key, prefixes in together.items():
            sharing[key, tuple(sorted(prefixes))].append(source)
    found = (
        _statement(sorted(sources), actions, prefixes, owner, registry)
        for (actions, prefixes), sources in sharing.items()
    )
    return tuple(sorted(found, key=lambda statement: str(statement["Sid"])))


def parse_policy(document: JsonObject | None, owner: Owner, registry: Registry) -> Policy:
    """Tell a registry policy's statements apart."""
    if document is None:
        return Policy(document=None)
    ours = re.compile(re.escape(owner.mark) + "[0-9a-f]{8}")
    grants: set[Grant] = set()
    implied: set[Grant] = set()
    opaque: list[JsonObject] = []
    foreign: list[JsonObject] = []
    for statement in _statements(document):
        sid = statement.get("Sid")
        if not (isinstance(sid, str) and ours.fullmatch(sid)):
            foreign.append(statement)
        elif (meaning := _meaning(statement, owner, registry)) is None:
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
    )


def compose(
    policy: Policy, grants: Iterable[Grant], owner: Owner, registry: Registry
) -> JsonObject | None:
    """The policy with exactly `grants` as ours; None where nothing is left to say.

    Foreign statements and whatever else the document holds stay as they are.
    """
    statements = (*policy.foreign, *statements_for(grants, owner, registry))
    if not statements:
        return None
    frame = dict(policy.document) if policy.document is not None else {"Version": VERSION}
    return {**frame, "Statement": statements}


def policy_size(document: JsonObject | None) -> int:
    """Characters of the policy text as it is sent."""
    return 0 if document is None else len(compact_json(document))


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


def _statement(
    sources: list[AccountId],
    actions: tuple[str, ...],
    prefixes: Prefixes,
    owner: Owner,
    registry: Registry,
) -> JsonObject:
    base = repositories_arn(owner.partition, registry)
    content: dict[str, Json] = {
        "Effect": "Allow",
        "Principal": {"AWS": _one_or_list([root_arn(owner.partition, one) for one in sources])},
        "Action": _one_or_list(actions),
        "Resource": _one_or_list([f"{base}{prefix}*" for prefix in prefixes]),
    }
    return {"Sid": owner.mark + short_hash(canonical_json(content)), **content}


def _one_or_list(items: Iterable[str]) -> Json:
    found = list(items)
    return found[0] if len(found) == 1 else found


def _statements(document: JsonObject) -> Iterable[JsonObject]:
    return (one for one in as_tuple(document.get("Statement")) if isinstance(one, Mapping))


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
    return found if understood else None


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


def _plain(statements: Iterable[JsonObject]) -> list[str]:
    """Statements as texts that are equal when the policy language sees no difference."""
    return [canonical_json(_normal(statement)) for statement in statements]


def _frame(document: JsonObject | None) -> JsonObject:
    return {key: value for key, value in (document or {}).items() if key != "Statement"}


def _normal(value: Json) -> Json:
    """Lists of one are their item, and the order within a list of texts says nothing."""
    if isinstance(value, Mapping):
        return {key: _normal(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        if len(value) == 1:
            return _normal(value[0])
        return sorted((_normal(one) for one in value), key=canonical_json)
    return value
