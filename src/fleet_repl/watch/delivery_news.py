"""Which deliveries are worth a notification, and what it says. Pure.

The trouble of a link is news once: as long as the link fails or is late in the same way, its next
images are not. Once an image arrives there in time, the link has recovered.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple, TypeAlias

from fleet_repl.planning.explain import Explanation
from fleet_repl.reports.documents.delivery_news import (
    SHOWN,
    DeliveryNewsDocument,
    TimedDeliveryDocument,
)
from fleet_repl.reports.documents.writer import as_json
from fleet_repl.reports.log_entry import LogEntry
from fleet_repl.runs.timed_deliveries import DeliveryKey, DeliveryResult, TimedDelivery
from fleet_repl.values.canonical_json import JsonObject, parse_json
from fleet_repl.values.names import Registry
from fleet_repl.values.text import and_more, elapsed, first_line, timestamp

_MOST_LINKS: Final = 10_000
"""Links that are remembered: of more, some are told of again."""
_LONGEST_KIND: Final = 100
"""Characters of a trouble that are remembered."""
_WELL: Final = ""
"""The kind of a link that has recovered: what happened there before is no news any more."""


class _Ends(NamedTuple):
    source: Registry
    destination: Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryNews:
    """The news in some deliveries."""

    problems: tuple[TimedDelivery, ...] = ()
    """The first delivery of each link that is in trouble it was not in before."""
    recovered: tuple[TimedDelivery, ...] = ()
    """The first delivery in time of each link that was in trouble."""

    def __bool__(self) -> bool:
        return bool(self.problems or self.recovered)


class _Trouble(NamedTuple):
    """What somebody was notified of about a link."""

    kind: str
    at: datetime
    """The time of the delivery that was told of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTroubles:
    """The links that are or were in trouble, as far as somebody was notified of it."""

    links: Mapping[_Ends, _Trouble] = field(default_factory=dict)
    is_damaged: bool = field(default=False, compare=False)
    """Whether a part of the note could not be read."""

    def news_in(self, deliveries: Iterable[TimedDelivery]) -> DeliveryNews:
        """Returns the news in deliveries, which may come in any order: a link is as its latest
        delivery was. What happened before the last news of its link is no news."""
        problems: dict[_Ends, TimedDelivery] = {}
        recovered: dict[_Ends, TimedDelivery] = {}
        for delivery in sorted(deliveries, key=lambda delivery: delivery.at):
            ends = _ends(delivery)
            trouble = self.links.get(ends)
            if trouble is not None and delivery.at < trouble.at:
                continue
            if delivery.is_problem:
                recovered.pop(ends, None)
                if trouble is None or trouble.kind != _kind(delivery):
                    problems.setdefault(ends, delivery)
            else:
                problems.pop(ends, None)
                if trouble is not None and trouble.kind != _WELL:
                    recovered.setdefault(ends, delivery)
        return DeliveryNews(problems=tuple(problems.values()), recovered=tuple(recovered.values()))

    @classmethod
    def parse(cls, note: bytes | None) -> LinkTroubles:
        """Returns what `kept` has written; of a note that is damaged, what can be read."""
        links: dict[_Ends, _Trouble] = {}
        try:
            document = parse_json(note or b"[]")
        except ValueError:
            document = None
        entries = document if isinstance(document, list) else []
        for entry in entries:
            match entry:
                case [str(source), str(destination), str(kind), str(at)]:
                    with suppress(ValueError, OverflowError):
                        ends = _Ends(Registry.parse(source), Registry.parse(destination))
                        links[ends] = _Trouble(kind, datetime.fromisoformat(at).astimezone(UTC))
                case _:
                    continue
        is_damaged = not isinstance(document, list) or len(links) < len(entries)
        return cls(links=_bounded(links), is_damaged=is_damaged)

    def merged(self, other: LinkTroubles) -> LinkTroubles:
        """Returns what both know, of each link the later; of the same time, that of `other`."""
        earlier = {
            ends: trouble
            for ends, trouble in other.links.items()
            if ends not in self.links or self.links[ends].at <= trouble.at
        }
        return LinkTroubles(links=_bounded({**self.links, **earlier}))

    def kept(self) -> bytes:
        """Returns the links as a note for another process."""
        return json.dumps(
            [
                [str(ends.source), str(ends.destination), trouble.kind, trouble.at.isoformat()]
                for ends, trouble in self.links.items()
            ]
        ).encode()

    def after(self, news: DeliveryNews) -> LinkTroubles:
        """Returns the links once somebody was notified of the news."""
        well = {_ends(delivery): _Trouble(_WELL, delivery.at) for delivery in news.recovered}
        trouble = {
            _ends(delivery): _Trouble(_kind(delivery), delivery.at) for delivery in news.problems
        }
        return LinkTroubles(links=_bounded({**self.links, **well, **trouble}))


Explanations: TypeAlias = Mapping[DeliveryKey, Explanation]


def news_document(
    fleet: str, news: DeliveryNews, explanations: Explanations, now: datetime
) -> JsonObject:
    """Returns the document of a notification."""
    shown = news.problems or news.recovered
    kind = _news_kind(news)
    return as_json(
        DeliveryNewsDocument(
            text=_text(fleet, kind, shown, explanations),
            news=kind,
            fleet=fleet,
            at=timestamp(now),
            deliveries=tuple(
                TimedDeliveryDocument.of(delivery, explanations.get(delivery.key))
                for delivery in shown[:SHOWN]
            ),
            more_deliveries=max(0, len(shown) - SHOWN),
        )
    )


def delivery_entry(delivery: TimedDelivery, explanation: Explanation | None = None) -> LogEntry:
    """A delivery as a log entry: a warning where it failed or is late, with the remedy."""
    remedy = None if explanation is None else explanation.remedy
    fields = as_json(TimedDeliveryDocument.of(delivery, None))
    fields = {name: value for name, value in fields.items() if name != "explanation"}
    problem = delivery.is_problem
    return LogEntry(
        level="warning" if problem else "info",
        event=_event(delivery),
        message=f"{_sentence(delivery)}{_cause(explanation)}",
        fields={**fields, "remedy": remedy} if problem else fields,
    )


def _bounded(links: Mapping[_Ends, _Trouble]) -> Mapping[_Ends, _Trouble]:
    """The links that are remembered: those in trouble rather than well, and the latest."""
    if len(links) <= _MOST_LINKS:
        return links
    oldest_first = sorted(links.items(), key=lambda link: (link[1].kind != _WELL, link[1].at))
    return dict(oldest_first[-_MOST_LINKS:])


def _ends(delivery: TimedDelivery) -> _Ends:
    return _Ends(delivery.source, delivery.destination)


def _kind(delivery: TimedDelivery) -> str:
    """What is wrong with a delivery, without what differs from image to image."""
    failed = delivery.result is DeliveryResult.FAILED
    return f"failed {delivery.code or ''}"[:_LONGEST_KIND] if failed else "late"


def _news_kind(news: DeliveryNews) -> Literal["failed", "late", "recovered"]:
    if any(item.result is DeliveryResult.FAILED for item in news.problems):
        return "failed"
    return "late" if news.problems else "recovered"


def _event(delivery: TimedDelivery) -> str:
    if delivery.result is DeliveryResult.FAILED:
        return "delivery-failed"
    return "delivery-late" if delivery.is_late else "delivery"


def _sentence(delivery: TimedDelivery) -> str:
    """`base/go:1.25 to 222222222222/eu-west-1 from 111111111111/eu-west-1 failed (CODE)`."""
    image = f"{delivery.image} from {delivery.source} to {delivery.destination}"
    took = "" if delivery.seconds is None else elapsed(delivery.seconds)
    objective = "" if delivery.within is None else f", objective {elapsed(delivery.within)}"
    match delivery.result:
        case DeliveryResult.FAILED:
            return f"{image} failed" + (f" ({delivery.code})" if delivery.code else "")
        case DeliveryResult.MISSING:
            return f"{image} has not arrived{f' for {took}' if took else ''}{objective}"
        case DeliveryResult.ARRIVED:
            late = " late" if delivery.is_late else ""
            return f"{image} arrived{late}{f' after {took}' if took else ''}" + (
                objective if late else ""
            )


def _text(
    fleet: str,
    kind: str,
    shown: Sequence[TimedDelivery],
    explanations: Explanations,
) -> str:
    first = shown[0]
    again = " (in time again)" if kind == "recovered" else ""
    cause = _cause(explanations.get(first.key))
    return f"{fleet}: {_sentence(first)}{again}{cause}{and_more(len(shown) - 1)}"


def _cause(explanation: Explanation | None) -> str:
    """Why an image does not get there, or else what to do about it, after a semicolon."""
    if explanation is None:
        return ""
    causes = [why.because for why in explanation.not_carried] or [explanation.remedy or ""]
    return f"; {first_line(causes[0])}" if causes[0] else ""
