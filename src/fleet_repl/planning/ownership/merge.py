"""Merge: the configuration that holds exactly the requested links and keeps the rules of others.

A link in place is this fleet's if the record lists it or, where nothing is recorded, if a route
requests it. A rule of unknown meaning stays as it is, in every registry, unless `force` is given.

Example, for a registry whose rules are additive. In place are three rules:

    1  X: a/        on record, so ours; no route requests it any more
    2  X, Y: b/     we recorded Y only, so X is somebody else's; routes request Y: b/
    3  Z: ""        not on record, so somebody else's

Routes request `Y: b/` and `Z: c/`. Rule 1 goes. Rule 2 stays to the letter, as our part of it is
still requested. Rule 3 stays, and as its empty prefix covers `c/`, no rule for `Z: c/` is added. If
routes requested `Y: c/` instead of `Y: b/`, rule 2 would shrink to `X: b/`, and `Y: c/` would be
a rule of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from fleet_repl.ecr.rules import (
    Links,
    RawRule,
    Replication,
    Rule,
    configuration_of,
    document_of,
    joined,
    links_of,
    prefixes_of,
    rules_for,
    rules_of,
    sendable,
    within,
)
from fleet_repl.planning.ownership.cells import (
    Cell,
    Cells,
    both,
    by_deletes,
    by_destination,
    cells_of,
    each_cell,
    listed_cells,
    own_cells,
    owned_links,
    read,
)
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import NO_SCOPE, covers, touches


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """A replication configuration to write: first the rules that are kept, then our own."""

    kept: tuple[RawRule, ...] = ()
    """Rules of others as they were found, and what is left of rules that were partly ours."""
    rules: tuple[Rule, ...]
    """Ours."""
    links: Links
    """The links that both make together."""
    owned: Cells
    """Our cells, once the configuration is written."""
    present: Cells = field(default_factory=dict)
    """Our cells in the rules that were found, whether they stay or not."""
    replaced: tuple[Rule, ...] = ()
    """Our part of those rules that were found and are not kept: `rules` take their place."""
    clashes: tuple[Cell, ...] = ()
    """Wanted cells that a rule of others covers with deletions unlike the routes, or without."""
    dropped: bool = False
    """True if a rule of unknown meaning is removed."""

    @property
    def count(self) -> int:
        return len(self.kept) + len(self.rules)

    def replication(self) -> Replication:
        """The configuration to write."""
        if self.kept:
            return configuration_of(self.kept, self.rules)
        return Replication(
            document=document_of(self.rules),
            links=self.links,
            may_use=prefixes_of(self.links),
            rules=self.rules,
        )


def merge_exclusive(
    current: Replication,
    wanted: Links,
    requested: Links,
    recorded: Cells | None,
    *,
    filters: int,
    force: bool,
) -> Merged:
    """The configuration of a registry in which every rule is the fleet's own.

    Rules of unknown meaning stay unless `force` is given. Parameters as in `merge_additive`.
    """
    dropped = bool(current.unknown_rules)
    if dropped and not force:
        unknown = [(raw, rule) for raw, rule in read(current) if not rule.understood]
        merged = _Merger(wanted, requested, recorded, filters, force=False).keep(unknown)
        if merged.links != current.links:
            replaced = tuple(rule for rule in current.rules if rule.understood)
            return replace(merged, replaced=replaced)
        return replace(
            merged, rules=current.rules, kept=(), owned=owned_links(current, requested, recorded)
        )
    if not dropped and wanted == current.links:
        owned = owned_links(current, requested, recorded)
        return Merged(rules=current.rules, links=current.links, owned=owned)
    rules = rules_for(wanted, filters=filters)
    return Merged(
        rules=rules, links=wanted, owned=cells_of(rules), replaced=current.rules, dropped=dropped
    )


def merge_additive(
    current: Replication,
    wanted: Links,
    requested: Links,
    recorded: Cells | None,
    *,
    filters: int,
    force: bool,
) -> Merged:
    """The configuration of a registry in which rules of others stay.

    `requested` holds all links that routes ask for, `wanted` those that are written now: held links
    are left out. `recorded` holds the fleet's own cells, None where nothing was ever recorded. A
    rule gets at most `filters` prefixes. With `force`, rules of unknown meaning may go.
    """
    return _Merger(wanted, requested, recorded, filters, force=force).merge(current)


class _Merger:
    def __init__(
        self, wanted: Links, requested: Links, recorded: Cells | None, filters: int, *, force: bool
    ) -> None:
        self._wanted = wanted
        self._requested = requested
        self._recorded = recorded
        self._filters = filters
        self._force = force

    def keep(self, rules: Sequence[RawRule]) -> Merged:
        """Keeps these rules to the letter, and no other rule that was found."""
        own = {
            cell for _, rule in rules for cell in own_cells(rule, self._requested, self._recorded)
        }
        return self._around([(sendable(raw), rule) for raw, rule in rules], own)

    def merge(self, current: Replication) -> Merged:
        kept: list[RawRule] = []
        staying_cells: set[Cell] = set()
        present: set[Cell] = set()
        replaced: list[Rule] = []
        dropped = False
        for raw, rule in read(current):
            cells = listed_cells(rule)
            own = own_cells(rule, self._requested, self._recorded)
            present |= own
            stays = not (own and own == cells) and self._stays(own, rule)
            if not rule.understood:
                stays = stays or not self._force
                dropped = dropped or not stays
            elif own and own == cells:
                replaced.append(rule)
                continue
            if stays:
                kept.append((sendable(raw), rule))
                staying_cells |= own
            else:
                left = _grouped(cells - own, deletes=rule.deletes)
                kept += zip(rules_of(document_of(left)), left, strict=True)
                replaced += _grouped(own, deletes=rule.deletes)
        merged = self._around(kept, staying_cells)
        return replace(
            merged, present=by_destination(present), replaced=tuple(replaced), dropped=dropped
        )

    def _around(self, kept: Sequence[RawRule], own: set[Cell]) -> Merged:
        """Adds rules for the wanted links that the kept rules do not make already."""
        staying = [rule for _, rule in kept]
        theirs = by_deletes(staying)
        missing: set[Cell] = set()
        clashes: list[Cell] = []
        for end, prefix in each_cell(prefixes_of(self._wanted)):
            deletes = covers(self._wanted[end].deletes, prefix)
            alike, unlike = theirs[deletes].get(end, ()), theirs[not deletes].get(end, ())
            replicated = covers(alike, prefix)
            if touches(unlike, prefix) and not (deletes and replicated):
                clashes.append((end, prefix))
            elif not replicated:
                missing.add((end, prefix))
        links = within(self._wanted, by_destination(missing))
        rules = rules_for(links, filters=self._filters)
        return Merged(
            kept=tuple(kept),
            rules=rules,
            links=joined(links_of(staying), links),
            owned=both(cells_of(rules), by_destination(own)),
            clashes=tuple(sorted(clashes)),
        )

    def _stays(self, own: set[Cell], rule: Rule) -> bool:
        """Returns whether all of our cells in a shared rule are wanted, with its deletions."""
        return all(
            self._wanted.get(end, NO_SCOPE).has(prefix, deletes=rule.deletes) for end, prefix in own
        )


def _grouped(cells: set[Cell], *, deletes: bool) -> tuple[Rule, ...]:
    """The cells of a part of a rule, as rules."""
    sharing: dict[tuple[str, ...], list[Registry]] = {}
    for end, prefixes in by_destination(cells).items():
        sharing.setdefault(prefixes, []).append(end)
    return tuple(
        Rule(destinations=tuple(sorted(ends)), prefixes=prefixes, deletes=deletes)
        for prefixes, ends in sorted(sharing.items())
    )
