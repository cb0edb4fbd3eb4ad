"""Grants, whose they are, and a registry policy told apart: the types.

The canonical form of our statements is a set of `Grant`, so that grouping, order and
one-string-versus-list make no difference.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from fleet_repl import limits
from fleet_repl.canonical import JsonObject, canonical_json, policy_meaning, short_hash
from fleet_repl.grants.respelled import is_respelled
from fleet_repl.names import AccountId, Partition
from fleet_repl.prefixes import Prefixes, reduce

REPLICATE_IMAGE: Final = "ecr:ReplicateImage"
CREATE_REPOSITORY: Final = "ecr:CreateRepository"


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
    formerly: tuple[str, ...] = ()
    """Names that the fleet had: statements with their marks are ours, too."""
    policy_bytes: int = limits.POLICY_BYTES
    """Characters that a registry policy may take."""

    @property
    def mark(self) -> str:
        """What the Sid of each of the fleet's statements starts with."""
        return _mark(self.fleet)

    @property
    def marks(self) -> frozenset[str]:
        """The mark, and those from before the fleet was renamed."""
        return frozenset(map(_mark, (self.fleet, *self.formerly)))


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
    outdated: bool = False
    """Statements of ours carry a former mark: the same meaning is written once more."""

    @property
    def is_untidy(self) -> bool:
        """Whether statements of ours have to be put right although nothing else changes."""
        return bool(self.opaque) or self.outdated

    @property
    def in_use(self) -> frozenset[Grant]:
        """Everything of ours that a source may rely on."""
        return self.grants | self.implied if self.implied else self.grants

    def ours_as(self, other: Policy) -> bool:
        """Whether our part of both means the same."""
        return (
            self.grants == other.grants
            and self.outdated == other.outdated
            and _plain(self.opaque) == _plain(other.opaque)
        )

    def theirs_as(self, other: Policy) -> bool:
        """Whether the foreign statements of both mean the same."""
        return _plain(self.foreign) == _plain(other.foreign)

    def same_as(self, other: Policy) -> bool:
        """Whether both mean the same to the service and to us."""
        return self.ours_as(other) and self.theirs_as(other) and self._framed_as(other)

    def shows(self, written: Policy) -> bool:
        """Whether `written` is in place, in whatever spelling the service has given it."""
        return (
            self.ours_as(written)
            and self._framed_as(written)
            and is_respelled(self.foreign, written.foreign)
        )

    def _framed_as(self, other: Policy) -> bool:
        return (self.document is None) == (other.document is None) and _frame(
            self.document
        ) == _frame(other.document)


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


def named(statement: JsonObject) -> str:
    """A statement as people may look for it, such as `statement AllowPull`."""
    sid = statement.get("Sid")
    return f"statement {sid}" if isinstance(sid, str) and sid else "a statement without Sid"


def foreign_sids(policy: Policy) -> tuple[str, ...]:
    """Names of the foreign statements in their order, for errors that may be their fault. Those
    without a Sid come last, as a count."""
    sids = [sid for one in policy.foreign if isinstance(sid := one.get("Sid"), str) and sid]
    match len(policy.foreign) - len(sids):
        case 0:
            rest: tuple[str, ...] = ()
        case 1:
            rest = ("a statement without Sid",)
        case count:
            rest = (f"{count} statements without Sid",)
    return (*dict.fromkeys(sids), *rest)


def _mark(fleet: str) -> str:
    return f"FleetRepl{short_hash(fleet)}"


def _plain(statements: Iterable[JsonObject]) -> list[str]:
    """Statements as texts that are equal when the policy language sees no difference."""
    return sorted(canonical_json(policy_meaning(statement)) for statement in statements)


def _frame(document: JsonObject | None) -> JsonObject:
    return {key: value for key, value in (document or {}).items() if key != "Statement"}
