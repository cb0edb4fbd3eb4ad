"""Held links: what a source is written without, because its destination does not grant it.

One decision, taken for the plan and again when a grant fails during apply.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from fleet_repl.ecr.rules import Outgoing
from fleet_repl.inventory import Limits
from fleet_repl.planning.plan import HeldLink
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import Prefixes, covers, intersect, union

Lacks: TypeAlias = Callable[[Registry, str], str | None]
"""Why a destination will not let a prefix in, or None where it will."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    outgoing: Outgoing
    """What the source can be written with."""
    held: tuple[HeldLink, ...]


def hold(wanted: Outgoing, present: Outgoing, lacks: Lacks) -> Holding:
    """Leave out of `wanted` what is not in `present` and not granted; name all of the latter.

    A prefix that is already replicated stays, granted or not: taking it away would not help.
    """
    outgoing: dict[Registry, Prefixes] = {}
    held: list[HeldLink] = []
    for destination, prefixes in wanted.items():
        reasons = {prefix: lacks(destination, prefix) for prefix in prefixes}
        there = present.get(destination, ())
        kept = tuple(prefix for prefix, reason in reasons.items() if reason is None)
        outgoing[destination] = union(kept, intersect(prefixes, there))
        held += _named(destination, reasons, there)
    return Holding(
        outgoing={one: prefixes for one, prefixes in outgoing.items() if prefixes},
        held=tuple(held),
    )


def excess(limits: Limits, *, rules: int, destinations: int) -> str | None:
    """How many there are of what ECR would not take so many of, or None where it would."""
    if rules > limits.rules:
        return f"{rules} rules, and ECR takes {limits.rules}"
    if destinations > limits.destinations:
        return f"{destinations} destinations, and ECR takes {limits.destinations}"
    return None


def over_limits(limits: Limits, *, rules: int, foreign: int, destinations: int) -> Fault | None:
    """Why ECR would not take what is left to write, or None where it would.

    `foreign` of the `rules` are not the fleet's own. What the inventory asks for by itself was
    found to fit before, so it is held links or foreign rules that make the difference.
    """
    need = excess(limits, rules=rules, destinations=destinations)
    if need is None:
        return None
    if foreign:
        whose = "1 of the rules is" if foreign == 1 else f"{foreign} of the rules are"
        message = f"it would need {need}; {whose} not fleet-repl's"
        hint = "merge or remove rules that are not fleet-repl's, or route fewer links from here"
    else:
        message = f"with held links left out it would need {need}"
        hint = "settle the destinations of the held links first"
    return Fault(
        kind=FaultKind.INVALID,
        operation="PutReplicationConfiguration",
        message=message,
        hint=hint,
    )


def _named(
    destination: Registry, reasons: dict[str, str | None], there: Prefixes
) -> list[HeldLink]:
    """One held link for each reason."""
    prefixes: dict[str, list[str]] = {}
    for prefix, reason in reasons.items():
        if reason is not None:
            stays = "; its rule is in place and stays" if covers(there, prefix) else ""
            prefixes.setdefault(reason + stays, []).append(prefix)
    return [
        HeldLink(destination=destination, prefixes=tuple(some), because=because)
        for because, some in prefixes.items()
    ]
