"""Somebody who makes a mistake: on the command line, against a simulated AWS over HTTP.

What they read is compared with the table on the page about troubleshooting.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from anyio.from_thread import BlockingPortal, start_blocking_portal
from tests.support.clock import VirtualClock
from tests.support.pages import PAGES

import fleet_repl
from fleet_repl import Fleet, Inventory, load_inventory
from fleet_repl.cli.app import run
from fleet_repl.cli.library import Library
from fleet_repl.fleet.connect import connect
from fleet_repl.fleet.discover import discover
from fleet_repl.sandbox import Scenario, World, gateway, serve, world_of
from fleet_repl.sandbox.aws_errors import AwsError

INVENTORY = """\
version = 1
name = "prod"

[aws]
role = "fleet-replication"
regions = ["eu-west-1"]

[apply]
attempts = 2

[[accounts]]
id = "111111111111"
name = "build"

[[accounts]]
id = "222222222222"
name = "shop"

[[routes]]
name = "golden"
from = { accounts = "build" }
to = { accounts = "shop" }
prefixes = ["base/"]
"""
BASE = "arn:aws:iam::999999999999:user/sandbox"
VARYING = (
    (r"\[request [^\]]+\]", "[request …]"),
    (r", request [^)]+\)", ", request …)"),
    (r"\b\d{8}T\d{6}Z-[0-9a-f]{6}\b", "RUN"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    (r"\(_ssl\.c:\d+\)", "(_ssl.c:N)"),
    (r"\(process \d+\)", "(process N)"),
    (r"\d+ s ago", "N s ago"),
    (r"runs out in \d+ s", "runs out in N s"),
    # What is remembered of a simulated AWS is kept apart.
    (r"/\.worlds/127\.0\.0\.1_\d+", ""),
    (r"\b\w+@[\w.-]+", "USER@HOST"),
)
"""What differs from run to run."""


@dataclass(frozen=True)
class Mistake:
    """A row of a table of mistakes."""

    message: tuple[str, ...]
    cause: str
    remedy: tuple[str, ...]


def _lines(cell: str) -> tuple[str, ...]:
    """The lines of a cell, each a span of code, whose backticks may be doubled."""
    spans = cell.split("<br>")
    return tuple(span[3:-3] if span.startswith("``") else span[1:-1] for span in spans)


def mistakes() -> tuple[Mistake, ...]:
    """Every row of the tables, in their order."""
    (page,) = [page for page in PAGES if page.name == "docs/troubleshooting.md"]
    section = page.section("## The commonest mistakes")
    rows = re.findall(r"^\| (`.+`) \| (.+) \| (`.+`) \|$", section, re.MULTILINE)
    return tuple(Mistake(_lines(row[0]), row[1], _lines(row[2])) for row in rows)


def plain(printed: str, folder: Path) -> str:
    """What was printed, without indentation and what differs from run to run."""
    text = printed.replace(f"{folder}/", "")
    for pattern, stand_in in VARYING:
        text = re.sub(pattern, stand_in, text)
    lines = (line.strip().removeprefix("→ ") for line in text.splitlines())
    return "".join(f"{line}\n" for line in lines)


class PatientLibrary(Library):
    """The library on a clock that nobody waits for."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock

    def connect(self, inventory: Inventory, **how: Any) -> AbstractAsyncContextManager[Fleet]:
        return connect(inventory, clock=self.clock, **how)

    async def discover(self, inventory: Inventory, **how: Any) -> Inventory:
        return await discover(inventory, clock=self.clock, **how)


class Newcomer:
    """Somebody in a folder with an inventory, and what they read."""

    def __init__(
        self,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        stack: ExitStack,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        self.folder = folder
        self.setenv = monkeypatch.setenv
        self.delenv = monkeypatch.delenv
        self.clock = VirtualClock(datetime.now(UTC).replace(microsecond=0))
        self._monkeypatch = monkeypatch
        self._stack = stack
        self._capsys = capsys
        self._portal: BlockingPortal | None = None
        self.write()

    def write(self, text: str = INVENTORY, name: str = "fleet.toml") -> None:
        """A file in the folder."""
        (self.folder / name).write_text(text, encoding="utf-8")

    def replace(self, old: str, new: str) -> None:
        """Another version of the inventory."""
        assert old in INVENTORY
        self.write(INVENTORY.replace(old, new))

    @property
    def portal(self) -> BlockingPortal:
        """Where servers run."""
        if self._portal is None:
            self._portal = self._stack.enter_context(start_blocking_portal())
        return self._portal

    def serve(self, scenario: Scenario | None = None, inventory: str = INVENTORY) -> World:
        """A simulated AWS, for this inventory, that the environment leads to from now on."""
        self.write(inventory, "aws.toml")
        listed = load_inventory(self.folder / "aws.toml", environ=os.environ)
        world = world_of(listed, scenario=scenario or Scenario(), clock=self.clock)
        server = self._stack.enter_context(self.portal.wrap_async_context_manager(serve(world)))
        for name, value in server.environment().items():
            self.setenv(name, value)
        return world

    def serve_http(self, handler: Callable[[web.Request], Any], ssl_context: Any = None) -> str:
        """Any server on loopback; its address, without a scheme."""

        async def start() -> web.AppRunner:
            app = web.Application()
            app.router.add_route("*", "/{path:.*}", handler)
            runner = web.AppRunner(app, shutdown_timeout=0.1)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=ssl_context).start()
            return runner

        runner = self.portal.call(start)
        self._stack.callback(self.portal.call, runner.cleanup)
        return "{}:{}".format(*runner.addresses[0][:2])

    def answer(self, operation: str, code: str, message: str, status: int = 403) -> None:
        """Have the simulated AWS answer an operation of STS or ECR with this error of AWS."""
        for name in ("call_sts", "call_ecr"):
            call = getattr(gateway, name)

            def refused(*args: Any, call: Callable[..., Any] = call) -> Any:
                if operation in args:
                    raise AwsError(code, message, status)
                return call(*args)

            self._monkeypatch.setattr(gateway, name, refused)

    def does(self, *args: str) -> None:
        """A command that ends well."""
        assert run(args, PatientLibrary(self.clock)) == 0
        self._capsys.readouterr()

    def prints(self, *args: str) -> str:
        """What a command prints that does not end well."""
        code = run(args, PatientLibrary(self.clock))
        assert code != 0
        captured = self._capsys.readouterr()
        return captured.err + captured.out

    def reads(self, *args: str) -> str:
        """The same without what differs from run to run."""
        return plain(self.prints(*args), self.folder)

    def reads_away_from_terminals(self, *args: str) -> str:
        """What it prints as a process of its own, that has no terminal to ask at."""
        ended = subprocess.run(
            [sys.executable, "-m", "fleet_repl", *args],
            env={**os.environ, "PYTHONPATH": str(Path(fleet_repl.__file__).parents[1])},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,
        )
        assert ended.returncode != 0
        return plain(ended.stderr + ended.stdout, self.folder)


@pytest.fixture
def newcomer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Newcomer]:
    """Somebody without any settings of the machine's."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with ExitStack() as stack:
        yield Newcomer(tmp_path, monkeypatch, stack, capsys)


@pytest.fixture
def documented() -> Callable[[str, str], None]:
    """Checks that what was printed has the message and the remedy of a cause, line by line."""

    def check(cause: str, printed: str) -> None:
        (mistake,) = [mistake for mistake in mistakes() if mistake.cause == cause]
        expected = "".join(f"{line}\n" for line in (*mistake.message, *mistake.remedy))
        assert f"\n{expected}" in f"\n{printed}", f"\n{printed}\nhas not\n{expected}"

    return check
