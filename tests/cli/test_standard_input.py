"""`-` as INVENTORY: read from standard input, once, and nobody is asked there."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.cli.test_repair import fitting
from tests.support.command_line import Cli, FakeBackend, FakeFleet
from typer.main import get_command

from fleet_repl.cli.app import app
from fleet_repl.fleet.load import load_inventory
from fleet_repl.inventory import toml_file
from fleet_repl.inventory.regular_files import MIB

UNASKED = "the inventory is read from standard input, so nobody can answer there: add --yes"


@pytest.fixture
def given(inventory: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put a text, by default the inventory's, on standard input; the file itself is gone."""
    usual = Path(inventory).read_bytes()
    Path(inventory).unlink()

    def give(content: bytes = usual) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))

    give()
    return give


def _words(text: str) -> str:
    """Without the frame that typer draws around wrong usage."""
    return " ".join(text.replace("│", " ").split())


@pytest.mark.parametrize(
    "args",
    [
        ["validate", "-"],
        ["graph", "-"],
        ["accounts", "-"],
        ["bootstrap", "-"],
        ["doctor", "-"],
        ["plan", "-"],
        ["drift", "-"],
        ["verify", "-"],
        ["coverage", "-"],
        ["explain", "-", "base/go"],
        ["wait", "-", "base/go:1.25"],
        ["export", "-", "--format", "terraform"],
        ["import", "-"],
        ["apply", "-", "--yes"],
        ["backfill", "-"],
        ["rollback", "last", "-", "--yes"],
        ["rollback", "last", "-", "--dry-run"],
        ["runs", "-"],
        ["report", "last", "-"],
        ["freeze", "-", "--why", "a test"],
        ["unfreeze", "-"],
        ["unlock", "-", "--yes"],
    ],
    ids=" ".join,
)
@pytest.mark.usefixtures("given")
def test_every_command_that_takes_an_inventory_reads_it(cli: Cli, args: list[str]) -> None:
    """No file is there, and the fleet's name comes from what was read."""
    ended = cli(*args)
    assert ended.code in {0, 2}, ended.err
    assert "Error" not in ended.err


def test_the_list_above_is_whole() -> None:
    """A command that is new is either tried above or says why it takes no `-`."""
    tried = {args[0] for args in _parameters(test_every_command_that_takes_an_inventory_reads_it)}
    takes = {
        name
        for name, command in get_command(app).commands.items()  # type: ignore[attr-defined]
        if any(param.metavar == "INVENTORY" for param in command.loaded.params)
    }
    # Refused; ends only when it is stopped; and is tried with its document below.
    assert takes - tried == {"watch", "sandbox", "repair"}


def test_a_repair_reads_it(
    cli: Cli, inventory: str, fleet: FakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its document was made by the file that is read here."""
    document = fitting(cli, inventory, fleet)
    content = Path(inventory).read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))
    ended = cli("repair", "-", document, "--yes")
    assert ended.code == 0, ended.err
    assert fleet.asked == ["repair"]


def _parameters(test: Any) -> list[list[str]]:
    return next(mark.args[1] for mark in test.pytestmark if mark.name == "parametrize")


@pytest.mark.parametrize(
    "args", [["apply", "-"], ["rollback", "last", "-"], ["unlock", "-"]], ids=" ".join
)
@pytest.mark.usefixtures("given")
def test_who_would_be_asked_has_to_have_agreed(cli: Cli, fleet: FakeFleet, args: list[str]) -> None:
    """The question would be answered by the inventory, or by nobody."""
    ended = cli(*args)
    assert (ended.code, ended.out) == (64, "")
    assert UNASKED in _words(ended.err)
    assert fleet.asked == []


@pytest.mark.parametrize("args", [["--once"], ["--every", "1h"]], ids=" ".join)
@pytest.mark.usefixtures("given")
def test_a_watch_needs_a_file(cli: Cli, args: list[str]) -> None:
    """It reads the inventory again, which a stream does not allow."""
    ended = cli("watch", "-", *args)
    assert (ended.code, ended.out) == (64, "")
    assert "standard input can be read only once: name a file" in _words(ended.err)


def test_problems_are_those_of_a_file(cli: Cli, given: Callable[..., None]) -> None:
    """With the line, and `-` for the file."""
    given(b'version = 1\nname = "caf\xe9"\n')
    ended = cli("plan", "-")
    assert (ended.code, ended.err) == (
        1,
        (
            "-:2: is not UTF-8\n"
            "    save the file as UTF-8\n"
            "fleet-repl: 1 problem; nothing was called\n"
        ),
    )


def test_no_standard_input(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process may be started without one."""
    monkeypatch.setattr(sys, "stdin", None)
    ended = cli("plan", "-")
    assert (ended.code, ended.err) == (1, "fleet-repl: there is no standard input to read from\n")


def test_only_as_much_as_an_inventory_has(
    cli: Cli, given: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream without an end is left before the memory is full."""
    monkeypatch.setattr(toml_file.text_of, "__kwdefaults__", {"most": MIB, "stdin": None})
    given(b"#" * (MIB + 1))
    assert "-: cannot be read: it is larger than 1 MiB\n" in cli("plan", "-").err


def test_what_it_names_is_found_from_the_working_directory(
    inventory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files of templates, and the state; and a file that happens to be called `-` is no part."""
    Path("-").write_text("something else")
    Path("policy.json").write_text('{"rules": [{"rulePriority": 1}]}')
    text = Path(inventory).read_text() + (
        "[[templates]]\n"
        'name = "base"\n'
        'prefix = "base/"\n'
        'select = { accounts = "build" }\n'
        'lifecycle_policy_file = "policy.json"\n'
    )
    loaded = load_inventory("-", stdin=io.BytesIO(text.encode()))
    assert loaded.text == text
    assert loaded.state.folder == Path(".fleet-repl")
    assert list(loaded.files) == [str(tmp_path / "policy.json")]


def test_a_file_of_that_name_goes_by_its_path(cli: Cli, inventory: str) -> None:
    """`-` never means it."""
    file = Path(inventory).rename("-").absolute()
    assert cli("validate", str(file)).code == 0


def test_a_plan_of_it_says_how_it_is_applied(
    cli: Cli,
    fleet: FakeFleet,
    backend: FakeBackend,
    given: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the same text again; without it, what is missing is told."""
    fleet.made = replace(fleet.made, inventory=replace(fleet.made.inventory, path="-"))
    ended = cli("plan", "-", "--out", "p")
    command = "fleet-repl apply --plan p --yes -"
    assert ended.err == f"the plan is kept in p; apply it with: {command}\n"
    monkeypatch.setattr(backend, "load_plan", lambda path: fleet.made)
    monkeypatch.setattr(backend, "check_plan", lambda *args, **how: None)
    given()
    assert cli(*command.split()[1:]).code == 0
    ended = cli("apply", "--plan", "p", "--yes")
    assert (ended.code, ended.out) == (64, "")
    assert "the plan was made from an inventory on standard input" in _words(ended.err)


def test_a_run_of_it_says_so(cli: Cli, backend: FakeBackend) -> None:
    """There is no path to type for whoever wants to take it back."""
    (past,) = backend.memory.past
    named = replace(past.meta.inventory, path="-")
    backend.memory.past = (replace(past, meta=replace(past.meta, inventory=named)),)
    ended = cli("rollback", "last")
    assert ended.code == 64
    assert (
        f"name the INVENTORY. Run {past.meta.run_id} says that it was made from standard input, "
        "of fleet demo"
    ) in _words(ended.err)
