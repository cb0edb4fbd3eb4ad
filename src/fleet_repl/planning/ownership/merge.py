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
    lists,
    read,
)
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import NO_SCOPE, covers, touches


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """A replication configuration to be, as two parts that are written one after the other."""

    kept: tuple[RawRule, ...] = ()
    """Rules of others as they were found, and what is left of rules that were partly ours."""
    rules: tuple[Rule, ...]
    """Ours."""
    links: Links
    """What both replicate together."""
    owned: Cells
    """Our part of it, once it is written."""
    present: Cells = field(default_factory=dict)
    """Our part of what was found, whether it stays or not."""
    replaced: tuple[Rule, ...] = ()
    """Our part of the rules that were found, as far as `rules` take its place."""
    clashes: tuple[Cell, ...] = ()
    """Links of ours that a rule of others covers with other deletions than asked for."""
    dropped: bool = False
    """A rule of unknown meaning goes."""

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
    """The configuration of a registry for which the fleet speaks alone."""
    if current.strange_rules and not force:
        strange = [(raw, rule) for raw, rule in read(current) if not rule.understood]
        merged = _Merger(wanted, requested, recorded, filters, force=False).keep(strange)
        if merged.links != current.links:
            replaced = tuple(rule for rule in current.rules if rule.understood)
            return replace(merged, replaced=replaced)
        return replace(
            merged, rules=current.rules, kept=(), owned=_owned(current, requested, recorded)
        )
    dropped = bool(current.strange_rules)
    if not dropped and wanted == current.links:
        owned = _owned(current, requested, recorded)
        return Merged(rules=current.rules, links=wanted, owned=owned)
    rules = rules_for(wanted, filters=filters)
    return Merged(
        rules=rules,
        links=wanted,
        owned=cells_of(rules),
        replaced=current.rules,
        dropped=dropped,
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
    """The configuration of a registry that has rules of others as well.

    `wanted` is what it can be written with, `requested` all that routes ask for; `recorded` holds
    the fleet's own links, None where nothing was ever recorded.
    """
    return _Merger(wanted, requested, recorded, filters, force=force).merge(current)


class _Merger:
    def __init__(
        self,
        wanted: Links,
        requested: Links,
        recorded: Cells | None,
        filters: int,
        *,
        force: bool,
    ) -> None:
        self._wanted = wanted
        self._requested = requested
        self._recorded = recorded
        self._filters = filters
        self._force = force

    def keep(self, rules: Sequence[RawRule]) -> Merged:
        """These rules to the letter, and no other rule that was found."""
        own = {cell for _, rule in rules for cell in self._own(rule, _listed(rule))}
        return self._around([(sendable(raw), rule) for raw, rule in rules], own)

    def merge(self, current: Replication) -> Merged:
        kept: list[RawRule] = []
        staying_cells: set[Cell] = set()
        present: set[Cell] = set()
        replaced: list[Rule] = []
        dropped = False
        for raw, rule in read(current):
            cells = _listed(rule)
            own = self._own(rule, cells)
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
        """Add what the rules that stay do not replicate for us already."""
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

    def _own(self, rule: Rule, cells: set[Cell]) -> set[Cell]:
        """What of a rule is ours."""
        if self._recorded is None:
            return _asked_for(rule, cells, self._requested, {})
        return {cell for cell in cells if lists(self._recorded, cell)}

    def _stays(self, own: set[Cell], rule: Rule) -> bool:
        """Whether everything of ours in a shared rule is still asked for, just so."""
        return all(
            self._wanted.get(end, NO_SCOPE).has(prefix, deletes=rule.deletes) for end, prefix in own
        )


def _grouped(cells: set[Cell], *, deletes: bool) -> tuple[Rule, ...]:
    """A part of a rule, to the letter."""
    sharing: dict[tuple[str, ...], list[Registry]] = {}
    for end, prefixes in by_destination(cells).items():
        sharing.setdefault(prefixes, []).append(end)
    return tuple(
        Rule(destinations=tuple(sorted(ends)), prefixes=prefixes, deletes=deletes)
        for prefixes, ends in sorted(sharing.items())
    )


def _listed(rule: Rule) -> set[Cell]:
    return set(each_cell(cells_of([rule])))


def _asked_for(rule: Rule, cells: set[Cell], requested: Links, recorded: Cells) -> set[Cell]:
    """What of a rule is asked for just so, or on record."""
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
    # A rule of ours may list a link that a shorter prefix of another one covers.
    whole = covered == cells
    ends, prefixes = {end for end, _ in equal}, {prefix for _, prefix in equal}
    whole = whole and ends == set(rule.destinations) and prefixes == set(rule.prefixes)
    return cells if whole else equal


def _owned(current: Replication, requested: Links, recorded: Cells | None) -> Cells:
    """Our part of what was found, where just the links that are asked for are in place."""
    if recorded is not None and cells_of(current.rules) == recorded:
        return recorded
    # What others list beside ours in vain is not taken for ours.
    return by_destination(
        {
            cell
            for rule in current.rules
            for cell in _asked_for(rule, _listed(rule), requested, recorded or {})
        }
    )
