"""Rebase: put a write of shared rules on top of changes that others have made since the plan.

Rules are compared by what they list. A plan saw rules A (theirs) and B (ours), and is to make of
them A and C. Where A, B and D are found, D being another rule of theirs, it makes A, D and C; where
B has changed, or D has to do with our links, only a new plan can tell what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fleet_repl.ecr.rules import (
    Outgoing,
    RawRule,
    Replication,
    Rule,
    configuration_of,
    sendable,
    within,
)
from fleet_repl.planning.ownership.cells import Cells, listed_cells, lists, read, taken_out
from fleet_repl.values.canonical_json import JsonObject, canonical_json
from fleet_repl.values.prefixes import touches


@dataclass(frozen=True, slots=True, kw_only=True)
class OurPart:
    """The owned cells and links, which tell our part of a configuration from that of others."""

    owned: Cells
    """Our part of what is to be written."""
    links: Outgoing
    """All that routes ask for. How much of it is in place is for the plan to decide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedWrite:
    """The write of a configuration that others have rules in, too."""

    before: Replication
    after: Replication
    later: tuple[Replication, ...] = ()
    """The states that the plan's next writes leave."""
    sharing: OurPart

    def is_due(self, current: Replication) -> bool:
        """Returns whether our part is as it was before the write."""
        return self._fits(current, self.before, self.after)

    def is_done(self, current: Replication) -> bool:
        """Returns whether our part is as the write leaves it."""
        return self._is_left(current, self.after)

    def rebased(self, current: Replication) -> Replication | None:
        """Returns the configuration to write on top of `current`: `current` itself where this write
        or a later write of the plan is done; None where more than others' rules differs, or where
        the difference is not independent of our links."""
        if current.unknown:
            return None
        if any(self._is_left(current, state) for state in (self.after, *self.later)):
            return current
        before, after, present = listed(self.before), listed(self.after), listed(current)
        theirs = [rule for key, (_, rule) in present.items() if key not in before]
        if not self.is_due(current) or self._concern_us(theirs):
            return None
        staying = [pair for key, pair in present.items() if key in after or key not in before]
        added = [pair for key, pair in after.items() if key not in before]
        rebased = configuration_of([*((sendable(raw), rule) for raw, rule in staying), *added], ())
        return rebased if self._keeps_links(rebased) else None

    def _is_left(self, current: Replication, state: Replication) -> bool:
        """Returns whether our part is as `state` has it. A rule of ours that somebody has edited is
        another rule, and may still hold links that were to go."""
        if not self._fits(current, state, self.before):
            return False
        known, going = listed(self.before).keys() | listed(state).keys(), self._going(state)
        return not any(
            _touches(going, rule) for key, (_, rule) in listed(current).items() if key not in known
        )

    def _going(self, state: Replication) -> Cells:
        """The links that are gone once our part is as `state` has it."""
        return taken_out(self.before, state, covered=True)

    def _fits(self, current: Replication, wanted: Replication, unwanted: Replication) -> bool:
        """Returns whether all of ours in `wanted` is in place, and nothing only `unwanted` has."""
        present, wanted_rules, unwanted_rules = listed(current), listed(wanted), listed(unwanted)
        ours = {
            key
            for key, (_, rule) in wanted_rules.items()
            if key not in unwanted_rules or self._is_partly_ours(rule)
        }
        return ours <= present.keys() and not present.keys() & (
            unwanted_rules.keys() - wanted_rules.keys()
        )

    def _is_partly_ours(self, rule: Rule) -> bool:
        return any(lists(self.sharing.owned, cell) for cell in listed_cells(rule))

    def _concern_us(self, rules: Iterable[Rule]) -> bool:
        """Returns whether a rule of somebody else concerns our links, as far as can be told."""
        ours = (self.sharing.owned, self._going(self.after))
        return any(
            not rule.understood or any(_touches(cells, rule) for cells in ours) for rule in rules
        )

    def _keeps_links(self, current: Replication) -> bool:
        """Returns whether others' rules carry what our links count on them for, no more."""
        links = self.sharing.links
        return within(current.links, links) == within(self.after.links, links)


def listed(replication: Replication) -> Mapping[str, RawRule]:
    """The rules by their lists in no order; a rule of unknown meaning by its text."""
    return {_key(raw, rule): (raw, rule) for raw, rule in read(replication)}


def _key(raw: JsonObject, rule: Rule) -> str:
    if not rule.understood:
        return canonical_json(sendable(raw))
    ends: Iterable[str] = sorted(map(str, rule.destinations))
    return canonical_json([list(ends), list(rule.prefixes), rule.deletes])


def _touches(cells: Cells, rule: Rule) -> bool:
    """Returns whether a rule carries any repository that `cells` do, to the same destination."""
    return any(touches(cells.get(end, ()), prefix) for end, prefix in listed_cells(rule))
