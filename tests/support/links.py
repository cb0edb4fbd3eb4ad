"""Links and rules from bare prefixes, for tests most of which replicate no deletions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fleet_repl.ecr import rules
from fleet_repl.ecr.rules import Links, Outgoing, Rule
from fleet_repl.topology import Link
from fleet_repl.values import limits
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import NOTHING, LinkScope, Prefixes

_NONE: Final[Mapping[Registry, Prefixes]] = {}


def make_link(
    *,
    source: Registry,
    destination: Registry,
    prefixes: Prefixes,
    routes: tuple[str, ...],
    deletes: Prefixes = NOTHING,
) -> Link:
    scope = LinkScope(prefixes, deletes)
    return Link(source=source, destination=destination, scope=scope, routes=routes)


def scopes_of(outgoing: Outgoing, deleting: Outgoing = _NONE) -> Links:
    """The links of these prefixes, `deleting` being those whose deletions are replicated too."""
    return {end: LinkScope(outgoing[end], deleting.get(end, NOTHING)) for end in outgoing}


def rules_for(
    outgoing: Outgoing, deleting: Outgoing = _NONE, *, filters: int = limits.FILTERS
) -> tuple[Rule, ...]:
    return rules.rules_for(scopes_of(outgoing, deleting), filters=filters)
