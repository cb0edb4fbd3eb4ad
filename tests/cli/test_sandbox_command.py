"""Serving a simulated AWS until stopped."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.command_line import Cli, FakeBackend

from fleet_repl.inventory import Inventory
from fleet_repl.values.errors import FleetError


def test_an_organization_is_served_whole(inventory: str) -> None:
    """Not only the accounts that its file lists, so these are not counted."""
    with Path(inventory).open("a", encoding="utf-8") as file:
        file.write("\n[organization]\n")
    with subprocess.Popen(
        [sys.executable, "-m", "fleet_repl", "sandbox", inventory],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stderr is not None
        assert server.stderr.readline().startswith("serving the organization of demo at http")
        server.terminate()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_stopped(inventory: str, stop: signal.Signals) -> None:
    """stdout is what a shell can evaluate; stopping it is its regular end."""
    with subprocess.Popen(
        [sys.executable, "-m", "fleet_repl", "sandbox", inventory],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        note = server.stderr.readline()
        process = server.pid
        os.kill(process, stop)
        out, rest = server.communicate(timeout=60)
    exports = [shlex.split(line) for line in out.splitlines()]
    assert all(command == "export" for command, _ in exports)
    environment = dict(assignment.split("=", 1) for _, assignment in exports)
    url = environment["AWS_ENDPOINT_URL"]
    assert {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"} <= environment.keys()
    assert note == f"serving 2 accounts of demo at {url}; Ctrl-C stops it\n"
    assert (server.returncode, rest) == (0, "")


@pytest.mark.parametrize("routes", ["", "routes = []\n"])
def test_accounts_are_enough(
    cli: Cli, backend: FakeBackend, inventory: str, routes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `import` takes can be served, too: that is how it is tried."""
    file = Path(inventory)
    file.write_text(routes + file.read_text().partition("[[routes]]")[0])

    def simulate(inventory: Inventory, **how: object) -> None:
        raise FleetError(f"{len(inventory.accounts)} accounts to serve")

    monkeypatch.setattr(backend, "simulate", simulate)
    assert cli("sandbox", inventory).err == "fleet-repl: 2 accounts to serve\n"


def test_a_port_that_is_taken(cli: Cli, inventory: str) -> None:
    """One line, no traceback."""

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = cli("sandbox", inventory, "--port", str(port))
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"fleet-repl: the sandbox cannot listen on 127.0.0.1:{port}: ")
