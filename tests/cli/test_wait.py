"""A gate for deploys on the command line: codes, documents, progress, log lines and Ctrl-C."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator
from tests.cli.test_explain import FLEET
from tests.support.command_line import Cli, FakeFleet
from tests.support.registries import registry_of

from fleet_repl.cli.app import run
from fleet_repl.cli.counters import Counters
from fleet_repl.cli.progress import progress_text
from fleet_repl.reports.documents.schemas import schema
from fleet_repl.reports.log_entries import entry_of
from fleet_repl.runs.events import ImageArrived, ImageAwaited, ImageFound
from fleet_repl.values.exit_code import ExitCode

PROD = FLEET.replace('["shop", "partner"]', '["shop", "search"]')
PLACES = "base/x:1", "--from", "build/eu-west-1"
IN_PLACE = """\
[[registries]]
account = "111111111111"
region = "eu-west-1"
replication = { rules = [{ destinations = [
  { region = "eu-west-1", registryId = "222222222222" },
  { region = "eu-west-1", registryId = "333333333333" },
] }] }
repositories = { "base/old" = ["1"] }
pushes = { "base/x" = ["1"] }

[[registries]]
account = "222222222222"
region = "eu-west-1"
policy = '''{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ecr:*",
  "Principal": {"AWS": "arn:aws:iam::111111111111:root"}, "Resource": "*"}]}'''
"""


@pytest.fixture(autouse=True)
def _prod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fleet and its AWS in files of the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prod.toml").write_text(PROD, encoding="utf-8")
    (tmp_path / "aws.toml").write_text(IN_PLACE, encoding="utf-8")


def waited(*args: str) -> int:
    """The exit code of a wait in the simulated AWS."""
    return run(["wait", "prod.toml", *args, "--sandbox", "--scenario", "aws.toml"])


def test_the_gate_opens(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0, and a line for each registry that has it."""
    assert waited(*PLACES, "--to", "shop/eu-west-1") == ExitCode.OK
    head, _, heading, place = capsys.readouterr().out.splitlines()
    assert head == "base/x:1 in prod, as AWS has it"
    assert heading.startswith("There in 1 of 1 registry, after ")
    assert heading.endswith(" s of at most 10 min 00 s")
    assert place.startswith("  222222222222 eu-west-1 (shop): there, after ")


def test_the_gate_stays_shut(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Exit code 4 at once, with the explanation, and a failed test case for a CI server."""
    args = ("--format", "json", "--report", "out.xml", "--report", "out.csv", "--report", "out.md")
    assert waited(*PLACES, *args) == ExitCode.PARTIAL
    document = json.loads(capsys.readouterr().out)
    Draft202012Validator(schema("explain")).validate(document)
    assert document["status"] == "partial"
    there, shut = document["waited"]["images"]
    assert (there["to"], there["state"]) == ("222222222222/eu-west-1", "there")
    assert (shut["to"], shut["state"]) == ("333333333333/eu-west-1", "cannot-come")
    assert document["remedy"].startswith("its grant is missing")
    suite = ET.parse(tmp_path / "out.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    (failure,) = suite.iter("failure")
    assert failure.get("type") == "cannot-come"
    assert (failure.text or "").endswith("fleet-repl apply prod.toml")
    assert ",cannot-come,its registry policy does not" in (tmp_path / "out.csv").read_text()
    page = (tmp_path / "out.md").read_text(encoding="utf-8")
    assert "there in 1 of 2 registries after" in page
    assert "### Awaited\n" in page


@pytest.mark.parametrize("what", ["base/old:1", "base/none:1"])
def test_the_time_is_up(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    """For an image from before the rule, and for one that nobody pushes."""
    args = ("--to", "shop/eu-west-1", "--within", "1s", "--format", "json")
    assert waited(what, "--from", "build/eu-west-1", *args) == ExitCode.PARTIAL
    document = json.loads(capsys.readouterr().out)
    assert document["waited"]["within"] == 1
    assert document["remedy"] is not None


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("base/x",), "base/x is a whole repository: name an image to wait for"),
        (("base/x:1", "--within", "soon"), "'soon' is no time such as 30s, 15m or 24h"),
        (("base/x:1", "--within", "100h"), "raise deadline in"),
        (("base/x:1", "--to", "shop"), '"shop" is no registry: write ACCOUNT/REGION'),
    ],
)
def test_wrong_use(cli: Cli, args: tuple[str, ...], message: str) -> None:
    """Exit code 64, before AWS is called."""
    ended = cli("wait", "prod.toml", *args)
    assert (ended.code, ended.out) == (ExitCode.USAGE, "")
    assert message in " ".join(ended.err.replace("│", " ").split())


def test_an_interruption(cli: Cli, fleet: FakeFleet, tmp_path: Path) -> None:
    """Exit code 130, and the report is written."""
    fleet.planning = fleet.until_stopped
    ended = cli("wait", "prod.toml", "base/x:1", "--within", "5m", "--report", "out.json")
    assert ended.code == ExitCode.INTERRUPTED
    assert fleet.asked == ["wait base/x:1 0:05:00", "stop"]
    assert ended.err == "stopping; press Ctrl-C again to stop at once\n"
    document = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert document["status"] == "interrupted"


def test_an_interrupted_explanation(cli: Cli, fleet: FakeFleet) -> None:
    """The same of `explain --live`."""
    fleet.planning = fleet.until_stopped
    ended = cli("explain", "prod.toml", "base/x:1", "--live")
    assert ended.code == ExitCode.INTERRUPTED
    assert "Interrupted: this is what was known by then.\n" in ended.out


def test_log_lines_and_progress() -> None:
    """How many registries have it, each that gets it, and a warning of a tag that moves."""
    shop = registry_of("2")
    counters = Counters([shop])
    counters.see(ImageAwaited(there=1, asked=3))
    assert progress_text(counters, 2).plain.startswith("waiting  1/3 registries  ")
    assert entry_of(ImageAwaited(there=1, asked=3)) is None
    found = entry_of(ImageFound(what="a:1", source=shop, digest="sha256:aa"))
    moved = entry_of(ImageFound(what="a:1", source=shop, digest="sha256:bb", before="sha256:aa"))
    there = entry_of(ImageArrived(what="a:1", destination=shop, seconds=2))
    assert found is not None
    assert moved is not None
    assert there is not None
    assert (found.event, found.message) == ("image-found", f"{shop}: a:1 is sha256:aa")
    assert (moved.level, moved.event) == ("warning", "tag-moved")
    assert moved.message == (
        f"{shop}: a:1 is sha256:bb and no longer sha256:aa: waiting for the new image"
    )
    assert (there.event, there.message) == ("image-arrived", f"{shop}: a:1 is there after 2.0 s")


def test_a_tag_that_moves_is_told(cli: Cli, fleet: FakeFleet) -> None:
    """On stderr, whether or not every event is."""
    shop = registry_of("2")
    fleet.told = (
        ImageFound(what="base/x:1", source=shop, digest="sha256:aa"),
        ImageFound(what="base/x:1", source=shop, digest="sha256:bb", before="sha256:aa"),
    )
    ended = cli("wait", "prod.toml", "base/x:1")
    assert ended.err == f"base/x:1 is now sha256:bb in {shop}: waiting for that\n"
