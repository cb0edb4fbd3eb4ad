"""Narrow: a planned configuration without links of this fleet that have to be held after all."""

from __future__ import annotations

from fleet_repl.ecr.rules import (
    Outgoing,
    RawRule,
    Replication,
    Rule,
    configuration_of,
    links_of,
    prefixes_of,
    rules_for,
    within,
)
from fleet_repl.planning.ownership.cells import (
    Cells,
    both,
    by_deletes,
    by_destination,
    cells_of,
    each_cell,
    lists,
    read,
)
from fleet_repl.values.canonical_json import canonical_json
from fleet_repl.values.prefixes import covers


def narrowed(
    after: Replication, owned: Cells, bounds: Outgoing, *, filters: int
) -> tuple[Replication, int]:
    """`after` without what `bounds` leaves out of our rules; those of others stay to the letter.
    Also how many these are."""
    kept, ours = _parted(after, owned)
    links = within(links_of(ours), bounds)
    theirs = by_deletes(rule for _, rule in kept)
    missing = by_destination(
        (end, prefix)
        for end, prefix in each_cell(prefixes_of(links))
        if not covers(theirs[covers(links[end].deletes, prefix)].get(end, ()), prefix)
    )
    rules = rules_for(within(links, missing), filters=filters)
    return configuration_of(kept, rules), len(kept)


def owned_of(written: Replication, planned: Replication, owned: Cells) -> Cells:
    """Our part of a configuration that was written, from that of the planned one.

    It may hold less of ours, and rules that others made after the plan: they are none of ours.
    """
    kept = {canonical_json(raw) for raw, _ in _parted(planned, owned)[0]}
    written_cells: Cells = {}
    for raw, rule in read(written):
        is_kept = canonical_json(raw) in kept
        ours = by_destination(
            (end, prefix)
            for end, prefix in each_cell(cells_of([rule]))
            if lists(owned, (end, prefix)) or (not is_kept and covers(owned.get(end, ()), prefix))
        )
        written_cells = both(written_cells, ours)
    return written_cells


def _parted(replication: Replication, owned: Cells) -> tuple[list[RawRule], list[Rule]]:
    """The rules of others, of both or of unknown meaning, and those that are wholly ours."""
    kept, ours = [], []
    for raw, rule in read(replication):
        cells = list(each_cell(cells_of([rule])))
        if rule.understood and all(lists(owned, cell) for cell in cells):
            ours.append(rule)
        else:
            kept.append((raw, rule))
    return kept, ours
