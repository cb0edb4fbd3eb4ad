"""Giving a lock back in place of a run: who holds it is shown, and somebody has to say yes."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest
from tests.support.command_line import Cli, FakeBackend, Terminal

from fleet_repl import load_inventory
from fleet_repl.cli.app import run
from fleet_repl.runs.history import Holder, Purpose
from fleet_repl.state import FolderStore, Lock, find_lock
from fleet_repl.state.lock_rules import LockDocument, SeenLock
from fleet_repl.values.clock import SYSTEM

HOLDER = Holder(
    run_id="20261123T080000Z-ab12cd", purpose=Purpose.WATCH, user="ops", host="runner",
    pid=4711, process="boot/1/2",
)  # fmt: skip
SHOWN = (
    "watch 20261123T080000Z-ab12cd of ops@runner (process 4711) holds the lock of fleet demo since "
    "2026-11-23T08:00:00Z; last sign of life 40 s ago\n"
)
GIVEN_BACK = (
    "the lock of demo is given back. It was held by watch 20261123T080000Z-ab12cd of ops@runner "
    "(process 4711)\n"
)


@pytest.fixture
def locked(backend: FakeBackend) -> SeenLock:
    """The lock of the fleet, held."""
    at = datetime(2026, 11, 23, 8, tzinfo=UTC)
    document = LockDocument(fleet="demo", holder=HOLDER, taken_at=at, renewed_at=at)
    seen = SeenLock(document=document, holder=HOLDER, age=40.0, version="1")
    backend.memory.locks["demo"] = seen
    return seen


def test_nobody_holds_it(cli: Cli, inventory: str) -> None:
    """That is fine, and nobody is asked."""
    ended = cli("unlock", inventory)
    assert (ended.code, ended.out, ended.err) == (0, "nobody holds the lock of demo\n", "")


def test_without_a_terminal_it_needs_yes(
    cli: Cli, backend: FakeBackend, inventory: str, locked: SeenLock
) -> None:
    """The holder is shown all the same, and keeps it."""
    ended = cli("unlock", inventory)
    assert (ended.code, ended.out) == (3, "")
    assert ended.err == (
        f"{SHOWN}fleet-repl: nothing is given back: nobody can be asked here; --yes does not ask\n"
    )
    assert backend.memory.locks == {"demo": locked}


def test_with_yes(cli: Cli, backend: FakeBackend, inventory: str, locked: SeenLock) -> None:
    """Nobody is asked; at the state that is named."""
    ended = cli("unlock", inventory, "--yes", "--state", "there")
    assert (ended.code, ended.out, ended.err) == (0, GIVEN_BACK, SHOWN)
    assert (backend.memory.locks, backend.places) == ({}, ["there"])


def test_a_sign_of_life_meanwhile(
    cli: Cli,
    backend: FakeBackend,
    inventory: str,
    locked: SeenLock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Then the holder keeps it."""

    async def refused(seen: SeenLock) -> bool:
        return False

    monkeypatch.setattr(backend.memory, "unlock", refused)
    ended = cli("unlock", inventory, "-y")
    assert (ended.code, ended.out) == (3, "")
    assert "the lock of demo is not given back: its holder has given a sign of life" in ended.err


@pytest.mark.parametrize("quiet", [False, True])
@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 3), ("\n", 3)])
def test_at_a_terminal(
    backend: FakeBackend,
    inventory: str,
    locked: SeenLock,
    terminal: Terminal,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    code: int,
    quiet: bool,
) -> None:
    """Whoever is asked sees who holds it, once, before the question; only a yes counts."""
    monkeypatch.setattr(sys, "stdin", terminal.stdin)
    monkeypatch.setattr(sys, "stderr", terminal.stdout)
    terminal.type(answer)
    assert run(["unlock", inventory, *(["--quiet"] if quiet else [])], backend) == code
    screen = " ".join(terminal.screen().split())
    shown, asked, _ = screen.partition(
        "Give it back? A run that lives stops before its next write."
    )
    assert shown.count("holds the lock of fleet demo since") == 1
    assert asked
    assert ("demo" in backend.memory.locks) is (code != 0)


async def test_the_real_one(inventory: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In a folder: taken by a run, given back by the command, and free afterwards."""
    place = load_inventory(inventory).state.folder
    assert place is not None
    store = FolderStore(place)
    lock = Lock(store, "demo", HOLDER, SYSTEM, gone=lambda item: False)
    await lock._take()
    assert await anyio.to_thread.run_sync(_unlocked, inventory) == 0
    assert capsys.readouterr().out == GIVEN_BACK
    assert await find_lock(store, "demo") is None


def _unlocked(inventory: str) -> int:
    from fleet_repl.cli import library as backend  # noqa: PLC0415

    class AtOnce(backend.Library):
        """The library, called off the main thread, where no signals are heard."""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fleet_repl.cli.unlock.interruptible", _plain)
        return run(["unlock", inventory, "--yes"], AtOnce())


async def _plain(log: Any, work: Any) -> Any:
    from fleet_repl.cli.interrupts import Interrupts  # noqa: PLC0415

    return await work(Interrupts())
