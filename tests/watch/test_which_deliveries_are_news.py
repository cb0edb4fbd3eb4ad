"""Which deliveries are news: the trouble of a link once, and its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given, strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from tests.support.registries import registry_of

from fleet_repl.reports.documents.schemas import schema
from fleet_repl.runs.timed_deliveries import LONGEST, DeliveryResult, TimedDelivery
from fleet_repl.watch.delivery_news import (
    DeliveryNews,
    LinkTroubles,
    delivery_entry,
    news_document,
)
from fleet_repl.watch.delivery_totals import KNOWN, DeliveryTotals

HUB, SHOP, PAY = map(registry_of, "123")
MORNING: Final = datetime(2026, 11, 23, 8, tzinfo=UTC)
IN_TIME: Final = TimedDelivery(
    source=HUB,
    destination=SHOP,
    repository="base/go",
    digest=f"sha256:{'7f5b2640' * 8}",
    tag="1.25",
    routes=("golden",),
    within=60.0,
    result=DeliveryResult.ARRIVED,
    at=MORNING,
    seconds=7.0,
)
FAILED: Final = replace(IN_TIME, result=DeliveryResult.FAILED, code="DENIED", seconds=None)
LATE: Final = replace(IN_TIME, seconds=61.0)
KINDS: Final = (IN_TIME, LATE, FAILED, replace(FAILED, code="OTHER"))

DELIVERIES: Final = st.lists(
    st.builds(
        lambda kind, end, minutes: replace(
            kind, destination=end, at=MORNING + timedelta(minutes=minutes)
        ),
        st.sampled_from(KINDS),
        st.sampled_from([SHOP, PAY]),
        st.integers(0, 99),
    ),
    max_size=8,
)


def told(*batches: list[TimedDelivery]) -> list[DeliveryNews]:
    """The news of one batch after the other, each of which somebody is notified of."""
    troubles, every = LinkTroubles(), []
    for batch in batches:
        news = troubles.news_in(batch)
        every.append(news)
        troubles = troubles.after(news)
    return every


def later(delivery: TimedDelivery, minutes: float = 1) -> TimedDelivery:
    return replace(delivery, at=delivery.at + timedelta(minutes=minutes))


def test_the_same_trouble_is_told_once() -> None:
    """Of other images, too; another kind on the same link is told."""
    other = replace(FAILED, digest=f"sha256:{'0' * 64}")
    first, again, late = told([FAILED], [later(other)], [later(LATE, 2)])
    assert (first.problems, again.problems) == ((FAILED,), ())
    assert late.problems == (later(LATE, 2),)


def test_a_link_recovers_by_what_arrives_later() -> None:
    """And not by an image that arrived before it got into trouble, whenever that is reported."""
    _, before, after = told([FAILED], [later(IN_TIME, -5)], [later(IN_TIME)])
    assert not before
    assert after.recovered == (later(IN_TIME),)


@given(DELIVERIES)
def test_the_order_of_messages_does_not_count(deliveries: list[TimedDelivery]) -> None:
    """A queue keeps no order; what is told of a link is the same where its times differ."""
    times = {delivery.at for delivery in deliveries}
    if len(times) == len(deliveries):
        (news,), (reversed_,) = told(deliveries), told(deliveries[::-1])
        assert news == reversed_


@given(DELIVERIES, DELIVERIES)
def test_nothing_is_told_twice(first: list[TimedDelivery], second: list[TimedDelivery]) -> None:
    """What is told of a link was not told of it before; a note in the state says the same."""
    troubles = LinkTroubles()
    troubles = troubles.after(troubles.news_in(first))
    assert LinkTroubles.parse(troubles.kept()) == troubles
    kinds = {tuple(ends): trouble.kind for ends, trouble in troubles.links.items()}
    for problem in troubles.news_in(second).problems:
        kind = f"failed {problem.code}" if problem.code else "late"
        assert kinds.get((problem.source, problem.destination)) != kind


@given(st.binary() | st.just(b'[["1"], ["a", "b", "c", "d"], 7, null]'))
def test_a_damaged_note_is_no_error(note: bytes) -> None:
    """Then what was told before is told again."""
    assert LinkTroubles.parse(note).links == {}


@pytest.mark.parametrize(
    ("delivery", "text"),
    [
        (FAILED, "base/go:1.25 from {hub} to {shop} failed (DENIED)"),
        (replace(FAILED, code=None), "base/go:1.25 from {hub} to {shop} failed"),
        (
            LATE,
            "base/go:1.25 from {hub} to {shop} arrived late after 1 min 01 s, objective 1 min 00 s",
        ),
        (
            replace(LATE, result=DeliveryResult.MISSING, tag=None),
            (
                "base/go (sha256:7f5b26407f5b) from {hub} to {shop} has not arrived for "
                "1 min 01 s, objective 1 min 00 s"
            ),
        ),
    ],
)
def test_the_text_of_a_notification(delivery: TimedDelivery, text: str) -> None:
    """One line without an at sign, which chats take for a mention; the document fits its schema,
    and the line of the log is a warning that says the same."""
    (news,) = told([delivery])
    document: Any = news_document("prod", news, {}, MORNING)
    said = text.format(hub=HUB, shop=SHOP)
    assert document["text"] == f"prod: {said}"
    checker = Draft202012Validator(schema("delivery-news"), format_checker=FormatChecker())
    assert [error.message for error in checker.iter_errors(document)] == []
    entry = delivery_entry(delivery)
    assert (entry.level, entry.message) == ("warning", said)
    assert (entry.fields["from"], entry.fields["to"]) == (str(HUB), str(SHOP))


def test_many_links_are_cut() -> None:
    """A chat is no place for thousands."""
    many = [
        replace(FAILED, destination=registry_of(f"{number:012}"), at=later(FAILED, number).at)
        for number in range(60)
    ]
    (news,) = told(many)
    document: Any = news_document("prod", news, {}, MORNING)
    assert (len(document["deliveries"]), document["more_deliveries"]) == (50, 10)
    assert document["text"].endswith("failed (DENIED) and 59 more")


def test_an_old_image_has_no_time() -> None:
    """A copy more than a day after the push is none of that push, and not late."""
    old = IN_TIME.pushed(MORNING - timedelta(seconds=LONGEST + 1))
    assert (old.seconds, old.is_late) == (None, False)
    assert IN_TIME.pushed(MORNING - timedelta(seconds=61)).is_late
    # Events have whole seconds.
    assert IN_TIME.pushed(MORNING + timedelta(seconds=0.9)).seconds == 0


def test_what_is_remembered_is_bounded() -> None:
    """The oldest deliveries are forgotten, and would count again."""
    totals = DeliveryTotals()
    first = replace(IN_TIME, digest="first")
    for number in range(KNOWN + 1):
        totals.count(first if number == 0 else replace(IN_TIME, digest=f"{number}"))
        if number == KNOWN - 1:
            assert not totals.is_new(first)
    assert totals.is_new(first)
    assert totals.new_among([first, first]) == [first]
    (route,) = totals.note.routes
    assert (route.arrived, route.median) == (KNOWN + 1, 7)
