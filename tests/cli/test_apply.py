"""Applying: what is asked of the fleet, what is shown where, and the exit code."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.command_line import Cli, FakeFleet

from fleet_repl.planning.plan import Plan
from fleet_repl.reports.text.plans import plan_text
from fleet_repl.reports.text.reports import report_text
from fleet_repl.reports.to_json import to_json
from fleet_repl.runs.outcomes import Outcome, Status


def test_a_fleet_is_changed(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """Away from a terminal nobody is asked; the plan is on stderr, the report on stdout."""
    ended = cli("apply", inventory)
    assert (ended.code, ended.out) == (0, report_text(fleet.report))
    assert ended.err == plan_text(fleet.made) + "\n"
    assert fleet.asked == ["plan", "apply"]


def test_quietly(cli: Cli, inventory: str) -> None:
    """--quiet leaves stderr to errors."""
    assert cli("apply", inventory, "--quiet").err == ""


def test_a_report_as_a_document(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """stdout and the file carry the same document."""
    ended = cli("apply", inventory, "--yes", "--format", "json", "--report", "out.json")
    assert (ended.code, ended.out) == (0, to_json(fleet.report))
    assert Path("out.json").read_text(encoding="utf-8") == to_json(fleet.report)


def test_nothing_to_do(cli: Cli, fleet: FakeFleet, inventory: str, without_changes: Plan) -> None:
    """It says so, and there is a report all the same."""
    fleet.made = without_changes
    calm = replace(fleet.report.registries[0], outcome=Outcome.UNCHANGED)
    fleet.report = replace(fleet.report, registries=(calm, fleet.report.registries[1]))
    ended = cli("apply", inventory)
    assert ended.code == 0
    assert ended.out.endswith(
        "Nothing to do: 2 registries were as the inventory wants, in 2.0 s. Exit 0: done.\n"
    )
    assert fleet.asked == ["plan", "apply"]


def test_a_partial_run(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """One registry that failed makes it 4."""
    failed = replace(fleet.report.registries[0], outcome=Outcome.FAILED, attempts=3)
    registries = (failed, fleet.report.registries[1])
    fleet.report = replace(fleet.report, status=Status.PARTIAL, registries=registries)
    assert cli("apply", inventory).code == 4


def test_objections_refuse_the_plan(
    cli: Cli, fleet: FakeFleet, inventory: str, objecting: Plan
) -> None:
    """Code 3, and a report that names every registry."""
    fleet.made = objecting
    ended = cli("apply", inventory, "--report", "out.json")
    assert ended.code == 3
    report = json.loads(Path("out.json").read_text(encoding="utf-8"))
    assert report["status"] == "refused"
    assert [item["outcome"] for item in report["registries"]] == ["skipped", "unchanged"]
    assert fleet.asked == ["plan", "apply", "refuse"]


def test_force_clears_objections(
    cli: Cli, fleet: FakeFleet, inventory: str, objecting: Plan
) -> None:
    """Those of this run's plan."""
    fleet.made = objecting
    assert cli("apply", inventory, "--force").code == 0
    assert fleet.asked == ["plan --force", "apply --force"]


@pytest.mark.parametrize(
    ("flags", "allowed"),
    [
        ([], ()),
        (["--allow", "unknown-fields"], ("unknown-fields",)),
        (["--allow", "protected", "--allow", "unknown-fields"], ("protected", "unknown-fields")),
    ],
)
def test_what_is_allowed_reaches_the_plan(
    cli: Cli, fleet: FakeFleet, inventory: str, flags: list[str], allowed: tuple[str, ...]
) -> None:
    """It is the plan that refuses what is not allowed."""
    assert cli("apply", inventory, *flags).code == 0
    assert fleet.allowed == allowed
