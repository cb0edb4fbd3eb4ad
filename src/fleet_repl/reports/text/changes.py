"""The changes of one registry as lines that can be compared: equal ones are told once.

Whatever takes something away, or may destroy it, comes first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from fleet_repl.ecr.rules import rule_words, strange_rules_lost
from fleet_repl.planning.plan import (
    Action,
    Change,
    LinkEnd,
    Mover,
    Phase,
    RegistryPlan,
    Resource,
)
from fleet_repl.reports.text.census import Census
from fleet_repl.reports.text.page import EXAMPLES, Style
from fleet_repl.reports.text.wording import SYMBOLS, change_name, prefix_list, route_list
from fleet_repl.runs.drift import sentence
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import touches
from fleet_repl.values.text import counted

Symbol: TypeAlias = "tuple[str, Style]"

_ADDED: Final = ("+ ", Style.ADDED)
_REMOVED: Final = ("- ", Style.REMOVED)
_STARTED: Final = ("! ", Style.BAD)
_STOPPED: Final = ("! ", Style.CHANGED)
_DANGEROUS: Final = frozenset({_REMOVED, _STARTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What happens to the links to some registries, or to a rule of unknown meaning."""

    symbol: Symbol
    before: str
    """The words before the registries; of a rule all of them."""
    ends: frozenset[Registry] = frozenset()
    after: str = ""
    others: bool = False
    """`ends` has the registry itself too, and all others are meant."""
    each: str = ""
    """So many of `ends` are meant for each registry; empty: all of them."""

    @property
    def is_dangerous(self) -> bool:
        """Whether it takes something away, or lets deletions travel."""
        return self.symbol in _DANGEROUS


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeView:
    """A write as it is shown."""

    resource: Resource
    symbol: Symbol
    title: str
    lines: tuple[Line, ...]
    is_dangerous: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """All that is shown of a registry but its name: equal ones are shown once."""

    notes: tuple[str, ...]
    moved: str | None
    changes: tuple[ChangeView, ...]

    @property
    def is_dangerous(self) -> bool:
        """Whether any of it is."""
        return any(one.is_dangerous for one in self.changes)

    @property
    def lines(self) -> tuple[Line, ...]:
        """Those of all changes."""
        return tuple(line for change in self.changes for line in change.lines)

    def with_lines(self, others: Mapping[Line, Line]) -> Block:
        """Returns the block with other lines in place of some."""
        if not others:
            return self
        changes = (
            replace(one, lines=tuple(others.get(line, line) for line in one.lines))
            for one in self.changes
        )
        return replace(self, changes=tuple(changes))


def block_of(
    one: RegistryPlan, census: Census, *, in_waves: bool, rolls_back: bool, full: bool
) -> Block:
    """Returns what is shown of a registry that changes."""
    views = [_view(one, change, census, rolls_back=rolls_back, full=full) for change in one.changes]
    notes = [f"wave {one.wave}"] if in_waves else []
    if one.registry in census.protected and any(view.is_dangerous for view in views):
        notes.append("protected")
    moved = one.moved
    return Block(
        notes=tuple(notes),
        moved=None if moved is None or moved.by is Mover.UNKNOWN else sentence(moved),
        changes=tuple(views),
    )


def _view(
    one: RegistryPlan, change: Change, census: Census, *, rolls_back: bool, full: bool
) -> ChangeView:
    notes = [] if change.wave == one.wave else [f"wave {change.wave}"]
    if change.phase is Phase.WITHDRAWALS:
        notes.append("once the rules are written")
    if change.resource in one.refused:
        notes.append("not to be written, see below")
    note = f" ({', '.join(notes)})" if notes else ""
    lines: list[Line] = []
    if change.resource is not Resource.CREATION_TEMPLATE:
        found = (*_links(change, census, rolls_back=rolls_back, full=full), *_strange(change))
        lines = sorted(found, key=lambda line: not line.is_dangerous)
    return ChangeView(
        resource=change.resource,
        symbol=SYMBOLS[change.action],
        title=f"{change_name(change.resource, change.before, change.after)}{note}",
        lines=tuple(lines),
        is_dangerous=change.action is Action.DELETE
        or change.phase is Phase.WITHDRAWALS
        or any(line.is_dangerous for line in lines),
    )


def _links(change: Change, census: Census, *, rolls_back: bool, full: bool) -> Iterator[Line]:
    """Yields a line for all ends of which the same is to be said; on a full page for each end."""
    word = "to" if change.resource is Resource.REPLICATION_CONFIGURATION else "from"
    kinds = (
        (_REMOVED, word, change.links_removed),
        (_STARTED, "deletions travel from now on, to", change.deletes_started),
        (_ADDED, word, change.links_added),
        (_STOPPED, "deletions travel no more, to", change.deletes_stopped),
    )
    for symbol, words, ends in kinds:
        alike: dict[str, list[Registry]] = {}
        for end in ends:
            why = _why(symbol, end, census, rolls_back=rolls_back)
            said = f": {prefix_list(end.prefixes, full=full)}{why}"
            alike.setdefault(said, []).append(end.registry)
        for said, places in alike.items():
            for some in [{one} for one in places] if full else [places]:
                yield Line(symbol=symbol, before=words, ends=frozenset(some), after=said)


def _why(symbol: Symbol, end: LinkEnd, census: Census, *, rolls_back: bool) -> str:
    """Returns the routes that ask for just this change, in parentheses."""
    if not end.routes:
        return "" if rolls_back else f" ({route_list(())})"
    if symbol == _REMOVED:
        # What is left of the link is what its routes ask for.
        return " (narrowed)"
    return f" ({route_list(asking(end, census, deletes=symbol == _STARTED))})"


def asking(end: LinkEnd, census: Census, *, deletes: bool) -> tuple[str, ...]:
    """Returns those of a link's routes that ask for the change: by their prefixes and, where it is
    about `deletes`, by what they say of deletions. All where that is not known."""
    found = []
    for name in end.routes:
        route = census.routes.get(name)
        apart = route is not None and (
            (deletes and not route.replicate_deletes)
            or not any(touches(route.prefixes, prefix) for prefix in end.prefixes)
        )
        if not apart:
            found.append(name)
    return tuple(found) or end.routes


def _strange(change: Change) -> Iterator[Line]:
    """Yields the rules of unknown meaning that go or come back."""
    if change.resource is not Resource.REPLICATION_CONFIGURATION:
        return
    for lost, kept, symbol in (
        (change.before, change.after, _REMOVED),
        (change.after, change.before, _ADDED),
    ):
        for rule in strange_rules_lost(lost, kept):
            yield Line(symbol=symbol, before=rule_words(*rule))


Group: TypeAlias = "tuple[Block, list[Registry]]"
"""A block, and the registries of which it is to be said."""


def grouped(blocks: Mapping[Registry, Block], *, each: bool) -> list[Group]:
    """Returns each block once, with its registries; dangerous ones first.

    `each`: nothing is folded. Otherwise blocks that differ in nothing but the other ends of their
    links are folded too where there are many: 20 hubs, each with spokes of its own, for example.
    """
    if each:
        groups: Iterable[Group] = [(block, [registry]) for registry, block in blocks.items()]
    else:
        groups = _folded(_alike(blocks))
    return sorted(groups, key=lambda group: not group[0].is_dangerous)


def _alike(blocks: Mapping[Registry, Block]) -> Iterable[Group]:
    """Returns blocks with the registries of which exactly the same is to be said."""
    plain = Counter(line for block in blocks.values() for line in block.lines)
    meshed = Counter(
        _to_others(line, registry) for registry, block in blocks.items() for line in block.lines
    )
    groups: dict[Block, list[Registry]] = {}
    for registry, block in blocks.items():
        lines = {line: _to_others(line, registry) for line in block.lines if plain[line] == 1}
        shared = {line: other for line, other in lines.items() if meshed[other] > 1}
        groups.setdefault(block.with_lines(shared), []).append(registry)
    return groups.items()


def _to_others(line: Line, registry: Registry) -> Line:
    """Returns the line with the registry itself among its ends: in a mesh, where each registry is
    linked to all others, it is the same line for each of them."""
    if len(line.ends) < 2:
        return line
    return replace(line, ends=line.ends | {registry}, others=True)


def _folded(groups: Iterable[Group]) -> Iterator[Group]:
    """Yields the groups, many of the same shape as one."""
    shapes: dict[Block, list[Group]] = {}
    for block, members in groups:
        bare = {line: replace(line, ends=frozenset(), others=False) for line in block.lines}
        shapes.setdefault(block.with_lines(bare), []).append((block, members))
    for some in shapes.values():
        if len(some) <= EXAMPLES:
            yield from some
        else:
            yield _as_one(some), [one for _, members in some for one in members]


def _as_one(groups: Sequence[Group]) -> Block:
    """Returns a block that says how many ends the links of each registry have, and all of them."""
    first = groups[0][0]
    together = {}
    for line, *others in zip(*(block.lines for block, _ in groups), strict=True):
        lines = (line, *others)
        if line.ends:
            numbers = {len(one.ends) - one.others for one in lines}
            most = ("up to " if len(numbers) > 1 else "") + counted(max(numbers), "registry")
            ends = frozenset[Registry]().union(*(one.ends for one in lines))
            together[line] = replace(line, ends=ends, others=False, each=f"{most} each")
    return first.with_lines(together)
