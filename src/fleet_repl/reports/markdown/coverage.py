"""Blocks of a coverage: routes, gaps, and what goes nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fleet_repl.reports.coverage_words import percent, shared_remedies
from fleet_repl.reports.documents.coverage import (
    CoverageDocument,
    CoveredLinkDocument,
    CoveredRouteDocument,
    GapDocument,
    UnroutedDocument,
)
from fleet_repl.reports.documents.in_use import ImageInUseDocument, InUseDocument
from fleet_repl.reports.documents.shared import NamedPlaceDocument, given
from fleet_repl.reports.markdown.escape import code, prose, remedy, row, table
from fleet_repl.reports.markdown.page import Page
from fleet_repl.reports.markdown.problems import add_faults, add_notes
from fleet_repl.reports.text.labels import label


def add_coverage(page: Page, report: CoverageDocument) -> None:
    """Adds a table of routes, of gaps with what to do about them, and of what goes nowhere."""
    header = ("route", report.compared, "share", "objective", "matches nothing")
    page.add_some(
        f"### Routes\n\n{table(header, ())}", list(map(_route, report.routes)), noun="routes"
    )
    page.add_some(
        f"### Missing\n\n{table(('link', 'repository', 'images', 'because'), ())}",
        [_gap(link, gap) for link in report.links for gap in link.gaps],
        noun="gaps",
    )
    remedies = shared_remedies(route.remedy for route in report.routes)
    page.add_some("### What to do\n", [f"- {remedy(text)}" for text in remedies], noun="remedies")
    page.add_some(
        f"### In no route\n\n{table(('registry', 'repositories'), ())}",
        list(map(_unrouted, report.unrouted)),
        noun="registries",
    )
    if report.in_use is not None:
        _add_in_use(page, report.in_use)
    add_faults(page, "Unreadable", ((unread, unread.error) for unread in report.unreadable))
    add_notes(page, "Warnings", given(report.warnings) or ())


def _route(route: CoveredRouteDocument) -> str:
    tally = route.images or route.repositories
    share = "" if route.share is None else percent(route.share)
    objective = ""
    if route.objective is not None:
        verdict = {True: "met", False: "**missed**", None: "unknown"}[route.met]
        objective = f"{percent(route.objective)} {verdict}"
    unmatched = " ".join(code(prefix or "*") for prefix in route.unmatched)
    return row(
        [code(route.name), f"{tally.present:,} of {tally.wanted:,}", share, objective, unmatched]
    )


def _gap(link: CoveredLinkDocument, gap: GapDocument) -> str:
    missing = "" if gap.missing is None else f"{gap.missing:,}"
    ends = f"{_place(link.source)} → {_place(link.destination)}"
    return row([ends, code(gap.repository), missing, "; ".join(_reasons(gap))])


def _reasons(gap: GapDocument) -> Iterator[str]:
    if not gap.exists:
        yield "not there"
    if not gap.rule:
        yield "no rule of the source carries it"
    if gap.newest:
        newest = gap.newest[0]
        yield f"newest {code(newest.tag or newest.digest)} of {prose(newest.pushed_at)}"


def _unrouted(source: UnroutedDocument) -> str:
    names = source.repositories
    more = f" and {len(names) - 10:,} more" if len(names) > 10 else ""
    return row([_place(source), " ".join(map(code, names[:10])) + more])


def _add_in_use(page: Page, in_use: InUseDocument) -> None:
    alone = [use for use in in_use.images if not use.copies]
    header = ("pulled from", "image", "run by", "missing in")
    page.add_some(
        f"### Running images that are in one region only\n\n{table(header, ())}",
        [_in_use(use, use.missing) for use in alone if not use.unknown],
        noun="images",
    )
    header = ("pulled from", "image", "run by", "could not be asked")
    page.add_some(
        f"### Running images that may be in one region only\n\n{table(header, ())}",
        [_in_use(use, use.unknown) for use in alone if use.unknown],
        noun="images",
    )
    places = [
        f"- {prose(f'{place.runtime} in {place.place}')}: {prose(place.error.message)}"
        for place in in_use.unasked
    ]
    page.add_some("### What runs is not known\n", places, noun="places")


def _in_use(use: ImageInUseDocument, places: Sequence[str]) -> str:
    workloads = [code(f"{workload.runtime} {workload.name}") for workload in use.workloads[:3]]
    name = f"{use.image.partition('@')[0]}:{use.tags[0]}" if use.tags else use.image
    return row([_place(use), code(name), " ".join(workloads), " ".join(map(code, places))])


def _place(place: NamedPlaceDocument) -> str:
    return code(label(place.registry, place.name))
