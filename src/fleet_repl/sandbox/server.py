"""The sandbox on a loopback port: one HTTP endpoint for every account, region and service.

Thin: it turns bytes into requests and answers into bytes, lets latency pass and closes
connections. It never listens where another machine could reach it. Of aiohttp it takes the server
alone: `aiohttp.web` would load routes, files and WebSockets too.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import format_datetime
from typing import Final

import anyio
from aiohttp.web_request import BaseRequest
from aiohttp.web_response import Response, StreamResponse
from aiohttp.web_server import Server as HttpServer

from fleet_repl.sandbox.gateway import Arrival, arrive, conclude, waits
from fleet_repl.sandbox.signatures import Request
from fleet_repl.sandbox.wire import Reply
from fleet_repl.sandbox.world import World
from fleet_repl.values.clock import check_loop
from fleet_repl.values.errors import FleetError
from fleet_repl.values.names import Region

_SHUTDOWN_SECONDS: Final = 0.2
"""The seconds that calls in flight get to finish when the sandbox closes."""

_POLL_SECONDS: Final = 0.1
"""The seconds between two looks at a queue that somebody waits for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """The address of a sandbox, and the base identity's key to it."""

    url: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    region: Region

    def environment(self) -> dict[str, str]:
        """Returns the environment variables with which an AWS client talks to this sandbox."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_REGION": self.region,
            # Python's SDK reads this name only.
            "AWS_DEFAULT_REGION": self.region,
        }


@asynccontextmanager
async def serve(world: World, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Server]:
    """Serve a world until the block ends; port 0 takes a free one.

    Raises FleetError for a host that is not loopback, where it cannot listen, and under another
    event loop than asyncio's.
    """
    check_loop()
    _refuse_the_network(host)
    http = HttpServer(_Handler(world), access_log=None)
    try:
        listener = await asyncio.get_running_loop().create_server(http, host, port, backlog=128)
    except OSError as error:
        # asyncio's message is long; the system's own words are enough.
        reason = os.strerror(error.errno) if error.errno else error
        raise FleetError(f"the sandbox cannot listen on {host}:{port}: {reason}") from error
    except OverflowError as error:
        raise FleetError(f"the sandbox cannot listen on {host}:{port}: no such port") from error
    try:
        yield _server(world, listener)
    finally:
        with anyio.CancelScope(shield=True):
            listener.close()
            # Requests that have arrived get to their handlers, which may then end.
            await asyncio.sleep(0)
            http.pre_shutdown()
            await http.shutdown(_SHUTDOWN_SECONDS)


def _server(world: World, listener: asyncio.Server) -> Server:
    host, port = listener.sockets[0].getsockname()[:2]
    base = world.keyring.base
    return Server(
        url=f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}",
        access_key_id=base.id,
        secret_access_key=base.secret,
        region=world.directory.region,
    )


def _refuse_the_network(host: str) -> None:
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise FleetError(
            f"the sandbox listens on loopback only, not on {host!r}: use 127.0.0.1 or ::1"
        )


@dataclass(frozen=True, slots=True)
class _Handler:
    """Answers one HTTP request after another; calls of several connections interleave."""

    world: World

    async def __call__(self, request: BaseRequest) -> StreamResponse:
        # Not `request.read()`, which stops at a megabyte: manifests may have four.
        body = await request.content.read()
        arrival = arrive(self.world, _request(request, body))
        if isinstance(arrival, Reply):
            return self._response(arrival)
        if arrival.lot.latency > 0:
            await self.world.clock.sleep(arrival.lot.latency)
        await self._wait(arrival)
        reply = conclude(self.world, arrival)
        if reply is None:
            return _hang_up(request)
        return self._response(reply)

    async def _wait(self, arrival: Arrival) -> None:
        """Let the time of a long poll pass, or as much as it takes for a message to come."""
        clock = self.world.clock
        ends = clock.monotonic() + waits(self.world, arrival)
        while (left := ends - clock.monotonic()) > 0 and waits(self.world, arrival):
            await clock.sleep(min(left, _POLL_SECONDS))

    def _response(self, reply: Reply) -> Response:
        headers = {
            "Content-Type": reply.content_type,
            "Date": format_datetime(self.world.clock.now(), usegmt=True),
        }
        if reply.request_id is not None:
            headers["x-amzn-RequestId"] = reply.request_id
        if reply.error is not None:
            headers["x-amzn-ErrorType"] = reply.error
        return Response(status=reply.status, body=reply.body, headers=headers)


def _request(request: BaseRequest, body: bytes) -> Request:
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        lower = name.lower()
        headers[lower] = f"{headers[lower]},{value}" if lower in headers else value
    path, _, query = request.path_qs.partition("?")
    return Request(method=request.method, path=path, query=query, headers=headers, body=body)


def _hang_up(request: BaseRequest) -> Response:
    """Closes the connection. aiohttp wants a response, which nobody reads."""
    if request.transport is not None:
        request.transport.abort()
    return Response()
