"""A replication configuration read: its links, and what is not known here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from fleet_repl.ecr.rules.filters import RepositoryFilter
from fleet_repl.ecr.rules.links import prefixes_of
from fleet_repl.ecr.rules.model import (
    MEMBERS,
    NO_RULES,
    RawRule,
    Replication,
    Rule,
    document_of,
    links_of,
    rules_of,
    sendable,
)
from fleet_repl.values.canonical_json import JsonObject, canonical_json
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import EVERY_REPOSITORY


def parse_answer(answer: JsonObject) -> Replication:
    """Read DescribeRegistry's raw answer, in which unknown fields count as well."""
    document = answer.get("replicationConfiguration")
    if not isinstance(document, Mapping):
        missing = ("replicationConfiguration",)
        return Replication(document={}, links={}, may_use={}, unknown=missing)
    unknown = _unknown_fields("", answer, ("registryId", "replicationConfiguration"))
    replication = parse_document(document)
    if not unknown:
        return replication
    return replace(replication, unknown=(*unknown, *replication.unknown), beside=tuple(unknown))


def parse_document(document: JsonObject) -> Replication:
    """Read a `replicationConfiguration`. Never fails: what it cannot read is in `unknown`.

    Links are read twice: those that are sure, to compare and to keep, and those that are possible,
    so that no grant is withdrawn that a filter of an unknown kind may need.
    """
    if document == NO_RULES:
        # Most registries of a fleet have no rules, and share this value.
        return _NONE
    unread = _Unread()
    unread.note_unknown_fields("", document, ("rules",))
    read = [_rule(place, item, unread) for place, item in _items(document, "rules", "", unread)]
    sure = tuple(rule for rule, _ in read)
    links = links_of(sure)
    return Replication(
        document=document,
        links=links,
        rules=sure,
        may_use=prefixes_of(links_of(rule for _, rule in read) if unread.paths else links),
        unknown=tuple(unread.paths),
    )


def _rule(place: str, item: JsonObject, unread: _Unread) -> tuple[Rule, Rule]:
    """A rule as far as it is sure, and the most that it may mean."""
    unread.note_unknown_fields(place, item, MEMBERS)
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
    unsure = len(unread.paths) > before
    return rule, replace(rule, prefixes=EVERY_REPOSITORY) if unsure else rule


def parse_stored_rules(document: JsonObject | None) -> Replication:
    """Read a configuration out of a plan, journal or report, where nothing means no rules."""
    return parse_document(document) if document else replace(_NONE, document=document)


def configuration_of(kept: Iterable[RawRule], rules: Iterable[Rule]) -> Replication:
    """The configuration of rules that stay to the letter, and of others that follow them."""
    staying = tuple(kept)
    written = tuple(rules)
    document: JsonObject = {
        "rules": [*(raw for raw, _ in staying), *rules_of(document_of(written))]
    }
    if not all(rule.understood and sendable(raw) == raw for raw, rule in staying):
        return parse_document(document)
    listed = (*(rule for _, rule in staying), *written)
    links = links_of(listed)
    return Replication(document=document, links=links, may_use=prefixes_of(links), rules=listed)


_NONE: Final = Replication(document=NO_RULES, links={}, may_use={})


@dataclass(slots=True)
class _Unread:
    """The parts of a document that could not be read."""

    paths: list[str] = field(default_factory=list)
    values: int = 0
    """The number of values not understood. An unknown field beside known ones does not count."""

    def value(self, path: str) -> None:
        """Note a value that is not understood."""
        self.paths.append(path)
        self.values += 1

    def note_unknown_fields(self, place: str, item: JsonObject, known: Collection[str]) -> None:
        """Note the fields beside the known ones."""
        if not all(map(known.__contains__, item)):
            self.paths += _unknown_fields(place, item, known)


def unknown_rules_lost(
    before: Replication, after: Replication
) -> tuple[tuple[int, JsonObject], ...]:
    """The rules of unknown meaning in `before` that `after` does not hold, with their indexes."""
    there = before.unknown_rules
    if not there:
        return ()
    left = Counter(canonical_json(sendable(rule)) for rule in rules_of(after.document))
    lost = []
    for place, rule in there:
        text = canonical_json(sendable(rule))
        if left[text]:
            left[text] -= 1
        else:
            lost.append((place, rule))
    return tuple(lost)


def _destinations(place: str, rule: JsonObject, unread: _Unread) -> Iterator[Registry]:
    for where, item in _items(rule, "destinations", place, unread):
        unread.note_unknown_fields(where, item, MEMBERS["destinations"])
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
    unread.note_unknown_fields(where, member, MEMBERS["deleteReplication"])
    return enabled


def _prefixes(place: str, rule: JsonObject, unread: _Unread) -> tuple[str, ...]:
    if not rule.get("repositoryFilters"):
        return EVERY_REPOSITORY
    prefixes = []
    for where, item in _items(rule, "repositoryFilters", place, unread):
        unread.note_unknown_fields(where, item, MEMBERS["repositoryFilters"])
        repository_filter = RepositoryFilter.read(item)
        if repository_filter is not None:
            prefixes.append(repository_filter.text)
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


def _unknown_fields(place: str, item: JsonObject, known: Collection[str]) -> Sequence[str]:
    return [f"{place}.{key}" if place else key for key in item if key not in known]
