"""Replication rules: the links out of one registry as ECR's document, and back.

A document is compared by its links: the prefixes that each destination receives, once of all
links and once of those whose deletions travel too. Two documents mean the same exactly when both
are equal, however their rules are grouped:

    rules                       links
    A, B   base/                A   base/ shop/
    A      base/java/ shop/     B   base/

The rule for A lists `base/java/` in vain, because `base/` implies it. For these links `rules_for`
writes a rule of A with both prefixes and a rule of B. Nobody rewrites the document for that.

A field that is not known here is reported, never dropped in silence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, TypeAlias

from fleet_repl.ecr.rule_grouping import fewest_groups
from fleet_repl.values import limits
from fleet_repl.values.canonical_json import Json, JsonObject, canonical_json
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import EVERY_REPOSITORY, Prefixes, beyond, intersect, union

Outgoing: TypeAlias = Mapping[Registry, Prefixes]
"""Destination → the prefixes replicated there."""

NOWHERE: Final[Outgoing] = MappingProxyType({})
NO_RULES: Final[JsonObject] = {"rules": []}

PREFIX_MATCH: Final = "PREFIX_MATCH"

_RULE: Final[Mapping[str, tuple[str, ...]]] = {
    "destinations": ("region", "registryId"),
    "repositoryFilters": ("filter", "filterType"),
    "deleteReplication": ("enabled",),
}
"""The known members of a rule, and what each of these holds."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Replication:
    """What a registry answered about its replication."""

    document: JsonObject
    """`replicationConfiguration` as it was read, with every field."""
    outgoing: Outgoing
    """What it surely replicates: a filter of an unknown kind counts as no filter."""
    deleting: Outgoing = field(default_factory=dict)
    """The part of `outgoing` whose deletions travel too; overlapping rules add up."""
    may_use: Outgoing
    """What it replicates at the most: a filter of an unknown kind counts as every repository."""
    rules: tuple[Rule, ...] = ()
    """The meaning of each of `rules_of(document)`, from which `outgoing` was read."""
    unknown: tuple[str, ...] = ()
    """Paths of the fields whose meaning is not known here."""

    @property
    def strange_rules(self) -> tuple[tuple[int, JsonObject], ...]:
        """The rules of unknown meaning as they stand in the document, each with its index."""
        if all(rule.understood for rule in self.rules):
            return ()
        listed = zip(placed_rules(self.document), self.rules, strict=True)
        return tuple(placed for placed, rule in listed if not rule.understood)

    def same_as(self, other: Replication) -> bool:
        """Whether both mean the same. With unknown fields, whether their texts are equal."""
        if self.unknown or other.unknown:
            return canonical_json(self.document) == canonical_json(other.document)
        return self.meaning == other.meaning

    def shows(self, written: Replication) -> bool:
        """Whether this is what ECR answers after `written`, to which it may have added fields."""
        return self.same_as(written) or (not written.unknown and self.meaning == written.meaning)

    @property
    def meaning(self) -> tuple[Outgoing, Outgoing, tuple[str, ...]]:
        """Links, links with deletions, and the texts of the rules of unknown meaning without the
        fields that are not known here."""
        texts = sorted(canonical_json(sendable(raw)) for _, raw in self.strange_rules)
        return self.outgoing, self.deleting, tuple(texts)


def rules_for(
    outgoing: Outgoing, deleting: Outgoing = NOWHERE, *, filters: int = limits.FILTERS
) -> tuple[Rule, ...]:
    """Few rules that replicate exactly `outgoing`, and deletions exactly for `deleting`.

    `deleting` holds prefixes of `outgoing`, none of which overlaps a prefix without deletions.
    No rule has more than `filters` prefixes.
    """
    kinds = ((False, without(outgoing, deleting) if deleting else outgoing), (True, deleting))
    return tuple(
        Rule(destinations=group.members, prefixes=group.prefixes, deletes=deletes)
        for deletes, links in kinds
        for group in fewest_groups(
            links, most_members=limits.DESTINATIONS_PER_RULE, most_prefixes=filters
        )
    )


def without(links: Outgoing, others: Outgoing) -> Outgoing:
    """`links` without the prefixes that `others` holds to the letter."""
    return {
        destination: left
        for destination, prefixes in links.items()
        if (
            left := tuple(
                prefix for prefix in prefixes if prefix not in others.get(destination, ())
            )
        )
    }


def joined(first: Outgoing, second: Outgoing) -> Outgoing:
    """The links in either."""
    return {
        destination: union(first.get(destination, ()), second.get(destination, ()))
        for destination in {**first, **second}
    }


def within(links: Outgoing, bounds: Outgoing) -> Outgoing:
    """The part of `links` that is in `bounds` as well."""
    return {
        destination: common
        for destination, prefixes in links.items()
        if (common := intersect(prefixes, bounds.get(destination, ())))
    }


def rules_of(document: JsonObject) -> tuple[JsonObject, ...]:
    """The rules of a `replicationConfiguration`, as they stand in it."""
    return tuple(raw for _, raw in placed_rules(document))


def placed_rules(document: JsonObject) -> Iterator[tuple[int, JsonObject]]:
    """The rules of a `replicationConfiguration`, each with its index."""
    rules = document.get("rules")
    listed = rules if isinstance(rules, list | tuple) else ()
    return ((index, rule) for index, rule in enumerate(listed) if isinstance(rule, Mapping))


def sendable(rule: JsonObject) -> JsonObject:
    """A rule as the API takes it: to the letter, without fields that are not known here."""
    known = {key: _only(rule[key], members) for key, members in _RULE.items() if key in rule}
    match known:
        case {"repositoryFilters": [] | None}:
            # ECR refuses an empty list of filters; leaving it out means every repository, too.
            del known["repositoryFilters"]
    return known


def outgoing_of(rules: Iterable[Rule]) -> Outgoing:
    """The links that `rules` make together."""
    outgoing: dict[Registry, Prefixes] = {}
    for rule in rules:
        for destination in rule.destinations if rule.prefixes else ():
            outgoing[destination] = union(outgoing.get(destination, ()), rule.prefixes)
    return outgoing


def document_of(rules: Iterable[Rule]) -> JsonObject:
    """The `replicationConfiguration` that PutReplicationConfiguration takes."""
    return {"rules": [_rule_document(rule) for rule in rules]}


def parse_answer(answer: JsonObject) -> Replication:
    """Read DescribeRegistry's raw answer, in which unknown fields count as well."""
    document = answer.get("replicationConfiguration")
    if not isinstance(document, Mapping):
        missing = ("replicationConfiguration",)
        return Replication(document={}, outgoing={}, may_use={}, unknown=missing)
    strange = _strange("", answer, ("registryId", "replicationConfiguration"))
    replication = parse_document(document)
    if not strange:
        return replication
    return replace(replication, unknown=(*strange, *replication.unknown))


def parse_document(document: JsonObject) -> Replication:
    """Read a `replicationConfiguration`. Never fails: what it cannot read is in `unknown`.

    Links are read twice: those that are sure, to compare and to keep, and those that are possible,
    so that no grant is withdrawn that a filter of an unknown kind may need.
    """
    unread = _Unread()
    unread.strange("", document, ("rules",))
    sure: list[Rule] = []
    possible: list[Rule] = []
    for place, item in _items(document, "rules", "", unread):
        unread.strange(place, item, _RULE)
        values = unread.values
        destinations = tuple(_destinations(place, item, unread))
        deletes = _deletes(place, item, unread)
        before = len(unread.paths)
        prefixes = _prefixes(place, item, unread)
        rule = Rule(
            destinations=destinations,
            prefixes=prefixes,
            deletes=deletes,
            understood=bool(destinations and prefixes) and unread.values == values,
        )
        sure.append(rule)
        unsure = len(unread.paths) > before
        possible.append(replace(rule, prefixes=EVERY_REPOSITORY) if unsure else rule)
    outgoing = outgoing_of(sure)
    return Replication(
        document=document,
        outgoing=outgoing,
        deleting=outgoing_of(rule for rule in sure if rule.deletes),
        rules=tuple(sure),
        may_use=outgoing_of(possible) if unread.paths else outgoing,
        unknown=tuple(unread.paths),
    )


@dataclass(slots=True)
class _Unread:
    """What could not be read of a document."""

    paths: list[str] = field(default_factory=list)
    values: int = 0
    """How many values were not understood. An unknown field beside known ones does not count."""

    def value(self, path: str) -> None:
        """Note a value that is not understood."""
        self.paths.append(path)
        self.values += 1

    def strange(self, place: str, item: JsonObject, known: Collection[str]) -> None:
        """Note the fields beside the known ones."""
        self.paths += _strange(place, item, known)


def strange_rules_lost(
    before: JsonObject | None, after: JsonObject | None
) -> tuple[tuple[int, JsonObject], ...]:
    """The rules of unknown meaning in `before` that `after` does not hold, with their indexes."""
    there = parse_document(before or NO_RULES).strange_rules
    if not there:
        return ()
    left = Counter(canonical_json(sendable(rule)) for rule in rules_of(after or NO_RULES))
    lost = []
    for place, rule in there:
        text = canonical_json(sendable(rule))
        if left[text]:
            left[text] -= 1
        else:
            lost.append((place, rule))
    return tuple(lost)


def rule_words(place: int, rule: JsonObject) -> str:
    """A rule as people may look for it: its index and the beginning of its text."""
    text = canonical_json(rule)
    return f"rules[{place}] {text if len(text) <= _LONGEST else text[:_LONGEST] + '…'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkChanges:
    """How two states of a registry's links differ, by destination."""

    added: Outgoing
    removed: Outgoing


def compare(before: Outgoing, after: Outgoing) -> LinkChanges:
    """The prefixes that `after` has beyond `before`, and the other way round."""
    if before == after:
        return LinkChanges(added={}, removed={})
    return LinkChanges(added=_more(after, before), removed=_more(before, after))


def _more(these: Outgoing, than: Outgoing) -> Outgoing:
    return {
        destination: more
        for destination, prefixes in sorted(these.items())
        if (more := beyond(prefixes, than.get(destination, ())))
    }


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
            {"filter": prefix, "filterType": PREFIX_MATCH} for prefix in rule.prefixes
        ]
    if rule.deletes:
        document["deleteReplication"] = {"enabled": True}
    return document


def _destinations(place: str, rule: JsonObject, unread: _Unread) -> Iterator[Registry]:
    for where, item in _items(rule, "destinations", place, unread):
        unread.strange(where, item, _RULE["destinations"])
        account, region = item.get("registryId"), item.get("region")
        destination = Registry.of(account, region)
        if destination is not None:
            yield destination
        elif isinstance(account, str) and isinstance(region, str):
            # No field is unknown, so the rule can be written again as it is.
            unread.values += 1
        else:
            unread.value(where)


def _deletes(place: str, rule: JsonObject, unread: _Unread) -> bool:
    if "deleteReplication" not in rule:
        return False
    where, member = f"{place}.deleteReplication", rule["deleteReplication"]
    enabled = member.get("enabled") if isinstance(member, Mapping) else None
    if not isinstance(member, Mapping) or not isinstance(enabled, bool):
        unread.value(where)
        return False
    unread.strange(where, member, _RULE["deleteReplication"])
    return enabled


def _prefixes(place: str, rule: JsonObject, unread: _Unread) -> tuple[str, ...]:
    if not rule.get("repositoryFilters"):
        return EVERY_REPOSITORY
    prefixes = []
    for where, item in _items(rule, "repositoryFilters", place, unread):
        unread.strange(where, item, _RULE["repositoryFilters"])
        text = item.get("filter")
        if item.get("filterType") == PREFIX_MATCH and isinstance(text, str):
            prefixes.append(text)
        else:
            unread.value(f"{where}.filterType")
    return tuple(sorted(set(prefixes)))


def _items(
    holder: JsonObject, key: str, place: str, unread: _Unread
) -> Iterator[tuple[str, JsonObject]]:
    """The objects in a list, each with its path."""
    path = f"{place}.{key}" if place else key
    items = holder.get(key)
    if not isinstance(items, list | tuple):
        unread.value(path)
        return
    for index, item in enumerate(items):
        if isinstance(item, Mapping):
            yield f"{path}[{index}]", item
        else:
            unread.value(f"{path}[{index}]")


def _strange(place: str, item: JsonObject, known: Collection[str]) -> Sequence[str]:
    return [f"{place}.{key}" if place else key for key in item if key not in known]


def _only(value: Json, members: Collection[str]) -> Json:
    """An object, or each of a list, with no other members than these."""
    match value:
        case list() | tuple():
            return [_only(item, members) for item in value]
        case Mapping():
            return {key: value[key] for key in value if key in members}
        case _:
            return value
