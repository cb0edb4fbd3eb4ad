"""Reads the documentation as pages of blocks, and plays a page as its reader would.

Playing: files are written, commands run in this process and their output compared, Python is
executed, all in one folder and against one simulated AWS for each page.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal

import fleet_repl
from fleet_repl import load_inventory
from fleet_repl.cli.app import run
from fleet_repl.sandbox import load_scenario, serve, world_of

ROOT = Path(__file__).parents[2]
FENCE = re.compile(
    r"(?:^<!-- (?P<note>[^\n]*) -->\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.M | re.S
)
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
    (r"(?m)(AWS_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY))=\S+$", r"\1=KEY"),
)
"""What differs from run to run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced code block, with the comment right before it."""

    page: str
    line: int
    language: str
    note: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    name: str
    """Its path from the root of the project."""
    text: str

    def __str__(self) -> str:
        return self.name

    @property
    def path(self) -> Path:
        return ROOT / self.name

    @property
    def blocks(self) -> tuple[Block, ...]:
        return tuple(
            Block(
                page=self.name,
                line=self.text.count("\n", 0, match.start("text")),
                language=match["language"],
                note=match["note"] or "",
                text=match["text"],
            )
            for match in FENCE.finditer(self.text)
        )

    @property
    def prose(self) -> str:
        """The text without its code blocks."""
        return FENCE.sub("", self.text)

    def section(self, heading: str) -> str:
        """What stands under a heading, sections below it included."""
        level = heading.split(" ")[0]
        found = re.search(
            rf"^{re.escape(heading)}$(.*?)(?=^#{{1,{len(level)}}} |\Z)", self.prose, re.M | re.S
        )
        assert found is not None, f"{self.name} has no heading {heading!r}"
        return found[1]

    def table(self, heading: str, nth: int = 0) -> tuple[tuple[str, ...], ...]:
        """The rows of a section's table, without its head."""
        tables = re.findall(r"(?:^\|.*\|\n)+", self.section(heading), re.M)
        rows = tables[nth].splitlines()[2:]
        return tuple(
            tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", row[1:-1])) for row in rows
        )


def _pages() -> tuple[Page, ...]:
    paths = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    return tuple(
        Page(name=str(path.relative_to(ROOT)), text=path.read_text(encoding="utf-8"))
        for path in paths
    )


PAGES = _pages()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`each_page` is every page; `toml_block` and `json_block` every block of that language."""
    if "each_page" in metafunc.fixturenames:
        metafunc.parametrize("each_page", PAGES, ids=str)
    for language in ("toml", "json"):
        if f"{language}_block" in metafunc.fixturenames:
            blocks = [one for page in PAGES for one in page.blocks if one.language == language]
            metafunc.parametrize(f"{language}_block", blocks, ids=str)


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def pages() -> dict[str, Page]:
    """Every page by its name, such as `docs/commands.md`."""
    return {page.name: page for page in PAGES}


def plain(text: str) -> str:
    """`text` without what differs from run to run."""
    for pattern, stand_in in VARYING:
        text = re.sub(pattern, stand_in, text)
    return text.rstrip() + "\n"


def shows(shown: str, found: str) -> bool:
    """Whether a block shows an output; `…` stands for lines, or for the end of one."""
    pattern = ""
    for line in plain(shown).splitlines():
        if line.strip() == "…":
            pattern += r"(?:.*\n)*?"
        elif line.endswith("…"):
            pattern += re.escape(line[:-1]) + r".*\n"
        else:
            pattern += re.escape(line) + r"\n"
    return re.fullmatch(pattern, plain(found)) is not None


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
                assert block.note in ("", "output", "scenario"), f"{block}: {block.note}"

    def _serve(self, inventory: str, scenario: str | None = None) -> None:
        world = world_of(
            load_inventory(inventory),
            **({} if scenario is None else {"scenario": load_scenario(scenario)}),
        )
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
        with _captured() as output:
            self._status = run(args)
            return output()

    def _sandbox(self, args: list[str]) -> str:
        """Serve until it says so, then press Ctrl-C."""
        args = ["0" if before == "--port" else one for before, one in zip(["", *args], args)]  # noqa: B905
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
        with _captured() as output:
            exec(code, self._names)
            self._printed = output()

    def _compare(self, block: Block, shown: str, found: str) -> None:
        assert shows(shown, found), f"{block} shows\n{shown}\nand it is\n{found}"


class _captured:  # noqa: N801 - used as a function
    """Both streams as one text, as a terminal shows them."""

    def __enter__(self) -> Callable[[], str]:
        self._stack = ExitStack()
        stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        self._stack.enter_context(redirect_stdout(stream))
        self._stack.enter_context(redirect_stderr(stream))

        def output() -> str:
            stream.seek(0)
            return stream.read()

        return output

    def __exit__(self, *_: object) -> None:
        self._stack.close()


@pytest.fixture
def reader(each_page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    """Somebody in a checkout of the project, without any settings of the machine's."""
    for name in ("inventories", "docs"):
        (tmp_path / name).symlink_to(ROOT / name)
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
