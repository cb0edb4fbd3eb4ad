"""Freezing a fleet, and ending that: what is remembered and what is said."""

from __future__ import annotations

import pytest
from tests.support.command_line import Cli, FakeBackend


def test_a_fleet_is_frozen(cli: Cli, backend: FakeBackend, inventory: str) -> None:
    """By whoever runs the command, in the inventory's state."""
    ended = cli("freeze", inventory, "--why", "registry move")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == "demo is frozen by anna@ci-1: registry move\n"
    assert backend.places == [inventory]
    assert backend.memory.freezes["demo"].who == "anna@ci-1"


def test_a_second_freeze_replaces_the_first(cli: Cli, inventory: str) -> None:
    """And tells whose that was."""
    cli("freeze", inventory, "--why", "registry move")
    ended = cli("freeze", inventory, "--why", "audit", "--who", "bob", "--state", "there")
    assert ended.code == 0
    assert ended.out == (
        "demo is frozen by bob: audit\n"
        "Before that it was frozen since 2026-11-23 12:00:00 UTC by anna@ci-1: registry move\n"
    )


def test_a_fleet_is_no_longer_frozen(cli: Cli, inventory: str) -> None:
    """Nothing being frozen is fine, too."""
    cli("freeze", inventory, "--why", "registry move")
    ended = cli("unfreeze", inventory)
    assert ended.code == 0
    assert ended.out == (
        "demo is no longer frozen. It was since 2026-11-23 12:00:00 UTC by anna@ci-1: "
        "registry move\n"
    )
    assert cli("unfreeze", inventory).out == "demo was not frozen\n"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "Missing option '--why'"),
        (["--why", " "], "--why must not be empty"),
        (["--why", "a\nb"], "--why and --who must be one line, without control characters"),
        (["--why", "a", "--who", "\x1b[2J"], "must be one line, without control characters"),
    ],
)
def test_a_reason_is_needed(
    cli: Cli, backend: FakeBackend, inventory: str, args: list[str], message: str
) -> None:
    """Whoever is refused has to know why."""
    ended = cli("freeze", inventory, *args)
    assert ended.code == 64
    assert message in ended.err
    assert backend.memory.freezes == {}
