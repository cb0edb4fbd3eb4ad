"""What a command does, and its exit code, never depend on who can read what it prints.

Real processes in a shell, as people redirect them: full disks, closed descriptors, readers that
have gone and readers that have stopped.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.command_line import Cli, FakeFleet

BROKEN = [
    "2>/dev/full",
    ">/dev/full",
    ">/dev/full 2>/dev/full",
    "2>&-",
    ">&-",
    "<&- >&- 2>&-",
    "| true",
    "2>&1 | true",
    "2>&1 | head -1",
]


def program(args: str, redirect: str) -> subprocess.CompletedProcess[str]:
    """A command line in a shell, with the exit code of the program itself."""
    return shell(f"{sys.executable} -m fleet_repl {args} {redirect}; exit ${{PIPESTATUS[0]}}")


def shell(command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/bash", "-c", command],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("redirect", BROKEN)
def test_a_run_is_none_the_worse(redirect: str, inventory: str) -> None:
    """It writes, ends with its own code, and its report is where it was asked for."""
    ended = program(f"apply {inventory} --sandbox -v --report out.json", redirect)
    assert ended.returncode == 0
    assert json.loads(Path("out.json").read_text(encoding="utf-8"))["status"] == "ok"
    assert "Traceback" not in ended.stderr + ended.stdout
    if redirect == ">/dev/full":
        assert ended.stderr.endswith(
            "fleet-repl: the result cannot be written to stdout: No space left on device\n"
        )


@pytest.mark.parametrize("redirect", [">/dev/full 2>/dev/full", "2>&1 | true"])
@pytest.mark.parametrize(
    ("args", "code"),
    [
        ("drift {} --sandbox", 2),
        ("watch {} --sandbox --once", 2),
        ("verify {} --sandbox", 0),
        ("validate {}", 0),
        ("validate missing.toml", 1),
        ("freeze {} --why maintenance", 0),
        ("unlock {} --yes", 0),
        ("plan {} --no-such-flag", 64),
        ("--no-such-flag", 64),
        ("--help", 0),
        ("", 64),
    ],
)
def test_every_command_keeps_its_code(args: str, code: int, redirect: str, inventory: str) -> None:
    """Also those that find something out, or are used in a wrong way."""
    assert program(args.format(inventory), redirect).returncode == code


def test_what_is_only_printed_cannot_be_passed_over() -> None:
    """A text that goes nowhere else: that is what the command was for."""
    for args in ("schema plan", "--version"):
        ended = program(args, ">/dev/full")
        assert ended.returncode == 1
        assert ended.stderr == (
            "fleet-repl: the result cannot be written to stdout: No space left on device\n"
        )


def test_the_state_has_the_report_all_the_same(inventory: str) -> None:
    """Of a run whose every stream is broken, another process tells everything."""
    with subprocess.Popen(
        [sys.executable, "-m", "fleet_repl", "sandbox", inventory],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as serving:
        assert serving.stdout is not None
        assert serving.stderr is not None
        try:
            serving.stderr.readline()
            exports = os.read(serving.stdout.fileno(), 65_536).decode()
            with_env = f"eval {shlex.quote(exports)}; exec {sys.executable} -m fleet_repl"
            ended = shell(f"{with_env} apply {inventory} -v <&- >&- 2>/dev/full")
            assert ended.returncode == 0
            kept = shell(f"{with_env} report last {inventory} --format json")
            assert json.loads(kept.stdout)["status"] == "ok"
            # To show it again is all that this command does.
            assert shell(f"{with_env} report last {inventory} >/dev/full").returncode == 1
        finally:
            serving.terminate()


def test_closed_descriptors_belong_to_nobody_else(inventory: str, tmp_path: Path) -> None:
    """Otherwise a file of the state or a connection would get what is printed."""
    code = (
        "import os, sys; from fleet_repl.cli.streams import endure; endure();"
        "one = os.open('state.json', os.O_CREAT | os.O_WRONLY);"
        "print('lost'); print('lost', file=sys.stderr); sys.stdout.flush();"
        "os.write(one, str(one).encode())"
    )
    redirect = "<&- >&- 2>&-"
    subprocess.run(
        ["/bin/bash", "-c", f'{sys.executable} -c "{code}" {redirect}'], check=True, timeout=60
    )
    assert int(Path("state.json").read_text(encoding="utf-8")) > 2


def test_a_reader_that_has_stopped(inventory: str) -> None:
    """The log of a run waits for nobody: it goes on, and lines are left out."""
    reading, writing = os.pipe()
    # No room for a single line.
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, b"." * 4096)
    except BlockingIOError:
        os.set_blocking(writing, True)
    ended = subprocess.run(
        [sys.executable, "-m", "fleet_repl", "apply", inventory, "--sandbox", "-v"],
        stdout=subprocess.PIPE,
        stderr=writing,
        text=True,
        check=False,
        timeout=120,
    )
    os.close(writing)
    os.close(reading)
    assert ended.returncode == 0
    assert "Exit 0: done." in ended.stdout


def test_a_result_that_cannot_be_spelled(
    cli: Cli, fleet: FakeFleet, inventory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistake of ours in one form keeps no other form from its reader."""
    from fleet_repl.reports.text import reports  # noqa: PLC0415

    def broken(*_: object, **__: object) -> str:
        raise KeyError("anything")

    monkeypatch.setattr(reports, "report_text", broken)
    ended = cli("apply", inventory, "--report", "out.json")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err.endswith(
        "fleet-repl: internal error: the result cannot be spelled: KeyError\n"
    )
    assert json.loads(Path("out.json").read_text(encoding="utf-8"))["status"] == "ok"
