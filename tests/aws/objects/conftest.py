"""A small scripted S3 over real HTTP, and the objects opened against it."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TypeAlias
from xml.sax.saxutils import escape

import pytest
from aiohttp import web
from tests.support.clock import VirtualClock

from fleet_repl.aws import Endpoint
from fleet_repl.aws.open_objects import open_objects
from fleet_repl.aws.s3 import BucketObjects
from fleet_repl.engine.retry import Pace
from fleet_repl.inventory.settings import Aws
from fleet_repl.runs.events import Event
from fleet_repl.values.names import Region, Secret

SECRET = "base/secret/key/of/forty/characters/long"
NOW = "Mon, 23 Nov 2026 08:00:00 GMT"
WRITTEN = "Mon, 23 Nov 2026 07:59:18 GMT"

Step: TypeAlias = "Callable[[web.Request], Awaitable[web.StreamResponse]]"


class FakeS3:
    """One bucket, `state`, whose pages are two keys long. Each request takes the next step of
    the script, and is answered plainly without one."""

    def __init__(self) -> None:
        self.url = ""
        self.objects: dict[str, tuple[bytes, str]] = {}
        self.script: deque[Step] = deque()
        self.requests: list[str] = []
        """Method, path and condition."""
        self.regions: list[str] = []
        self.written = 0

    async def serve(self, request: web.Request) -> web.StreamResponse:
        condition = request.headers.get("If-Match") or request.headers.get("If-None-Match")
        self.requests.append(" ".join(filter(None, (request.method, request.path, condition))))
        signed = re.search(r"Credential=\S+?/\d+/([^/]+)/s3/", request.headers["Authorization"])
        assert signed is not None
        self.regions.append(signed[1])
        return await (self.script.popleft() if self.script else self.answer)(request)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """What S3 would answer."""
        key = request.match_info["key"]
        match request.method:
            case "GET" if not key:
                return self._list(request)
            case "GET" if key not in self.objects:
                return await self.refuse("NoSuchKey", 404)(request)
            case "GET":
                content, etag = self.objects[key]
                return web.Response(body=content, headers=self.headers(etag))
            case "DELETE":
                self.objects.pop(key, None)
                return web.Response(status=204)
            case _:
                return await self._put(request, key)

    @staticmethod
    def headers(etag: str) -> dict[str, str]:
        """Of an object that is there."""
        return {"ETag": etag, "Last-Modified": WRITTEN, "Date": NOW}

    async def _put(self, request: web.Request, key: str) -> web.StreamResponse:
        there = self.objects.get(key)
        expected = request.headers.get("If-Match")
        if expected is not None and there is None:
            return await self.refuse("NoSuchKey", 404)(request)
        if there is not None and (
            request.headers.get("If-None-Match") == "*" or expected not in (None, there[1])
        ):
            return await self.refuse("PreconditionFailed", 412)(request)
        self.written += 1
        etag = f'"etag-{self.written}"'
        self.objects[key] = (await request.read(), etag)
        return web.Response(headers={"ETag": etag})

    def _list(self, request: web.Request) -> web.Response:
        after = request.query.get("continuation-token", "")
        prefix = request.query["prefix"]
        keys = sorted(
            object_ for object_ in self.objects if object_.startswith(prefix) and object_ > after
        )
        page, more = keys[:2], len(keys) > 2
        contents = "".join(f"<Contents><Key>{escape(item)}</Key></Contents>" for item in page)
        token = f"<NextContinuationToken>{page[-1]}</NextContinuationToken>" if more else ""
        truncated = f"<IsTruncated>{str(more).lower()}</IsTruncated>"
        return xml(
            f"<ListBucketResult><Name>state</Name>{truncated}{contents}{token}</ListBucketResult>"
        )

    def refuse(self, code: str, status: int, message: str = "no", **more: str) -> Step:
        """An error answer; `more` are headers."""

        async def step(request: web.Request) -> web.Response:
            headers = {"x-amz-request-id": f"request-{len(self.requests)}"}
            headers |= {name.replace("_", "-"): value for name, value in more.items()}
            text = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
            return xml(text, status, headers)

        return step

    def say(self, response: Callable[[], web.Response]) -> Step:
        """Any answer at all."""

        async def step(request: web.Request) -> web.Response:
            return response()

        return step

    async def drop(self, request: web.Request) -> web.Response:
        """Close the connection without having done anything."""
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    async def lose(self, request: web.Request) -> web.Response:
        """Do what was asked and lose the answer."""
        await self.answer(request)
        return await self.drop(request)


def xml(text: str, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(text=text, status=status, content_type="application/xml", headers=headers)


@dataclass
class Bucket:
    """How the objects are opened in a test, and what was told of retries."""

    s3: FakeS3
    clock: VirtualClock
    events: list[Event] = field(default_factory=list)

    def open(
        self,
        location: str = "s3://state/fleets",
        *,
        by_environment: bool = False,
        timeout: float = 60.0,
    ) -> AbstractAsyncContextManager[BucketObjects]:
        """Against the fake, or `by_environment` wherever the SDK's settings lead."""
        endpoint = Endpoint(
            url=self.s3.url,
            access_key_id="AKIABASEBASEBASEBASE",
            secret_access_key=Secret(SECRET),
            region=Region("us-east-1"),
        )
        pace = Pace(
            attempts=4,
            timeout=timeout,
            deadline=math.inf,
            clock=self.clock,
            uniform=lambda low, high: high,
        )
        return open_objects(
            Aws(),
            location,
            pace=pace,
            endpoint=None if by_environment else endpoint,
            on_event=self.events.append,
        )


@pytest.fixture
async def s3() -> AsyncIterator[FakeS3]:
    """The fake, served on loopback."""
    fake = FakeS3()
    app = web.Application()
    app.router.add_route("*", "/state{slash:/?}{key:.*}", fake.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.url = "http://{}:{}".format(*runner.addresses[0][:2])
    yield fake
    await runner.cleanup()


@pytest.fixture
def bucket(s3: FakeS3, clock: VirtualClock) -> Bucket:
    return Bucket(s3, clock)
