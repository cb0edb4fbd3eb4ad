"""Replication rules: the links out of one registry as ECR's document, and back.

The canonical form is `Outgoing`, destination → prefixes, once of all links and once of those
whose deletions travel too; two documents mean the same exactly when both are equal. A field
that is not known here is reported, never dropped in silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, TypeAlias

from fleet_repl import limits
from fleet_repl.canonical import Json, JsonObject, canonical_json
from fleet_repl.covers import fewest_rectangles
from fleet_repl.names import Registry
from fleet_repl.prefixes import EVERY_REPOSITORY, Prefixes, beyond, intersect, union

Outgoing: TypeAlias = Mapping[Registry, Prefixes]
"""Destination → the prefixes replicated there."""

NOWHERE: Final[Outgoing] = MappingProxyType({})
NO_RULES: Final[JsonObject] = {"rules": []}

PREFIX_MATCH: Final = "PREFIX_MATCH"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Every destination receives every prefix."""

    destinations: tuple[Registry, ...]
    prefixes: tuple[str, ...]
    """Sorted. Of one that was read, all that it lists: others may have added some in vain."""
    deletes: bool = False
    """Deletions travel too, those by lifecycle policies among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replication:
    """What a registry answered about its replication."""

    document: JsonObject
    """`replicationConfiguration` as it came, every field kept."""
    outgoing: Outgoing
    """What it surely replicates: a filter of an unknown kind counts as none."""
    deleting: Outgoing = field(default_factory=dict)
    """The part of `outgoing` whose deletions travel too; overlapping rules add up."""
    may_use: Outgoing
    """What it may replicate at the most: there it counts as every repository."""
    rules: tuple[Rule, ...] = ()
    """What `outgoing` was read from, one for each of `rules_of(document)`."""
    unknown: tuple[str, ...] = ()
    """Paths of the fields whose meaning is not known here."""

    def same_as(self, other: Replication) -> bool:
        """Whether both mean the same; what is not understood has to be equal to the letter."""
        if self.unknown or other.unknown:
            return canonical_json(self.document) == canonical_json(other.document)
        return self._links == other._links

    def shows(self, written: Replication) -> bool:
        """Whether `written` is in place. The service may add fields to what it was given."""
        return self.same_as(written) or (not written.unknown and self._links == written._links)

    @property
    def _links(self) -> tuple[Outgoing, Outgoing]:
        return self.outgoing, self.deleting


def rules_for(
    outgoing: Outgoing, deleting: Outgoing = NOWHERE, *, filters: int = limits.FILTERS
) -> tuple[Rule, ...]:
    """The fewest rules that replicate exactly `outgoing`, and deletions exactly for `deleting`.

    `deleting` holds prefixes of `outgoing` itself, none of which overlaps one without deletions.
    """
    kinds = [(False, outgoing)]
    if deleting:
        kinds = [(False, without(outgoing, deleting)), (True, deleting)]
    return tuple(
        Rule(destinations=one.destinations, prefixes=one.prefixes, deletes=deletes)
        for deletes, links in kinds
        for one in fewest_rectangles(
            links, most_prefixes=filters, most_destinations=limits.DESTINATIONS_PER_RULE
        )
    )


def without(links: Outgoing, others: Outgoing) -> Outgoing:
    """`links` less the prefixes that `others` holds to the letter."""
    rest = {
        one: tuple(prefix for prefix in prefixes if prefix not in others.get(one, ()))
        for one, prefixes in links.items()
    }
    return {one: prefixes for one, prefixes in rest.items() if prefixes}


def joined(first: Outgoing, second: Outgoing) -> Outgoing:
    """Everything in either."""
    both = {**first, **second}
    return {
        one: union(prefixes, first[one]) if one in first else prefixes
        for one, prefixes in both.items()
    }


def within(links: Outgoing, bounds: Outgoing) -> Outgoing:
    """The part of `links` that is in `bounds` as well."""
    parts = {one: intersect(prefixes, bounds.get(one, ())) for one, prefixes in links.items()}
    return {one: prefixes for one, prefixes in parts.items() if prefixes}


def rules_of(document: JsonObject) -> tuple[JsonObject, ...]:
    """The rules of a `replicationConfiguration`, as they stand in it."""
    rules = document.get("rules")
    listed = rules if isinstance(rules, list | tuple) else ()
    return tuple(one for one in listed if isinstance(one, Mapping))


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
    """DescribeRegistry's whole raw answer; a field beside the known ones counts as unknown."""
    document = answer.get("replicationConfiguration")
    if not isinstance(document, Mapping):
        missing = ("replicationConfiguration",)
        return Replication(document={}, outgoing={}, may_use={}, unknown=missing)
    strange = tuple(_strange("", answer, "registryId", "replicationConfiguration"))
    found = parse_document(document)
    return replace(found, unknown=(*strange, *found.unknown)) if strange else found


def parse_document(document: JsonObject) -> Replication:
    """A `replicationConfiguration`; never fails, what it cannot read is in `unknown`.

    Links are read twice: what is sure, to compare and to keep, and what is possible, so that no
    grant is withdrawn that a filter of an unknown kind may need.
    """
    unknown = list(_strange("", document, "rules"))
    sure: list[Rule] = []
    possible: list[Rule] = []
    for place, item in _items(document, "rules", "", unknown):
        unknown += _strange(place, item, "destinations", "repositoryFilters", "deleteReplication")
        destinations = tuple(_destinations(place, item, unknown))
        deletes = _deletes(place, item, unknown)
        before = len(unknown)
        prefixes = _prefixes(place, item, unknown)
        sure.append(Rule(destinations=destinations, prefixes=prefixes, deletes=deletes))
        most = EVERY_REPOSITORY if len(unknown) > before else prefixes
        possible.append(Rule(destinations=destinations, prefixes=most))
    outgoing = outgoing_of(sure)
    return Replication(
        document=document,
        outgoing=outgoing,
        deleting=outgoing_of(one for one in sure if one.deletes),
        rules=tuple(sure),
        may_use=outgoing_of(possible) if unknown else outgoing,
        unknown=tuple(unknown),
    )


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
    more = {one: beyond(prefixes, than.get(one, ())) for one, prefixes in sorted(these.items())}
    return {one: prefixes for one, prefixes in more.items() if prefixes}


def _rule_document(rule: Rule) -> JsonObject:
    document: dict[str, Json] = {
        "destinations": [
            {"region": one.region, "registryId": one.account} for one in rule.destinations
        ]
    }
    # ECR refuses an empty list of filters; leaving it out means every repository.
    if rule.prefixes != EVERY_REPOSITORY:
        document["repositoryFilters"] = [
            {"filter": one, "filterType": PREFIX_MATCH} for one in rule.prefixes
        ]
    if rule.deletes:
        document["deleteReplication"] = {"enabled": True}
    return document


def _destinations(place: str, rule: JsonObject, unknown: list[str]) -> Iterator[Registry]:
    for where, item in _items(rule, "destinations", place, unknown):
        unknown += _strange(where, item, "region", "registryId")
        destination = Registry.of(item.get("registryId"), item.get("region"))
        if destination is None:
            unknown.append(where)
        else:
            yield destination


def _deletes(place: str, rule: JsonObject, unknown: list[str]) -> bool:
    if "deleteReplication" not in rule:
        return False
    where, member = f"{place}.deleteReplication", rule["deleteReplication"]
    enabled = member.get("enabled") if isinstance(member, Mapping) else None
    if not isinstance(member, Mapping) or not isinstance(enabled, bool):
        unknown.append(where)
        return False
    unknown += _strange(where, member, "enabled")
    return enabled


def _prefixes(place: str, rule: JsonObject, unknown: list[str]) -> tuple[str, ...]:
    if not rule.get("repositoryFilters"):
        return EVERY_REPOSITORY
    prefixes = []
    for where, item in _items(rule, "repositoryFilters", place, unknown):
        unknown += _strange(where, item, "filter", "filterType")
        text = item.get("filter")
        if item.get("filterType") == PREFIX_MATCH and isinstance(text, str):
            prefixes.append(text)
        else:
            unknown.append(f"{where}.filterType")
    return tuple(sorted(set(prefixes)))


def _items(
    holder: JsonObject, key: str, place: str, unknown: list[str]
) -> Iterator[tuple[str, JsonObject]]:
    """The objects in a list, each with its path."""
    path = f"{place}.{key}" if place else key
    items = holder.get(key)
    if not isinstance(items, list | tuple):
        unknown.append(path)
        return
    for index, item in enumerate(items):
        if isinstance(item, Mapping):
            yield f"{path}[{index}]", item
        else:
            unknown.append(f"{path}[{index}]")


def _strange(place: str, item: JsonObject, *known: str) -> Iterator[str]:
    return (f"{place}.{key}" if place else key for key in item if key not in known)
