"""`fleet-repl import`: the document on stdout, what it leaves out on stderr, and exit codes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.planning.elsewhere.states import instance, resource, state
from tests.support.command_line import Cli, FakeBackend, FakeFleet
from tests.support.registries import registry_of

from fleet_repl.cli.app import run
from fleet_repl.planning.elsewhere import parse_terraform_state
from fleet_repl.planning.importing import LeftOut
from fleet_repl.values.exit_code import ExitCode

BUILD = registry_of("1")
ODD = LeftOut(registry=BUILD, name="build", because="rules[0] holds what is not known")
SILENT = LeftOut(registry=BUILD, name="build", because="it could not be read", unreadable=True)


def test_the_document_is_all_there_is_on_stdout(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """A file that stdout goes to is an inventory."""
    ended = cli("import", inventory)
    assert (ended.code, ended.out) == (0, "version = 1\n")
    assert ended.err == "imported 3 links in 2 routes\n"
    assert fleet.asked == ["import"]


def test_a_file_without_routes_is_enough(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """Only importing takes one: whatever plans would take every link away."""
    path = Path(inventory)
    path.write_text(path.read_text().partition("[[routes]]")[0])
    assert cli("import", inventory).code == 0
    ended = cli("plan", inventory)
    assert ended.code == 1
    assert "routes: is missing" in ended.err
    assert fleet.asked == ["import"]


def test_what_is_left_out_is_warned_about(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """On stderr, before the count; it is no failure."""
    fleet.imported = replace(fleet.imported, left_out=(ODD,), notes=("set NAME",))
    ended = cli("import", inventory)
    assert ended.code == 0
    assert ended.err == (
        "warning: 111111111111/eu-west-1 (build): rules[0] holds what is not known\n"
        "warning: set NAME\n"
        "imported 3 links in 2 routes\n"
    )


def test_a_long_list_is_cut_short_unless_asked_for(
    cli: Cli, fleet: FakeFleet, inventory: str
) -> None:
    """The document has all of it anyway."""
    many = tuple(replace(ODD, because=f"reason {number}") for number in range(22))
    fleet.imported = replace(fleet.imported, left_out=many)
    lines = cli("import", inventory).err.splitlines()
    assert len(lines) == 22
    assert lines[20] == "warning: 2 more like these; the document lists all of them"
    assert len(cli("import", inventory, "--verbose").err.splitlines()) == 23


def test_an_unreadable_registry_makes_it_partial(
    cli: Cli, fleet: FakeFleet, inventory: str
) -> None:
    """Exit 4, with the document for all others."""
    fleet.imported = replace(fleet.imported, left_out=(SILENT,))
    ended = cli("import", inventory)
    assert (ended.code, ended.out) == (4, "version = 1\n")


def test_quiet_leaves_only_the_document(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """Nothing went wrong, so nothing is said."""
    fleet.imported = replace(fleet.imported, left_out=(ODD,))
    ended = cli("import", inventory, "--quiet")
    assert (ended.out, ended.err) == ("version = 1\n", "")


def test_warnings_as_json_lines(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """For machines, with their level."""
    fleet.imported = replace(fleet.imported, left_out=(ODD,))
    first, second = map(
        json.loads, cli("import", inventory, "--log-format", "json").err.split("\n")[:2]
    )
    assert (first["level"], first["event"]) == ("warning", "warning")
    assert (second["level"], second["event"]) == ("info", "note")


def test_an_interruption_prints_no_half_of_a_document(
    cli: Cli, fleet: FakeFleet, inventory: str
) -> None:
    """Exit 130 and an empty stdout."""
    fleet.planning = fleet.until_stopped
    ended = cli("import", inventory)
    assert (ended.code, ended.out) == (130, "")
    assert ended.err.splitlines()[-1] == "interrupted before everything was read"


def test_a_state_that_cannot_be_used_is_no_obstacle(
    cli: Cli, backend: FakeBackend, inventory: str
) -> None:
    """Importing remembers nothing and asks for nothing that was remembered."""
    with Path(inventory).open("a") as file:
        file.write('\n[state]\nlocation = "s3://bucket/prefix"\n')
    assert cli("import", inventory).code == 0
    assert backend.states == [".fleet-repl"]
    assert not Path(".fleet-repl").exists()


@pytest.mark.parametrize("command", ["import", "export"])
def test_discovered_accounts_are_where_the_flag_says(
    inventory: str, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    """As with other commands; nothing else of a state is used. A simulated fleet has its own."""
    listed = 'regions = ["eu-west-1"]'
    text = Path(inventory).read_text().replace(listed, 'regions = "enabled"')
    Path(inventory).write_text(text + '\n[state]\nlocation = "s3://bucket/prefix"\n')
    assert run([command, inventory, "--cached", "--state", "elsewhere"]) == ExitCode.REFUSED
    assert "no discovery of fleet demo is kept in elsewhere\n" in capsys.readouterr().err
    assert run([command, inventory, "--sandbox", "--state", "elsewhere"]) == ExitCode.USAGE


def test_only_the_whole_fleet_can_be_imported(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """A part of it would be an inventory that takes the rest away."""
    assert cli("import", inventory, "--account", "build").code == 64
    assert fleet.asked == []


def test_a_scenario_needs_the_sandbox(cli: Cli, inventory: str) -> None:
    """As everywhere."""
    assert cli("import", inventory, "--scenario", "storm.toml").code == 64


def test_what_terraform_holds_is_said(
    cli: Cli, fleet: FakeFleet, inventory: str, tmp_path: Path
) -> None:
    """A warning for each resource, and the blocks on stderr, or in a file."""
    path = tmp_path / "prod.tfstate"
    path.write_bytes(state(resource("aws_ecr_registry_policy", instance(region="eu-west-1"))))
    fleet.imported = replace(fleet.imported, held=parse_terraform_state(path.read_bytes(), "prod"))
    ended = cli("import", inventory, "--tfstate", str(path))
    assert (ended.code, ended.out) == (0, "version = 1\n")
    assert (
        "warning: managed elsewhere: 111111111111/eu-west-1: registry policy: "
        "aws_ecr_registry_policy.this (Terraform)\n"
    ) in ended.err
    assert "  from = aws_ecr_registry_policy.this\n" in ended.err
    blocks = tmp_path / "removed.tf"
    ended = cli("import", inventory, "--tfstate", str(path), "--removed", str(blocks))
    assert "from =" not in ended.err
    assert "  from = aws_ecr_registry_policy.this\n" in blocks.read_text()


def test_a_state_that_is_none_ends_it(cli: Cli, inventory: str, tmp_path: Path) -> None:
    """With exit code 1, before anything is read; wrong use with 64."""
    path = tmp_path / "prod.tfstate"
    path.write_text("secret")
    ended = cli("import", inventory, "--tfstate", str(path))
    assert ended.code == 1
    assert "is no Terraform state" in ended.err
    assert "secret" not in ended.err
    assert cli("import", inventory, "--removed", str(path)).code == 64
    assert cli("import", inventory, "--sandbox", "--tfstate", "s3://bucket/key").code == 64
    for location in ("s3://", "s3://bucket", "s3://bucket/", "s3:///key"):
        assert cli("import", inventory, "--tfstate", location).code == 64
    assert cli("import", inventory, "--tfstate", str(path), "--removed", inventory).code == 1
