"""Ownership: which rules of a registry are the fleet's own, and a document that keeps the rest.

Rules of others stay as they are, to the letter. Ours are told by what the fleet last applied,
or, where nothing is recorded, by being what it asks for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias

from fleet_repl.canonical import JsonObject, canonical_json
from fleet_repl.names import Registry
from fleet_repl.prefixes import covers, touches
from fleet_repl.rules import (
    NOWHERE,
    Outgoing,
    Replication,
    Rule,
    document_of,
    joined,
    outgoing_of,
    parse_document,
    rules_for,
    rules_of,
    within,
)

Cells: TypeAlias = Mapping[Registry, tuple[str, ...]]
"""Destination → prefixes, to the letter as rules list them: sorted and, unlike `Outgoing`, with
those that a shorter one covers. Whose a rule is can only be told by what it lists."""

Due: TypeAlias = Mapping[Registry, datetime]
"""Destinations that are owed a backfill, and since when: one that began before will not do."""

_Cell: TypeAlias = tuple[Registry, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What a fleet last made of one registry."""

    links: Cells = field(default_factory=dict)
    templates: tuple[str, ...] = ()
    """Prefixes of its creation templates."""
    given_up: bool = False
    """Its account was retired and could not be reached: nothing will be done about it."""
    due: Due = field(default_factory=dict)


Record: TypeAlias = Mapping[Registry, Applied]
"""What a fleet last applied, by registry. One that is missing was never recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The links that a registry shall have for this fleet."""

    links: Outgoing
    deleting: Outgoing = field(default_factory=dict)
    """Those of them whose deletions travel too."""

    def deletes(self, end: Registry, prefix: str) -> bool:
        return covers(self.deleting.get(end, ()), prefix)


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """A replication configuration to be, as two parts that are written one after the other."""

    kept: tuple[JsonObject, ...] = ()
    """Rules of others as they were found, and what is left of rules that were partly ours."""
    rules: tuple[Rule, ...]
    """Ours."""
    outgoing: Outgoing
    """What both replicate together."""
    deleting: Outgoing
    owned: Cells
    """Our part of it, once it is written."""
    present: Cells = field(default_factory=dict)
    """Our part of what was found, whether it stays or not."""
    clashes: tuple[_Cell, ...] = ()
    """Links of ours that a rule of others covers with other deletions than asked for."""

    @property
    def count(self) -> int:
        return len(self.kept) + len(self.rules)

    def document(self) -> JsonObject:
        """The `replicationConfiguration` to write."""
        return {"rules": [*self.kept, *_documents(self.rules)]}


def alone(
    found: Replication, wanted: Wanted, asked: Wanted, recorded: Cells | None, *, filters: int
) -> Merged:
    """The configuration of a registry for which the fleet speaks alone."""
    links, deleting = wanted.links, NOWHERE
    if wanted.deleting:
        deleting = within(wanted.deleting, links)
    if (links, deleting) != (found.outgoing, found.deleting):
        rules = rules_for(links, deleting, filters=filters)
        return Merged(rules=rules, outgoing=links, deleting=deleting, owned=cells_of(rules))
    listed = cells_of(found.rules)
    if recorded is not None and listed == recorded:
        return Merged(rules=found.rules, outgoing=links, deleting=deleting, owned=recorded)
    # What others list beside ours in vain is not taken for ours.
    cells = [(rule, set(_cells(cells_of([rule])))) for rule in found.rules]
    owned = _links(
        cell for rule, listed in cells for cell in _asked_for(rule, listed, asked, recorded or {})
    )
    return Merged(rules=found.rules, outgoing=links, deleting=deleting, owned=owned)


def beside(
    found: Replication, wanted: Wanted, asked: Wanted, recorded: Cells | None, *, filters: int
) -> Merged:
    """The configuration of a registry that has rules of others as well.

    `wanted` is what it can be written with, `asked` all that routes ask for; `recorded` holds
    the fleet's own links, None where nothing was ever recorded.
    """
    return _Merger(wanted, asked, recorded, filters).merge(found)


def narrowed(
    after: JsonObject, owned: Cells, bounds: Outgoing, *, filters: int
) -> tuple[JsonObject, int]:
    """`after` without what `bounds` leaves out of our rules; those of others stay to the letter.
    Also how many these are."""
    kept, ours = _parted(after, owned)
    links = within(outgoing_of(ours), bounds)
    deleting = within(outgoing_of(one for one in ours if one.deletes), links)
    theirs = _by_deletes(one for _, one in kept)
    wanted = Wanted(links=links, deleting=deleting)
    missing = {
        (end, prefix)
        for end, prefix in _cells(links)
        if not covers(theirs[wanted.deletes(end, prefix)].get(end, ()), prefix)
    }
    left = _links(missing)
    rules = rules_for(left, within(deleting, left), filters=filters)
    return {"rules": [*(raw for raw, _ in kept), *_documents(rules)]}, len(kept)


def owned_of(written: JsonObject, planned: JsonObject, owned: Cells) -> Cells:
    """Our part of a document that was written, from that of the one that was planned."""
    kept = {canonical_json(raw) for raw, _ in _parted(planned, owned)[0]}
    found: Cells = {}
    for raw, rule in _read(parse_document(written)):
        cells = cells_of([rule])
        if canonical_json(raw) in kept:
            cells = _links(cell for cell in _cells(cells) if _lists(owned, cell))
        found = both(found, cells)
    return found


def cells_of(rules: Iterable[Rule]) -> Cells:
    """Everything that rules list."""
    found: dict[Registry, tuple[str, ...]] = {}
    for rule in rules:
        for end in rule.destinations:
            listed = found.get(end)
            found[end] = rule.prefixes if listed is None else _merged(listed, rule.prefixes)
    return found


def both(first: Cells, second: Cells) -> Cells:
    """Everything in either."""
    ends = {**first, **second}
    return {one: _merged(first.get(one, ()), second.get(one, ())) for one in ends}


def together(first: Applied, second: Applied) -> Applied:
    """What either says was applied to a registry."""
    return Applied(
        links=both(first.links, second.links),
        templates=tuple(sorted({*first.templates, *second.templates})),
        given_up=first.given_up and second.given_up,
        due={**first.due, **second.due},
    )


class _Merger:
    def __init__(self, wanted: Wanted, asked: Wanted, recorded: Cells | None, filters: int) -> None:
        deleting = within(wanted.deleting, wanted.links)
        self._wanted = Wanted(links=wanted.links, deleting=deleting)
        self._asked = asked
        self._recorded = recorded
        self._filters = filters

    def merge(self, found: Replication) -> Merged:
        kept: list[JsonObject] = []
        staying: list[Rule] = []
        mine: set[_Cell] = set()
        present: set[_Cell] = set()
        for raw, rule in _read(found):
            cells = set(_cells(cells_of([rule])))
            own = self._own(rule, cells)
            present |= own
            if own and own == cells:
                continue
            if self._stays(own, rule):
                kept += _without_unknown(raw, rule) if found.unknown else [raw]
                staying.append(rule)
                mine |= own
            else:
                left = self._left(cells - own, deletes=rule.deletes)
                kept += _documents(left)
                staying += left
        return replace(self._around(tuple(kept), staying, mine), present=_links(present))

    def _around(
        self, kept: tuple[JsonObject, ...], staying: list[Rule], mine: set[_Cell]
    ) -> Merged:
        """Add what the rules that stay do not replicate for us already."""
        theirs = _by_deletes(staying)
        missing: set[_Cell] = set()
        clashes: list[_Cell] = []
        for end, prefix in _cells(self._wanted.links):
            deletes = self._wanted.deletes(end, prefix)
            same, other = theirs[deletes].get(end, ()), theirs[not deletes].get(end, ())
            there = covers(same, prefix)
            if touches(other, prefix) and not (deletes and there):
                clashes.append((end, prefix))
            elif not there:
                missing.add((end, prefix))
        links = _links(missing)
        deleting = within(self._wanted.deleting, links)
        rules = rules_for(links, deleting, filters=self._filters)
        return Merged(
            kept=kept,
            rules=rules,
            outgoing=joined(outgoing_of(staying), links),
            deleting=joined(theirs[True], deleting),
            owned=both(cells_of(rules), _links(mine)),
            clashes=tuple(sorted(clashes)),
        )

    def _own(self, rule: Rule, cells: set[_Cell]) -> set[_Cell]:
        """What of a rule is ours."""
        if self._recorded is None:
            return _asked_for(rule, cells, self._asked, {})
        return {cell for cell in cells if _lists(self._recorded, cell)}

    def _stays(self, own: set[_Cell], rule: Rule) -> bool:
        """Whether everything of ours in a shared rule is still asked for, just so."""
        return all(
            covers(self._wanted.links.get(end, ()), prefix)
            and self._wanted.deletes(end, prefix) is rule.deletes
            for end, prefix in own
        )

    def _left(self, theirs: set[_Cell], *, deletes: bool) -> tuple[Rule, ...]:
        """What others have of a rule that is ours no longer, to the letter."""
        sharing: dict[tuple[str, ...], list[Registry]] = {}
        for end, prefixes in _links(theirs).items():
            sharing.setdefault(prefixes, []).append(end)
        return tuple(
            Rule(destinations=tuple(sorted(ends)), prefixes=prefixes, deletes=deletes)
            for prefixes, ends in sorted(sharing.items())
        )


def _parted(document: JsonObject, owned: Cells) -> tuple[list[tuple[JsonObject, Rule]], list[Rule]]:
    """The rules of others or of both, and those that are wholly ours."""
    kept, ours = [], []
    for raw, rule in _read(parse_document(document)):
        cells = list(_cells(cells_of([rule])))
        if cells and all(_lists(owned, cell) for cell in cells):
            ours.append(rule)
        else:
            kept.append((raw, rule))
    return kept, ours


def _read(found: Replication) -> Iterator[tuple[JsonObject, Rule]]:
    """Each rule as it stands in the document, and what it means."""
    return zip(rules_of(found.document), found.rules, strict=True)


def _asked_for(rule: Rule, cells: set[_Cell], asked: Wanted, recorded: Cells) -> set[_Cell]:
    """What of a rule is asked for just so, or on record."""
    equal = {
        (end, prefix)
        for end, prefix in cells
        if _lists(recorded, (end, prefix))
        or (_lists(asked.links, (end, prefix)) and asked.deletes(end, prefix) is rule.deletes)
    }
    # A rule of ours may list a link that a shorter prefix of another one covers.
    whole = all(
        covers(asked.links.get(end, ()), prefix) and asked.deletes(end, prefix) is rule.deletes
        for end, prefix in cells
    )
    ends, prefixes = {end for end, _ in equal}, {prefix for _, prefix in equal}
    whole = whole and ends == set(rule.destinations) and prefixes == set(rule.prefixes)
    return cells if whole else equal


def _without_unknown(raw: JsonObject, rule: Rule) -> tuple[JsonObject, ...]:
    """A rule less the fields that are not known here, where somebody insists on writing it."""
    if not parse_document({"rules": [raw]}).unknown:
        return (raw,)
    return _documents([rule]) if rule.prefixes else ()


def _by_deletes(rules: Iterable[Rule]) -> Mapping[bool, Outgoing]:
    listed = tuple(rules)
    return {
        deletes: outgoing_of(one for one in listed if one.deletes is deletes)
        for deletes in (False, True)
    }


def _documents(rules: Iterable[Rule]) -> tuple[JsonObject, ...]:
    return rules_of(document_of(rules))


def _cells(links: Cells) -> Iterator[_Cell]:
    return ((end, prefix) for end, prefixes in links.items() for prefix in prefixes)


def _lists(cells: Cells, cell: _Cell) -> bool:
    end, prefix = cell
    return prefix in cells.get(end, ())


def _links(cells: Iterable[_Cell]) -> Cells:
    found: dict[Registry, list[str]] = {}
    for end, prefix in cells:
        found.setdefault(end, []).append(prefix)
    return {end: tuple(sorted(prefixes)) for end, prefixes in found.items()}


def _merged(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return first if first == second else tuple(sorted({*first, *second}))
