"""/healthz, /readyz, /metrics and two pages over HTTP. The server only shows the values that it is
given."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import anyio

from fleet_repl.values.clock import Clock
from fleet_repl.values.errors import FleetError
from fleet_repl.watch.page_routes import PageRoutes, is_loopback
from fleet_repl.watch.recent_rounds import WatchState
from fleet_repl.watch.round import Round, Verdict

if TYPE_CHECKING:
    from aiohttp import web

_ADDRESS: Final = re.compile(
    r"(?:\[(?P<literal>[0-9a-fA-F:.]+)\]|(?P<host>[A-Za-z0-9._-]*)):(?P<port>[0-9]{1,5})"
)
_LOOPBACK: Final = "127.0.0.1"
_SHUTDOWN_SECONDS: Final = 1.0
"""The seconds that a scrape in flight gets to finish."""
_IDLE_SECONDS: Final = 15.0
"""The seconds for which a connection is kept open between two requests."""
_ROUNDS_MISSED: Final = 3
"""Rounds after whose time a watch counts as stuck."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An address to listen on."""

    host: str
    port: int
    """0 takes a free port."""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """`host:port`, `[::1]:port`, or `:port` on loopback. Raises FleetError for anything else."""
    match = _ADDRESS.fullmatch(text)
    if match is None or int(match["port"]) > 65535:
        raise FleetError(f"{text!r} is no address to listen on; one is {_LOOPBACK}:9464")
    return Address(host=match["literal"] or match["host"] or _LOOPBACK, port=int(match["port"]))


class Vitals:
    """The signs of life of one watch."""

    def __init__(self, clock: Clock, every: float, deadline: float) -> None:
        """`every`: seconds between rounds; `deadline`: seconds that a round may take."""
        self._clock = clock
        self._every = every
        self._deadline = deadline
        self._moved = clock.monotonic()
        self.ready = False
        """A round could make a plan, and the last round was not broken."""

    def finished(self, round_: Round) -> None:
        """Take note of a round that has ended."""
        self._moved = self._clock.monotonic()
        self._deadline = round_.inventory.apply.deadline
        if round_.verdict is Verdict.BROKEN:
            self.ready = False
        elif round_.plan is not None:
            self.ready = True

    @property
    def stuck(self) -> bool:
        """Returns whether no round has finished within the time of three rounds and a deadline."""
        patience = _ROUNDS_MISSED * self._every + self._deadline
        return self._clock.monotonic() - self._moved > patience


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """The sources of the pages."""

    vitals: Vitals
    metrics: Callable[[], tuple[str, bytes]]
    """The content type and the text of a scrape."""
    state: Callable[[], WatchState]
    """The watch as the page shows it."""


@asynccontextmanager
async def serving(address: Address, pages: Pages) -> AsyncIterator[Address]:
    """Serve until the block ends; gives the address with the port that was taken.

    Raises FleetError where the address cannot be listened on.
    """
    # Imported only by watches that listen: it takes time.
    from aiohttp import web  # noqa: PLC0415

    routes = PageRoutes(pages.state, address.host)
    runner = web.AppRunner(
        _application(pages, routes),
        access_log=None,
        logger=_logger(),
        keepalive_timeout=_IDLE_SECONDS,
        lingering_time=0,
        shutdown_timeout=_SHUTDOWN_SECONDS,
    )
    try:
        await runner.setup()
        try:
            await web.TCPSite(runner, address.host, address.port).start()
        except OSError as error:
            # asyncio's own message is long; the system's is enough.
            positive = error.errno is not None and error.errno > 0
            reason = os.strerror(error.errno) if positive and error.errno else "no such host"
            raise FleetError(f"the watch cannot listen on {address}: {reason}") from error
        # The name of a host may be one of loopback, too.
        routes.is_local = all(is_loopback(bound[0]) for bound in runner.addresses)
        yield Address(host=address.host, port=runner.addresses[0][1])
    finally:
        with anyio.CancelScope(shield=True):
            await runner.cleanup()


def _logger() -> logging.Logger:
    """The server's logger, without errors that clients cause: malformed requests get a 400 and no
    log line, a defect of ours is still logged."""
    logger = logging.getLogger("fleet_repl.watch.server")
    logger.addFilter(_is_ours)
    return logger


def _is_ours(record: logging.LogRecord) -> bool:
    from aiohttp.http import HttpProcessingError  # noqa: PLC0415 - as above

    error = record.exc_info[1] if record.exc_info else None
    return error is not None and not isinstance(error, HttpProcessingError | OSError)


def _application(pages: Pages, routes: PageRoutes) -> web.Application:
    from aiohttp import web  # noqa: PLC0415 - as above

    async def healthz(_: web.Request) -> web.Response:
        if pages.vitals.stuck:
            return web.Response(status=503, text="stuck: no round has finished for too long\n")
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        if not pages.vitals.ready:
            return web.Response(status=503, text="not ready: the last round made no plan\n")
        return web.Response(text="ok\n")

    async def metrics(_: web.Request) -> web.Response:
        content_type, text = pages.metrics()
        return web.Response(body=text, headers={"Content-Type": content_type})

    application = web.Application()
    # HEAD is answered along with GET, and everything else with 404 or 405.
    application.router.add_get("/healthz", healthz)
    application.router.add_get("/readyz", readyz)
    application.router.add_get("/metrics", metrics)
    routes.add_to(application)
    return application
