"""Who wants to know is told what is new, once, and the address is never shown."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest
from aiohttp import web
from jsonschema import Draft202012Validator, FormatChecker
from tests.support.watched import HUB, A, B, Stage

from fleet_repl.planning.plan import Objection
from fleet_repl.reports.documents.round import NEWS, VERDICTS
from fleet_repl.reports.documents.schemas import schema
from fleet_repl.values.errors import FleetError
from fleet_repl.values.exit_code import ExitCode
from fleet_repl.watch import News, Verdict, WatchOptions, parse_webhook
from fleet_repl.watch.notify import Notifier

TOKEN = "T0K3N-s3cr3t"


@dataclass
class Receiver:
    """Where notifications arrive."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    """Statuses of the next answers, 0 for none at all; 200 after them."""
    posts: list[dict[str, Any]] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    tries: int = 0
    arrived: Callable[[], object] = lambda: None
    over: anyio.Event = field(default_factory=anyio.Event)
    elsewhere: int = 0

    async def receive(self, request: web.Request) -> web.Response:
        self.tries += 1
        self.arrived()
        status = self.answers.pop(0) if self.answers else 200
        if not status:
            await self.over.wait()
        if status == 200:
            self.posts.append(json.loads(await request.read()))
            self.types.append(request.content_type)
        # What a receiver answers with may repeat what it was sent.
        headers = {"Location": "/elsewhere"} if status == 307 else {}
        return web.Response(status=status, text=str(request.url), headers=headers)

    async def redirected(self, _: web.Request) -> web.Response:
        self.elsewhere += 1
        return web.Response()


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    application = web.Application()
    application.router.add_post(f"/hook/{TOKEN}", receiver.receive)
    application.router.add_route("*", "/elsewhere", receiver.redirected)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook/{TOKEN}"
        yield receiver
    finally:
        receiver.over.set()
        await runner.cleanup()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


def news_of(receiver: Receiver) -> list[str]:
    return [post["news"] for post in receiver.posts]


def problems(document: dict[str, Any]) -> list[str]:
    checker = Draft202012Validator(schema("round"), format_checker=FormatChecker())
    return [error.message for error in checker.iter_errors(document)]


def test_the_schema_knows_every_verdict_and_every_kind_of_news() -> None:
    """The document lists them itself, in the order of their classes."""
    assert list(VERDICTS) == list(Verdict)
    assert list(NEWS) == list(News)


async def test_a_joining_account_is_news_only_after_its_day(
    stage: Stage, receiver: Receiver
) -> None:
    """While it is joining nobody is told; once its role is overdue somebody is, and then once."""
    stage.world.joining.add(A)

    def between(number: int) -> None:
        if number == 2:
            stage.world.joining.clear()
            stage.world.unreadable.add(A)

    await stage.watch(4, between, every=60, notify=receiver.url)
    assert stage.verdicts == ["in-sync", "in-sync", "partial", "partial"]
    assert news_of(receiver) == ["failed"]
    assert problems(receiver.posts[0]) == []


async def test_drift_is_reported_once_and_again_when_it_changes(
    stage: Stage, receiver: Receiver
) -> None:
    """Not each round anew; and when all is well again, that is told too."""
    stage.world.tamper(HUB)

    def between(number: int) -> None:
        if number == 3:
            stage.world.tamper(A)
        elif number == 5:
            stage.world.differing.clear()

    await stage.watch(7, between, every=60, notify=receiver.url)
    assert [(post["round"], post["news"]) for post in receiver.posts] == [
        (1, "drift"),
        (4, "drift"),
        (6, "recovered"),
    ]
    assert receiver.types == ["application/json"] * 3
    assert [post["text"] for post in receiver.posts] == [
        "prod: 3 registries: 1 differing, 2 as wanted",
        "prod: 3 registries: 2 differing, 1 as wanted",
        "prod: in sync, 3 registries (again as wanted)",
    ]
    assert [problem for post in receiver.posts for problem in problems(post)] == []


async def test_corrections_and_failures_are_reported(stage: Stage, receiver: Receiver) -> None:
    """Each correction, and a failure that stays the same only once."""
    stage.world.tamper(HUB)

    def between(number: int) -> None:
        if number == 1:
            stage.world.failing.add(A)
            stage.world.tamper(A)
        elif number == 3:
            stage.world.failing.clear()

    await stage.watch(5, between, every=60, fix=True, notify=receiver.url)
    assert [(post["round"], post["news"]) for post in receiver.posts] == [
        (1, "corrected"),
        (2, "failed"),
        (4, "corrected"),
    ]
    (failed,) = receiver.posts[1]["registries"]
    assert failed["outcome"] == "failed"
    assert failed["error"]["operation"] == "PutRegistryPolicy"
    assert failed["moved"] == {
        "by": "fleet",
        "run_id": "20261122T080000Z-000000",
        "at": "2026-11-22T08:00:00Z",
    }
    assert [problem for post in receiver.posts for problem in problems(post)] == []


async def test_a_flapper_is_reported_once(stage: Stage, receiver: Receiver) -> None:
    """Whatever others make of it later, as wanted for a while or not. Others count."""

    def between(number: int) -> None:
        stage.world.differing[HUB] = {"rules": [{"number": number}]}
        if number == 4:
            stage.world.differing.clear()
        if number == 6:
            stage.world.tamper(B)
        if number > 7:
            stage.world.differing.clear()

    stage.world.tamper(HUB)
    await stage.watch(15, between, every=60, fix=True, notify=receiver.url)
    assert [(post["round"], post["news"]) for post in receiver.posts] == [
        (1, "corrected"),
        (2, "corrected"),
        (3, "failed"),
        (7, "corrected"),
        (14, "recovered"),
    ]
    assert receiver.posts[2]["text"] == (
        "prod: 3 registries: 1 corrected, 2 as wanted; 1 left alone"
    )
    assert receiver.posts[2]["left_alone"] == [{"account": "1" * 12, "region": "eu-west-1"}]
    assert [problem for post in receiver.posts for problem in problems(post)] == []


async def test_an_excluded_registry_is_reported_once(stage: Stage, receiver: Receiver) -> None:
    """By name and reason; as long as it stays like that, only corrections of others are news."""

    def between(number: int) -> None:
        if number == 3:
            stage.world.tamper(A)
        if number == 5:
            stage.world.differing.clear()

    stage.world.objected[HUB] = Objection(kind="foreign-rules", message="theirs would go")
    stage.world.tamper(HUB, A)
    await stage.watch(6, between, every=60, fix=True, notify=receiver.url)
    assert stage.verdicts == ["partial", "refused", "refused", "partial", "refused", "in-sync"]
    assert [(post["round"], post["news"]) for post in receiver.posts] == [
        (1, "failed"),
        (4, "corrected"),
        (6, "recovered"),
    ]
    assert receiver.posts[0]["text"] == (
        "prod: 3 registries: 1 corrected, 1 failed, 1 as wanted; "
        "excluded: 111111111111/eu-west-1 (foreign-rules)"
    )
    assert receiver.posts[0]["excluded"] == [
        {
            "account": "1" * 12,
            "region": "eu-west-1",
            "objections": [{"kind": "foreign-rules", "message": "theirs would go"}],
        }
    ]
    assert [problem for post in receiver.posts for problem in problems(post)] == []


async def test_a_broken_round_is_reported(stage: Stage, receiver: Receiver) -> None:
    """Once, and when it is over."""
    stage.world.no_identity = True

    def between(number: int) -> None:
        if number == 2:
            stage.world.no_identity = False

    await stage.watch(4, between, every=60, notify=receiver.url)
    assert [(post["round"], post["news"]) for post in receiver.posts] == [
        (1, "failed"),
        (3, "recovered"),
    ]
    assert receiver.posts[0]["text"] == "prod: no plan: there are no credentials"
    assert [problem for post in receiver.posts for problem in problems(post)] == []


async def test_a_broken_round_is_over_although_the_same_drift_is_left(
    stage: Stage, receiver: Receiver
) -> None:
    """What the state remembers of older rounds does not hide that."""
    stage.world.tamper(HUB)

    def between(number: int) -> None:
        stage.world.no_identity = number == 1

    await stage.watch(4, between, every=60, notify=receiver.url)
    assert [(post["round"], post["news"]) for post in receiver.posts] == [
        (1, "drift"),
        (2, "failed"),
        (3, "drift"),
    ]


async def test_a_state_that_cannot_be_written_makes_nobody_hear_it_twice(
    stage: Stage, receiver: Receiver
) -> None:
    """What a watch knows itself counts, and is written once that can be done."""
    stage.world.tamper(HUB)

    def between(number: int) -> None:
        stage.world.read_only = number < 4
        if number == 1:
            stage.world.tamper(A)

    await stage.watch(5, between, every=60, notify=receiver.url)
    assert [post["round"] for post in receiver.posts] == [1, 2]
    assert len(stage.lines("memory-unwritable")) == 3
    assert stage.world.note_writes == 2


async def test_a_receiver_that_does_not_answer_keeps_nobody_from_stopping(
    stage: Stage, receiver: Receiver
) -> None:
    """The notification is given up, that is told without the address, and the watch ends."""
    receiver.arrived = stage.stop.set
    receiver.answers = [0]
    stage.world.tamper(HUB)
    with anyio.fail_after(60):
        assert await stage.watch(9, every=60, notify=receiver.url) is ExitCode.OK
    assert stage.lines("notify-failed") == [
        "the notification was not delivered in time: the watch is stopping"
    ]
    assert stage.world.notes == {"watch.json": stage.world.notes["watch.json"]}
    assert b'"notified":null' in stage.world.notes["watch.json"]


async def test_a_receiver_that_is_down_for_a_moment(stage: Stage, receiver: Receiver) -> None:
    """It is tried again, and told once."""
    receiver.answers = [500, 429, 503]
    stage.world.tamper(HUB)
    await stage.watch(2, every=60, notify=receiver.url)
    assert news_of(receiver) == ["drift"]
    assert receiver.tries == 4
    assert stage.lines("notify-failed") == []


async def test_what_was_not_delivered_is_reported_next_time(
    stage: Stage, receiver: Receiver
) -> None:
    """The round is none the worse, and the address is not shown."""
    receiver.answers = [403]
    stage.world.tamper(HUB)
    await stage.watch(2, every=60, notify=receiver.url)
    assert stage.verdicts == ["drift", "drift"]
    assert [(post["round"], post["news"]) for post in receiver.posts] == [(2, "drift")]
    assert stage.lines("notify-failed") == [
        "the notification to 127.0.0.1 was not delivered: it answered 403"
    ]
    assert TOKEN not in repr(stage.logged) + repr(stage.rounds)


async def test_a_redirect_is_not_followed(stage: Stage, receiver: Receiver) -> None:
    """It may lead to a host that the token was never meant for."""
    receiver.answers = [307]
    notifier = Notifier(
        parse_webhook(receiver.url),
        log=stage.logged.append,
        clock=stage.clock,
        uniform=lambda low, high: high,
    )
    assert not await notifier.post({"text": "hello"})
    assert receiver.elsewhere == 0
    (line,) = stage.lines("notify-failed")
    assert line == (
        "the notification to 127.0.0.1 was not delivered: it answered 307, a redirect, which is "
        "not followed"
    )


async def test_nobody_there(stage: Stage) -> None:
    """The reason is told without the address."""
    async with receiving() as gone:
        url = gone.url
    notifier = Notifier(
        parse_webhook(url),
        log=stage.logged.append,
        clock=stage.clock,
        uniform=lambda low, high: high,
    )
    assert not await notifier.post({"text": "hello"})
    (line,) = stage.lines("notify-failed")
    assert line.startswith("the notification to 127.0.0.1 was not delivered: ")
    assert TOKEN not in line
    assert stage.clock.slept == [1, 2, 4, 8]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "127.0.0.1/T0K3N-s3cr3t",
        "ftp://127.0.0.1/T0K3N-s3cr3t",
        "file:///T0K3N-s3cr3t",
        "https:///T0K3N-s3cr3t",
        "https://127.0.0.1:port/T0K3N-s3cr3t",
        "https://127.0.0.1/T0K3N s3cr3t",
        "https://[::1/T0K3N-s3cr3t",
    ],
)
def test_an_address_that_is_none(text: str) -> None:
    """It is refused without being repeated."""
    with pytest.raises(FleetError) as raised:
        parse_webhook(text)
    assert (
        str(raised.value) == "notifications go to an address that begins with https:// or http://"
    )


def test_an_address_is_not_in_what_is_shown() -> None:
    """Only its host is."""
    webhook = parse_webhook(f"https://user:pass@127.0.0.1:8443/{TOKEN}?x={TOKEN}")
    assert webhook.host == "127.0.0.1"
    assert TOKEN not in repr(WatchOptions(notify=f"https://127.0.0.1/{TOKEN}"))
    assert repr(webhook) == "Webhook(url=Secret(***), host='127.0.0.1')"


async def test_what_nobody_was_notified_of_is_news_later(stage: Stage, receiver: Receiver) -> None:
    """A watch without `--notify` keeps nothing from one that is started with it."""
    stage.world.tamper(HUB)
    await stage.watch(9, once=True)
    await stage.watch(9, once=True, notify=receiver.url)
    assert news_of(receiver) == ["drift"]
