"""The page of a watch and the report of its last round, over HTTP. Read-only.

They are rendered in threads, at most two at a time, so that a round goes on meanwhile. The report
of a round is rendered once, however often it is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

import anyio
from anyio import to_thread

from fleet_repl.planning.plan import Plan
from fleet_repl.reports.formats import ReportFormat
from fleet_repl.reports.render import render
from fleet_repl.runs.outcomes import Report
from fleet_repl.watch.recent_rounds import RecentRounds, WatchState

if TYPE_CHECKING:
    from aiohttp import web

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_CSV: Final = "report.csv"
"""The CSV beside the report, which has the rows that the report of a large fleet leaves out."""
_PORT: Final = re.compile(r":[0-9]*\Z")


_T = TypeVar("_T")
_R = TypeVar("_R")


class _Html(NamedTuple):
    """A rendered page, and its content security policy."""

    text: str
    policy: str


class PageRoutes:
    """The handlers of `/`, `/report` and `/report.csv`."""

    def __init__(self, state: Callable[[], WatchState], host: str) -> None:
        """`host`: the name or the address that is listened on."""
        self._state = state
        self._host = host.lower()
        self.is_local = True
        """Whether only this machine can reach the pages."""
        self._threads = anyio.CapacityLimiter(2)
        self._rendering = anyio.Lock()
        self._report: tuple[tuple[str, int], _Html] | None = None
        """The fleet and the number of a round, and the page of its report."""

    def add_to(self, application: web.Application) -> None:
        """Serve the pages and the CSV. HEAD is answered along with GET."""
        application.router.add_get("/", self._index)
        application.router.add_get("/report", self._last_report)
        application.router.add_get(f"/{_CSV}", self._last_csv)

    async def _index(self, request: web.Request) -> web.Response:
        if refusal := self._refusal(request):
            return refusal
        return _response(await self._in_thread(_index_html, self._state()))

    async def _last_report(self, request: web.Request) -> web.Response:
        if refusal := self._refusal(request):
            return refusal
        async with self._rendering:
            recent = self._state().recent
            if recent.last is None or recent.result is None:
                return _no_report(recent)
            key = recent.last.fleet, recent.last.round
            if self._report is None or self._report[0] != key:
                self._report = None
                self._report = key, await self._in_thread(_report_html, recent.result)
            return _response(self._report[1])

    async def _last_csv(self, request: web.Request) -> web.Response:
        from aiohttp import web  # noqa: PLC0415 - only a watch that listens has loaded it

        if refusal := self._refusal(request):
            return refusal
        recent = self._state().recent
        if recent.result is None:
            return _no_report(recent)
        text = await self._in_thread(_report_csv, recent.result)
        headers = {**_HEADERS, "Content-Disposition": f"attachment; filename={_CSV}"}
        return web.Response(text=text, content_type="text/csv", charset="utf-8", headers=headers)

    async def _in_thread(self, render: Callable[[_T], _R], subject: _T) -> _R:
        # Abandoned when the watch ends: it does not wait for a page.
        return await to_thread.run_sync(
            render, subject, abandon_on_cancel=True, limiter=self._threads
        )

    def _refusal(self, request: web.Request) -> web.Response | None:
        """Returns the answer to a request for the name of a foreign site.

        A site could point its own name at loopback, and have a browser read the pages to it.
        """
        name = _PORT.sub("", request.headers.get("Host", "")).strip("[]").lower()
        if not self.is_local or name == self._host or is_loopback(name):
            return None
        return _text(421, "open the address that the watch listens on")


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _index_html(state: WatchState) -> _Html:
    # Imported in a thread, when a page is first asked for: loading the template engine takes time.
    from fleet_repl.reports.html import PageTemplate, policy_of, watch_html  # noqa: PLC0415
    from fleet_repl.watch.status_page import watch_page  # noqa: PLC0415

    return _Html(watch_html(watch_page(state)), policy_of(PageTemplate.WATCH))


def _report_html(result: Plan | Report) -> _Html:
    from fleet_repl.reports.html import PageTemplate, html_pieces, policy_of  # noqa: PLC0415

    return _Html("".join(html_pieces(result, _CSV)), policy_of(PageTemplate.REPORT))


def _report_csv(result: Plan | Report) -> str:
    return "".join(render(result, ReportFormat.CSV))


def _no_report(recent: RecentRounds) -> web.Response:
    early = "no round has ended yet"
    return _text(404, early if recent.last is None else "the last round made no plan")


def _response(html: _Html) -> web.Response:
    from aiohttp import web  # noqa: PLC0415 - only a watch that listens has loaded it

    policy = f"{html.policy}; frame-ancestors 'none'"
    headers = {**_HEADERS, "Content-Security-Policy": policy}
    return web.Response(text=html.text, content_type="text/html", charset="utf-8", headers=headers)


def _text(status: int, text: str) -> web.Response:
    from aiohttp import web  # noqa: PLC0415 - as above

    return web.Response(status=status, text=f"{text}\n", headers=_HEADERS)
