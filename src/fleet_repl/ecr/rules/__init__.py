"""Replication rules: the links out of one registry as ECR's document, and back.

A document is compared by its links: the prefixes that each destination receives, and those of
them whose deletions are replicated too. Two documents mean the same exactly when their links are
equal, however their rules are grouped:

    rules                       links
    A, B   base/                A   base/ shop/
    A      base/java/ shop/     B   base/

The rule for A lists `base/java/` in vain, because `base/` implies it. For these links `rules_for`
writes a rule of A with both prefixes and a rule of B. Nobody rewrites the document for that.

A field that is not known here is reported, never dropped in silence.
"""

from fleet_repl.ecr.rules.links import (
    Links,
    Outgoing,
    compare,
    deletes_of,
    joined,
    prefixes_of,
    within,
)
from fleet_repl.ecr.rules.model import (
    NO_RULES,
    RawRule,
    Replication,
    Rule,
    document_of,
    links_of,
    placed_rules,
    rule_words,
    rules_for,
    rules_of,
    sendable,
)
from fleet_repl.ecr.rules.parse import (
    configuration_of,
    parse_answer,
    parse_document,
    parse_stored_rules,
    unknown_rules_lost,
)

__all__ = [
    "NO_RULES",
    "Links",
    "Outgoing",
    "RawRule",
    "Replication",
    "Rule",
    "compare",
    "configuration_of",
    "deletes_of",
    "document_of",
    "joined",
    "links_of",
    "parse_answer",
    "parse_document",
    "parse_stored_rules",
    "placed_rules",
    "prefixes_of",
    "rule_words",
    "rules_for",
    "rules_of",
    "sendable",
    "unknown_rules_lost",
    "within",
]
