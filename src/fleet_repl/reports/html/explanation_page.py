"""Where an image goes, and why it does not go elsewhere, as a page. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Final, TypeAlias

from fleet_repl.planning.explain import (
    Awaited,
    AwaitedImage,
    Carried,
    Explanation,
    NotCarried,
    Reason,
)
from fleet_repl.reports.documents.explanation import ExplanationDocument
from fleet_repl.reports.html.drawing import drawing_of
from fleet_repl.reports.html.labels import Labels
from fleet_repl.reports.html.links import DELIVERY_MARKS, LinkView
from fleet_repl.reports.html.marks import Mark, Tone
from fleet_repl.reports.html.matrix import link_matrix
from fleet_repl.reports.html.model import Block, Fact, Page, Problem, Row
from fleet_repl.reports.html.problems import place_words
from fleet_repl.reports.html.run_head import mark_tile, status_mark
from fleet_repl.reports.html.table import table_of
from fleet_repl.reports.sentences import sentence_of
from fleet_repl.runs.delivery import DeliveryState
from fleet_repl.runs.outcomes import Status
from fleet_repl.values.names import Registry
from fleet_repl.values.text import counted, elapsed, named, timestamp

_Link: TypeAlias = Carried | NotCarried

_BLOCKED: Final = Mark(word="kept out", symbol="✕", tone=Tone.BAD)
_CARRIED: Final = Mark(word="carried", symbol="●", tone=Tone.GOOD)
_NOT_CARRIED: Final = Mark(word="not carried", symbol="\N{MINUS SIGN}", tone=Tone.IDLE)
_MARKS: Final = (_BLOCKED, *DELIVERY_MARKS.values(), _CARRIED, _NOT_CARRIED)
_KEPT_OUT: Final = frozenset({Reason.NO_RULE, Reason.NOT_GRANTED, Reason.UNREADABLE})
"""The reasons that are no decision of the inventory's."""
_AWAITED: Final = {
    Awaited.ON_ITS_WAY: Tone.CHANGED,
    Awaited.NOT_PUSHED: Tone.HELD,
    Awaited.CANNOT_COME: Tone.BAD,
}
_EXAMPLES: Final = 5


def explanation_page(explanation: Explanation) -> Page:
    """Returns the page of an explanation, or of a wait."""
    links: tuple[_Link, ...] = (*explanation.carried, *explanation.not_carried)
    counts = Counter(map(_mark, links))
    # A registry that an image does not get to has no arrow.
    views = tuple(_view(link) for link in links)
    arrows = tuple(view for view in views if view.mark is not _NOT_CARRIED)
    return Page(
        kind="Explanation" if explanation.waited is None else "Wait",
        fleet=explanation.fleet,
        status=status_mark(Status(explanation.status)),
        sentence=sentence_of(ExplanationDocument.of(explanation)),
        facts=tuple(_facts(explanation)),
        tiles=tuple(mark_tile(mark, counts[mark], "links") for mark in _MARKS if counts[mark]),
        timeline=(),
        problems=tuple(_problems(explanation)),
        matrix=link_matrix(views, _MARKS, explanation.names, Labels()),
        drawing=drawing_of(arrows, _MARKS, explanation.names, {}),
        table=table_of(
            "link", links, lambda link: _mark(link).tone, lambda link: _row(explanation, link)
        ),
    )


def _mark(link: _Link) -> Mark:
    if isinstance(link, NotCarried):
        return _BLOCKED if link.reason in _KEPT_OUT else _NOT_CARRIED
    return _CARRIED if link.status is None else DELIVERY_MARKS[DeliveryState(link.status)]


def _view(link: _Link) -> LinkView:
    return LinkView(
        source=link.source, destination=link.destination, mark=_mark(link), text=_words(link)
    )


def _words(link: _Link) -> str:
    if isinstance(link, NotCarried):
        return link.because
    routes = named("route", link.routes) if link.routes else "no route asks for it"
    return f"{routes}, {f'prefix {link.prefix}' if link.prefix else 'every repository'}"


def _facts(explanation: Explanation) -> Iterator[Fact]:
    yield Fact(term="Image", value=str(explanation.image))
    yield Fact(term="Known", value="as AWS has it" if explanation.live else "by the inventory")
    if (waited := explanation.waited) is not None:
        yield Fact(term="Began", value=timestamp(waited.started_at))
        yield Fact(term="Took", value=f"{elapsed(waited.seconds)} of {elapsed(waited.within)}")
        for move in waited.moves:
            value = f"in {move.source}, from {move.before} to {move.after}"
            yield Fact(term="The tag moved", value=value)


def _problems(explanation: Explanation) -> Iterator[Problem]:
    """Yields what to do, the registries that the image was awaited in and is not at, and each
    reason why it does not get to registries."""
    if explanation.remedy is not None:
        sentence, *lines = explanation.remedy.splitlines()
        yield Problem(tone=Tone.CHANGED, kind="to do", title=sentence, remedy=tuple(lines))
    for image in () if explanation.waited is None else explanation.waited.lacking:
        yield _lacking(explanation, image)
    groups: dict[tuple[Mark, str], list[NotCarried]] = defaultdict(list)
    for why in explanation.not_carried:
        groups[_mark(why), why.because].append(why)
    for (mark, because), alike in sorted(groups.items(), key=lambda item: _MARKS.index(item[0][0])):
        yield Problem(
            tone=mark.tone,
            kind=mark.word,
            title=f"{counted(len(alike), 'registry')}: {because}",
            examples=tuple(_ends(explanation, why) for why in alike[:_EXAMPLES]),
            more=max(len(alike) - _EXAMPLES, 0),
        )


def _lacking(explanation: Explanation, image: AwaitedImage) -> Problem:
    because = f": {image.because}" if image.because else ""
    return Problem(
        tone=_AWAITED[image.state],
        kind=image.state.value.replace("-", " "),
        title=f"{_place(explanation, image.destination)}{because}",
    )


def _place(explanation: Explanation, registry: Registry) -> str:
    return place_words(registry, explanation.names.get(registry.account))


def _ends(explanation: Explanation, link: _Link) -> str:
    return f"{_place(explanation, link.source)} → {_place(explanation, link.destination)}"


def _row(explanation: Explanation, link: _Link) -> Row:
    mark = _mark(link)
    return Row(
        mark=mark,
        name=explanation.names.get(link.source.account, link.source.account),
        account=link.source.account,
        region=link.source.region,
        wave=None,
        summary=f"→ {_place(explanation, link.destination)}; {_words(link)}",
        outcomes=(mark.word,),
        blocks=(
            Block(title="Link", note=_words(link), tone=mark.tone),
            *((Block(title="In place", items=link.facts),) if link.facts else ()),
        ),
    )
