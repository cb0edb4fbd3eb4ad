"""Finds the cells of the rules in place that are the fleet's own, and not somebody else's."""

from __future__ import annotations

from fleet_repl.ecr.rules import Links, Replication, Rule
from fleet_repl.planning.ownership.cells import (
    Cell,
    Cells,
    by_destination,
    cells_of,
    each_cell,
    lists,
)
from fleet_repl.values.prefixes import NO_SCOPE, NOTHING, LinkScope


def listed_cells(rule: Rule) -> set[Cell]:
    """All cells of a rule."""
    return set(each_cell(cells_of([rule])))


def own_cells(rule: Rule, requested: Links, recorded: Cells | None) -> set[Cell]:
    """The cells of a rule that are the fleet's own: those on record or, where nothing was ever
    recorded, those that routes request."""
    if recorded is None:
        return _requested_cells(rule, requested, {})
    return {cell for cell in listed_cells(rule) if lists(recorded, cell)}


def owned_links(current: Replication, requested: Links, recorded: Cells | None) -> Cells:
    """The fleet's own part of a configuration that makes exactly the requested links."""
    cells = cells_of(current.rules)
    if cells == recorded:
        return recorded
    if all(_is_requested(rule, requested) for rule in current.rules):
        return cells
    # A cell that others list in vain, because a cell of ours covers it, is not taken for ours.
    return by_destination(
        {
            cell
            for rule in current.rules
            for cell in _requested_cells(rule, requested, recorded or {})
        }
    )


def _is_requested(rule: Rule, requested: Links) -> bool:
    """Returns whether routes request to each destination just what the rule lists."""
    scope = LinkScope(rule.prefixes, rule.prefixes if rule.deletes else NOTHING)
    return all(requested.get(end) == scope for end in rule.destinations)


def _requested_cells(rule: Rule, requested: Links, recorded: Cells) -> set[Cell]:
    """A rule's cells that are requested, with deletions or not as in the rule, or on record.

    A rule of ours may list a cell that a shorter prefix of another rule covers. Such a cell is not
    requested to the letter. The rule is taken as a whole where every cell is covered by a request,
    and the cells requested to the letter name each destination and each prefix of the rule.

    Example: routes request `X: a/, c/` and `Y: a/b/, c/`. The cell `X: a/b/` is covered, but not
    requested to the letter. The rule `X, Y: a/b/, c/` is ours as a whole, with that cell. Of a rule
    `X: a/b/` nothing is ours: somebody else lists it in vain.
    """
    cells = listed_cells(rule)
    covered = {
        (end, prefix)
        for end, prefix in cells
        if requested.get(end, NO_SCOPE).has(prefix, deletes=rule.deletes)
    }
    equal = {
        (end, prefix)
        for end, prefix in cells
        if lists(recorded, (end, prefix))
        or ((end, prefix) in covered and prefix in requested[end].prefixes)
    }
    ends, prefixes = {end for end, _ in equal}, {prefix for _, prefix in equal}
    names_all = ends == set(rule.destinations) and prefixes == set(rule.prefixes)
    return cells if covered == cells and names_all else equal
