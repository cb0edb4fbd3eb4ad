"""Who reads the fleet: --workers and --cluster, on every command that reads one."""

from __future__ import annotations

from typing import Final

import pytest
from tests.support.command_line import Cli, FakeBackend

from fleet_repl.fleet.local_workers import LocalWorkers

READING: Final = (
    ("plan",),
    ("drift",),
    ("apply", "--yes"),
    ("verify",),
    ("import",),
    ("doctor",),
    ("watch", "--once"),
)


@pytest.mark.parametrize("command", READING, ids=lambda command: command[0])
def test_processes_read(
    cli: Cli, inventory: str, backend: FakeBackend, command: tuple[str, ...]
) -> None:
    """A fleet is connected with as many worker processes as are asked for, and else with none."""
    cli(*command, inventory, "--workers", "3")
    cli(*command, inventory)
    workers, none = backend.executors
    assert isinstance(workers, LocalWorkers)
    assert len(workers) == 3
    assert none is None


def test_one_of_both(cli: Cli, inventory: str) -> None:
    """Processes of this machine or a cluster, not both: wrong usage."""
    ended = cli("plan", inventory, "--workers", "2", "--cluster", "tls://scheduler:8786")
    assert ended.code == 64
    assert "either --workers or --cluster reads: leave one out" in ended.err


def test_a_cluster_that_cannot_be_used(cli: Cli, inventory: str, backend: FakeBackend) -> None:
    """An error before anything is connected."""
    ended = cli("plan", inventory, "--cluster", "scheduler:8786")
    assert ended.code == 1
    assert ended.err == (
        "fleet-repl: 'scheduler:8786' is no address of a Dask scheduler\n    write tls://HOST:PORT\n"
    )
    assert not backend.executors
