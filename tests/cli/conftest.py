"""The command line over a fleet that does what a test says, and over pseudo-terminals."""

from __future__ import annotations

import os
import pty
import sys
import termios
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.command_line import (
    INVENTORY,
    PAST,
    PLAN,
    Cli,
    Ended,
    FakeBackend,
    FakeFleet,
    Session,
    Terminal,
)

import fleet_repl
from fleet_repl.cli.app import run
from fleet_repl.planning.plan import Objection, Plan, State
from fleet_repl.runs.history import PastRun


@pytest.fixture
def fleet() -> FakeFleet:
    """A fleet that has one change to make."""
    return FakeFleet()


@pytest.fixture
def backend(fleet: FakeFleet) -> FakeBackend:
    """The library with that fleet in it."""
    return FakeBackend(fleet)


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs that a test starts import the package that is tested, from any folder."""
    monkeypatch.setenv("PYTHONPATH", str(Path(fleet_repl.__file__).parents[1]))


@pytest.fixture
def inventory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A hub and a spoke, in a file of the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo.toml").write_text(INVENTORY, encoding="utf-8")
    return "demo.toml"


@pytest.fixture
def cli(backend: FakeBackend, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command line in this process, away from any terminal."""

    def call(*args: str) -> Ended:
        code = run(args, backend)
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    return call


@pytest.fixture
def objecting() -> Plan:
    """The plan with an objection."""
    return replace(PLAN, objections=(Objection(kind="foreign-rules", message="1 link goes"),))


@pytest.fixture
def past() -> PastRun:
    """A remembered run."""
    return PAST


@pytest.fixture
def without_changes() -> Plan:
    """A plan of a fleet that is as it should be."""
    summary = replace(PLAN.summary, changed=0, unchanged=2, links_added=0)
    calm = replace(PLAN.registries[0], state=State.UNCHANGED, changes=())
    return replace(PLAN, summary=summary, registries=(calm, PLAN.registries[1]))


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    """A pseudo-terminal that is nobody's yet. It does not echo: an echo comes whenever the system
    gets to it, before what the program says or amid it."""
    master, slave = pty.openpty()
    attributes = termios.tcgetattr(slave)
    attributes[3] &= ~termios.ECHO
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
    with (
        os.fdopen(slave, "r", encoding="utf-8") as stdin,
        os.fdopen(os.dup(slave), "w", encoding="utf-8") as stdout,
    ):
        yield Terminal(master, stdin, stdout)
    os.close(master)


@pytest.fixture
def seated(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Somebody sits at this process's terminal; stdout goes elsewhere."""
    monkeypatch.setattr(sys, "stdin", terminal.stdin)
    monkeypatch.setattr(sys, "stderr", terminal.stdout)
    return terminal


@pytest.fixture
def at_terminal() -> Iterator[Callable[..., Session]]:
    """Start the program at a terminal of its own, as a shell does."""
    started: list[Session] = []

    def start(args: Sequence[str], **environ: str) -> Session:
        pid, master = pty.fork()
        if pid == 0:
            os.environ.update({"TERM": "xterm", "COLUMNS": "120", **environ})
            os.execv(sys.executable, [sys.executable, "-m", "fleet_repl", *args])
        session = Session(pid, master)
        started.append(session)
        return session

    yield start
    for session in started:
        os.close(session.master)
