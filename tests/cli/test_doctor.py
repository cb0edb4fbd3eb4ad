"""A fleet is examined on the command line: text, documents and codes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from tests.support.command_line import Cli, FakeBackend, FakeFleet

from fleet_repl.cli.app import run
from fleet_repl.reports.documents.schemas import schema

SCENARIO = """\
[[accounts]]
id = "222222222222"
denied = true
"""
REFUSED = """\
Doctor of demo: 1 problem, 1 of 2 accounts affected

Problems
  1 account: AccessDenied on AssumeRole: trust policy, external id, SCP or RCP
    222222222222 (spoke)
    in eu-west-1
    → see that arn:aws:iam::222222222222:role/fleet-replication exists and trusts \
arn:aws:iam::999999999999:user/sandbox without an external id (the inventory has none), that the \
latter may sts:AssumeRole it, and that no SCP or RCP denies it; this prints what makes the role:
      fleet-repl bootstrap demo.toml

Checks of registries                    ok   failed  unknown
  role                                   1        1        0
  account                                1        0        1
  region                                 1        0        1
  ecr:DescribeRegistry                   1        0        1
  ecr:GetRegistryPolicy                  1        0        1
  ecr:GetAccountSetting                  1        0        1
  ecr:PutReplicationConfiguration        1        0        1
  ecr:PutRegistryPolicy                  1        0        1
  ecr:DeleteRegistryPolicy               1        0        1
  iam:CreateServiceLinkedRole            1        0        1
"""


@pytest.fixture
def broken() -> str:
    Path("scenario.toml").write_text(SCENARIO, encoding="utf-8")
    return "scenario.toml"


def examined(*args: str) -> int:
    return run(["doctor", "demo.toml", "--sandbox", *args])


@pytest.mark.usefixtures("inventory")
def test_a_refused_account(broken: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Its problem comes first, with what to do, and the code says so."""
    assert examined("--scenario", broken, "--quiet") == 4
    out = capsys.readouterr().out
    assert out.startswith(REFUSED)
    assert re.search(r"\nExamined 2 registries in 2 accounts, in .*\. Exit 4: 1 problem", out)


@pytest.mark.usefixtures("inventory")
def test_a_healthy_fleet(capsys: pytest.CaptureFixture[str]) -> None:
    """There is nothing to do."""
    assert examined("--quiet") == 0
    assert capsys.readouterr().out.startswith("Doctor of demo: healthy\n")


@pytest.mark.usefixtures("inventory")
def test_a_part_of_a_fleet(broken: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Flags that narrow leave the broken account out."""
    assert examined("--scenario", broken, "--quiet", "--account", "build") == 0
    assert "Examined 1 registry in 1 account" in capsys.readouterr().out


@pytest.mark.usefixtures("inventory")
def test_as_documents(broken: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The same on stdout as JSON and in files."""
    args = ("--scenario", broken, "--format", "json", "--report", "a.json", "--report", "b.xml")
    assert examined(*args) == 4
    printed = capsys.readouterr().out
    document = json.loads(printed)
    Draft202012Validator(schema("doctor")).validate(document)
    assert [problem["kind"] for problem in document["problems"]] == ["role-refused"]
    assert Path("a.json").read_text(encoding="utf-8") == printed
    assert '<failure type="role-refused"' in Path("b.xml").read_text(encoding="utf-8")


def test_nothing_can_be_written(inventory: str, cli: Cli, backend: FakeBackend) -> None:
    """It connects without a purpose, and with the flags' selection."""
    assert cli("doctor", inventory, "--region", "eu-west-1").code == 0
    assert backend.purposes == [None]
    assert backend.fleet.selected.regions == ("eu-west-1",)


def test_ctrl_c(inventory: str, cli: Cli, fleet: FakeFleet) -> None:
    """What was examined by then is told."""
    fleet.planning = fleet.until_stopped
    ended = cli("doctor", inventory)
    assert ended.code == 130
    assert "Examined 1 registry in 1 account" in ended.out


def test_an_inventory_without_routes(inventory: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Accounts come before routes."""
    path = Path(inventory)
    path.write_text(path.read_text(encoding="utf-8").partition("[[routes]]")[0], encoding="utf-8")
    assert examined("--quiet") == 0
    assert "healthy" in capsys.readouterr().out


@pytest.mark.usefixtures("inventory")
def test_without_a_base_identity(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing can be examined, which is an error."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    assert run(["doctor", "demo.toml"]) == 1
    ended = capsys.readouterr()
    assert ended.out == ""
    assert "there is no usable base identity" in ended.err


ENABLED = """\
version = 1
name = "demo"
[aws]
role = "fleet"
regions = "enabled"
[apply]
attempts = 2
[[accounts]]
id = "111111111111"
[[accounts]]
id = "222222222222"
"""


@pytest.mark.parametrize(
    ("peculiar", "message"),
    [
        ("denied = true", "AccessDenied on AssumeRole: trust policy, external id, SCP or RCP"),
        ('denied_actions = ["account:*", "ec2:*"]', "UnauthorizedOperation on DescribeRegions"),
    ],
)
@pytest.mark.parametrize("accounts", [("2" * 12,), ("1" * 12, "2" * 12)])
def test_accounts_that_do_not_say_their_regions(
    accounts: tuple[str, ...],
    peculiar: str,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """They have no registries, and are not passed over as healthy: not even where no account of
    the fleet says any."""
    text = "".join(f'[[accounts]]\nid = "{account}"\n{peculiar}\n' for account in accounts)
    (tmp_path / "scenario.toml").write_text(text, encoding="utf-8")
    (tmp_path / "demo.toml").write_text(ENABLED, encoding="utf-8")
    files = (str(tmp_path / "demo.toml"), "--scenario", str(tmp_path / "scenario.toml"))
    code = run(["doctor", *files, "--sandbox", "--quiet", "--format", "json"])
    document = json.loads(capsys.readouterr().out)
    (problem,) = document["problems"]
    assert (code, problem["accounts"], problem["message"]) == (4, [*accounts], message)
    assert problem["regions"] == ["us-east-1"]
    checks = {
        item["account"]: item["checks"]["account:ListRegions"] for item in document["registries"]
    }
    assert checks["2" * 12] == ("unknown" if "AssumeRole" in message else "failed")
    assert checks["1" * 12] == ("ok" if "1" * 12 not in accounts else checks["2" * 12])
    Draft202012Validator(schema("doctor")).validate(document)
