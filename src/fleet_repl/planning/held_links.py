"""Held links: links that a source's rules leave out because the destination does not grant them.

The planner splits links this way, and the engine splits them again when a grant fails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias

from fleet_repl.ecr.rules import Links, Outgoing
from fleet_repl.inventory import Limits
from fleet_repl.planning.change import HeldLink
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import LinkScope, Prefixes, covers, intersect, union

Lacks: TypeAlias = Callable[[Registry, Prefixes], Mapping[str, str]]
"""A function that returns which prefixes a destination will not let in, each with the reason."""

ALL_LET_IN: Final[Mapping[str, str]] = MappingProxyType({})
"""The answer of a destination that lets every prefix in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSplit:
    """The links of one source, split by whether its rules can hold them now."""

    links: Links
    """Links to write."""
    held: tuple[HeldLink, ...]


def split_held(wanted: Links, present: Outgoing, lacks: Lacks) -> LinkSplit:
    """Splits `wanted`: a prefix is written if its destination grants it or it is in `present`.

    Every prefix that is not granted is listed as held, with the reason. A prefix that is already
    replicated stays in the rules all the same: to take it away would help nobody.
    """
    links: dict[Registry, LinkScope] = {}
    held: list[HeldLink] = []
    for destination, scope in wanted.items():
        reasons = lacks(destination, scope.prefixes)
        if not reasons:
            links[destination] = scope
            continue
        granted = tuple(prefix for prefix in scope.prefixes if prefix not in reasons)
        in_place = present.get(destination, ())
        held += _named(destination, reasons, in_place)
        if prefixes := union(granted, intersect(scope.prefixes, in_place)):
            links[destination] = LinkScope(prefixes, intersect(scope.deletes, prefixes))
    return LinkSplit(links=links, held=tuple(held))


def excess(limits: Limits, *, rules: int, destinations: int) -> str | None:
    """Says which of the counts is over ECR's limit; None where neither is."""
    if rules > limits.rules:
        return f"{rules} rules, and ECR takes {limits.rules}"
    if destinations > limits.destinations:
        return f"{destinations} destinations, and ECR takes {limits.destinations}"
    return None


def over_limits(
    limits: Limits, *, rules: int, foreign: int, destinations: int, by_name: bool = False
) -> Fault | None:
    """The fault of rules that are over ECR's limits, or None where they are within.

    `foreign` of the `rules` are not the fleet's own. What the inventory asks for by itself was
    found to fit before, so it is held links or foreign rules that make the difference; or, with
    `by_name`, routes whose prefixes follow from the repositories that there are.
    """
    need = excess(limits, rules=rules, destinations=destinations)
    if need is None:
        return None
    if foreign:
        whose = "1 of the rules is" if foreign == 1 else f"{foreign} of the rules are"
        message = f"it would need {need}; {whose} not fleet-repl's"
        hint = "merge or remove rules that are not fleet-repl's, or route fewer links from here"
    elif by_name:
        message = f"for the repositories that are there it would need {need}"
        hint = (
            "let `exclude` and `only` name whole folders, or name fewer, so that fewer prefixes do"
        )
    else:
        message = f"with held links left out it would need {need}"
        hint = "settle the destinations of the held links first"
    return Fault(
        kind=FaultKind.INVALID, operation="PutReplicationConfiguration", message=message, hint=hint
    )


def _named(destination: Registry, reasons: Mapping[str, str], in_place: Prefixes) -> list[HeldLink]:
    prefixes: dict[str, list[str]] = {}
    for prefix, reason in reasons.items():
        stays = "; its rule is in place and stays" if covers(in_place, prefix) else ""
        prefixes.setdefault(reason + stays, []).append(prefix)
    return [
        HeldLink(destination=destination, prefixes=tuple(held_prefixes), because=because)
        for because, held_prefixes in prefixes.items()
    ]
