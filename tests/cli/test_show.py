"""Kept plans, and reports in files, that are shown again: offline, and without their inventory."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.command_line import EXAMINED, REPORT, Cli, Ended, FakeBackend, FakeFleet

from fleet_repl.reports.documents.plan import plan_digest
from fleet_repl.reports.files import keep_plan, write_report
from fleet_repl.reports.formats import ReportFormat
from fleet_repl.reports.render import Settings, render
from fleet_repl.reports.text.plans import plan_text
from fleet_repl.reports.to_json import json_pieces


@pytest.fixture
def kept(fleet: FakeFleet, inventory: str) -> Path:
    """A plan in a file, of an inventory that is not there any more."""
    Path(inventory).unlink()
    fleet.made = replace(fleet.made, digest=plan_digest(fleet.made))
    keep_plan(fleet.made, Path("prod.plan"))
    return Path("prod.plan")


def test_a_kept_plan_is_shown(cli: Cli, backend: FakeBackend, fleet: FakeFleet, kept: Path) -> None:
    """As text; nothing is asked, nothing is connected."""
    ended = cli("show", str(kept))
    assert (ended.code, ended.out, ended.err) == (0, plan_text(fleet.made), "")
    assert (fleet.asked, backend.purposes, backend.places) == ([], [], [])
    assert cli("show", str(kept), "-v").out == plan_text(fleet.made, full=True)


def test_a_kept_plan_as_a_document(cli: Cli, kept: Path) -> None:
    """The file itself."""
    assert cli("show", str(kept), "--format", "json").out == kept.read_text(encoding="utf-8")


@pytest.mark.parametrize("format_", ReportFormat)
def test_a_report_is_shown_in_any_format(
    cli: Cli, backend: FakeBackend, inventory: str, format_: ReportFormat
) -> None:
    """As a command that has it would have written it, by its JSON alone."""
    Path(inventory).unlink()
    write_report(json_pieces(REPORT), Path("run.json"))
    ended = cli("show", "run.json", "--format", format_)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == "".join(render(REPORT, format_, Settings(folder=Path.cwd())))
    assert backend.places == []


def test_a_plan_that_was_altered(cli: Cli, kept: Path) -> None:
    """Nobody is to agree to what nothing will carry out."""
    document = json.loads(kept.read_text(encoding="utf-8"))
    document["fleet"] = "other"
    kept.write_text(json.dumps(document), encoding="utf-8")
    ended = cli("show", str(kept))
    assert (ended.code, ended.out) == (3, "")
    assert "was altered" in ended.err


def test_a_file_that_is_no_plan(cli: Cli, kept: Path) -> None:
    """Refused like any plan that does not belong here."""
    kept.write_text("{}", encoding="utf-8")
    ended = cli("show", str(kept))
    assert (ended.code, ended.out) == (3, "")


def test_a_file_that_is_no_json(cli: Cli, inventory: str) -> None:
    """Somebody has given the inventory: what is wanted, not what a parser expected."""
    writes = "    fleet-repl plan INVENTORY --out FILE writes a plan, --report FILE.json a report\n"
    assert cli("show", inventory) == Ended(
        3,
        "",
        f"fleet-repl: {inventory} is no plan file, and no report of a run: it is no JSON object\n"
        f"{writes}",
    )
    assert cli("apply", inventory, "--plan", inventory, "--yes") == Ended(
        3,
        "",
        f"fleet-repl: {inventory} is no plan file: it is no JSON object\n"
        f"    fleet-repl plan {inventory} --out FILE writes one\n",
    )


def test_a_document_of_another_kind(cli: Cli, inventory: str) -> None:
    """Which one it is, because it is whole."""
    write_report(json_pieces(EXAMINED), Path("doctor.json"))
    ended = cli("show", "doctor.json")
    assert (ended.code, ended.out) == (3, "")
    assert ended.err == (
        "fleet-repl: doctor.json: this is fleet-repl/doctor/1, and neither a plan nor a report of "
        "a run\n"
    )


def test_a_plan_that_is_not_there(cli: Cli, inventory: str) -> None:
    """An error, in words."""
    ended = cli("show", "none.plan")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        "fleet-repl: the plan cannot be read: none.plan: No such file or directory\n"
        "    fleet-repl plan INVENTORY --out FILE writes one\n"
    )


def test_no_plan_is_named(cli: Cli, inventory: str) -> None:
    """Wrong use."""
    assert cli("show").code == 64
