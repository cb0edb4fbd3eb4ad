"""SIGTERM to the real program: asleep, while it reads, and while it posts a notification."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from tests.support.inventories import accounts_text

INVENTORY = (
    accounts_text("hub", "shop")
    + """\
[[routes]]
name = "golden"
from = { accounts = "hub" }
to = { accounts = "shop" }
prefixes = ["base/"]
"""
)
TOKEN = "T0K3N-s3cr3t"


class Process:
    """A watch that runs, and the lines that it has written to stderr."""

    def __init__(self, running: subprocess.Popen[str]) -> None:
        self._running = running
        self.lines: list[dict[str, Any]] = []

    def until(self, event: str) -> dict[str, Any]:
        """Its line of this kind, once it is there."""
        assert self._running.stderr is not None
        for text in self._running.stderr:
            self.lines.append(json.loads(text))
            if self.lines[-1]["event"] == event:
                return self.lines[-1]
        raise AssertionError(self.lines)

    def terminate(self) -> tuple[int, str]:
        """Send SIGTERM; its exit code and what it wrote to stdout, once it has ended."""
        self._running.send_signal(signal.SIGTERM)
        out, err = self._running.communicate(timeout=60)
        self.lines += [json.loads(text) for text in err.splitlines()]
        return self._running.returncode, out

    @property
    def events(self) -> list[str]:
        return [line["event"] for line in self.lines]


Start: TypeAlias = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts watches of a simulated fleet that nobody has set up yet."""
    (tmp_path / "fleet.toml").write_text(INVENTORY)
    program = [sys.executable, "-m", "fleet_repl", "watch", "fleet.toml", "--log-format", "json"]
    environment = {key: os.environ[key] for key in ("PATH", "PYTHONPATH") if key in os.environ}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2] / "src")
    running: list[subprocess.Popen[str]] = []

    def begin(*args: str, **variables: str) -> Process:
        process = subprocess.Popen(
            [*program, "--every", "15m", *args],
            cwd=tmp_path,
            env={**environment, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return Process(process)

    yield begin
    for process in running:
        process.kill()
        process.communicate()


@contextmanager
def silent() -> Iterator[tuple[socket.socket, str]]:
    """A server that takes connections and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(60)
        yield server, f"http://127.0.0.1:{server.getsockname()[1]}"


def test_asleep_between_rounds(start: Start) -> None:
    """It ends at once with 0, having answered those who ask meanwhile."""
    watch = start("--sandbox", "--fix", "--listen", "127.0.0.1:0")
    address = watch.until("listening")["address"]
    assert watch.until("round-finished")["verdict"] == "corrected"
    for page in ("healthz", "readyz"):
        with urllib.request.urlopen(f"http://{address}/{page}") as answer:
            assert answer.read() == b"ok\n"
    assert watch.terminate() == (0, "")
    assert watch.events == ["listening", "round-finished"]


def test_while_nobody_answers(start: Start) -> None:
    """Nothing is lost with a call that waits before the first write: the round is cut short."""
    with silent() as (server, url):
        watch = start(
            "--fix",
            AWS_ENDPOINT_URL=url,
            AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE",
            AWS_SECRET_ACCESS_KEY=TOKEN,
            AWS_EC2_METADATA_DISABLED="true",
        )
        connection, _ = server.accept()
        with connection:
            assert watch.terminate() == (130, "")
    assert [line["verdict"] for line in watch.lines] == ["interrupted"]
    assert TOKEN not in repr(watch.lines)


def test_while_it_posts_a_notification(start: Start) -> None:
    """The round is over by then; the receiver gets a moment more, and its address is not shown."""
    with silent() as (server, url):
        watch = start("--sandbox", "--fix", "-v", FLEET_REPL_NOTIFY=f"{url}/{TOKEN}")
        connection, _ = server.accept()
        with connection:
            assert watch.terminate() == (0, "")
    assert watch.events[-3:] == ["stopping", "notify-failed", "round-finished"]
    assert watch.lines[-1]["verdict"] == "corrected"
    assert TOKEN not in repr(watch.lines)
