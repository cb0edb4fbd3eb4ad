"""The changes of a registry as a block of lines that can be compared with other blocks.

Dangerous lines come first: those that remove links, or let deletions travel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from fleet_repl.ecr.content import contents
from fleet_repl.ecr.rules import Replication, rule_words, unknown_rules_lost
from fleet_repl.planning.attribution import Mover
from fleet_repl.planning.change import Action, Change, LinkEnd, Phase, Resource
from fleet_repl.planning.plan import RegistryPlan
from fleet_repl.reports.text.census import Census
from fleet_repl.reports.text.labels import SYMBOLS, change_name, prefix_list, route_list
from fleet_repl.reports.text.page import Style
from fleet_repl.runs.drift import call_sentences, sentence
from fleet_repl.runs.overwritten import prefix_of
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import covers

Symbol: TypeAlias = "tuple[str, Style]"

_ADDED: Final = ("+ ", Style.ADDED)
_REMOVED: Final = ("- ", Style.REMOVED)
_STARTED: Final = ("! ", Style.BAD)
_STOPPED: Final = ("! ", Style.CHANGED)
_DANGEROUS: Final = frozenset({_REMOVED, _STARTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A change of the links to some registries, or of a rule of unknown meaning."""

    symbol: Symbol
    before: str
    """The words before the registries; for a rule, all words."""
    ends: frozenset[Registry] = frozenset()
    after: str = ""
    others: bool = False
    """Whether `ends` includes the registry itself and means all others."""
    each: str = ""
    """The number of `ends` that each registry has, in words; empty where each has all."""

    @property
    def is_dangerous(self) -> bool:
        """Returns whether the line removes something, or lets deletions travel."""
        return self.symbol in _DANGEROUS


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeView:
    """A write as text."""

    resource: Resource
    symbol: Symbol
    title: str
    lines: tuple[Line, ...]
    is_dangerous: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The text of a registry's changes without its name, so that equal texts can be found."""

    notes: tuple[str, ...]
    moved: tuple[str, ...]
    """Why the registry differs, and who has changed it."""
    changes: tuple[ChangeView, ...]

    @property
    def is_dangerous(self) -> bool:
        """Returns whether any change is dangerous."""
        return any(change.is_dangerous for change in self.changes)

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines of all changes."""
        return tuple(line for change in self.changes for line in change.lines)

    def with_lines(self, replacements: Mapping[Line, Line]) -> Block:
        """Returns the block with some of its lines replaced."""
        if not replacements:
            return self
        changes = (
            replace(change, lines=tuple(replacements.get(line, line) for line in change.lines))
            for change in self.changes
        )
        return replace(self, changes=tuple(changes))


def block_of(
    planned: RegistryPlan, census: Census, *, in_waves: bool, rolls_back: bool, full: bool
) -> Block:
    """Returns the block of a registry with changes."""
    views = [_view(planned, change, rolls_back=rolls_back, full=full) for change in planned.changes]
    notes = [f"wave {planned.wave}"] if in_waves else []
    if planned.registry in census.protected and any(view.is_dangerous for view in views):
        notes.append("protected")
    moved = planned.moved
    is_known = moved is not None and moved.by is not Mover.UNKNOWN
    return Block(
        notes=tuple(notes),
        moved=(sentence(moved), *call_sentences(moved.attribution)) if moved and is_known else (),
        changes=tuple(views),
    )


def _view(planned: RegistryPlan, change: Change, *, rolls_back: bool, full: bool) -> ChangeView:
    notes = [] if change.wave == planned.wave else [f"wave {change.wave}"]
    if change.phase is Phase.WITHDRAWALS:
        notes.append("once the rules are written")
    if change.resource in planned.refused:
        notes.append("not to be written, see below")
    note = f" ({', '.join(notes)})" if notes else ""
    lines: list[Line] = []
    if change.resource is not Resource.CREATION_TEMPLATE:
        unsorted = (
            *_links(change, rolls_back=rolls_back, full=full),
            *_unknown_rules(change),
        )
        lines = sorted(unsorted, key=lambda line: not line.is_dangerous)
    return ChangeView(
        resource=change.resource,
        symbol=SYMBOLS[change.action],
        title=f"{change_name(change.resource, prefix_of(change))}{note}",
        lines=tuple(lines),
        is_dangerous=change.action is Action.DELETE
        or change.phase is Phase.WITHDRAWALS
        or any(line.is_dangerous for line in lines),
    )


def _links(change: Change, *, rolls_back: bool, full: bool) -> Iterator[Line]:
    """Yields a line for all ends with the same prefixes and routes; on a full page for each end."""
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
            narrowed = symbol == _REMOVED and end.routes
            why = (
                _narrowed(change, end, full=full) if narrowed else _why(end, rolls_back=rolls_back)
            )
            after = f": {prefix_list(end.prefixes, full=full)}{why}"
            alike.setdefault(after, []).append(end.registry)
        for after, registries in alike.items():
            for some in [{registry} for registry in registries] if full else [registries]:
                yield Line(symbol=symbol, before=words, ends=frozenset(some), after=after)


def _why(end: LinkEnd, *, rolls_back: bool) -> str:
    """Returns the routes that ask for the change, in parentheses."""
    if not end.routes:
        return "" if rolls_back else f" ({route_list(())})"
    return f" ({route_list(end.routes)})"


def _narrowed(change: Change, end: LinkEnd, *, full: bool) -> str:
    """Returns, in parentheses, what stays of the prefixes that are removed. A route still asks for
    the link, so that for example `base/` is narrowed to `base/go`."""
    scope = change.after.links.get(end.registry) if isinstance(change.after, Replication) else None
    stays = () if scope is None else scope.prefixes
    within = tuple(prefix for prefix in stays if covers(end.prefixes, prefix))
    return f" (narrowed to {prefix_list(within, full=full)})" if within else " (narrowed)"


def _unknown_rules(change: Change) -> Iterator[Line]:
    """Yields a line for each rule of unknown meaning that is removed or comes back."""
    if change.resource is not Resource.REPLICATION_CONFIGURATION:
        return
    before, after = contents(change, Replication)
    for lost, kept, symbol in ((before, after, _REMOVED), (after, before, _ADDED)):
        for rule in unknown_rules_lost(lost, kept):
            yield Line(symbol=symbol, before=rule_words(*rule))
