"""Every page does what it says: its commands, its Python, and what it shows of their output.

A page is played as its reader would: files are written, commands run in this process, Python is
executed, all in one folder and against one simulated AWS for each page.
"""

from __future__ import annotations

import io
import os
import pty
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal
from tests.support.command_line import Session
from tests.support.pages import Block, Page

import fleet_repl
from fleet_repl.cli.app import run
from fleet_repl.sandbox import Scenario, load_scenario, serve, world_of

VARIABLES = ("FLEET_EXTERNAL_ID", "FULFILMENT_EXTERNAL_ID", "ACQUIRED_EXTERNAL_ID")
"""What inventories on the pages read from the environment."""
VARYING = (
    (r"\b\d{8}T\d{6}Z-[0-9a-f]{6}\b", "RUN"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z\b", "TIME"),
    (r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "UUID"),
    (r"sha256:[0-9a-f]{64}", "DIGEST"),
    (r"in \d+\.\d s\b", "in N s"),
    (r'"duration_ms": \d+', '"duration_ms": N'),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    (r"\r\n", "\n"),
    (r"(?m)(AWS_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY))=\S+$", r"\1=KEY"),
)
"""What differs from run to run."""


def plain(text: str) -> str:
    """`text` without what differs from run to run."""
    for pattern, stand_in in VARYING:
        text = re.sub(pattern, stand_in, text)
    return text.rstrip() + "\n"


def shows(shown: str, printed: str) -> bool:
    """Whether a block shows an output; `…` stands for lines, or for the end of one."""
    pattern = ""
    for line in plain(shown).splitlines():
        if line.strip() == "…":
            pattern += r"(?:.*\n)*?"
        elif line.endswith("…"):
            pattern += re.escape(line[:-1]) + r".*\n"
        else:
            pattern += re.escape(line) + r"\n"
    return re.fullmatch(pattern, plain(printed)) is not None


class Reader:
    """Somebody who does what a page says, from top to bottom."""

    def __init__(self, page: Page, monkeypatch: pytest.MonkeyPatch, stack: ExitStack) -> None:
        self._page = page
        self._monkeypatch = monkeypatch
        self._stack = stack
        self._names: dict[str, object] = {"__name__": "__main__"}
        self._printed = ""
        self._status = 0
        self._is_checked = True

    def play(self) -> None:
        for block in self._page.blocks:
            self._prepare(block)
            match block.language:
                case "console" if block.note == "at a terminal":
                    self._dialogue(block)
                case "console":
                    self._console(block)
                case "python":
                    self._python(block)
                case "sh":
                    self._sh(block)
                case _ if block.note == "output":
                    self._compare(block, block.text, self._printed)
        assert self._is_checked or not self._status, f"{self._page}: ended with {self._status}"

    def _prepare(self, block: Block) -> None:
        match block.note.split(": "):
            case ["file", name]:
                Path(name).write_text(block.text, encoding="utf-8")
            case ["append to", name]:
                with Path(name).open("a", encoding="utf-8") as file:
                    file.write("\n" + block.text)
            case ["aws", names]:
                self._serve(*names.split())
            case _:
                known = ("", "output", "scenario", "at a terminal")
                assert block.note in known, f"{block}: {block.note}"

    def _serve(self, inventory: str, scenario: str | None = None) -> None:
        listed = fleet_repl.load_inventory(inventory, routes_required=False)
        starts_with = Scenario() if scenario is None else load_scenario(scenario)
        world = world_of(listed, scenario=starts_with)
        portal = self._stack.enter_context(start_blocking_portal())
        server = self._stack.enter_context(portal.wrap_async_context_manager(serve(world)))
        for name, value in server.environment().items():
            self._monkeypatch.setenv(name, value)

    def _console(self, block: Block) -> None:
        assert block.text.startswith("$ "), f"{block}: starts without a command"
        for part in re.split(r"(?m)^\$ ", block.text)[1:]:
            command, _, shown = part.partition("\n")
            if command == "echo $?":
                self._printed, self._is_checked = f"{self._status}\n", True
            else:
                assert self._is_checked or not self._status, f"{block}: exited {self._status}"
                self._printed = self._command(block, command)
                self._is_checked = bool(shown)
            if shown:
                self._compare(block, shown, self._printed)

    def _dialogue(self, block: Block) -> None:
        """One command at a terminal: what stands behind a question, `[…]`, is typed."""
        command, *lines = block.text.splitlines()
        program, *args = shlex.split(command.removeprefix("$ "))
        assert program == "fleet-repl", f"{block}: {command}"
        with session(args) as terminal:
            for question, answer in re.findall(r"(?m)^([^\n]*\]) ?(.*)$", "\n".join(lines)):
                terminal.expect(f"{question} ")
                terminal.send(f"{answer}\n")
            self._status = terminal.end()
        seen = re.sub(r" +$", "", terminal.seen, flags=re.MULTILINE)
        self._compare(block, "\n".join(lines), seen)

    def _sh(self, block: Block) -> None:
        """Of the README's command lines, those that are fleet-repl's own."""
        for line in block.text.splitlines():
            if line.startswith(".venv/bin/fleet-repl "):
                self._printed = self._command(block, line.removeprefix(".venv/bin/"))

    def _command(self, block: Block, line: str) -> str:
        program, *args = shlex.split(line)
        assert program == "fleet-repl", f"{block}: {line}"
        return self._sandbox(args) if args[0] == "sandbox" else self._run(args)

    def _run(self, args: list[str]) -> str:
        with captured() as output:
            self._status = run(args)
            return output()

    def _sandbox(self, args: list[str]) -> str:
        """Serve until it says so, then press Ctrl-C."""
        args = ["0" if before == "--port" else arg for before, arg in zip(["", *args], args)]  # noqa: B905
        with subprocess.Popen(
            [sys.executable, "-m", "fleet_repl", *args],
            env={**os.environ, "PYTHONPATH": str(Path(fleet_repl.__file__).parents[1])},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout is not None
            printed = ""
            while not printed.endswith("stops it\n"):
                line = process.stdout.readline()
                assert line, f"{self._page}: {printed}"
                printed += line
            process.send_signal(signal.SIGINT)
            printed += process.stdout.read()
        self._status = process.returncode
        return printed

    def _python(self, block: Block) -> None:
        code = compile("\n" * block.line + block.text, str(self._page.path), "exec")
        with captured() as output:
            exec(code, self._names)
            self._printed = output()

    def _compare(self, block: Block, shown: str, printed: str) -> None:
        assert shows(shown, printed), f"{block} shows\n{shown}\nand it is\n{printed}"


@contextmanager
def session(args: list[str]) -> Iterator[Session]:
    """The program at a terminal of its own."""
    source = str(Path(fleet_repl.__file__).parents[1])
    pid, master = pty.fork()
    if pid == 0:
        os.environ.update({"TERM": "dumb", "COLUMNS": "200", "PYTHONPATH": source})
        os.execv(sys.executable, [sys.executable, "-m", "fleet_repl", *args])
    try:
        yield Session(pid, master)
    finally:
        os.close(master)


@contextmanager
def captured() -> Iterator[Callable[[], str]]:
    """Both streams as one text, as a terminal shows them; what it gives tells it so far."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)

    def output() -> str:
        stream.seek(0)
        return stream.read()

    with redirect_stdout(stream), redirect_stderr(stream):
        yield output


@pytest.fixture
def reader(
    each_page: Page, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Reader]:
    """Somebody in a checkout of the project, without any settings of the machine's."""
    (tmp_path / "docs").symlink_to(root / "docs")
    # A state is kept beside its inventory, so these are copies.
    shutil.copytree(root / "inventories", tmp_path / "inventories")
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in VARIABLES:
        monkeypatch.setenv(name, "example")
    with ExitStack() as stack:
        yield Reader(each_page, monkeypatch, stack)


def test_a_reader_gets_what_the_page_shows(reader: Reader) -> None:
    """Files written, commands run and Python executed, in the page's order."""
    reader.play()


@pytest.mark.parametrize(
    ("shown", "printed", "agree"),
    [
        ("one\n", "one\n", True),
        ("one\n…\nfour\n", "one\ntwo\nthree\nfour\n", True),
        ("one …\n", "one two\n", True),
        ("in 0.1 s.\n", "in 12.3 s.\n", True),
        ("one\n", "one\ntwo\n", False),
        ("one\n…\n", "two\nthree\n", False),
        ("one …\n", "one two\nthree\n", False),
        ("2 links\n", "3 links\n", False),
    ],
)
def test_what_is_left_out_is_all_that_may_differ(shown: str, printed: str, agree: bool) -> None:
    """The comparison itself: `…`, times, and nothing else."""
    assert shows(shown, printed) is agree
