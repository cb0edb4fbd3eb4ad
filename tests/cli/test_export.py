"""`fleet-repl export`: texts on stdout or in a folder, warnings on stderr, and exit codes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hcl2
import pytest

from fleet_repl.cli.app import run
from fleet_repl.values.exit_code import ExitCode

FLEET = """\
version = 1
name = "prod"

[aws]
role = "fleet-replication"
regions = ["eu-west-1"]

[[accounts]]
id = "111111111111"
name = "build"

[[accounts]]
id = "222222222222"
name = "shop"
"""
SCENARIO = """\
[[accounts]]
id = "222222222222"
denied = true

[[registries]]
account = "111111111111"
region = "eu-west-1"

[[registries.replication.rules]]
destinations = [{ region = "eu-west-1", registryId = "222222222222" }]
deleteReplication = { enabled = true }
"""


@pytest.fixture
def simulated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The arguments of an export of a fleet of which one account cannot be reached."""
    monkeypatch.chdir(tmp_path)
    Path("fleet.toml").write_text(FLEET)
    Path("found.toml").write_text(SCENARIO)
    return ["export", "fleet.toml", "--sandbox", "--scenario", "found.toml"]


def test_stdout_is_a_module(simulated: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What is lost and what was not read is on stderr, and the code says so."""
    assert run(simulated) == ExitCode.PARTIAL
    printed = capsys.readouterr()
    module: Any = hcl2.loads(printed.out)
    assert len(module["resource"]) == 1
    lines = printed.err.splitlines()
    assert (
        "warning: 1 registry could not be read, in whole or in part: 222222222222/eu-west-1"
    ) in lines
    assert any("rules[0] replicates deletions" in line for line in lines)


def test_a_part_of_a_fleet_in_a_folder(
    simulated: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A file for each registry; the folder is made, and files in it are replaced."""
    arguments = [*simulated, "--account", "build", "--out", "ecr", "--format", "cloudformation"]
    for _ in range(2):
        assert run(arguments) == ExitCode.OK
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "1 file in ecr" in printed.err
    assert [path.name for path in Path("ecr").iterdir()] == ["111111111111-eu-west-1.yaml"]
    assert "Enabled: true" in Path("ecr/111111111111-eu-west-1.yaml").read_text()


@pytest.mark.parametrize("name", ["providers.tf", "111111111111-eu-west-1.tf"])
def test_files_of_others_are_not_replaced(
    simulated: list[str], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A module in that folder may have a file of that name. Nothing at all is written then."""
    arguments = [*simulated, "--account", "build", "--out", "ecr"]
    Path("ecr").mkdir()
    Path("ecr", name).write_text('provider "aws" {}\n')
    assert run(arguments) == ExitCode.ERROR
    assert "this file is of no export, and would be replaced" in capsys.readouterr().err
    assert Path("ecr", name).read_text() == 'provider "aws" {}\n'
    assert [path.name for path in Path("ecr").iterdir()] == [name]
    Path("ecr", name).unlink()
    for _ in range(2):
        assert run(arguments) == ExitCode.OK


@pytest.mark.parametrize(
    ("target", "said"),
    [("terraform", "1 file emptied"), ("cloudformation", "1 file removed")],
)
def test_files_of_registries_that_hold_nothing_any_more(
    simulated: list[str], target: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Terraform needs the provider to let the resource go, so its file has no resource;
    CloudFormation takes no such template. Files of others, of a registry that was not read and of
    an account that is not listed stay."""
    arguments = [*simulated, "--out", "ecr", "--format", target]
    assert run(arguments) == ExitCode.PARTIAL
    (written,) = Path("ecr").glob("111111111111-*")
    ending, head = written.suffix, written.read_text()
    others: dict[Path, str] = {}
    for account in ("222222222222", "333333333333"):
        path = written.with_name(f"{account}-eu-west-1{ending}")
        path.write_text(others.setdefault(path, head.replace("111111111111", account)))
    own = written.with_name(f"111111111111-eu-west-2{ending}")
    own.write_text(others.setdefault(own, "# mine\n"))
    Path("found.toml").write_text(SCENARIO.partition("[[registries]]")[0])
    capsys.readouterr()
    assert run(arguments) == ExitCode.PARTIAL
    printed = capsys.readouterr().err
    assert f"{said}, as nothing is in place there any more: {written.name}\n" in printed
    assert "333333333333/eu-west-1: an earlier export has written its file" in printed
    assert {path: path.read_text() for path in others} == others
    if target == "cloudformation":
        assert not written.exists()
        return
    assert written.read_text() == (
        "# 111111111111/eu-west-1 (build)\n\n# Nothing is in place there any more.\n"
    )
    providers: Any = hcl2.loads(Path("ecr/providers.tf").read_text())
    aliases = [block['"aws"']["alias"].strip('"') for block in providers["provider"]]
    assert aliases == ["r111111111111_eu_west_1", "r222222222222_eu_west_1"]


def test_a_folder_that_is_none(simulated: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Found out before anything is read."""
    assert run([*simulated, "--out", "fleet.toml"]) == ExitCode.ERROR
    assert "no folder can be made there" in capsys.readouterr().err
    assert run([*simulated, "--format", "pulumi"]) == ExitCode.USAGE
