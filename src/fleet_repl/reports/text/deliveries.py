"""A delivery report as text: counts, then links with problems, then the other links.

Links whose images have the same trouble make one group, of which a few links and images are named.
A full page lists every link.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Final, NamedTuple

from fleet_repl.reports.exit_codes import REGIONS_UNKNOWN, delivery_exit, exit_words
from fleet_repl.reports.fault_groups import FailedRegistry
from fleet_repl.reports.text.labels import label
from fleet_repl.reports.text.page import Page, Style
from fleet_repl.reports.text.sections import GROUPS, add_cut, add_faults, add_joining, add_warnings
from fleet_repl.runs.delivery import (
    Delivery,
    DeliveryReport,
    DeliveryState,
    LinkDelivery,
    times_of,
)
from fleet_repl.values.text import counted, elapsed

IMAGES: Final = 3
"""The most images that are named for each link."""

_STYLES: Final = {
    DeliveryState.FAILED: Style.BAD,
    DeliveryState.MISSING: Style.BAD,
    DeliveryState.NO_RULE: Style.BAD,
    DeliveryState.UNKNOWN: Style.BAD,
    DeliveryState.IN_PROGRESS: Style.CHANGED,
    DeliveryState.NOT_SENT: Style.CHANGED,
    DeliveryState.COMPLETE: Style.ADDED,
}
_TITLES: Final = {
    DeliveryState.FAILED: "Failed",
    DeliveryState.MISSING: "Missing",
    DeliveryState.NO_RULE: "No rule",
    DeliveryState.IN_PROGRESS: "In progress",
    DeliveryState.NOT_SENT: "Not sent",
    DeliveryState.COMPLETE: "Complete",
}
_ON_DEMAND: Final = frozenset({DeliveryState.COMPLETE, DeliveryState.IDLE})
"""States of links without a problem, which only a full page lists."""


class _Trouble(NamedTuple):
    """The cause why images did not arrive: the same for all links of a group."""

    code: str | None
    because: str | None


class _Case(NamedTuple):
    """The images of one link with the same trouble."""

    link: LinkDelivery
    images: tuple[Delivery, ...]


def delivery_text(
    report: DeliveryReport, *, full: bool = False, colour: bool = False, width: int | None = None
) -> str:
    """Returns the report for people. `full`: every link is listed, however many there are."""
    page = Page(full=full)
    good = report.status == "ok"
    status = (report.status, Style.ADDED if good else Style.CHANGED)
    page.add((f"Delivery of {report.fleet}: ", Style.HEADING), status)
    _add_counts(page, report)
    for state, title in _TITLES.items():
        if full or state not in _ON_DEMAND:
            _add_state(page, report, state, title)
    _add_plain(page, report, DeliveryState.IDLE, "Idle (no image of the sample)")
    _add_plain(page, report, DeliveryState.UNKNOWN, "Unknown (the source was not read)")
    add_joining(page, [link.joining for link in report.links], "link")
    add_faults(
        page,
        "Unreadable",
        [
            FailedRegistry(registry=unread.registry, name=unread.name, fault=unread.error)
            for unread in report.unreadable
        ],
    )
    add_warnings(page, report.warnings)
    add_cut(page)
    _add_end(page, report)
    return page.render(colour=colour, width=width)


def _add_counts(page: Page, report: DeliveryReport) -> None:
    """Adds a row for each state, with its numbers of links and of images."""
    links, images = report.link_states, report.image_states
    page.gap()
    width = max(len("links"), *(len(f"{number:,}") for number in links.values()), 0)
    other = max(len("images"), *(len(f"{number:,}") for number in images.values()), 0)
    page.add((f"{'':<11}  {'links':>{width}}  {'images':>{other}}", Style.FAINT), indent=1)
    for state in reversed(DeliveryState):
        number = links[state]
        line = f"{state.value:<11}  {number:>{width},}"
        if state not in (DeliveryState.IDLE, DeliveryState.UNKNOWN):
            line += f"  {images[state]:>{other},}"
        style = _STYLES.get(state) if number else Style.FAINT
        page.add((line, style) if style else line, indent=1)


def _add_state(page: Page, report: DeliveryReport, state: DeliveryState, title: str) -> None:
    """Adds a block for the images in a state, with a group for each trouble."""
    groups = _groups(report, state)
    if not groups:
        return
    links = sum(bool(link.having(state)) for link in report.links)
    page.heading(f"{title}: {counted(links, 'link')}")
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), str(item[0])))
    shown = page.within(ordered, GROUPS)
    for trouble, cases in shown:
        _add_group(page, trouble, cases, _STYLES[state])
    page.more(len(ordered) - len(shown), indent=1)


def _groups(report: DeliveryReport, state: DeliveryState) -> Mapping[_Trouble, list[_Case]]:
    cases: dict[_Trouble, list[_Case]] = {}
    for link in report.links:
        of_link: dict[_Trouble, list[Delivery]] = {}
        for delivery in link.having(state):
            of_link.setdefault(_Trouble(delivery.code, delivery.because), []).append(delivery)
        for trouble, deliveries in of_link.items():
            cases.setdefault(trouble, []).append(_Case(link, tuple(deliveries)))
    return cases


def _add_group(page: Page, trouble: _Trouble, cases: Sequence[_Case], style: Style) -> None:
    reason = ": ".join(part for part in trouble if part)
    if reason:
        page.add((reason, style), f": {counted(len(cases), 'link')}", indent=1)
    indent = 2 if reason else 1
    hints = {delivery.hint for case in cases for delivery in case.images}
    shown = page.examples(cases)
    for case in shown:
        page.add(f"{_link(case.link)}: {_images(page, case)}", indent=indent)
        for hint in dict.fromkeys(delivery.hint for delivery in case.images if len(hints) > 1):
            if hint:
                page.add(f"→ {hint}", indent=indent + 1)
    page.more(len(cases) - len(shown), indent=indent)
    if len(hints) == 1 and (shared := hints.pop()):
        page.add(f"→ {shared}", indent=indent)


def _add_plain(page: Page, report: DeliveryReport, state: DeliveryState, title: str) -> None:
    """Adds a block that only lists the links in a state."""
    links = [link for link in report.links if link.state is state and link.joining is None]
    if not links or (state in _ON_DEMAND and not page.full):
        return
    page.heading(f"{title}: {counted(len(links), 'link')}")
    shown = page.examples(links)
    for link in shown:
        page.add(_link(link), indent=1)
    page.more(len(links) - len(shown), indent=1)


def _link(link: LinkDelivery) -> str:
    source = label(link.source, link.source_name)
    external = ", external" if link.external else ""
    return f"{source} → {label(link.destination, link.destination_name)}{external}"


def _images(page: Page, case: _Case) -> str:
    """Returns `2 of 10 images (median 12 s): base/python:3.13, base/go:1.25`."""
    shown = page.within(case.images, IMAGES)
    names = [_image(delivery) for delivery in shown]
    if rest := len(case.images) - len(shown):
        page.cut = True
        names.append(f"{rest:,} more")
    of = len(case.link.images)
    number = f"{len(case.images):,} of {counted(of, 'image')}"
    times = times_of(case.images)
    took = f" (median {elapsed(times.median)})" if times is not None else ""
    return f"{number}{took}: {', '.join(names)}"


def _image(delivery: Delivery) -> str:
    """Returns `base/python:3.13`, with the time since its push while it is on its way."""
    tag = f":{delivery.image.tags[0]}" if delivery.image.tags else f"@{delivery.image.digest[:19]}"
    since = ""
    if delivery.state is DeliveryState.IN_PROGRESS and delivery.seconds is not None:
        since = f" for {elapsed(delivery.seconds)}"
    return f"{delivery.image.repository}{tag}{since}"


def _add_end(page: Page, report: DeliveryReport) -> None:
    took = elapsed((report.finished_at - report.started_at).total_seconds())
    age = _age(report.age)
    page.gap()
    times = report.times
    if times is not None:
        page.add(
            f"From push to arrival: median {elapsed(times.median)}, slowest "
            f"{elapsed(times.slowest)}, of {counted(times.measured, 'arrival')} measured."
        )
    if not report.links:
        summary = "Nothing to ask about: no route links anything here"
    elif not report.sampled and report.status == "ok":
        summary = f"Nothing to ask about: no image was pushed in the last {age}"
    else:
        images = counted(report.sampled, "image")
        summary = f"Asked about {images} of the last {age} in {counted(report.sources, 'source')}"
    code = delivery_exit(report)
    words = exit_words(code, _reasons(report))
    page.add((f"{summary}, in {took}.", Style.HEADING), f" Exit {code.value}: {words}.")


def _reasons(report: DeliveryReport) -> Iterator[str]:
    """Yields what is a failure of deliveries, with its number."""
    problems = Counter(link.state for link in report.links if link.is_problem)
    for state in DeliveryState:
        if number := problems[state]:
            words = "without a rule" if state is DeliveryState.NO_RULE else state.value
            yield f"{counted(number, 'link')} {words}"
    if report.unreadable:
        yield f"{counted(len(report.unreadable), 'registry')} unreadable"
    if report.warnings:
        yield REGIONS_UNKNOWN


def _age(age: timedelta) -> str:
    """Returns `7 days` or `90 minutes`: in the largest unit that leaves no remainder."""
    seconds = round(age.total_seconds())
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size and seconds % size == 0:
            number = seconds // size
            return f"{number:,} {unit}" + "s" * (number != 1)
    return counted(seconds, "second")
