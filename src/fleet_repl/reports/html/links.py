"""The links that a document tells of, each with its state. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from fleet_repl.ecr.backfills import BackfillOutcome, BackfillState
from fleet_repl.ecr.content import contents
from fleet_repl.ecr.rules import Outgoing, Replication, compare
from fleet_repl.planning.change import LinkEnd, Resource
from fleet_repl.planning.plan import Plan, RegistryPlan
from fleet_repl.reports.html.marks import (
    ADDED,
    DELETES,
    FAILED,
    HELD,
    IN_PLACE,
    NOT_WRITTEN,
    REMOVED,
    Mark,
    Tone,
)
from fleet_repl.runs.coverage import LinkCoverage
from fleet_repl.runs.delivery import DeliveryReport, DeliveryState, LinkDelivery
from fleet_repl.runs.outcomes import Outcome, RegistryOutcome, Report
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.prefixes import EVERY_REPOSITORY, Prefixes, beyond, reduce
from fleet_repl.values.text import listed, named

_RULES: Final = Resource.REPLICATION_CONFIGURATION
_PREFIXES_SHOWN: Final = 6
_START: Final = "deletions travel from now on"
_STOP: Final = "deletions travel no more"

DELIVERY_MARKS: Final = {
    DeliveryState.FAILED: FAILED,
    DeliveryState.MISSING: Mark(word="missing", symbol="?", tone=Tone.BAD),
    DeliveryState.NO_RULE: Mark(word="no rule", symbol="\N{MINUS SIGN}", tone=Tone.REMOVED),
    DeliveryState.UNKNOWN: Mark(word="unknown", symbol="!", tone=Tone.HELD),
    DeliveryState.IN_PROGRESS: Mark(word="in progress", symbol="…", tone=Tone.CHANGED),
    DeliveryState.COMPLETE: Mark(word="complete", symbol="●", tone=Tone.GOOD),
    DeliveryState.NOT_SENT: Mark(word="not sent", symbol="○", tone=Tone.IDLE),
    DeliveryState.IDLE: Mark(word="idle", symbol="·", tone=Tone.IDLE),
}
_WAITING: Final = frozenset(
    {BackfillState.NOT_STARTED, BackfillState.NOT_IN_PLACE, BackfillState.UNKNOWN}
)
_ENDED_BADLY: Final = frozenset({BackfillState.FAILED, BackfillState.STOPPED})


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    """A link, or a part of it, in one state."""

    source: Registry
    destination: Registry
    mark: Mark
    text: str
    """Its prefixes and routes, and what else is to be said of it."""


def plan_links(plan: Plan) -> tuple[LinkView, ...]:
    """Returns the links of a plan: those that change, those held, and those that stay."""
    return tuple(link for planned in plan.registries for link in _planned(planned))


def _planned(planned: RegistryPlan) -> Iterator[LinkView]:
    source = planned.registry
    added: dict[Registry, list[Prefixes]] = {}
    refused = FAILED if _RULES in planned.refused else None
    for change in planned.changes:
        if change.resource is _RULES:
            for end in change.links_added:
                added.setdefault(end.registry, []).append(end.prefixes)
            yield from _ends(source, change.links_added, refused or ADDED)
            yield from _ends(source, change.links_removed, refused or REMOVED)
            yield from _ends(source, change.deletes_started, DELETES, _START)
            yield from _ends(source, change.deletes_stopped, DELETES, _STOP)
    yield from _held(source, planned)
    for destination, owned in planned.owned.links.items():
        new = reduce(prefix for prefixes in added.get(destination, ()) for prefix in prefixes)
        if stays := beyond(reduce(owned), new):
            text = prefix_words(stays)
            yield LinkView(source=source, destination=destination, mark=IN_PLACE, text=text)


def _ends(
    source: Registry, ends: Iterable[LinkEnd], mark: Mark, note: str = ""
) -> Iterator[LinkView]:
    for end in ends:
        routes = named("route", end.routes) if end.routes else ""
        text = "; ".join(filter(None, (prefix_words(end.prefixes), routes, note)))
        yield LinkView(source=source, destination=end.registry, mark=mark, text=text)


def _held(source: Registry, holder: RegistryPlan | RegistryOutcome) -> Iterator[LinkView]:
    for link in holder.held:
        text = f"{prefix_words(link.prefixes)}; {link.because}"
        yield LinkView(source=source, destination=link.destination, mark=HELD, text=text)


def report_links(report: Report) -> tuple[LinkView, ...]:
    """Returns the links of the registries whose rules a run wanted to write, and those held. A
    report names no links of other registries."""
    return tuple(link for outcome in report.registries for link in _written(outcome))


def _written(outcome: RegistryOutcome) -> Iterator[LinkView]:
    source = outcome.registry
    stays: Outgoing | None = None
    for change in outcome.changes:
        if change.resource is not _RULES:
            continue
        before, after = contents(change, Replication)
        differs = compare(before.links, after.links)
        ended = _ENDINGS.get(change.outcome)
        yield from _outgoing(source, differs.added, ended or ADDED)
        yield from _outgoing(source, differs.removed, ended or REMOVED)
        yield from _outgoing(source, differs.deletes_started, ended or DELETES, _START)
        yield from _outgoing(source, differs.deletes_stopped, ended or DELETES, _STOP)
        stays = _without(before.outgoing if stays is None else stays, differs.removed)
    yield from _outgoing(source, stays or {}, IN_PLACE)
    yield from _held(source, outcome)


_ENDINGS: Final[Mapping[Outcome, Mark]] = {
    Outcome.FAILED: FAILED,
    Outcome.SKIPPED: NOT_WRITTEN,
    Outcome.CANCELLED: NOT_WRITTEN,
}


def _outgoing(source: Registry, links: Outgoing, mark: Mark, note: str = "") -> Iterator[LinkView]:
    for destination, prefixes in links.items():
        text = "; ".join(filter(None, (prefix_words(prefixes), note)))
        yield LinkView(source=source, destination=destination, mark=mark, text=text)


def _without(links: Outgoing, removed: Outgoing) -> Outgoing:
    return {
        destination: rest
        for destination, prefixes in links.items()
        if (rest := beyond(prefixes, removed.get(destination, ())))
    }


JOINING: Final = Mark(word="joining", symbol="○", tone=Tone.IDLE)
"""The state of a link of which nothing is known yet, and that is no problem."""


def delivery_mark(link: LinkDelivery) -> Mark:
    """Returns the state of a link whose images were asked about."""
    return DELIVERY_MARKS[link.state] if link.joining is None else JOINING


def delivery_links(report: DeliveryReport) -> tuple[LinkView, ...]:
    """Returns the links whose images were asked about."""
    return tuple(
        LinkView(
            source=link.source,
            destination=link.destination,
            mark=delivery_mark(link),
            text=f"{prefix_words(link.prefixes)}; {named('route', link.routes)}",
        )
        for link in report.links
    )


def backfill_mark(backfill: BackfillOutcome) -> Mark:
    """Returns the state of a backfill; one that fell short is marked as bad."""
    word = backfill.state.value.replace("-", " ")
    if backfill.joining:
        return JOINING
    if backfill.error is not None or backfill.state in _ENDED_BADLY or backfill.fails:
        return Mark(word=word, symbol="✕", tone=Tone.BAD)
    if backfill.state in _WAITING:
        return Mark(word=word, symbol="○", tone=Tone.HELD)
    if backfill.state is BackfillState.COMPLETE:
        return Mark(word=word, symbol="●", tone=Tone.GOOD)
    idle = backfill.state is BackfillState.NONE
    return Mark(word=word, symbol="·" if idle else "…", tone=Tone.IDLE if idle else Tone.CHANGED)


def backfill_links(backfills: Iterable[BackfillOutcome]) -> tuple[LinkView, ...]:
    """Returns the links of backfills."""
    return tuple(
        LinkView(
            source=backfill.source,
            destination=backfill.destination,
            mark=backfill_mark(backfill),
            text=copies(backfill),
        )
        for backfill in backfills
    )


def copies(backfill: BackfillOutcome) -> str:
    """Returns how far a backfill came: `12 of 40 copies, 1 failed`; else why it has no numbers."""
    last = backfill.backfill
    if last is None:
        return backfill.because or "no numbers are known"
    total = "an unknown number of" if last.total is None else f"{last.total:,}"
    failed = f", {last.failed:,} failed" if last.failed else ""
    return f"{last.completed:,} of {total} copies{failed}"


def prefix_words(prefixes: Prefixes) -> str:
    """Returns `base/, golden/`, or `every repository`."""
    if prefixes == EVERY_REPOSITORY:
        return "every repository"
    return listed(prefixes, _PREFIXES_SHOWN)


def end_names(
    links: Iterable[LinkDelivery | LinkCoverage | BackfillOutcome],
) -> Mapping[AccountId, str]:
    """Returns the names of the accounts at the ends of links."""
    names: dict[AccountId, str] = {}
    for link in links:
        names[link.source.account] = link.source_name
        names[link.destination.account] = link.destination_name
    return names
