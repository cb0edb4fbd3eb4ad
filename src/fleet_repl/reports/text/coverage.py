"""A coverage as text: each route, what goes nowhere, and the gaps of each link.

A full page lists every repository and every link.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from fleet_repl.reports.coverage_words import (
    gap_words,
    link_words,
    lost_words,
    nowhere,
    place_words,
    route_words,
    shared_remedies,
    use_words,
)
from fleet_repl.reports.exit_codes import REGIONS_UNKNOWN, delivery_exit, exit_words
from fleet_repl.reports.fault_groups import FailedRegistry
from fleet_repl.reports.text.labels import label
from fleet_repl.reports.text.page import Page, Style
from fleet_repl.reports.text.sections import (
    GROUPS,
    add_cut,
    add_faults,
    add_joining,
    add_remedy,
    add_warnings,
)
from fleet_repl.runs.coverage import (
    CoverageReport,
    CoverageState,
    InUse,
    LinkCoverage,
    RouteCoverage,
    Unasked,
    Unrouted,
)
from fleet_repl.values.text import counted, elapsed

GAPS: Final = 5
"""The most gaps that are named of a link."""


def coverage_text(
    report: CoverageReport, *, full: bool = False, colour: bool = False, width: int | None = None
) -> str:
    """Returns the report for people. `full`: everything is listed, however much there is."""
    page = Page(full=full)
    status = (report.status, Style.ADDED if report.status == "ok" else Style.CHANGED)
    page.add((f"Coverage of {report.fleet}: ", Style.HEADING), status)
    _add_routes(page, report.routes)
    _add_unrouted(page, report.unrouted)
    _add_missing(page, report)
    _add_links(page, report, CoverageState.EXTERNAL, "External, so nobody here can look into them")
    _add_links(page, report, CoverageState.UNKNOWN, "Unknown (an end was not read)")
    if full:
        _add_links(page, report, CoverageState.COMPLETE, "Complete")
    if report.in_use is not None:
        _add_in_use(page, report.in_use)
    add_joining(page, [link.joining for link in report.links], "link")
    failed = [
        FailedRegistry(registry=unread.registry, name=unread.name, fault=unread.error)
        for unread in report.unreadable
    ]
    add_faults(page, "Unreadable", failed)
    add_warnings(page, report.warnings)
    add_cut(page)
    _add_end(page, report)
    return page.render(colour=colour, width=width)


def _add_routes(page: Page, routes: Iterable[RouteCoverage]) -> None:
    listed = sorted(routes, key=lambda route: (route.is_met is not False, not route.unmatched))
    if not listed:
        return
    page.heading("Routes")
    shown = page.within(listed, GROUPS)
    for route in shown:
        style = Style.BAD if route.is_met is False else None
        text = route_words(route)
        page.add((text, style) if style else text, indent=1)
        for prefix in route.unmatched:
            subject = f"prefix {prefix} matches" if prefix else "it finds"
            sources = counted(route.sources, "source")
            page.add((f"{subject} no repository of its {sources}", Style.CHANGED), indent=2)
    page.more(len(listed) - len(shown), indent=1)


def _add_unrouted(page: Page, unrouted: Iterable[Unrouted]) -> None:
    groups = nowhere(unrouted)
    if not groups:
        return
    number = sum(len(names) for group in groups.values() for _, names in group)
    page.heading(f"In no route: {counted(number, 'repository')}")
    ordered = sorted(groups.items(), key=lambda item: (-_size(item[1]), item[0]))
    shown = page.within(ordered, GROUPS)
    for first, group in shown:
        verb = "goes" if _size(group) == 1 else "go"
        sentence = f"{first}: {counted(_size(group), 'repository')} {verb} nowhere"
        page.add((sentence, Style.CHANGED), indent=1)
        examples = page.examples(group)
        for source, names in examples:
            named = page.within(names, GAPS)
            more = f" and {len(names) - len(named):,} more" if len(named) < len(names) else ""
            page.cut = page.cut or bool(more)
            place = label(source.registry, source.name)
            page.add(f"{place}: {', '.join(named)}{more}", indent=2)
        page.more(len(group) - len(examples), indent=2)
    page.more(len(ordered) - len(shown), indent=1)


def _size(group: Iterable[tuple[Unrouted, tuple[str, ...]]]) -> int:
    return sum(len(names) for _, names in group)


def _add_missing(page: Page, report: CoverageReport) -> None:
    links = [link for link in report.links if link.gaps]
    if not links:
        return
    page.heading(f"Missing at their destination: {counted(len(links), 'link')}")
    shown = page.within(sorted(links, key=lambda link: -len(link.gaps)), GROUPS)
    for link in shown:
        page.add((_link(link), Style.BAD), f": {link_words(link)}", indent=1)
        gaps = page.within(link.gaps, GAPS)
        for gap in gaps:
            page.add(gap_words(gap), indent=2)
        page.more(len(link.gaps) - len(gaps), indent=2)
    page.more(len(links) - len(shown), indent=1)
    for remedy in shared_remedies(route.remedy for route in report.routes):
        sentence, *commands = remedy.splitlines()
        named = page.within(commands, GROUPS)
        add_remedy(page, "\n".join((sentence, *named)))
        page.more(len(commands) - len(named), indent=3)


def _add_links(page: Page, report: CoverageReport, state: CoverageState, title: str) -> None:
    links = [link for link in report.links if link.state is state and link.joining is None]
    if not links:
        return
    page.heading(f"{title}: {counted(len(links), 'link')}")
    shown = page.examples(links)
    for link in shown:
        page.add(_link(link), indent=1)
    page.more(len(links) - len(shown), indent=1)


def _add_in_use(page: Page, in_use: InUse) -> None:
    """Adds what would be lost with each region, and on a full page what would not."""
    for region, images in in_use.by_region().items():
        page.heading(f"If {region} is gone, {lost_words(images, 'would be nowhere')}")
        short = [image for image in images if page.full or image.missing or not image.copies]
        shown = page.within(sorted(short, key=lambda image: bool(image.copies)), GROUPS)
        for image in shown:
            place = label(image.registry, image.name)
            style = Style.CHANGED if image.copies else Style.BAD
            page.add((use_words(image), style), f" of {place}: {place_words(image)}", indent=1)
        page.more(len(short) - len(shown), indent=1)
    if in_use.elsewhere:
        page.gap()
        page.add(f"{counted(in_use.elsewhere, 'running image')} of no registry of the fleet.")
    _add_unasked(page, in_use.unasked)


def _add_unasked(page: Page, unasked: Sequence[Unasked]) -> None:
    if not unasked:
        return
    page.heading(f"What runs is not known: {counted(len(unasked), 'place')}")
    shown = page.within(unasked, GROUPS)
    for place in shown:
        what = f"{place.runtime} in {place.place}"
        style = Style.BAD if place.fails else Style.CHANGED
        page.add((what, style), f": {place.error}", indent=1)
    page.more(len(unasked) - len(shown), indent=1)
    for hint in dict.fromkeys(place.error.hint for place in shown):
        if hint:
            add_remedy(page, hint)


def _link(link: LinkCoverage) -> str:
    source = label(link.source, link.source_name)
    return f"{source} → {label(link.destination, link.destination_name)}"


def _add_end(page: Page, report: CoverageReport) -> None:
    took = elapsed((report.finished_at - report.started_at).total_seconds())
    what = "images" if report.with_images else "repositories"
    links = counted(len(report.links), "link")
    code = delivery_exit(report)
    page.gap()
    page.add(
        (f"Compared {what} on {links}, in {took}.", Style.HEADING),
        f" Exit {code.value}: {exit_words(code, _reasons(report))}.",
    )


def _reasons(report: CoverageReport) -> Iterator[str]:
    """Yields what is a failure of a coverage, with its number."""
    if missed := sum(route.is_met is False for route in report.routes):
        yield f"{counted(missed, 'objective')} missed"
    if report.unreadable:
        yield f"{counted(len(report.unreadable), 'registry')} unreadable"
    if report.warnings:
        yield REGIONS_UNKNOWN
    places = () if report.in_use is None else report.in_use.unasked
    if failed := sum(place.fails for place in places):
        yield f"what runs in {counted(failed, 'place')} unknown"
