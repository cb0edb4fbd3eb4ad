"""Watching from the command line: its log, its single round, its ends, and wrong use."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests.support.command_line import Cli, FakeBackend, FakeFleet

from fleet_repl.planning.plan import Plan
from fleet_repl.reports.text.plans import plan_text
from fleet_repl.reports.text.reports import report_text
from fleet_repl.reports.to_json import to_json
from fleet_repl.runs.history import Purpose
from fleet_repl.topology import Selection

QUEUE = "https://sqs.eu-west-1.amazonaws.com/111111111111/deliveries"
MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def test_a_single_round_that_looks(
    cli: Cli, fleet: FakeFleet, backend: FakeBackend, inventory: str
) -> None:
    """As drift: the plan on stdout, and code 2 for what differs. The lock is for writes only."""
    ended = cli("watch", inventory, "--once")
    assert (ended.code, ended.out) == (2, plan_text(fleet.made))
    assert fleet.asked == ["plan"]
    assert backend.purposes == [None]
    (line,) = ended.err.splitlines()
    assert re.fullmatch(rf"{MOMENT} warning round 1: demo: .*", line)


def test_a_single_round_that_corrects(
    cli: Cli, fleet: FakeFleet, backend: FakeBackend, inventory: str
) -> None:
    """As apply: the report on stdout and in files."""
    ended = cli("watch", inventory, "--once", "--fix", "--report", "out.json")
    assert backend.purposes == [Purpose.WATCH]
    assert (ended.code, ended.out) == (0, report_text(fleet.report))
    assert fleet.asked == ["plan", "apply"]
    assert Path("out.json").read_text(encoding="utf-8") == to_json(fleet.report)


def test_as_documents(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """The result, and one object for each line."""
    ended = cli("watch", inventory, "--once", "--format", "json", "--log-format", "json")
    assert ended.out == to_json(fleet.made)
    lines = [json.loads(line) for line in ended.err.splitlines()]
    assert [(line["event"], line["verdict"]) for line in lines] == [("round-finished", "drift")]


def test_a_part_of_the_fleet(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """The flags that narrow other commands."""
    assert (
        cli("watch", inventory, "--once", "--account", "spoke", "--region", "eu-west-1").code == 2
    )
    assert fleet.selected == Selection(accounts=("spoke",), regions=("eu-west-1",))
    ended = cli("watch", inventory, "--once", "--account", "nobody")
    assert (ended.code, ended.out) == (64, "")
    assert 'no account is called "nobody"' in ended.err


def test_quietly(cli: Cli, inventory: str, fleet: FakeFleet, without_changes: Plan) -> None:
    """--quiet leaves stderr to errors."""
    fleet.made = without_changes
    ended = cli("watch", inventory, "--once", "--quiet")
    assert (ended.code, ended.err) == (0, "")


def test_rounds_until_it_is_stopped(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """A first signal ends the round that is under way; stdout is nobody's."""
    fleet.planning = fleet.until_stopped
    ended = cli("watch", inventory, "--every", "15m")
    assert (ended.code, ended.out) == (130, "")
    assert "stopping: writes in flight finish first" in ended.err


def test_a_simulated_fleet_lives_as_long_as_the_watch(
    cli: Cli, fleet: FakeFleet, backend: FakeBackend, inventory: str
) -> None:
    """One AWS and one state, both its own."""
    assert cli("watch", inventory, "--once", "--sandbox").code == 2
    assert backend.endpoints[0] is not None
    assert backend.states[0] not in {None, ".fleet-repl"}


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "say how often with --every TIME, or --once"),
        (["--every", "5s"], "--every takes 10s at the least"),
        (["--every", "15"], "'15' is no time such as 30s, 15m or 24h"),
        (["--every", "15m", "--format", "json"], "they need --once"),
        (["--every", "15m", "--report", "out.json"], "they need --once"),
        (["--once", "--listen", "nowhere"], "--listen: "),
        (["--once", "--notify", "ftp://token"], "--notify: "),
        (["--every", "15m", "--deliveries", "https://queue"], "is no URL of an SQS queue"),
        (["--once", "--deliveries", QUEUE], "--deliveries needs a watch that goes on"),
        (["--every", "15m", "--verify-every", "3"], "--verify-every goes with --deliveries"),
        (["--once", "--force"], "No such option: --force"),
        (["--once", "--yes"], "No such option: --yes"),
        (["--once", "--allow", "protected"], "No such option: --allow"),
    ],
)
def test_wrong_usage(
    cli: Cli,
    fleet: FakeFleet,
    inventory: str,
    monkeypatch: pytest.MonkeyPatch,
    args: list[str],
    message: str,
) -> None:
    """Code 64; what may hold a token is not repeated."""
    monkeypatch.setenv("COLUMNS", "200")
    ended = cli("watch", inventory, *args)
    assert (ended.code, ended.out) == (64, "")
    assert message in ended.err
    assert "token" not in ended.err
    assert fleet.asked == []


def test_where_to_notify_may_stand_in_the_environment(
    cli: Cli, inventory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command line is seen by every user of the machine."""
    monkeypatch.setenv("FLEET_REPL_NOTIFY", "ftp://token")
    ended = cli("watch", inventory, "--once")
    assert ended.code == 64
    assert "token" not in ended.err


def test_a_broken_inventory(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """Where the first one is broken there is no good one to go on with."""
    Path(inventory).write_text("version = 9\n", encoding="utf-8")
    assert cli("watch", inventory, "--once").code == 1
    assert fleet.asked == []
