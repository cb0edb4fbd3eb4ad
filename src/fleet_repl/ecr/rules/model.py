"""Rules, what a registry answers about its replication, and rules as they are written."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final, TypeAlias

from fleet_repl.ecr.grouping import fewest_groups
from fleet_repl.ecr.rules.filters import FILTER_MEMBERS, RepositoryFilter
from fleet_repl.ecr.rules.links import Links, Outgoing, deletes_of, prefixes_of
from fleet_repl.values import limits
from fleet_repl.values.canonical_json import Json, JsonObject, canonical_json
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import EVERY_REPOSITORY, NOTHING, LinkScope, reduce

NO_RULES: Final[JsonObject] = {"rules": []}

MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "destinations": ("region", "registryId"),
    "repositoryFilters": FILTER_MEMBERS,
    "deleteReplication": ("enabled",),
}
"""The known members of a rule, each with the members that it holds."""
_LONGEST: Final = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Every destination receives every prefix."""

    destinations: tuple[Registry, ...]
    prefixes: tuple[str, ...]
    """Sorted. A rule that was read has all that it lists, those in vain too."""
    deletes: bool = False
    """Deletions travel too, also those by lifecycle policies."""
    understood: bool = True
    """False where the rule means no link, or holds a value of unknown meaning. Nobody can tell what
    ECR makes of such a rule, so it is compared by its text."""


RawRule: TypeAlias = tuple[JsonObject, Rule]
"""A rule as it stands in a document, and what it means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replication:
    """A registry's answer about its replication."""

    document: JsonObject | None
    """`replicationConfiguration` as it was read, with every field. Some documents of a fleet have
    None for one without rules; ECR has none such. Two are equal where their documents are."""
    links: Links = field(compare=False)
    """The links that the rules surely make, added up. A filter of an unknown kind is no filter."""
    may_use: Outgoing = field(compare=False)
    """The most that the rules may replicate: a filter of an unknown kind is every repository."""
    rules: tuple[Rule, ...] = field(default=(), compare=False)
    """The meaning of each of `rules_of(document)`, from which `links` was read."""
    unknown: tuple[str, ...] = field(default=(), compare=False)
    """Paths of the fields whose meaning is not known here."""
    beside: tuple[str, ...] = field(default=(), compare=False)
    """The first of `unknown`, which the answer holds beside the document."""

    def alone(self) -> Replication:
        """The document without the answer that it came in."""
        if not self.beside:
            return self
        return replace(self, unknown=self.unknown[len(self.beside) :], beside=())

    @property
    def outgoing(self) -> Outgoing:
        """The prefixes of `links`, for readers to whom deletions make no difference."""
        return prefixes_of(self.links) if self.unknown else self.may_use

    @property
    def unknown_rules(self) -> tuple[tuple[int, JsonObject], ...]:
        """The rules of unknown meaning as they stand in the document, each with its index."""
        if all(rule.understood for rule in self.rules):
            return ()
        listed = zip(placed_rules(self.document), self.rules, strict=True)
        return tuple(placed for placed, rule in listed if not rule.understood)

    def same_as(self, other: Replication) -> bool:
        """Returns whether both mean the same; with unknown fields, whether texts are equal."""
        if self.unknown or other.unknown:
            return canonical_json(self.document) == canonical_json(other.document)
        return self.meaning == other.meaning

    def shows(self, written: Replication) -> bool:
        """Returns whether this is ECR's answer after `written`, perhaps with added fields."""
        return self.same_as(written) or (not written.unknown and self.meaning == written.meaning)

    @property
    def meaning(self) -> tuple[Links, tuple[str, ...]]:
        """The links, and the texts of the rules of unknown meaning without their unknown fields."""
        texts = sorted(canonical_json(sendable(raw)) for _, raw in self.unknown_rules)
        return self.links, tuple(texts)


def rules_for(links: Links, *, filters: int = limits.FILTERS) -> tuple[Rule, ...]:
    """Few rules that replicate exactly `links`, deletions included.

    No link has overlapping prefixes with and without deletions; no rule more than `filters`.
    """
    plain = {end: prefixes for end, scope in links.items() if (prefixes := scope.plain)}
    return tuple(
        Rule(destinations=group.members, prefixes=group.prefixes, deletes=deletes)
        for deletes, outgoing in ((False, plain), (True, deletes_of(links)))
        if outgoing
        for group in fewest_groups(
            outgoing, most_members=limits.DESTINATIONS_PER_RULE, most_prefixes=filters
        )
    )


def links_of(rules: Iterable[Rule]) -> Links:
    """The links that `rules` make together."""
    links: dict[Registry, LinkScope] = {}
    for rule in rules:
        for destination in rule.destinations if rule.prefixes else ():
            scope, others = _scope(rule.prefixes, rule.deletes), links.get(destination)
            links[destination] = scope if others is None else scope.union(others)
    return links


@lru_cache(maxsize=1_024)
def _scope(prefixes: tuple[str, ...], deletes: bool) -> LinkScope:  # noqa: FBT001 - part of the key
    """Returns the scope of a rule's links. Cached, because a fleet repeats few different rules."""
    reduced = reduce(prefixes)
    return LinkScope(reduced, reduced if deletes else NOTHING)


def document_of(rules: Iterable[Rule]) -> JsonObject:
    """The `replicationConfiguration` that PutReplicationConfiguration takes."""
    return {"rules": [_rule_document(rule) for rule in rules]}


def rules_of(document: JsonObject | None) -> tuple[JsonObject, ...]:
    """The rules of a `replicationConfiguration`, as they stand in it."""
    return tuple(raw for _, raw in placed_rules(document))


def placed_rules(document: JsonObject | None) -> Iterator[tuple[int, JsonObject]]:
    """The rules of a `replicationConfiguration`, each with its index."""
    rules = (document or NO_RULES).get("rules")
    listed = rules if isinstance(rules, list | tuple) else ()
    return ((index, rule) for index, rule in enumerate(listed) if isinstance(rule, Mapping))


def sendable(rule: JsonObject) -> JsonObject:
    """A rule as the API takes it: to the letter, without fields that are not known here."""
    known = {key: _only(rule[key], members) for key, members in MEMBERS.items() if key in rule}
    match known:
        case {"repositoryFilters": [] | None}:
            # ECR refuses an empty list of filters; leaving it out means every repository, too.
            del known["repositoryFilters"]
    return known


def rule_words(place: int, rule: JsonObject) -> str:
    """A rule as people may look for it: its index and the beginning of its text."""
    text = canonical_json(rule)
    return f"rules[{place}] {text if len(text) <= _LONGEST else text[:_LONGEST] + '…'}"


def _rule_document(rule: Rule) -> JsonObject:
    document: dict[str, Json] = {
        "destinations": [
            {"region": registry.region, "registryId": registry.account}
            for registry in rule.destinations
        ]
    }
    # ECR refuses an empty list of filters; leaving it out means every repository.
    if rule.prefixes != EVERY_REPOSITORY:
        document["repositoryFilters"] = [
            RepositoryFilter.of_text(prefix).document() for prefix in rule.prefixes
        ]
    if rule.deletes:
        document["deleteReplication"] = {"enabled": True}
    return document


def _only(value: Json, members: Collection[str]) -> Json:
    """An object, or each of a list, with no other members than these."""
    match value:
        case list() | tuple():
            return [_only(item, members) for item in value]
        case Mapping():
            return {key: value[key] for key in value if key in members}
        case _:
            return value
