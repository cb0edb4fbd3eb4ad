"""Narrowing: a planned configuration is written without links that turn out not to be granted."""

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
    each_cell,
    listed_cells,
    lists,
    read,
)
from fleet_repl.values.canonical_json import canonical_json
from fleet_repl.values.prefixes import covers


def narrowed(
    after: Replication, owned: Cells, bounds: Outgoing, *, filters: int
) -> tuple[Replication, int]:
    """Returns `after` without those links of ours that are not in `bounds`, and how many rules of
    others it holds. Rules of others stay to the letter."""
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
    """Our cells in a configuration that was written, given our cells in the planned one.

    The written configuration may lack links that were held, and may hold rules that others added
    after the plan. Those are not ours, even where ours cover them: narrowing lists no prefix beside
    a shorter one.

    Example: the plan lists `a/`. Written is `a/b/`, which is what is granted of it: ours. Or
    written are `a/` and `a/b/`: somebody else has added `a/b/` since.
    """
    kept_rules, our_rules = _parted(planned, owned)
    kept = {canonical_json(raw) for raw, _ in kept_rules}
    planned_links, written_links = by_deletes(our_rules), by_deletes(written.rules)
    written_cells: Cells = {}
    for raw, rule in read(written):
        ours, shortest = planned_links[rule.deletes], written_links[rule.deletes]
        is_kept = canonical_json(raw) in kept
        cells = by_destination(
            (end, prefix)
            for end, prefix in listed_cells(rule)
            if lists(owned, (end, prefix))
            or (
                not is_kept and lists(shortest, (end, prefix)) and covers(ours.get(end, ()), prefix)
            )
        )
        written_cells = both(written_cells, cells)
    return written_cells


def _parted(replication: Replication, owned: Cells) -> tuple[list[RawRule], list[Rule]]:
    """The rules that are not wholly ours, or of unknown meaning; and the rules that are ours."""
    kept, ours = [], []
    for raw, rule in read(replication):
        if rule.understood and all(lists(owned, cell) for cell in listed_cells(rule)):
            ours.append(rule)
        else:
            kept.append((raw, rule))
    return kept, ours
