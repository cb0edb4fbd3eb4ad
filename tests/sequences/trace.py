"""What happened in a world, as values, and what documents in it mean.

Meaning is told here anew and simply, so that no mistake of the code under test excuses itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from tests.sequences.generation import LETTERS

from fleet_repl.ecr.policy import Owner
from fleet_repl.values.names import Partition

RULES: Final = "replication-configuration"
POLICY: Final = "registry-policy"
TEMPLATE: Final = "creation-template"

Link: TypeAlias = tuple[int, str]
"""Number of the destination's account, and prefix."""
Hop: TypeAlias = tuple[int, int, str]
"""Source, destination, prefix."""
Meaning: TypeAlias = frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A run was shown a document."""

    run: str
    place: int
    resource: str
    seen: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrote:
    """AWS took a write of a run."""

    run: str
    fleet: str
    place: int
    resource: str
    before: Any
    after: Any
    announced: bool
    """Whether the run's journal had told of it when it arrived."""
    ungranted_before: frozenset[Hop]
    ungranted_after: frozenset[Hop]
    """Links of fleets that their destinations do not let in, at these moments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """A stranger changed a document."""

    place: int
    resource: str
    before: Any
    after: Any
    at_write_of: str | None
    """The run whose write to this very document was arriving at that moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change as a report tells of it."""

    place: int
    resource: str
    outcome: str
    after: Any
    in_doubt: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Began:
    """A run begins."""

    run: str
    fleet: str
    forced: bool
    careful: bool
    """Whether it does one thing after another with nobody beside it, and reads do not lag: what
    it does not see before a write, it has not looked for."""
    wary: bool = True
    """Whether it can be expected to see what is in place: nothing lags."""
    undoes: str | None = None
    """The run that it takes back."""
    wanted: frozenset[Hop] | None = None
    """The links that its inventory asks for; None for a run that is about other ones."""
    until: frozenset[int] | None = None
    """The accounts of the wave that it ends with, the first one; None for a run that goes on."""
    retired: frozenset[int] = frozenset()
    """Accounts that the fleet gives up: if one cannot be reached, grants for it go before its
    rules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A run's report, or what a later run found out of one that died."""

    run: str
    changes: tuple[Change, ...]
    died: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rested:
    """Nothing goes on: what a fleet's record says."""

    fleet: str
    recorded: frozenset[Hop]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a fleet stands after its last runs, in which nothing went wrong."""

    fleet: str
    statuses: tuple[str, ...]
    """Of the last applies, in their order."""
    late_writes: int
    """Of the last one, which should find nothing to do."""
    wanted: frozenset[Hop]
    in_place: frozenset[Hop]
    ungranted: frozenset[Hop]
    unfinished: tuple[str, ...]
    locked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Crashed:
    """Something was raised that no user can cause."""

    run: str
    error: str


Happening: TypeAlias = Read | Wrote | Edited | Began | Ended | Rested | Finished | Crashed


def links(rules: Any) -> Iterator[tuple[Link, bool]]:
    """Every link that rules ask for, and whether its deletions travel."""
    for rule in (rules or {}).get("rules", []):
        deletes = rule.get("deleteReplication", {}).get("enabled", False)
        for end in rule["destinations"]:
            for filter_ in rule.get("repositoryFilters", [{"filter": ""}]):
                yield (int(end["registryId"]), filter_["filter"]), deletes


def meaning(document: Any, resource: str) -> Meaning:
    """What a document says, one text for each link, rule without any, or statement."""
    if resource == RULES:
        odd = [item for item in (document or {}).get("rules", []) if not item["destinations"]]
        return frozenset(
            [
                *(json.dumps([*link, deletes]) for link, deletes in links(document)),
                *(json.dumps(item, sort_keys=True) for item in odd),
            ]
        )
    if resource == POLICY:
        return frozenset(map(_statement, (document or {}).get("Statement", [])))
    return frozenset([json.dumps(document, sort_keys=True)])


def is_of(text: str, fleet: str, resource: str) -> bool:
    """Whether a part of a document's meaning is what this fleet makes."""
    value = json.loads(text)
    if resource == POLICY:
        return str(value.get("Sid", "")).startswith(mark(fleet))
    return isinstance(value, list) and is_of_fleet((value[0], value[1]), fleet)


def is_of_fleet(link: Link, fleet: str) -> bool:
    """Whether a link is one that this fleet may ask for."""
    return link[1].startswith(LETTERS[fleet])


def mark(fleet: str) -> str:
    """What the Sids of a fleet's statements begin with."""
    return Owner(fleet=fleet, partition=Partition.AWS).sid_prefix


def foreign(document: Any, fleet: str, resource: str) -> Meaning:
    """What of a document is not this fleet's."""
    texts = meaning(document, resource)
    return frozenset(item for item in texts if not is_of(item, fleet, resource))


def own(document: Any, fleet: str, resource: str) -> Meaning:
    """What of a document is this fleet's."""
    return meaning(document, resource) - foreign(document, fleet, resource)


def _statement(statement: Any) -> str:
    principal = statement.get("Principal", {})
    who = principal.get("AWS", []) if isinstance(principal, dict) else principal
    plain = {
        **statement,
        "Principal": sorted(_root(item) for item in _listed(who)),
        "Action": sorted(_listed(statement.get("Action", []))),
        "Resource": sorted(_listed(statement.get("Resource", []))),
    }
    return json.dumps(plain, sort_keys=True)


def _root(principal: str) -> str:
    bare = re.fullmatch(r"[0-9]{12}", principal)
    return f"arn:aws:iam::{principal}:root" if bare else principal


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
