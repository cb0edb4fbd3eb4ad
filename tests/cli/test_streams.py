"""The three streams: closed pipes, full disks, encodings, colour."""

from __future__ import annotations

import fcntl
import io
import json
import os
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import TextIO

import pytest
from tests.support.command_line import Cli, FakeFleet, Terminal

from fleet_repl.cli.streams import Streams


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def streams(stream: TextIO, **environ: str) -> Streams:
    return Streams(stdin=None, stdout=stream, stderr=stream, environ=environ)


@pytest.mark.parametrize(
    ("stream", "environ", "colour", "moves"),
    [
        (Screen(), {}, True, True),
        (Screen(), {"TERM": "xterm-256color"}, True, True),
        (Screen(), {"NO_COLOR": "1"}, False, True),
        (Screen(), {"NO_COLOR": ""}, True, True),
        (Screen(), {"TERM": "dumb"}, False, False),
        (io.StringIO(), {}, False, False),
        (io.StringIO(), {"FORCE_COLOR": "1"}, False, False),
    ],
)
def test_colour_and_movement(
    stream: io.StringIO, environ: dict[str, str], *, colour: bool, moves: bool
) -> None:
    """Both only on a terminal; NO_COLOR counts when it is not empty."""
    chosen = streams(stream, **environ)
    assert (chosen.has_colour(stream), chosen.can_move(stream)) == (colour, moves)


@pytest.mark.parametrize(
    ("stream", "environ", "width"),
    [
        (Screen(), {"COLUMNS": "72"}, 72),
        (Screen(), {"COLUMNS": "0"}, None),
        (Screen(), {"COLUMNS": "wide"}, None),
        (Screen(), {}, None),
        (io.StringIO(), {"COLUMNS": "72"}, None),
    ],
)
def test_the_width_of_a_stream(
    stream: io.StringIO, environ: dict[str, str], width: int | None
) -> None:
    """Of a terminal alone: in a file or a pipe nothing is wrapped, whatever COLUMNS says."""
    assert streams(stream, **environ).width(stream) == width


def test_the_width_of_a_terminal(terminal: Terminal) -> None:
    """What it says itself, unless COLUMNS does; one that does not know has none."""
    chosen = streams(terminal.stdout)
    assert chosen.width(terminal.stdout) is None
    fcntl.ioctl(terminal.master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 91, 0, 0))
    assert chosen.width(terminal.stdout) == 91
    assert streams(terminal.stdout, COLUMNS="40").width(terminal.stdout) == 40


def test_without_stdin_nobody_is_asked() -> None:
    """A daemon may be started without one."""
    assert streams(Screen()).keyboard is None


def program(args: str, redirect: str) -> subprocess.CompletedProcess[str]:
    """A command line in a shell, as people write it."""
    return subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", f"{sys.executable} -m fleet_repl {args} {redirect}"],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_reader_that_has_seen_enough() -> None:
    """`| head` is no error: no message, and the exit code is the command's own."""
    ended = program("schema plan", "| head -c 1")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "{", "")


def test_a_full_disk() -> None:
    """What could not be written is not passed over in silence."""
    ended = program("schema plan", "> /dev/full")
    assert ended.returncode == 1
    assert ended.stderr == (
        "fleet-repl: the result cannot be written to stdout: No space left on device\n"
    )


def test_nobody_listens_on_stderr(inventory: str) -> None:
    """A run goes on when its log's reader has gone."""
    ended = program(f"apply {inventory} --sandbox -v --format json", "2> >(head -c 0)")
    assert ended.returncode == 0
    assert json.loads(ended.stdout)["status"] == "ok"


def test_an_encoding_that_lacks_a_character(inventory: str) -> None:
    """What it cannot express is spelled out instead of ending the program."""
    path = Path(inventory)
    text = path.read_text(encoding="utf-8").replace('name = "build"', 'name = "büro"')
    path.write_text(text, encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-m", "fleet_repl", "plan", inventory, "--sandbox"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "111111111111 eu-west-1 (b\\xfcro)\n" in ended.stdout


def test_only_the_result_is_on_stdout(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """Log lines and notes go to stderr, whatever the flags."""
    ended = cli("apply", inventory, "-v", "--format", "json")
    assert json.loads(ended.out)["run_id"] == "run"
