"""Cells: pairs of a destination and a prefix, to the letter as rules list them.

`ecr.rules` says which links rules make. Cells say which rule lists what, and so whose it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from fleet_repl.ecr.rules import (
    Links,
    Outgoing,
    RawRule,
    Replication,
    Rule,
    links_of,
    prefixes_of,
    rules_of,
)
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import NO_SCOPE, NOTHING, LinkScope, covers

Cells: TypeAlias = Mapping[Registry, tuple[str, ...]]
"""Destination → prefixes, to the letter as rules list them: sorted and, unlike `Outgoing`, with
prefixes that a shorter prefix covers."""

Cell: TypeAlias = tuple[Registry, str]
"""A cell: one destination and one prefix."""


def cells_of(rules: Iterable[Rule]) -> Cells:
    cells: dict[Registry, tuple[str, ...]] = {}
    for rule in rules:
        for end in rule.destinations:
            listed = cells.get(end)
            cells[end] = rule.prefixes if listed is None else _merged(listed, rule.prefixes)
    return cells


def both(first: Cells, second: Cells) -> Cells:
    """The cells in either."""
    if not second:
        return first
    ends = {**first, **second}
    return {end: _merged(first.get(end, ()), second.get(end, ())) for end in ends}


def without(first: Cells, second: Cells) -> Cells:
    """The cells that are in the first and not in the second."""
    return by_destination(cell for cell in each_cell(first) if not lists(second, cell))


def common(first: Cells, second: Cells) -> Cells:
    """The cells that are in both."""
    return by_destination(cell for cell in each_cell(first) if lists(second, cell))


def taken_out(before: Replication, after: Replication, *, covered: bool) -> Cells:
    """Returns the cells that `before` lists and `after` does not.

    With `covered`, also those that a shorter prefix in `after` covers: their links stay, but nobody
    could tell any more whose they were.
    """
    gone = without(cells_of(before.rules), cells_of(after.rules))
    kept = {} if covered else after.outgoing
    return by_destination(
        (end, prefix) for end, prefix in each_cell(gone) if not covers(kept.get(end, ()), prefix)
    )


def each_cell(links: Cells) -> Iterator[Cell]:
    """The cells one by one."""
    return ((end, prefix) for end, prefixes in links.items() for prefix in prefixes)


def lists(cells: Cells, cell: Cell) -> bool:
    """Returns whether `cell` is among `cells`."""
    end, prefix = cell
    return prefix in cells.get(end, ())


def by_destination(cells: Iterable[Cell]) -> Cells:
    """The cells as one mapping."""
    listed: dict[Registry, list[str]] = {}
    for end, prefix in cells:
        listed.setdefault(end, []).append(prefix)
    return {end: tuple(sorted(prefixes)) for end, prefixes in listed.items()}


def _merged(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return first if first == second else tuple(sorted({*first, *second}))


def read(current: Replication) -> Iterator[RawRule]:
    """Yields each rule of a document, raw and parsed."""
    return zip(rules_of(current.document), current.rules, strict=True)


def by_deletes(rules: Iterable[Rule]) -> Mapping[bool, Outgoing]:
    """The prefixes that rules replicate without deletions, and those that they replicate with
    deletions. A prefix may be in both, and `LinkScope` does not tell that."""
    listed = tuple(rules)
    return {
        deletes: prefixes_of(links_of(rule for rule in listed if rule.deletes is deletes))
        for deletes in (False, True)
    }


def listed_cells(rule: Rule) -> set[Cell]:
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
