"""Results in every format: on stdout, in files, of runs that are over, and of kept plans."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.command_line import BACKFILLS, DELIVERED, EXAMINED, PAST_REPORT, Cli, FakeFleet

from fleet_repl import load_inventory
from fleet_repl.reports.documents.plan import plan_digest
from fleet_repl.reports.documents.whole import Documented
from fleet_repl.reports.files import keep_plan
from fleet_repl.reports.formats import ReportFormat, Rows
from fleet_repl.reports.render import Settings, render

NEW = pytest.mark.parametrize("format_", [ReportFormat.MD, ReportFormat.CSV, ReportFormat.SARIF])


def written(value: Documented, format_: ReportFormat, rows: Rows = Rows.REGISTRIES) -> str:
    """A result, as a command in the folder of the inventory writes it."""
    settings = Settings(rows=rows, inventory=load_inventory("demo.toml"), folder=Path.cwd())
    return "".join(render(value, format_, settings))


def content(name: str) -> str:
    """A file as it is, with its ends of lines."""
    return Path(name).read_bytes().decode()


@NEW
def test_commands_that_read_and_write(
    cli: Cli, fleet: FakeFleet, inventory: str, format_: ReportFormat
) -> None:
    """The same on stdout and in a file, whether the ending or a name before it gives the format."""
    values: dict[str, Documented] = {
        "plan": fleet.made,
        "drift": fleet.made,
        "apply --yes": fleet.report,
        "verify": DELIVERED,
        "backfill --status": BACKFILLS,
        "doctor": EXAMINED,
        "watch --once": fleet.made,
    }
    for command, value in values.items():
        files = ["--report", f"out.{format_}", "--report", f"{format_}:out.any"]
        ended = cli(*command.split(), inventory, "--quiet", "--format", format_, *files)
        expected = written(value, format_)
        assert ended.out == content(f"out.{format_}") == content("out.any") == expected, command


def test_a_report_on_stdout(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """In place of the text, with files beside it; no file of that name is made."""
    ended = cli("plan", inventory, "--quiet", "--report", "csv:-", "--report", "out.json")
    assert ended.out == written(fleet.made, ReportFormat.CSV)
    assert json.loads(content("out.json"))["schema"] == "fleet-repl/plan/1"
    assert not Path("-").exists()


def test_links_as_rows(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """Where they are asked for, on stdout and in files."""
    ended = cli("plan", inventory, "--quiet", "--rows", "links", "--report", "links.csv")
    expected = written(fleet.made, ReportFormat.CSV, Rows.LINKS)
    assert content("links.csv") == expected != written(fleet.made, ReportFormat.CSV)
    assert ended.out.startswith("Plan for demo")


@NEW
def test_a_run_that_is_over(cli: Cli, inventory: str, format_: ReportFormat) -> None:
    """Any run that is remembered can be had in any format again, with or without its inventory."""
    for arguments in (["last"], ["last", inventory]):
        ended = cli("report", *arguments, "--format", format_, "--report", f"x.{format_}")
        assert ended.code == 0
        assert ended.out == content(f"x.{format_}")
        assert ended.out == "".join(render(PAST_REPORT, format_, Settings(folder=Path.cwd())))


@NEW
def test_a_plan_that_was_kept(
    cli: Cli, fleet: FakeFleet, inventory: str, format_: ReportFormat
) -> None:
    """So can a kept plan, which is not overwritten by it."""
    kept, plan = Path(f"kept.{format_}"), replace(fleet.made, digest=plan_digest(fleet.made))
    keep_plan(plan, kept)
    ended = cli("show", str(kept), "--format", format_)
    assert ended.out == "".join(render(plan, format_, Settings(folder=Path.cwd())))
    ended = cli("show", str(kept), "--report", str(kept))
    assert ended.code == 1
    assert "this file is read, and would be replaced" in ended.err


def test_mistakes_of_an_inventory(cli: Cli, inventory: str) -> None:
    """In a file for code scanning, with the text on stderr as ever; or on stdout alone."""
    Path("bad.toml").write_text('version = 1\nname = "demo"\naccounts = []\n', encoding="utf-8")
    ended = cli("validate", "bad.toml", "--report", "bad.sarif", "--report", "bad.txt")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.count("bad.toml:") == content("bad.txt").count("bad.toml")
    results = json.loads(content("bad.sarif"))["runs"][0]["results"]
    place = results[-1]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "bad.toml"}
    ended = cli("validate", "bad.toml", "--format", "sarif")
    assert (ended.code, ended.err) == (1, "")
    assert ended.out == content("bad.sarif")


def test_a_valid_inventory(cli: Cli, inventory: str) -> None:
    """The file is written whatever the inventory is."""
    ended = cli("validate", inventory, "--report", "ok.sarif", "--report", "md:ok")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("Fleet demo is valid")
    assert json.loads(content("ok.sarif"))["runs"][0]["results"] == []
    assert content("ok") == "The inventory of demo is valid: 2 registries, 1 link.\n"


def test_no_file_replaces_the_inventory(cli: Cli, inventory: str) -> None:
    """Whatever the format: of commands that call nothing, too."""
    for command in ("validate", "plan", "accounts"):
        ended = cli(command, inventory, "--report", f"csv:{inventory}".replace("csv", "json"))
        assert ended.code == 1, command
        assert "this file is read, and would be replaced" in ended.err
