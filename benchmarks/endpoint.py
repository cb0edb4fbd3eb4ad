"""A simulated AWS that costs as little as possible, and checks nothing: STS, the registry calls of
ECR, what IAM says of a role, and an organization with the accounts 1 to `--members`.

Run as a process of its own, so that only the program under test is measured. It answers every
request after a fixed latency and prints its counters as JSON when standard input closes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import ssl
import sys
import time
from collections import Counter
from pathlib import Path

from benchmarks import answers
from benchmarks.answers import Request, answer, calls, header, throttle

answered: dict[tuple[bytes, bytes, bytes], float] = {}
"""When a document of a registry was last shown, by the loop's clock."""
windows: list[float] = []
"""Seconds before each write in which its document was not watched."""
traffic: Counter[str] = Counter()


def received(data: bytes) -> tuple[Request, bytes] | None:
    """The first request in `data` and what follows it; None while it is not whole."""
    head, found, rest = data.partition(b"\r\n\r\n")
    length = int(header(head, b"content-length") or 0)
    if not found or len(rest) < length:
        return None
    service, _, operation = header(head, b"x-amz-target").partition(b".")
    _, _, credential = header(head, b"authorization").partition(b"Credential=")
    key, _, region, *_ = credential.split(b"/", 3) if credential else (b"",) * 3
    request = Request(head, service, operation, key[4:], region, rest[:length])
    return request, rest[length:]


class Connection(asyncio.Protocol):
    """One keep-alive HTTP/1.1 connection."""

    latency = 0.03
    throttled = 0.0
    """The share of calls that are throttled."""

    def __init__(self) -> None:
        self._data = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        traffic["in"] += len(data)
        whole = received(self._data + data)
        if whole is None:
            self._data += data
            return
        request, self._data = whole
        loop, document = asyncio.get_running_loop(), request.document
        writes = request.operation.startswith(b"Put")
        if writes and document in answered:
            windows.append(loop.time() - answered[document])
        if self.throttled and random.random() < self.throttled:
            calls["throttled"] += 1
            status, kind, body = throttle(request)
        else:
            status, kind, body = answer(request)
        text = b"HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s" % (
            status,
            kind.encode(),
            len(body),
            body,
        )
        traffic["out"] += len(text)
        loop.call_later(self.latency, self._send, text, None if writes else document)

    def _send(self, text: bytes, shown: tuple[bytes, bytes, bytes] | None) -> None:
        if shown is not None:
            answered[shown] = asyncio.get_running_loop().time()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(text)


async def serve(latency: float, throttled: float, certificate: Path | None) -> None:
    """Serve until standard input closes; the first line out is the URL, the last the counters."""
    Connection.latency, Connection.throttled = latency, throttled
    tls = None
    if certificate is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", 0, ssl=tls)
    host, port = server.sockets[0].getsockname()[:2]
    sys.stdout.write(f"http{'s' * (tls is not None)}://{host}:{port}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    counters = {
        "calls": dict(calls),
        "bytes": dict(traffic),
        "windows": windows,
        "cpu": time.process_time(),
    }
    sys.stdout.write(json.dumps(counters) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency-ms", type=float, default=30)
    parser.add_argument("--throttled", type=float, default=0, help="share of throttled calls")
    parser.add_argument("--members", type=int, default=0, help="accounts of the organization")
    parser.add_argument("--documents", type=Path, default=None, help="what is in place at first")
    parser.add_argument("--certificate", type=Path, default=None, help="for TLS, with its key")
    given = parser.parse_args()
    answers.members = given.members
    if given.documents is not None:
        answers.load(given.documents)
    asyncio.run(serve(given.latency_ms / 1000, given.throttled, given.certificate))
