"""What strangers send to `--listen` gets an answer or a closed connection, never a traceback."""

from __future__ import annotations

import logging
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import aiohttp
import anyio
import pytest
from hypothesis import given, settings, strategies as st
from tests.support.watched import START, Stage

from fleet_repl.watch.recent_rounds import RecentRounds, WatchState
from fleet_repl.watch.server import Pages, Vitals, parse_address, serving

GARBAGE = {
    "nothing": b"",
    "binary": bytes(range(256)),
    "a TLS hello": bytes.fromhex("16030100c8010000c40303") + bytes(100),
    "no HTTP": b"EHLO mail.example.com\r\n\r\n",
    "a bad request line": b"GET /healthz\r\n\r\n",
    "a bad version": b"GET /healthz HTTP/9.9\r\n\r\n",
    "a bad header": b"GET /healthz HTTP/1.1\r\nno colon here\r\n\r\n",
    "a bad length": b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    "a bad chunk": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a huge line": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
    "a huge header": b"GET /healthz HTTP/1.1\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
    "many headers": b"GET /healthz HTTP/1.1\r\n" + b"X: y\r\n" * 50_000 + b"\r\n",
    "half a request": b"GET /hea",
    "an upgrade": b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "two at once": b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 2 + b"\x00",
}

Ask = Callable[[int, bytes], Any]


async def sent(port: int, garbage: bytes, *, reset: bool) -> None:
    """Send it, read what comes, and go: politely or in the middle of everything."""
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        with suppress(anyio.BrokenResourceError, anyio.EndOfStream, anyio.ClosedResourceError):
            await stream.send(garbage)
            if reset:
                # Closing it so sends a reset.
                raw = stream.extra(anyio.abc.SocketAttribute.raw_socket)
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            await stream.send_eof()
            with anyio.move_on_after(5):
                while True:
                    await stream.receive()


async def alive(port: int) -> bool:
    url = f"http://127.0.0.1:{port}/healthz"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status == 200


def waiting() -> WatchState:
    return WatchState(fleet="prod", now=START, recent=RecentRounds(), writing=False, stuck=False)


def pages(stage: Stage) -> Pages:
    return Pages(
        vitals=Vitals(stage.clock, 60, 60),
        metrics=lambda: ("text/plain", b"fleet_repl_up 1\n"),
        state=waiting,
    )


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("what", GARBAGE)
async def test_no_traceback(
    what: str,
    stage: Stage,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    *,
    reset: bool,
) -> None:
    """Nothing is logged, nothing is printed, and who asks properly is answered."""
    with caplog.at_level(logging.INFO):
        async with serving(parse_address("127.0.0.1:0"), pages(stage)) as address:
            await sent(address.port, GARBAGE[what], reset=reset)
            assert await alive(address.port)
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")


@settings(max_examples=5)
@given(many=st.lists(st.binary(max_size=200), min_size=10, max_size=10))
async def test_any_bytes(many: list[bytes]) -> None:
    """The same for whatever there is."""
    seen: list[logging.LogRecord] = []

    class Seeing(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record)

    handler = Seeing(logging.INFO)
    logging.getLogger().addHandler(handler)
    try:
        with anyio.fail_after(60):
            vitals: Any = type("Alive", (), {"stuck": False, "ready": True})()
            served = Pages(vitals=vitals, metrics=lambda: ("text/plain", b""), state=waiting)
            async with serving(parse_address("127.0.0.1:0"), served) as address:
                for garbage in many:
                    await sent(address.port, garbage, reset=False)
                assert await alive(address.port)
    finally:
        logging.getLogger().removeHandler(handler)
    assert [item for item in seen if item.levelno > logging.INFO] == []


async def test_a_mistake_of_ours_still_shows(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """It is answered with 500, and the log has its traceback."""

    def broken() -> tuple[str, bytes]:
        raise KeyError("figures")

    served = Pages(vitals=pages(stage).vitals, metrics=broken, state=waiting)
    async with serving(parse_address("127.0.0.1:0"), served) as address:
        url = f"http://127.0.0.1:{address.port}/metrics"
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            assert response.status == 500
    (record,) = caplog.records
    assert record.exc_info is not None


async def test_a_slow_client_holds_up_nobody(stage: Stage) -> None:
    """One that never ends its request is cut off when the watch ends."""
    with anyio.fail_after(60):
        async with serving(parse_address("127.0.0.1:0"), pages(stage)) as address:
            stream = await anyio.connect_tcp("127.0.0.1", address.port)
            await stream.send(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: ")
            assert await alive(address.port)
        await stream.aclose()
