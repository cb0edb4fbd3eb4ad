"""How many requests the endpoint of the benchmarks answers in a second: it must not be what holds a
program back.

    python -m benchmarks.capacity --requests 60000

Connections that stay open send one request after the other, out of a process of their own. Prints
requests a second by the clock, and by the processor time of the endpoint's process, which is what
it can do where a processor is its own.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from benchmarks.apply_fleet import endpoint

CONNECTIONS: Final = 32
REQUEST: Final = (
    b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-amz-json-1.1\r\n"
    b"X-Amz-Target: AmazonEC2ContainerRegistry_V20150921.DescribeRegistry\r\n"
    b"User-Agent: capacity\r\nX-Amz-Date: 20260101T000000Z\r\nX-Amz-Security-Token: token\r\n"
    b"Authorization: AWS4-HMAC-SHA256 Credential=ASIA%012d/20260101/us-east-1/ecr/aws4_request, "
    b"SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, "
    b"Signature=0000000000000000000000000000000000000000000000000000000000000000\r\n"
    b"Content-Length: 2\r\n\r\n{}"
)


class Caller(asyncio.Protocol):
    """A connection that sends a request as soon as the one before is answered."""

    def __init__(self, number: int, requests: int, done: asyncio.Future[None]) -> None:
        self._request = REQUEST % number
        self._left = requests
        self._done = done

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        # Answers are small: each comes as one piece.
        assert data.startswith(b"HTTP/1.1 200"), data
        self._left -= 1
        if self._left:
            self._transport.write(self._request)
        else:
            self._transport.close()
            self._done.set_result(None)


async def call(url: str, requests: int) -> float:
    """The seconds that it takes to have so many requests answered."""
    loop, where = asyncio.get_running_loop(), urlsplit(url)
    began, ended = time.perf_counter(), []
    for number in range(CONNECTIONS):
        done = loop.create_future()
        ended.append(done)
        caller = partial(Caller, number, requests // CONNECTIONS, done)
        await loop.create_connection(caller, where.hostname or "", where.port or 0)
    await asyncio.gather(*ended)
    return time.perf_counter() - began


def main() -> None:
    """Measure one endpoint process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=60_000)
    given = parser.parse_args()
    with endpoint(0) as (url, counters):
        seconds = asyncio.run(call(url, given.requests))
    requests = sum(counters["calls"].values())
    print(f"by the clock               {requests / seconds:8,.0f} requests/s")
    print(f"by its processor time      {requests / counters['cpu']:8,.0f} requests/s")


if __name__ == "__main__":
    main()
