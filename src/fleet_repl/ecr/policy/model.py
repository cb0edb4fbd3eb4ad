"""Grants, and a registry policy taken apart into statements of ours and of others: the types.

Our statements are compared as a set of `Grant`, so that it makes no difference how they are
grouped and ordered, or whether a list of one item is written as a list.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from fleet_repl.ecr.policy.respelled import is_respelled
from fleet_repl.values import limits
from fleet_repl.values.canonical_json import (
    JsonObject,
    canonical_json,
    compact_json,
    policy_meaning,
    short_hash,
)
from fleet_repl.values.names import AccountId, Partition
from fleet_repl.values.prefixes import NOTHING, Prefixes, covers_at_once, reduce

REPLICATE_IMAGE: Final = "ecr:ReplicateImage"
CREATE_REPOSITORY: Final = "ecr:CreateRepository"


class Grant(NamedTuple):
    """An account may do one action with the repositories of one prefix. A named tuple, because
    sets of grants are compared for every registry of a fleet."""

    source: AccountId
    prefix: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A fleet whose statements are ours, and what its policies may look like."""

    fleet: str
    partition: Partition
    formerly: tuple[str, ...] = ()
    """Names that the fleet had before: statements with their Sid prefixes are ours, too."""
    policy_bytes: int = limits.POLICY_BYTES
    """Characters that a registry policy may take."""

    @property
    def sid_prefix(self) -> str:
        """The Sid prefix of all the fleet's statements."""
        return _sid_prefix(self.fleet)

    @property
    def sid_prefixes(self) -> frozenset[str]:
        """The Sid prefix, and those from before the fleet was renamed."""
        return frozenset(map(_sid_prefix, (self.fleet, *self.formerly)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PolicyDocument:
    """A registry policy of which nobody has said yet for whose statements to look: that of a plan
    or report out of a file. Policies are equal where their documents are, whoever reads them."""

    document: JsonObject | None
    """The policy as it was read; None where the registry has no policy."""

    @property
    def is_missing(self) -> bool:
        """Returns whether there is no policy."""
        return self.document is None

    @property
    def size(self) -> int:
        """Characters of its text as it is sent."""
        return policy_size(self.document)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PolicyDocument) and self.document == other.document

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Policy(PolicyDocument):
    """A registry policy, taken apart into statements of ours and of others."""

    grants: frozenset[Grant] = frozenset()
    """The grants that our statements mean."""
    opaque: tuple[JsonObject, ...] = ()
    """Statements with our Sid prefix that somebody edited: they mean more or less than grants."""
    implied: frozenset[Grant] = frozenset()
    """The most that the edited statements allow, as far as that can be determined."""
    foreign: tuple[JsonObject, ...] = ()
    """Statements of others, in their order."""
    outdated: bool = False
    """A statement of ours carries a former Sid prefix, so the same meaning is written once more."""

    @property
    def is_untidy(self) -> bool:
        """Returns whether our statements have to be written anew although their meaning stays."""
        return bool(self.opaque) or self.outdated

    @property
    def in_use(self) -> frozenset[Grant]:
        """All that our statements allow at the most, on which a source may rely."""
        return self.grants | self.implied if self.implied else self.grants

    def ours_as(self, other: Policy) -> bool:
        """Returns whether our part of both means the same."""
        return (
            self.grants == other.grants
            and self.outdated == other.outdated
            and _plain(self.opaque) == _plain(other.opaque)
        )

    def theirs_as(self, other: Policy) -> bool:
        """Returns whether the foreign statements of both mean the same."""
        return _plain(self.foreign) == _plain(other.foreign)

    def same_as(self, other: Policy) -> bool:
        """Returns whether both mean the same to the service and to us."""
        return self.ours_as(other) and self.theirs_as(other) and self._framed_as(other)

    def shows(self, written: Policy) -> bool:
        """Returns whether this is ECR's answer after `written`, perhaps in other spelling."""
        return (
            self.ours_as(written)
            and self._framed_as(written)
            and is_respelled(self.foreign, written.foreign)
        )

    def _framed_as(self, other: Policy) -> bool:
        return self.is_missing == other.is_missing and _frame(self.document) == _frame(
            other.document
        )


NO_POLICY: Final = Policy(document=None)
"""The policy of a registry that has none."""


def policy_size(document: JsonObject | None) -> int:
    """Characters of the policy text as it is sent."""
    return 0 if document is None else len(compact_json(document))


def actions_for(*, create_repositories: bool) -> tuple[str, ...]:
    """The actions a link needs in its destination."""
    return (REPLICATE_IMAGE, CREATE_REPOSITORY) if create_repositories else (REPLICATE_IMAGE,)


@lru_cache(maxsize=1_024)
def grants_for(source: AccountId, prefixes: Prefixes, actions: tuple[str, ...]) -> frozenset[Grant]:
    """All that `source` needs to replicate `prefixes`. Kept: a hub needs it of many registries."""
    return frozenset(Grant(source, prefix, action) for action in actions for prefix in prefixes)


class GrantIndex:
    """Prefixes by account and action, to look up whether grants cover another.

    A statement of 100 principals and 100 resources is 20,000 grants in one policy. To compare each
    with every other takes seconds; by account and action, each meets a few prefixes only.
    """

    def __init__(self, grants: Iterable[Grant]) -> None:
        prefixes: dict[tuple[AccountId, str], list[str]] = defaultdict(list)
        for source, prefix, action in grants:
            prefixes[source, action].append(prefix)
        self._prefixes = {key: reduce(some) for key, some in prefixes.items()}

    def __iter__(self) -> Iterator[tuple[AccountId, str]]:
        """The accounts and actions that there are grants for."""
        return iter(self._prefixes)

    def items(self) -> Iterable[tuple[tuple[AccountId, str], Prefixes]]:
        return self._prefixes.items()

    def prefixes(self, source: AccountId, action: str) -> Prefixes:
        """The prefixes with which an account may do an action."""
        return self._prefixes.get((source, action), NOTHING)

    def covers(self, grant: Grant) -> bool:
        """Returns whether the grants allow all that `grant` allows."""
        return covers_at_once(self.prefixes(grant.source, grant.action), grant.prefix)


def reduced(grants: Iterable[Grant]) -> frozenset[Grant]:
    """Returns the grants that no shorter prefix of the same source and action covers."""
    return _reduced(frozenset(grants))


@lru_cache(maxsize=1_024)
def _reduced(grants: frozenset[Grant]) -> frozenset[Grant]:
    """`reduced`, kept: a hub is granted the same in hundreds of registries, which share the set."""
    return frozenset(
        Grant(source, prefix, action)
        for (source, action), prefixes in GrantIndex(grants).items()
        for prefix in prefixes
    )


def named(statement: JsonObject) -> str:
    """A statement as people may look for it, such as `statement AllowPull`."""
    sid = statement.get("Sid")
    return f"statement {sid}" if isinstance(sid, str) and sid else "a statement without Sid"


def foreign_sids(policy: Policy) -> tuple[str, ...]:
    """The Sids of foreign statements in their order, for errors that these may cause. Statements
    without a Sid come last, as a count."""
    sids = [
        sid for statement in policy.foreign if isinstance(sid := statement.get("Sid"), str) and sid
    ]
    count = len(policy.foreign) - len(sids)
    rest = f"{count} statements without Sid" if count > 1 else "a statement without Sid"
    return (*dict.fromkeys(sids), *([rest] if count else []))


@lru_cache
def _sid_prefix(fleet: str) -> str:
    return f"FleetRepl{short_hash(fleet)}"


def _plain(statements: Iterable[JsonObject]) -> list[str]:
    """Statements as texts that are equal when the policy language sees no difference."""
    return sorted(canonical_json(policy_meaning(statement)) for statement in statements)


def _frame(document: JsonObject | None) -> JsonObject:
    return {key: value for key, value in (document or {}).items() if key != "Statement"}
