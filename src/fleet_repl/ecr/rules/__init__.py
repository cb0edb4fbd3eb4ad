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
    Links as Links,
    Outgoing as Outgoing,
    compare as compare,
    deletes_of as deletes_of,
    joined as joined,
    prefixes_of as prefixes_of,
    within as within,
)
from fleet_repl.ecr.rules.model import (
    NO_RULES as NO_RULES,
    RawRule as RawRule,
    Replication as Replication,
    Rule as Rule,
    document_of as document_of,
    links_of as links_of,
    placed_rules as placed_rules,
    rule_words as rule_words,
    rules_for as rules_for,
    rules_of as rules_of,
    sendable as sendable,
)
from fleet_repl.ecr.rules.parse import (
    configuration_of as configuration_of,
    parse_answer as parse_answer,
    parse_document as parse_document,
    parse_stored_rules as parse_stored_rules,
    unknown_rules_lost as unknown_rules_lost,
)
