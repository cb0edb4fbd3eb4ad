"""Whether images arrive, as a page. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from fleet_repl.reports.html.drawing import drawing_of
from fleet_repl.reports.html.labels import Labels
from fleet_repl.reports.html.links import (
    DELIVERY_MARKS,
    JOINING,
    delivery_links,
    delivery_mark,
    end_names,
    prefix_words,
)
from fleet_repl.reports.html.marks import Tone
from fleet_repl.reports.html.matrix import link_matrix
from fleet_repl.reports.html.model import Block, Fact, Page, Problem, Row, Tile
from fleet_repl.reports.html.problems import (
    ends_words,
    fault_problems,
    place_words,
    warning_problems,
)
from fleet_repl.reports.html.run_head import mark_tile, run_facts, status_mark, tile
from fleet_repl.reports.html.table import table_of
from fleet_repl.runs.delivery import Delivery, DeliveryReport, DeliveryState, LinkDelivery
from fleet_repl.runs.outcomes import Status
from fleet_repl.values.text import counted, elapsed, named

_IMAGES: Final = 30
"""The most images of a link that are listed."""
_EXAMPLES: Final = 5


def delivery_page(report: DeliveryReport) -> Page:
    """Returns the page of a verification."""
    names = end_names(report.links)
    links = delivery_links(report)
    marks = (*DELIVERY_MARKS.values(), JOINING)
    return Page(
        kind="Verification",
        fleet=report.fleet,
        status=status_mark(Status(report.status)),
        sentence=_sentence(report),
        facts=tuple(_facts(report)),
        tiles=_tiles(report),
        timeline=(),
        problems=tuple(_problems(report)),
        matrix=link_matrix(links, marks, names, Labels()),
        drawing=drawing_of(links, marks, names, {}),
        table=table_of("link", report.links, lambda link: delivery_mark(link).tone, _row),
    )


def _sentence(report: DeliveryReport) -> str:
    states = report.image_states
    arrived = states[DeliveryState.COMPLETE]
    links = f"{counted(len(report.links), 'link')} of {counted(report.sources, 'source')}"
    what = f"{arrived:,} of {states.total():,} deliveries arrived on {links}"
    times = report.times
    if times is not None:
        what += f", half of them within {elapsed(times.median)}"
    bad = sum(link.is_problem for link in report.links)
    return f"{what}; {counted(bad, 'link')} with problems." if bad else f"{what}."


def _facts(report: DeliveryReport) -> Iterator[Fact]:
    yield from run_facts(report)
    yield Fact(term="Images asked about", value=f"{report.sampled:,}")
    yield Fact(term="Pushed within", value=elapsed(report.age.total_seconds()))
    if report.times is not None:
        slowest = elapsed(report.times.slowest)
        yield Fact(term="Slowest", value=f"{slowest}, of {report.times.measured:,} measured")


def _tiles(report: DeliveryReport) -> tuple[Tile, ...]:
    counts = Counter(map(delivery_mark, report.links))
    marks = (*DELIVERY_MARKS.values(), JOINING)
    states = (mark_tile(mark, counts[mark], "links") for mark in marks if counts[mark])
    return (*states, tile(len(report.unreadable), "unreadable", Tone.BAD, "registries"))


def _problems(report: DeliveryReport) -> Iterator[Problem]:
    yield from fault_problems(report.unreadable)
    yield from warning_problems(report.warnings, acknowledged=0)
    groups: dict[tuple[DeliveryState, str, str | None], list[str]] = {}
    for link in report.links:
        for image in link.images:
            if image.state.is_problem:
                key = image.state, image.because or image.code or image.state.value, image.hint
                groups.setdefault(key, []).append(f"{ends_words(link)}: {_image_name(image)}")
    for (state, because, hint), images in sorted(groups.items(), key=lambda item: -len(item[1])):
        yield Problem(
            tone=DELIVERY_MARKS[state].tone,
            kind=DELIVERY_MARKS[state].word,
            title=f"{counted(len(images), 'delivery')}: {because}",
            examples=tuple(images[:_EXAMPLES]),
            more=max(len(images) - _EXAMPLES, 0),
            remedy=tuple((hint or "").splitlines()),
        )


def _image_name(image: Delivery) -> str:
    tags = f":{', '.join(image.image.tags)}" if image.image.tags else ""
    return f"{image.image.repository}{tags or f'@{image.image.digest}'}"


def _row(link: LinkDelivery) -> Row:
    mark = delivery_mark(link)
    destination = place_words(link.destination, link.destination_name)
    external = ", not managed" if link.external else ""
    return Row(
        mark=mark,
        name=link.source_name,
        account=link.source.account,
        region=link.source.region,
        wave=None,
        summary=f"→ {destination}{external}; {counted(len(link.images), 'image')}",
        outcomes=(mark.word,),
        blocks=tuple(_blocks(link)),
    )


def _blocks(link: LinkDelivery) -> Iterator[Block]:
    routes = named("route", link.routes) if link.routes else "no route"
    yield Block(title="Link", note=f"{prefix_words(link.prefixes)}; {routes}")
    if link.joining is not None:
        yield Block(title="Joining", note=link.joining)
    worst_first = sorted(link.images, key=lambda image: list(DeliveryState).index(image.state))
    for image in worst_first[:_IMAGES]:
        facts = {
            "State": DELIVERY_MARKS[image.state].word,
            "AWS code": image.code,
            "Took": elapsed(image.seconds) if image.seconds is not None else None,
            "Because": image.because,
            "Digest": image.image.digest,
        }
        yield Block(
            title=_image_name(image),
            tone=DELIVERY_MARKS[image.state].tone,
            facts=tuple(Fact(term=term, value=value) for term, value in facts.items() if value),
            note="What to do:" if image.hint else "",
            items=tuple((image.hint or "").splitlines()),
        )
    if len(link.images) > _IMAGES:
        rest = counted(len(link.images) - _IMAGES, "image")
        yield Block(title=f"{rest} more", note="The JSON document has them.")
