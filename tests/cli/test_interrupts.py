"""Ctrl-C and SIGTERM: the first lets writes finish, the second ends it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import anyio
import pytest
from tests.support.command_line import Cli, FakeBackend, FakeFleet


def test_while_writing(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """What is in flight finishes, and the report says what was left undone."""
    fleet.applying = fleet.until_stopped
    ended = cli("apply", inventory, "--report", "out.json")
    assert ended.code == 130
    assert ended.err.endswith("finishing writes in flight; press Ctrl-C again to stop at once\n")
    assert fleet.asked == ["plan", "apply", "stop"]
    report = json.loads(Path("out.json").read_text(encoding="utf-8"))
    assert report["status"] == "interrupted"
    assert [item["outcome"] for item in report["registries"]] == ["cancelled", "unchanged"]


def test_sigterm_is_the_same(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """As a scheduler sends it."""
    fleet.applying = partial(fleet.until_stopped, signal.SIGTERM)
    assert cli("apply", inventory).code == 130
    assert fleet.asked == ["plan", "apply", "stop"]


def test_a_terminal_that_is_closed(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """The shell and the system both say so; writes in flight finish all the same."""
    done = []

    async def hung_up() -> None:
        for _ in range(3):
            await fleet.until_stopped(signal.SIGHUP)
            await anyio.sleep(0.05)
        done.append("finished")

    fleet.applying = hung_up
    assert cli("apply", inventory, "--report", "out.json").code == 130
    assert (fleet.asked, done) == (["plan", "apply", "stop"], ["finished"])
    assert json.loads(Path("out.json").read_text(encoding="utf-8"))["status"] == "interrupted"


def test_nohup(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """Whoever says that a command shall outlive its terminal has it so."""

    async def hung_up() -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        await anyio.sleep(0.05)

    fleet.applying = hung_up
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert cli("apply", inventory).code == 0
    finally:
        signal.signal(signal.SIGHUP, before)
    assert fleet.asked == ["plan", "apply"]


def test_while_reading_for_an_apply(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """There is no plan, but there is a report: every registry was cancelled."""
    fleet.planning = fleet.until_stopped
    ended = cli("apply", inventory, "--format", "json")
    assert ended.code == 130
    assert ended.err == "stopping; press Ctrl-C again to stop at once\n"
    assert json.loads(ended.out)["plan_digest"] is None
    assert fleet.asked == ["plan", "stop", "interrupted"]


@pytest.mark.parametrize("command", ["plan", "drift"])
def test_while_reading_for_a_plan(cli: Cli, fleet: FakeFleet, inventory: str, command: str) -> None:
    """Half a plan is none: nothing on stdout."""
    fleet.planning = fleet.until_stopped
    ended = cli(command, inventory)
    assert (ended.code, ended.out) == (130, "")
    assert ended.err == (
        "stopping; press Ctrl-C again to stop at once\ninterrupted before there was a plan\n"
    )


def test_a_second_time(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """Everything is cancelled at once, whatever it was doing."""
    ends = []

    async def stubborn() -> None:
        await fleet.until_stopped()
        os.kill(os.getpid(), signal.SIGINT)
        try:
            with anyio.fail_after(60):
                await anyio.sleep_forever()
        finally:
            ends.append("cancelled")

    fleet.applying = stubborn
    ended = cli("apply", inventory)
    assert (ended.code, ended.out) == (130, "")
    assert ended.err.endswith("stopped at once\n")
    assert ends == ["cancelled"]


def test_a_third_time(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """It is answered, and what has to be done in the end is done."""
    done = []

    async def tidying() -> None:
        await fleet.until_stopped()
        os.kill(os.getpid(), signal.SIGTERM)
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                for _ in range(2):
                    os.kill(os.getpid(), signal.SIGTERM)
                    await anyio.sleep(0.05)
                done.append("tidied")

    fleet.applying = tidying
    ended = cli("apply", inventory)
    assert (ended.code, ended.out, done) == (130, "", ["tidied"])
    again = "ending already: what was in flight is cut off, and the next run finds it out\n"
    assert ended.err.endswith(f"stopped at once\n{again}{again}")


def test_while_connecting(cli: Cli, backend: FakeBackend, fleet: FakeFleet, inventory: str) -> None:
    """Where nothing has begun, the first one ends it."""

    async def hanging() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        with anyio.fail_after(60):
            await anyio.sleep_forever()

    backend.connecting = hanging
    ended = cli("apply", inventory)
    assert (ended.code, ended.out) == (130, "")
    assert ended.err == "stopped at once\n"
    assert fleet.asked == []


def test_while_tidying_up(cli: Cli, backend: FakeBackend, fleet: FakeFleet, inventory: str) -> None:
    """The report is out; closing connections takes nothing back."""

    async def slowly() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(5):
            await anyio.lowlevel.checkpoint()

    backend.closing = slowly
    ended = cli("plan", inventory)
    assert (ended.code, ended.err) == (0, "")
    assert fleet.asked == ["plan"]


def test_between_plan_and_apply(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """Nothing is started after it, and there is a report."""

    async def too_late_for_planning() -> None:
        os.kill(os.getpid(), signal.SIGINT)

    fleet.planning, fleet.applying = too_late_for_planning, partial(fleet.until_stopped, None)
    ended = cli("apply", inventory)
    assert ended.code == 130
    assert sorted(fleet.asked) == ["apply", "plan", "stop"]
    assert "cancelled            1" in ended.out


def test_too_late_to_matter(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """A run that had everything written is not called interrupted."""

    async def finished() -> None:
        os.kill(os.getpid(), signal.SIGINT)

    fleet.applying = finished
    assert cli("apply", inventory).code == 0


@pytest.mark.parametrize("late", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_after_the_end(late: signal.Signals) -> None:
    """While the interpreter tidies up: the exit code is decided by then."""
    program = (
        "import atexit, os, sys; from fleet_repl.cli import main; "
        f"atexit.register(os.kill, os.getpid(), {late.value}); "
        "sys.argv = ['fleet-repl', 'schema', 'nothing']; main()"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert ended.returncode == 64
