"""What is missing where, on the command line: text, documents and codes."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from tests.support.command_line import Cli, FakeFleet

from fleet_repl.cli.app import run
from fleet_repl.reports.documents.schemas import schema
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

[[accounts]]
id = "333333333333"
name = "search"

[[external]]
id = "444444444444"
name = "partner"
regions = ["eu-west-1"]

[[routes]]
name = "golden"
from = { accounts = "build" }
to = { accounts = ["shop", "partner"] }
prefixes = ["base/", "golden/"]
complete = "99.5%"

[[routes]]
name = "copy"
from = { accounts = "build" }
to = { accounts = "search" }
prefixes = ["base/go"]
"""
SCENARIO = """\
[[accounts]]
id = "333333333333"
denied = true

[[registries]]
account = "111111111111"
region = "eu-west-1"
repositories."base/go" = ["1.24"]
repositories."base/empty" = []
repositories."team/other" = ["1"]
repositories."team/secret-app" = ["1"]
repositories."app" = ["1"]

[[registries]]
account = "222222222222"
region = "eu-west-1"
repositories = { "base/empty" = [] }
"""
TEXT = """\
Coverage of prod: partial

Routes
  golden: 1 of 2 repositories; objective 99.5% missed: 50% at the destination that has least
    prefix golden/ matches no repository of its 1 source
  copy: 0 of 0 repositories; 1 link unknown

In no route: 3 repositories
  team/: 2 repositories go nowhere
    111111111111 eu-west-1 (build): team/other, team/secret-app
  app: 1 repository goes nowhere
    111111111111 eu-west-1 (build): app

Missing at their destination: 1 link
  111111111111 eu-west-1 (build) → 222222222222 eu-west-1 (shop): 1 of 2 repositories missing
    base/go: not there, no rule of the source carries it
    → its rules are not in place yet; this makes them, and copies what is there already:
      fleet-repl apply prod.toml
      fleet-repl backfill prod.toml --route golden

External, so nobody here can look into them: 1 link
  111111111111 eu-west-1 (build) → 444444444444 eu-west-1 (partner)

Unknown (an end was not read): 1 link
  111111111111 eu-west-1 (build) → 333333333333 eu-west-1 (search)

Unreadable: 1 registry
  access-denied at AssumeRole: 1 registry
"""
SANDBOX = ("--sandbox", "--scenario", "scenario.toml", "--quiet")


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("prod.toml").write_text(FLEET, encoding="utf-8")
    Path("scenario.toml").write_text(SCENARIO, encoding="utf-8")


def test_as_people_read_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Every kind of finding, with what to do; an objective is missed and an account is refused."""
    assert run(["coverage", "prod.toml", *SANDBOX]) == ExitCode.PARTIAL
    text = capsys.readouterr().out
    assert text.startswith(TEXT)
    assert re.search(r"\nCompared repositories on 3 links, in \d+\.\d s\. Exit 4: ", text)
    assert text.endswith("Exit 4: 1 objective missed, 1 registry unreadable.\n")


def test_in_every_format(capsys: pytest.CaptureFixture[str]) -> None:
    """The document fits its schema; a CSV has a row for each finding, and JUnit fails by the
    objective alone."""
    args = ["coverage", "prod.toml", *SANDBOX, "--images", "--format", "json"]
    assert run([*args, "--report", "a.csv", "--report", "b.md", "--report", "c.xml"]) == 4
    document = json.loads(capsys.readouterr().out)
    Draft202012Validator(schema("coverage")).validate(document)
    assert document["compared"] == "images"
    golden, copy = document["routes"]
    assert (golden["met"], golden["objective"], golden["share"]) == (False, 0.995, 0.0)
    assert (copy["met"], copy["share"], copy["unknown"]) == (None, None, 1)
    with io.StringIO(Path("a.csv").read_text(encoding="utf-8"), newline="") as file:
        rows = [(row["state"], row["repository"], row["error"]) for row in csv.DictReader(file)]
    assert rows == [
        ("missing", "base/go", ""),
        ("unrouted", "app", ""),
        ("unrouted", "team/other", ""),
        ("unrouted", "team/secret-app", ""),
        ("unreadable", "", "access-denied"),
    ]
    text = Path("b.md").read_text(encoding="utf-8")
    assert "| <code>golden</code> | 0 of 1 | 0% | 99.5% **missed** | <code>golden/</code> |" in text
    junit = Path("c.xml").read_text(encoding="utf-8")
    assert 'tests="5" failures="1" errors="1" skipped="3"' in junit
    assert '<failure type="objective"' in junit


def test_without_an_objective_a_gap_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    """It is told all the same."""
    Path("prod.toml").write_text(FLEET.replace('complete = "99.5%"', ""), encoding="utf-8")
    _, heading, registries = SCENARIO.partition("[[registries]]")
    Path("scenario.toml").write_text(heading + registries, encoding="utf-8")
    assert run(["coverage", "prod.toml", *SANDBOX]) == ExitCode.OK
    text = capsys.readouterr().out
    assert text.startswith("Coverage of prod: ok\n")
    assert "    base/go: not there, no rule of the source carries it\n" in text


def test_long_lists_are_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """And whole with -v."""
    names = "\n".join(f'repositories."team/app{n:02}" = ["1"]' for n in range(20))
    more = SCENARIO.replace('repositories."app" = ["1"]', names)
    Path("scenario.toml").write_text(more, encoding="utf-8")
    run(["coverage", "prod.toml", *SANDBOX])
    short = capsys.readouterr().out
    assert "team/app03, team/app04 and 17 more\n" in short
    assert "-v shows all" in short
    run(["coverage", "prod.toml", *SANDBOX[:-1], "-v"])
    assert "team/app19, team/other, team/secret-app\n" in capsys.readouterr().out


LOST = """\

If eu-west-1 is gone, 1 of 2 running images would be nowhere
  team/other:1 (lambda build) of 111111111111 eu-west-1 (build): nowhere else

1 running image of no registry of the fleet.

What runs is not known: 1 place
  ecs in 222222222222/eu-west-1: ListClusters: access-denied (AccessDeniedException): User: """
RUNNING = """\

[[accounts]]
id = "222222222222"
denied_actions = ["ecs:*"]

[[registries]]
account = "111111111111"
region = "eu-west-1"
repositories."base/go" = ["1"]
repositories."team/other" = ["1"]

[[registries]]
account = "333333333333"
region = "us-east-1"
repositories."base/go" = []

[[services]]
account = "111111111111"
region = "eu-west-1"
name = "web"
images = ["111111111111.dkr.ecr.eu-west-1.amazonaws.com/base/go:1", "nginx:1"]

[[functions]]
account = "111111111111"
region = "eu-west-1"
name = "build"
image = "111111111111.dkr.ecr.eu-west-1.amazonaws.com/team/other:1"
"""


def test_running_images_as_people_read_them(capsys: pytest.CaptureFixture[str]) -> None:
    """An image that is nowhere else, another one with a copy, and an account that does not say
    what it runs, which is no failure."""
    dr = """
[[routes]]
name = "dr"
from = { accounts = "build" }
to = { accounts = "search", regions = "us-east-1" }
prefixes = ["base/"]
"""
    fleet = FLEET.replace('complete = "99.5%"', "") + dr
    fleet = fleet.replace('name = "search"', 'name = "search"\nregions = ["us-east-1"]')
    fleet = fleet.replace('to = { accounts = "search" }', 'to = { accounts = "shop" }')
    Path("prod.toml").write_text(fleet, encoding="utf-8")
    rules = """
replication = '{"rules":[{"destinations":[{"region":"us-east-1","registryId":"333333333333"}]}]}'
pushes."base/go" = ["1"]
"""
    scenario = RUNNING.replace('repositories."base/go" = ["1"]\n', rules, 1)
    policy = """
[registries.policy]
Version = "2012-10-17"

[[registries.policy.Statement]]
Effect = "Allow"
Principal = { AWS = "arn:aws:iam::111111111111:root" }
Action = ["ecr:ReplicateImage", "ecr:CreateRepository"]
Resource = "arn:aws:ecr:us-east-1:333333333333:repository/*"

[[services]]
"""
    Path("scenario.toml").write_text(scenario.replace("[[services]]\n", policy, 1), "utf-8")
    args = ["coverage", "prod.toml", *SANDBOX, "--in-use", "ecs, lambda"]
    assert run([*args, "--report", "a.csv", "--report", "b.md", "--report", "c.xml"]) == 0
    text = capsys.readouterr().out
    assert LOST in text
    assert '"ecs:ListClusters"' in text
    with io.StringIO(Path("a.csv").read_text(encoding="utf-8"), newline="") as file:
        rows = {row["repository"]: row["state"] for row in csv.DictReader(file)}
    assert rows["base/go"] == "in-use"
    assert rows["team/other"] == "in-use-nowhere-else"
    assert "| <code>team/other&#58;1</code> | <code>lambda build</code> |" in Path(
        "b.md"
    ).read_text(encoding="utf-8")
    junit = Path("c.xml").read_text(encoding="utf-8")
    assert '<testcase classname="prod" name="running images of eu-west-1"' in junit
    assert '<skipped type="access-denied"' in junit
    assert run([*args, "--format", "json"]) == 0
    Draft202012Validator(schema("coverage")).validate(json.loads(capsys.readouterr().out))


def test_flags(cli: Cli, inventory: str, fleet: FakeFleet) -> None:
    """What is asked for, and of which part of the fleet."""
    cli("coverage", inventory)
    cli("coverage", inventory, "--in-use", "ecs,eks", "--kube-context", "prod")
    cli("coverage", inventory, "--images", "--region", "eu-west-1")
    assert fleet.asked == ["coverage", "coverage ecs eks prod", "coverage images"]
    assert fleet.selected is not None
    assert fleet.selected.regions == ("eu-west-1",)
    ended = cli("coverage", inventory, "--in-use", "ecs,lambda,eks")
    assert "no --kube-context names a cluster, so eks is not asked" in ended.err
    assert fleet.asked[-1] == "coverage ecs lambda eks"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--in-use", "ec2"), '"ec2" runs no images: write ecs, lambda, eks'),
        (("--in-use", ""), '"" runs no images'),
        (("--in-use", "eks"), "eks and --kube-context go together"),
        (("--kube-context", "prod"), "eks and --kube-context go together"),
    ],
)
def test_wrong_use(
    cli: Cli, inventory: str, fleet: FakeFleet, flags: tuple[str, ...], message: str
) -> None:
    """Exit 64, and nothing is asked."""
    ended = cli("coverage", inventory, *flags)
    assert ended.code == ExitCode.USAGE
    assert message in " ".join(ended.err.replace("│", " ").split())
    assert not fleet.asked


def test_after_an_interruption(cli: Cli, inventory: str, fleet: FakeFleet) -> None:
    """Exit 130, and the report of what is known until then is written."""
    fleet.planning = fleet.until_stopped
    ended = cli("coverage", inventory, "--report", "out.json")
    assert ended.code == ExitCode.INTERRUPTED
    assert "stopping; press Ctrl-C again to stop at once" in ended.err
    assert ended.out.startswith("Coverage of demo: interrupted\n")
    assert json.loads(Path("out.json").read_text(encoding="utf-8"))["status"] == "interrupted"


def test_nobody_says_that_an_image_is_nowhere_else_without_a_look(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Where a registry of another region could not be read, it may have the only copy."""
    fleet = FLEET.replace('name = "search"', 'name = "search"\nregions = ["us-east-1"]')
    fleet = fleet.replace('to = { accounts = "search" }', 'to = { accounts = "shop" }')
    Path("prod.toml").write_text(fleet, encoding="utf-8")
    denied = '[[accounts]]\nid = "333333333333"\ndenied = true\n'
    Path("scenario.toml").write_text(denied + RUNNING, "utf-8")
    reports = ["text:-", "a.csv", "b.md", "c.xml", "d.html"]
    flags = [part for report in reports for part in ("--report", report)]
    command = ["coverage", "prod.toml", *SANDBOX, "--in-use", "ecs,lambda"]
    assert run([*command, *flags]) == ExitCode.PARTIAL
    assert "0 of 2 running images would be nowhere, and 2 may be" in capsys.readouterr().out
    texts = {name: Path(name).read_text(encoding="utf-8") for name in reports[1:]}
    assert texts["a.csv"].count("in-use-unknown") == 2
    assert "nowhere-else" not in texts["a.csv"]
    assert "### Running images that may be in one region only" in texts["b.md"]
    assert "### Running images that are in" not in texts["b.md"]
    for name in ("c.xml", "d.html"):
        assert "0 of 2 running images" in texts[name]
        assert ", and 2 may be" in texts[name]
