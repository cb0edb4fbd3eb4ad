"""Rules as they stand in a document, each with what it means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from fleet_repl.ecr.rules import Outgoing, Replication, Rule, document_of, outgoing_of, rules_of
from fleet_repl.values.canonical_json import JsonObject


def read(current: Replication) -> Iterator[tuple[JsonObject, Rule]]:
    """Each rule as it stands in the document, and what it means."""
    return zip(rules_of(current.document), current.rules, strict=True)


def documents(rules: Iterable[Rule]) -> tuple[JsonObject, ...]:
    """Rules as they are written."""
    return rules_of(document_of(rules))


def by_deletes(rules: Iterable[Rule]) -> Mapping[bool, Outgoing]:
    """The links of rules, those whose deletions do not travel and those whose do."""
    listed = tuple(rules)
    return {
        deletes: outgoing_of(rule for rule in listed if rule.deletes is deletes)
        for deletes in (False, True)
    }
