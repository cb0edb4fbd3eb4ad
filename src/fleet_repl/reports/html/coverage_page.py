"""What is missing where, as a page. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from fleet_repl.reports.coverage_words import (
    gap_words,
    link_words,
    lost_words,
    nowhere,
    place_words,
    route_words,
    use_words,
)
from fleet_repl.reports.html.drawing import drawing_of
from fleet_repl.reports.html.labels import Labels
from fleet_repl.reports.html.links import LinkView, end_names, prefix_words
from fleet_repl.reports.html.marks import Mark, Tone
from fleet_repl.reports.html.matrix import link_matrix
from fleet_repl.reports.html.model import Block, Fact, Page, Problem, Row
from fleet_repl.reports.html.problems import (
    fault_problems,
    place_words as place_label,
    warning_problems,
)
from fleet_repl.reports.html.run_head import mark_tile, run_facts, status_mark, tile
from fleet_repl.reports.html.table import table_of
from fleet_repl.runs.coverage import CoverageReport, CoverageState, InUse, LinkCoverage
from fleet_repl.runs.outcomes import Status
from fleet_repl.values.text import counted, named

MARKS: Final = {
    CoverageState.UNKNOWN: Mark(word="unknown", symbol="!", tone=Tone.HELD),
    CoverageState.MISSING: Mark(word="missing", symbol="?", tone=Tone.BAD),
    CoverageState.COMPLETE: Mark(word="complete", symbol="●", tone=Tone.GOOD),
    CoverageState.EXTERNAL: Mark(word="external", symbol="○", tone=Tone.IDLE),
}
_GAPS: Final = 30
"""The most gaps of a link that are listed."""
_EXAMPLES: Final = 5


def coverage_page(report: CoverageReport) -> Page:
    """Returns the page of a coverage."""
    names, marks = end_names(report.links), tuple(MARKS.values())
    links = tuple(map(_view, report.links))
    counts = Counter(MARKS[link.state] for link in report.links)
    states = (mark_tile(mark, counts[mark], "links") for mark in marks if counts[mark])
    return Page(
        kind="Coverage",
        fleet=report.fleet,
        status=status_mark(Status(report.status)),
        sentence=_sentence(report),
        facts=tuple(_facts(report)),
        tiles=(*states, tile(len(report.unreadable), "unreadable", Tone.BAD, "registries")),
        timeline=(),
        problems=tuple(_problems(report)),
        matrix=link_matrix(links, marks, names, Labels()),
        drawing=drawing_of(links, marks, names, {}),
        table=table_of("link", report.links, lambda link: MARKS[link.state].tone, _row),
    )


def _view(link: LinkCoverage) -> LinkView:
    routes = named("route", link.routes)
    text = f"{prefix_words(link.prefixes)}; {routes}"
    if link.gaps:
        text += f"; {link_words(link)}"
    return LinkView(
        source=link.source, destination=link.destination, mark=MARKS[link.state], text=text
    )


def _sentence(report: CoverageReport) -> str:
    short = sum(bool(link.gaps) for link in report.links)
    going_nowhere = sum(len(source.repositories) for source in report.unrouted)
    what = "images" if report.with_images else "repositories"
    return (
        f"Compared {what} on {counted(len(report.links), 'link')}: {short:,} with gaps; "
        f"{counted(going_nowhere, 'repository')} in no route."
    )


def _facts(report: CoverageReport) -> Iterator[Fact]:
    yield from run_facts(report)
    for route in report.routes:
        yield Fact(term=f"Route {route.name}", value=route_words(route).partition(": ")[2])


def _problems(report: CoverageReport) -> Iterator[Problem]:
    yield from fault_problems(report.unreadable)
    yield from warning_problems(report.warnings, acknowledged=0)
    for route in report.routes:
        if route.remedy is not None or route.is_met is False:
            yield Problem(
                tone=Tone.BAD if route.is_met is False else Tone.CHANGED,
                kind="objective missed" if route.is_met is False else "missing",
                title=route_words(route),
                examples=(),
                more=0,
                remedy=tuple((route.remedy or "").splitlines()),
            )
        if route.unmatched:
            yield _listing(
                "matches nothing",
                f"{route.name}: no repository of its {counted(route.sources, 'source')}",
                [prefix or "every repository" for prefix in route.unmatched],
            )
    for first, group in nowhere(report.unrouted).items():
        yield _listing(
            "in no route",
            f"{first}: {counted(sum(len(names) for _, names in group), 'repository')}",
            [
                f"{place_label(source.registry, source.name)}: {name}"
                for source, names in group
                for name in names
            ],
        )
    if report.in_use is not None:
        yield from _in_use(report.in_use)


def _in_use(in_use: InUse) -> Iterator[Problem]:
    for region, images in in_use.by_region().items():
        lost = [image for image in images if not image.copies]
        if lost:
            yield _listing(
                "nowhere else",
                f"if {region} is gone: {lost_words(images)}",
                [f"{use_words(image)}: {place_words(image)}" for image in lost],
            )
    if in_use.unasked:
        yield _listing(
            "not known",
            f"what runs: {counted(len(in_use.unasked), 'place')}",
            [f"{place.runtime} in {place.place}: {place.error}" for place in in_use.unasked],
        )


def _listing(kind: str, title: str, lines: list[str]) -> Problem:
    return Problem(
        tone=Tone.CHANGED,
        kind=kind,
        title=title,
        examples=tuple(lines[:_EXAMPLES]),
        more=max(len(lines) - _EXAMPLES, 0),
    )


def _row(link: LinkCoverage) -> Row:
    mark = MARKS[link.state]
    destination = place_label(link.destination, link.destination_name)
    summary = f"→ {destination}; {link_words(link) if link.gaps else mark.word}"
    routes = named("route", link.routes)
    blocks = [Block(title="Link", note=f"{prefix_words(link.prefixes)}; {routes}")]
    if link.joining is not None:
        blocks.append(Block(title="Joining", note=link.joining))
    blocks += (
        Block(title=gap.repository, tone=Tone.BAD, note=gap_words(gap).partition(": ")[2])
        for gap in link.gaps[:_GAPS]
    )
    if len(link.gaps) > _GAPS:
        blocks.append(Block(title="More", note=f"{len(link.gaps) - _GAPS:,} more repositories"))
    return Row(
        mark=mark,
        name=link.source_name,
        account=link.source.account,
        region=link.source.region,
        wave=None,
        summary=summary,
        outcomes=(mark.word,),
        blocks=tuple(blocks),
    )
