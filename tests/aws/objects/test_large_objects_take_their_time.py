"""What a large fleet keeps takes its time: it is waited for as long as it moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest
from aiohttp import web

from fleet_repl.values.errors import StateError

if TYPE_CHECKING:
    from tests.aws.objects.conftest import Bucket, FakeS3

LARGE = b"x" * 16_000_000
"""More than what the system's buffers take at once."""


async def test_a_large_put_may_take_longer_than_the_timeout(bucket: Bucket, s3: FakeS3) -> None:
    """A plan of a hundred thousand registries goes out in one request."""

    async def slow(request: web.Request) -> web.Response:
        await anyio.sleep(0.8)
        size = 0
        async for part in request.content.iter_chunked(1 << 20):
            size += len(part)
        return web.Response(headers={"ETag": f'"{size}"'})

    s3.script.append(slow)
    async with bucket.open(timeout=0.5) as objects:
        assert await objects.put("prod/runs/1/plan.json", LARGE) == f'"{len(LARGE)}"'
    assert len(s3.requests) == 1


async def test_a_large_get_may_take_longer_than_the_timeout(bucket: Bucket, s3: FakeS3) -> None:
    """As long as more of it comes."""

    async def slow(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers=s3.headers('"one"'))
        await response.prepare(request)
        for _ in range(5):
            await response.write(b"x")
            await anyio.sleep(0.25)
        await response.write_eof()
        return response

    s3.script.append(slow)
    async with bucket.open(timeout=1.0) as objects:
        stored = await objects.get("prod/runs/1/plan.json")
    assert stored is not None
    assert stored.content == b"xxxxx"
    assert len(s3.requests) == 1


async def test_a_server_that_falls_silent_is_given_up(bucket: Bucket, s3: FakeS3) -> None:
    """At the timeout, however much of an object is still to come."""

    async def silent(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={**s3.headers('"one"'), "Content-Length": "10"})
        await response.prepare(request)
        await response.write(b"x")
        await anyio.sleep(60)
        return response

    s3.script.extend([silent] * 4)
    async with bucket.open(timeout=0.4) as objects:
        with anyio.fail_after(30), pytest.raises(StateError, match="no answer within"):
            await objects.get("prod/runs/1/plan.json")
    assert len(s3.requests) == 4
