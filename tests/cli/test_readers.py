"""Who reads the fleet: --workers and --cluster, on every command that reads one."""

from __future__ import annotations

from typing import Any, Final

import pytest
import typer
from tests.cli.test_repair import fitting
from tests.support.command_line import Cli, FakeBackend, FakeFleet

from fleet_repl.cli.app import app
from fleet_repl.cli.commands import COMMANDS
from fleet_repl.fleet.local_workers import LocalWorkers

READING: Final = (
    ("plan",),
    ("drift",),
    ("apply", "--yes"),
    ("verify",),
    ("import",),
    ("doctor",),
    ("coverage",),
    ("export",),
    ("watch", "--once"),
    ("backfill", "--yes"),
    ("explain", "--live", "--from", "build/eu-west-1"),
    ("wait",),
    ("repair", "--yes"),
    ("rollback", "--yes", "last"),
)
"""Every command that reads the registries of a fleet."""
ELSEWHERE: Final = frozenset({"accounts"})
"""A command that asks an organization and its accounts, and no registry."""


def test_every_command_that_reads_the_fleet_takes_them() -> None:
    """By the panels of the help, and `explain`, which reads it with --live; and no other does."""
    group: Any = typer.main.get_command(app)
    flags = {
        name: {flag for parameter in command.loaded.params for flag in parameter.opts}
        for name, command in group.commands.items()
    }
    reading = {
        name for panel, commands in COMMANDS.items() if "the fleet" in panel for name in commands
    }
    expected = reading - ELSEWHERE | {"explain"}
    assert {command[0] for command in READING} == expected
    for flag in ("--workers", "--cluster"):
        assert {name for name, own in flags.items() if flag in own} == expected


@pytest.mark.parametrize("command", READING, ids=lambda command: command[0])
def test_processes_read(
    cli: Cli, inventory: str, backend: FakeBackend, fleet: FakeFleet, command: tuple[str, ...]
) -> None:
    """A fleet is connected with as many worker processes as are asked for, and else with none."""
    what: tuple[str, ...] = ("base/go:1",) if command[0] in ("explain", "wait") else ()
    if command[0] == "repair":
        what = (fitting(cli, inventory, fleet),)
        backend.executors.clear()
    cli(*command, inventory, *what, "--workers", "3")
    cli(*command, inventory, *what)
    workers, none = backend.executors
    assert isinstance(workers, LocalWorkers)
    assert len(workers) == 3
    assert none is None


def test_one_of_both(cli: Cli, inventory: str) -> None:
    """Processes of this machine or a cluster, not both: wrong usage."""
    ended = cli("plan", inventory, "--workers", "2", "--cluster", "tls://scheduler:8786")
    assert ended.code == 64
    assert "either --workers or --cluster reads: leave one out" in ended.err


@pytest.mark.parametrize("flags", [("--workers", "2"), ("--cluster", "tls://scheduler:8786")])
def test_nothing_is_read_by_the_inventory_alone(
    cli: Cli, inventory: str, flags: tuple[str, ...]
) -> None:
    """`explain` without --live asks no AWS, so readers are wrong usage."""
    ended = cli("explain", inventory, "base/go", *flags)
    assert ended.code == 64
    text = " ".join(ended.err.replace("│", "").split())
    assert "--workers and --cluster read the fleet: they need --live" in text


def test_a_cluster_that_cannot_be_used(cli: Cli, inventory: str, backend: FakeBackend) -> None:
    """An error before anything is connected."""
    ended = cli("plan", inventory, "--cluster", "scheduler:8786")
    assert ended.code == 1
    assert ended.err == (
        "fleet-repl: 'scheduler:8786' is no address of a Dask scheduler\n    write tls://HOST:PORT\n"
    )
    assert not backend.executors
