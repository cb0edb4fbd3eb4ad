"""No result is put in the place of something that the same command reads."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.command_line import Cli, FakeBackend, FakeFleet

NAMES: dict[str, Callable[[Path, Path], object]] = {
    "itself": lambda name, file: None,
    "a symbolic link": lambda name, file: name.symlink_to(file.resolve()),
    "a hard link": lambda name, file: name.hardlink_to(file),
}
COMMANDS = {
    "plan --out": ["plan", "INVENTORY", "--out", "NAME"],
    "plan --report": ["plan", "INVENTORY", "--report", "NAME"],
    "drift": ["drift", "INVENTORY", "--report", "NAME"],
    "apply": ["apply", "INVENTORY", "--report", "NAME"],
    "backfill": ["backfill", "INVENTORY", "--report", "NAME"],
    "verify": ["verify", "INVENTORY", "--report", "NAME"],
    "coverage": ["coverage", "INVENTORY", "--report", "NAME"],
    "watch": ["watch", "INVENTORY", "--once", "--report", "NAME"],
    "rollback": ["rollback", "last", "INVENTORY", "--report", "NAME"],
    "report": ["report", "last", "INVENTORY", "--report", "NAME"],
}
"""Every command that writes a result to a file."""


def _named(how: str, file: Path) -> str:
    """Another name of a file; reports need one with an ending that gives a format."""
    name = Path("result.json") if how != "itself" else file
    NAMES[how](name, file)
    return str(name)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("how", NAMES)
def test_the_inventory_stays(
    cli: Cli, fleet: FakeFleet, inventory: str, command: str, how: str
) -> None:
    """By whatever name it is called. Nothing is asked of the fleet."""
    # So that its own name has an ending that a report can have.
    Path(inventory).rename("fleet.json")
    file = Path("fleet.json")
    name, text = _named(how, file), file.read_text()
    words = {"INVENTORY": str(file), "NAME": f"./{name}"}
    ended = cli(*(words.get(word, word) for word in COMMANDS[command]))
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        f"fleet-repl: {name}: this file is read, and would be replaced; name another one\n"
    )
    assert file.read_text() == text
    assert fleet.asked == []


@pytest.mark.parametrize("command", ["plan", "drift", "apply"])
def test_a_terraform_state_stays(cli: Cli, fleet: FakeFleet, inventory: str, command: str) -> None:
    """It may be the only one there is."""
    path = Path("state.json")
    path.write_text("{}")
    ended = cli(command, inventory, "--tfstate", str(path), "--report", f"./{path}")
    assert ended.code == 1
    assert "this file is read, and would be replaced" in ended.err
    assert path.read_text() == "{}"
    assert fleet.asked == []


def test_a_kept_plan_stays(
    cli: Cli,
    backend: FakeBackend,
    fleet: FakeFleet,
    inventory: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its report must not go there."""
    monkeypatch.setattr(backend, "load_plan", lambda path: fleet.made, raising=False)
    monkeypatch.setattr(backend, "check_plan", lambda *_, **__: None, raising=False)
    Path("plan.json").write_text("kept")
    ended = cli("apply", inventory, "--plan", "plan.json", "--report", "plan.json")
    assert ended.code == 1
    assert ended.err == (
        "fleet-repl: plan.json: this file is read, and would be replaced; name another one\n"
    )
    assert Path("plan.json").read_text() == "kept"
    assert fleet.asked == []


def test_a_scenario_stays(cli: Cli, inventory: str) -> None:
    """As does what the simulated AWS is made of."""
    Path("scenario.json").write_text("seed = 1\n")
    ended = cli(
        "plan", inventory, "--sandbox", "--scenario", "scenario.json", "--out", "scenario.json"
    )
    assert ended.code == 1
    assert "scenario.json: this file is read, and would be replaced" in ended.err
    assert Path("scenario.json").read_text() == "seed = 1\n"


def test_a_policy_of_a_template_stays(cli: Cli, inventory: str) -> None:
    """It belongs to the inventory."""
    Path("policy.json").write_text('{"rules": [{}]}')
    with Path(inventory).open("a") as file:
        file.write(
            '[[templates]]\nname = "base"\nprefix = "base"\nselect = {}\n'
            'lifecycle_policy_file = "policy.json"\n'
        )
    ended = cli("plan", inventory, "--report", "policy.json")
    assert ended.code == 1
    assert "policy.json: this file is read, and would be replaced" in ended.err
    assert Path("policy.json").read_text() == '{"rules": [{}]}'


@pytest.mark.parametrize("place", ["demo/applied.json", "demo/runs/x/report.json"])
@pytest.mark.parametrize("state", [None, "elsewhere"])
def test_what_is_remembered_stays(
    cli: Cli, fleet: FakeFleet, inventory: str, state: str | None, place: str
) -> None:
    """A report in the place of the ownership record would be read as one."""
    folder = Path(state or ".fleet-repl")
    (folder / place).parent.mkdir(parents=True)
    Path("link").symlink_to((folder / place).parent, target_is_directory=True)
    state_flags = [] if state is None else ["--state", state]
    for name in (folder / place, Path("link") / Path(place).name):
        ended = cli("plan", inventory, "--report", str(name), *state_flags)
        assert ended.code == 1
        assert ended.err == (
            f"fleet-repl: {name}: the state is kept there; name a file outside of {folder}\n"
        )
    assert cli("plan", inventory, "--report", str(folder / "out.json"), *state_flags).code == 0


def test_two_results_need_two_files(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """The second would replace the first."""
    ended = cli("plan", inventory, "--out", "a.json", "--report", "./a.json")
    assert ended.code == 1
    assert ended.err == (
        "fleet-repl: a.json: two results cannot be in one file; name another one\n"
    )
    assert fleet.asked == []


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_is_no_file_is_not_replaced(
    cli: Cli, fleet: FakeFleet, inventory: str, kind: str
) -> None:
    """A pipe would be gone, and root would replace /dev/null for everybody."""
    name = "pipe.json"
    if kind == "pipe":
        os.mkfifo(name)
    else:
        Path(name).symlink_to("/dev/null")
    for flag in ("--out", "--report"):
        ended = cli("plan", inventory, flag, name)
        assert ended.code == 1
        assert ended.err == f"fleet-repl: {name}: this is not a regular file; name another one\n"
    assert fleet.asked == []
