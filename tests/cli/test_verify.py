"""Have images arrived, on the command line: flags, text, documents and codes."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from tests.support.command_line import Cli, FakeBackend, FakeFleet
from tests.support.registries import registry_of

from fleet_repl.cli.app import run
from fleet_repl.cli.counters import Counters
from fleet_repl.reports.documents.schemas import schema
from fleet_repl.reports.log_entries import entry_of
from fleet_repl.runs.events import ReadStarted, RegistryRead, VerifyFinished, VerifyStarted

SCENARIO = """\
[[registries]]
account = "111111111111"
region = "eu-west-1"
replication = '{"rules":[{"destinations":[{"region":"eu-west-1","registryId":"222222222222"}]}]}'
repositories = { "base/go" = ["early"] }
pushes = { "base/go" = ["1.25", "1.26"], "team/app" = ["1"] }

[[registries]]
account = "222222222222"
region = "eu-west-1"
"""
POLICY = """
[registries.policy]
Version = "2012-10-17"

[[registries.policy.Statement]]
Effect = "Allow"
Principal = { AWS = "arn:aws:iam::111111111111:root" }
Action = ["ecr:ReplicateImage", "ecr:CreateRepository"]
Resource = "arn:aws:ecr:eu-west-1:222222222222:repository/*"
"""
ARRIVED = """\
Delivery of demo: ok

               links  images
  idle             0
  not-sent         0       1
  complete         1       2
  in-progress      0       0
  unknown          0
  no-rule          0       0
  missing          0       0
  failed           0       0

Not sent: 1 link
  pushed before the rule was in place: 1 link
    111111111111 eu-west-1 (build) → 222222222222 eu-west-1 (spoke): 1 of 3 images: base/go:early
    → fleet-repl backfill demo.toml copies what is there already

From push to arrival: median 0.0 s, slowest 0.0 s, of 2 arrivals measured.
Asked about 3 images of the last 7 days in 1 source, in N s. Exit 0: done.
"""
REFUSED = """\
Delivery of demo: partial

               links  images
  idle             0
  not-sent         0       1
  complete         0       0
  in-progress      0       0
  unknown          0
  no-rule          0       0
  missing          0       0
  failed           1       2

Failed: 1 link
  DESTINATION_REGISTRY_ACCESS_DENIED: its registry policy does not grant ecr:ReplicateImage and \
ecr:CreateRepository: 1 link
    111111111111 eu-west-1 (build) → 222222222222 eu-west-1 (spoke): 2 of 3 images: base/go:1.26, \
base/go:1.25
    → fleet-repl apply demo.toml does that: allow arn:aws:iam::111111111111:root \
ecr:ReplicateImage and ecr:CreateRepository on arn:aws:ecr:eu-west-1:222222222222:repository/base/*

Not sent: 1 link
  pushed before the rule was in place: 1 link
    111111111111 eu-west-1 (build) → 222222222222 eu-west-1 (spoke): 1 of 3 images: base/go:early
    → fleet-repl backfill demo.toml copies what is there already

Asked about 3 images of the last 7 days in 1 source, in N s. Exit 4: 1 link failed.
"""


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    """What a command printed, but for how long it took."""
    return re.sub(r"in \d+\.\d s\.", "in N s.", capsys.readouterr().out)


@pytest.mark.parametrize(("policy", "text", "code"), [(POLICY, ARRIVED, 0), ("", REFUSED, 4)])
def test_images_in_the_sandbox(
    inventory: str, capsys: pytest.CaptureFixture[str], policy: str, text: str, code: int
) -> None:
    """Pushed by a scenario, under a policy that lets them in and under none."""
    Path("scenario.toml").write_text(SCENARIO + policy, encoding="utf-8")
    ended = run(["verify", inventory, "--sandbox", "--scenario", "scenario.toml", "--quiet"])
    assert (shown(capsys), ended) == (text, code)


def test_commands_name_the_state_that_was_given(
    cli: Cli, backend: FakeBackend, inventory: str
) -> None:
    """Otherwise what they start is remembered elsewhere."""
    cli("verify", inventory, "--state", "there")
    cli("verify", inventory)
    assert backend.given_states == ["there", None]


def test_as_documents(inventory: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The same on stdout as JSON and in files."""
    Path("scenario.toml").write_text(SCENARIO, encoding="utf-8")
    args = ["verify", inventory, "--sandbox", "--scenario", "scenario.toml", "--format", "json"]
    assert run([*args, "--report", "a.json", "--report", "b.xml"]) == 4
    printed = capsys.readouterr().out
    document = json.loads(printed)
    Draft202012Validator(schema("delivery")).validate(document)
    assert [item["state"] for item in document["links"]] == ["failed"]
    assert Path("a.json").read_text(encoding="utf-8") == printed
    assert '<failure type="failed"' in Path("b.xml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("flags", "asked"),
    [
        ((), "verify 10 7 days, 0:00:00"),
        (("--count", "3", "--age", "90m"), "verify 3 1:30:00"),
        (("--age", "1d12h"), "verify 10 1 day, 12:00:00"),
    ],
)
def test_flags(
    cli: Cli, fleet: FakeFleet, inventory: str, flags: tuple[str, ...], asked: str
) -> None:
    """How many images of each source, and how old they may be."""
    ended = cli("verify", inventory, "--account", "build", *flags)
    assert (ended.code, ended.err) == (0, "")
    assert fleet.asked == [asked]
    assert fleet.selected.accounts == ("build",)


@pytest.mark.parametrize("age", ["", "7", "0d", "d", "1h1d", "-1d", "1 d", "1w", "99999d"])
def test_an_age_that_is_none(cli: Cli, fleet: FakeFleet, inventory: str, age: str) -> None:
    """Wrong use, before anything is called."""
    ended = cli("verify", inventory, "--age", age)
    assert (ended.code, ended.out, fleet.asked) == (64, "", [])
    assert "is no time such as 30m, 12h, 7d or 1d12h" in re.sub(r"[\s│]+", " ", ended.err)


@pytest.mark.parametrize("count", ["0", "1001", "many"])
def test_a_count_that_is_none(cli: Cli, fleet: FakeFleet, inventory: str, count: str) -> None:
    """Wrong use as well."""
    assert cli("verify", inventory, "--count", count).code == 64
    assert fleet.asked == []


def test_an_interruption_hands_over_what_is_known(
    cli: Cli, fleet: FakeFleet, inventory: str
) -> None:
    """With the code of one."""
    fleet.planning = fleet.until_stopped
    ended = cli("verify", inventory, "--age", "12h")
    assert ended.code == 130
    assert ended.out.startswith("Delivery of demo: interrupted\n")
    assert ended.err == "stopping; press Ctrl-C again to stop at once\n"
    assert fleet.asked == [f"verify 10 {timedelta(hours=12)}", "stop"]


def test_the_schema_is_published(cli: Cli) -> None:
    """For who builds on the document."""
    ended = cli("schema", "delivery")
    assert (ended.code, json.loads(ended.out)) == (0, schema("delivery"))


def test_log_lines_and_progress() -> None:
    """It starts with the sources, whose accounts are what progress counts, and ends with a word."""
    hub, spoke = map(registry_of, "12")
    started = VerifyStarted(run_id="run", sources=(hub,))
    entry = entry_of(started)
    assert entry is not None
    assert (entry.message, entry.fields) == (
        "run run: images of 1 registry",
        {"run_id": "run", "sources": 1},
    )
    counters = Counters([hub, spoke])
    counters.see(started)
    counters.see(ReadStarted(registry=hub))
    assert (counters.phase, counters.accounts, counters.in_flight) == ("reading", 1, 1)
    counters.see(RegistryRead(registry=hub))
    assert (counters.accounts_done, counters.in_flight) == (1, 0)


async def test_the_last_log_line(fleet: FakeFleet) -> None:
    """The report's status."""
    report = await fleet.verify(count=1, age=timedelta(days=1))
    entry = entry_of(VerifyFinished(report=report))
    assert entry is not None
    assert (entry.event, entry.message) == ("verify-finished", "run run: ok")
