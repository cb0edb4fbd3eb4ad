"""docs/commands.md says everything that `--help` says, and nothing else."""

from __future__ import annotations

import re
from typing import Any

import pytest
import typer
from tests.support.pages import Page

from fleet_repl.cli.app import app, run
from fleet_repl.cli.schema import Document
from fleet_repl.reports.exit_codes import exit_code
from fleet_repl.values.exit_code import ExitCode

COMMANDS = (
    "validate",
    "doctor",
    "plan",
    "apply",
    "drift",
    "watch",
    "backfill",
    "repair",
    "verify",
    "coverage",
    "explain",
    "wait",
    "runs",
    "report",
    "rollback",
    "freeze",
    "unfreeze",
    "unlock",
    "accounts",
    "import",
    "export",
    "init",
    "bootstrap",
    "show",
    "graph",
    "schema",
    "sandbox",
)
TABLES = (
    "## plan",
    "## apply",
    "## watch",
    "## backfill",
    "## repair",
    "## verify",
    "## coverage",
    "## explain",
    "## wait",
    "## import",
    "## export",
    "## runs",
    "## rollback",
    "## freeze",
    "## unlock",
    "## init",
    "## bootstrap",
    "## sandbox",
)
"""Commands with flags of their own."""
EVERYWHERE = {"--help", "-h"}
FLAG = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")


@pytest.fixture(scope="module")
def page(pages: dict[str, Page]) -> Page:
    return pages["docs/commands.md"]


def flags_of(command: Any) -> set[str]:
    """The flags that a command takes."""
    command = getattr(command, "loaded", command)
    return {flag for param in command.params for flag in param.opts if flag.startswith("-")}


def synopsis(page: Page, name: str) -> str:
    """The usage of a command, as the page has it."""
    (text,) = [block.text for block in page.blocks if block.text.startswith(f"fleet-repl {name} ")]
    return str(text)


@pytest.fixture(scope="module")
def group() -> Any:
    return typer.main.get_command(app)


def test_the_page_has_every_command(group: typer.core.TyperGroup, page: Page) -> None:
    """In its table, and with a section of its own."""
    assert set(group.commands) == set(COMMANDS)
    assert [row[0] for row in page.table("# Commands")] == [
        f"[`{command}`](#{command})" for command in COMMANDS
    ]
    for name in COMMANDS:
        assert page.section(f"## {name}")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_synopsis_has_exactly_the_commands_flags(
    name: str, group: typer.core.TyperGroup, page: Page
) -> None:
    """Long flags both ways."""
    long = {flag for flag in flags_of(group.commands[name]) if flag.startswith("--")}
    assert set(FLAG.findall(synopsis(page, name))) == long - EVERYWHERE


def test_every_flag_is_explained_in_a_table(group: typer.core.TyperGroup, page: Page) -> None:
    """Short and long, of all commands and before them; none that does not exist."""
    shared = "## Shared flags"
    explained = {
        flag
        for heading, nth in (
            *((table, 0) for table in TABLES),
            *((shared, n) for n in range(5)),
        )
        for row in page.table(heading, nth)
        for flag in FLAG.findall(row[0])
    }
    taken = {flag for name in COMMANDS for flag in flags_of(group.commands[name])}
    assert explained == taken - EVERYWHERE
    assert set(FLAG.findall(page.section(shared))) >= flags_of(group) | EVERYWHERE


@pytest.mark.parametrize("heading", TABLES)
def test_a_commands_table_has_all_flags_of_its_own(
    heading: str, group: typer.core.TyperGroup, page: Page
) -> None:
    """Those that no other table explains, and none of another command."""
    listed = {flag for row in page.table(heading) for flag in FLAG.findall(row[0])}
    shared = {
        flag
        for nth in range(5)
        for row in page.table("## Shared flags", nth)
        for flag in FLAG.findall(row[0])
    }
    taken = flags_of(group.commands[heading.removeprefix("## ")])
    assert taken - shared - EVERYWHERE <= listed <= taken


def test_no_page_names_a_flag_that_no_command_has(
    group: typer.core.TyperGroup, pages: dict[str, Page]
) -> None:
    """Flags that are written as code after fleet-repl's own names."""
    taken = flags_of(group) | EVERYWHERE
    taken |= {flag for name in COMMANDS for flag in flags_of(group.commands[name])}
    for page in pages.values():
        lines = [
            line
            for block in page.blocks
            for line in block.text.splitlines()
            if re.match(r"(\$ |\.venv/bin/)?fleet-repl ", line)
        ]
        named = set(FLAG.findall("\n".join(lines)))
        assert named <= taken, page


def test_the_table_of_exit_codes_is_whole(page: Page) -> None:
    """Every code with its meaning's first word, and the order in which they win."""
    rows = {int(code): meaning for code, meaning in page.table("## Exit codes")}
    assert set(rows) == {int(item) for item in ExitCode}
    for code, meaning in rows.items():
        assert meaning.startswith(ExitCode(code).meaning.split(":")[0].split(",")[0])
    order = re.search(r"the first of ([\d, ]+) is", page.section("## Exit codes"))
    assert order is not None
    codes = [int(item) for item in order[1].split(",")]
    names = ["interrupted", "error", "refused", "partial", "pending"]
    for start in range(len(codes)):
        assert exit_code(**dict.fromkeys(names[start:], True)) == codes[start]


def test_help_tells_the_same_codes(
    page: Page, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last lines of --help, too, have every code."""
    monkeypatch.setenv("COLUMNS", "200")
    assert run(["--help"]) == ExitCode.OK
    codes = capsys.readouterr().out.partition("Exit codes:")[2]
    assert {int(item) for item in re.findall(r"\b\d+\b", codes)} == {int(item) for item in ExitCode}


def test_the_table_of_schemas_has_every_document(page: Page) -> None:
    """In one row each, and none that has no schema."""
    named = [name for row in page.table("## schema") for name in re.findall(r"`([\w-]+)`", row[0])]
    assert sorted(named) == sorted(Document)
