"""The page of a watch and the report of its last round, over HTTP."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from typing import Any

import aiohttp
import anyio
import pytest
from tests.support.watched import HUB, A, Stage

from fleet_repl.planning.plan import Objection
from fleet_repl.reports.formats import ReportFormat
from fleet_repl.reports.html import html_pieces
from fleet_repl.reports.render import render
from fleet_repl.values.text import is_plain
from fleet_repl.watch import page_routes
from fleet_repl.watch.recent_rounds import RecentRounds, WatchState
from fleet_repl.watch.server import Pages, Vitals, parse_address, serving

HOSTILE = "</title><script>alert(1)</script><img src=//evil onerror=x>\u202e\x1b[31m{{ 7 * 7 }}"


@dataclass
class Answer:
    status: int
    text: str
    headers: Mapping[str, str]


async def get(base: str, path: str, method: str = "GET", **headers: str) -> Answer:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, base + path, headers=headers) as response,
    ):
        return Answer(response.status, await response.text(), dict(response.headers))


async def asked(stage: Stage, rounds: int, ask: Callable[[str], Any], **options: Any) -> list[Any]:
    """What `ask` gives before each pause of a watch and during each plan."""
    answers, sleep = [], stage.clock.sleep

    async def asks_first(seconds: float) -> None:
        (line,) = stage.lines("listening")
        answers.append(await ask(line.removeprefix("listening on ")))
        await sleep(seconds)

    stage.clock.sleep = asks_first  # type: ignore[method-assign]
    await stage.watch(rounds, listen="127.0.0.1:0", every=60, **options)
    return answers


class Outline(HTMLParser):
    """The elements of a page, their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


async def test_before_the_first_round_the_page_says_so(stage: Stage) -> None:
    """There is no report to link to, and to ask for it is no error of the server."""

    async def ask(base: str) -> tuple[Answer, Answer]:
        return await get(base, "/"), await get(base, "/report")

    (page, report), *_ = await asked(stage, 1, ask)
    assert page.status == 200
    assert "No round has ended yet: the first one is under way." in page.text
    assert 'href="report"' not in page.text
    assert (report.status, report.text) == (404, "no round has ended yet\n")


async def test_the_page_shows_the_last_round_and_links_to_its_report(stage: Stage) -> None:
    """The report is the page that `--report run.html` would have written of the same round."""
    stage.world.tamper(HUB)
    stage.world.unreadable.add(A)

    async def ask(base: str) -> tuple[Answer, Answer]:
        return await get(base, "/"), await get(base, "/report")

    _, (page, report), *_ = await asked(stage, 2, ask)
    texts = " ".join("".join(Outline(page.text).texts).split())
    assert "Round 1 of prod: 3 registries: 1 differing, 1 unreadable, 1 as wanted." in texts
    assert "DescribeRegistry: not allowed" in texts
    assert 'href="report"' in page.text
    (plan,) = [stage.rounds[0].plan]
    assert plan is not None
    assert report.text == "".join(html_pieces(plan))


async def test_the_rows_that_the_report_leaves_out_are_in_a_csv(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report of a large fleet links to it, and it is what `--report run.csv` would have
    written."""
    monkeypatch.setattr("fleet_repl.reports.html.table.MOST", 2)

    async def ask(base: str) -> tuple[Answer, Answer]:
        return await get(base, "/report"), await get(base, "/report.csv")

    early, (report, csv), *_ = await asked(stage, 2, ask)
    assert [(answer.status, answer.text) for answer in early] == [
        (404, "no round has ended yet\n")
    ] * 2
    assert 'Every one of them is in <a href="./report.csv">report.csv</a>' in report.text
    plan = stage.rounds[0].plan
    assert plan is not None
    assert csv.text == "".join(render(plan, ReportFormat.CSV))
    assert csv.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert csv.headers["Content-Disposition"] == "attachment; filename=report.csv"
    assert csv.headers["Cache-Control"] == "no-store"


async def test_a_round_without_a_plan_has_no_report(stage: Stage) -> None:
    """The page has the reason, and the report of an earlier round is not taken for its own."""

    async def ask(base: str) -> tuple[Answer, Answer]:
        stage.world.no_identity = True
        return await get(base, "/"), await get(base, "/report")

    answers = await asked(stage, 3, ask)
    page, report = answers[-1]
    assert "there are no credentials" in page.text
    assert "sign in" in page.text
    assert (report.status, report.text) == (404, "the last round made no plan\n")


async def test_pages_are_read_only_and_kept_by_nobody(stage: Stage) -> None:
    """Only GET and HEAD are answered; a policy in the header allows the style of the page and,
    of a report, its script."""

    async def ask(base: str) -> list[Answer]:
        methods = [await get(base, "/", method) for method in ("POST", "PUT", "DELETE", "OPTIONS")]
        return [*methods, *[await get(base, path, "HEAD") for path in ("/", "/report")]]

    *_, last = await asked(stage, 2, ask)
    assert [answer.status for answer in last] == [405, 405, 405, 405, 200, 200]
    page, report = last[-2:]
    digest = r"'sha256-[A-Za-z0-9+/]{43}='"
    rest = "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    for answer, scripts in ((page, ""), (report, f"script-src {digest}; ")):
        headers = answer.headers
        assert answer.text == ""
        assert headers["Content-Type"] == "text/html; charset=utf-8"
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Access-Control-Allow-Origin" not in headers
        policy = rf"default-src 'none'; style-src {digest}; {scripts}{rest}"
        assert re.fullmatch(policy, headers["Content-Security-Policy"])


async def test_names_from_outside_are_inert(stage: Stage) -> None:
    """In the name of the fleet and of an account, and in messages: they are text."""
    stage.inventory = replace(stage.inventory, name=HOSTILE)
    stage.world.tamper(HUB)
    stage.world.objected[HUB] = Objection(kind="foreign-rules", message=HOSTILE)
    stage.world.objections = (Objection(kind="shrink", message=HOSTILE),)

    async def ask(base: str) -> str:
        return (await get(base, "/")).text

    *_, html = await asked(stage, 3, ask, fix=True)
    page = Outline(html)
    assert [page.tags.count(tag) for tag in ("script", "style", "img", "form")] == [0, 1, 0, 0]
    names = {name for name, _ in page.attributes}
    assert not {name for name in names if name.startswith("on")} | (names & {"style", "src"})
    links = {value for name, value in page.attributes if name == "href"}
    assert links == {"data:,", "report"}
    assert all(is_plain(line) for text in page.texts for line in text.split("\n"))
    assert all(is_plain(value or "") for _, value in page.attributes)
    shown = HOSTILE.replace("\u202e", "\\u202e").replace("\x1b", "\\x1b")
    assert page.texts.count(shown) >= 3


@pytest.mark.parametrize(
    ("host", "name", "status"),
    [
        ("127.0.0.1", "localhost:9464", 200),
        ("127.0.0.1", "[::1]:9464", 200),
        ("127.0.0.1", "evil.example", 421),
        ("127.0.0.1", "127.0.0.1.evil.example:9464", 421),
        ("localhost", "evil.example:9464", 421),
        ("LOCALHOST", "evil.example:9464", 421),
        ("127.1", "evil.example:9464", 421),
        ("127.1", "127.1:9464", 200),
        ("0.0.0.0", "fleet-repl.ops.svc:9464", 200),
    ],
)
async def test_a_foreign_name_of_loopback_is_refused(
    stage: Stage, host: str, name: str, status: int
) -> None:
    """A site that points its name at loopback cannot have a browser read the pages to it. What
    listens on all addresses has whatever name its network gives it."""
    async with serving(parse_address(f"{host}:0"), pages(stage)) as address:
        base = f"http://127.0.0.1:{address.port}"
        answers = [await get(base, path, Host=name) for path in ("/", "/report", "/report.csv")]
    rest = 404 if status == 200 else status
    assert [answer.status for answer in answers] == [status, rest, rest]


def pages(stage: Stage, recent: RecentRounds = RecentRounds()) -> Pages:  # noqa: B008 - frozen
    state = WatchState(
        fleet="prod", now=stage.clock.now(), recent=recent, writing=False, stuck=False
    )
    vitals = Vitals(stage.clock, 60, 60)
    return Pages(vitals=vitals, metrics=lambda: ("text/plain", b""), state=lambda: state)


async def test_a_report_is_rendered_once_and_beside_the_loop(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it is rendered, for which many ask, everything else is answered."""
    await stage.watch(1)
    served = pages(stage, RecentRounds().after(stage.rounds[0]))
    going_on, threads, render = threading.Event(), [], page_routes._report_html

    def slow(result: Any) -> Any:
        threads.append(threading.current_thread())
        assert going_on.wait(30)
        return render(result)

    monkeypatch.setattr(page_routes, "_report_html", slow)
    reports: list[str] = []
    async with serving(parse_address(":0"), served) as address, anyio.create_task_group() as group:
        base = f"http://{address}"

        async def ask() -> None:
            reports.append((await get(base, "/report")).text)

        for _ in range(5):
            group.start_soon(ask)
        while not threads:
            await anyio.lowlevel.checkpoint()
        assert (await get(base, "/")).status == 200
        assert (await get(base, "/healthz")).status == 200
        going_on.set()
    assert len(reports) == 5
    assert len(set(reports)) == 1
    assert len(threads) == 1
    assert threads[0] is not threading.current_thread()
