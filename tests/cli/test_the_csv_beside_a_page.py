"""The CSV that is written beside the page of a large fleet, which leaves rows out."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.command_line import PLAN, Cli, FakeFleet
from tests.support.registries import registry_of

from fleet_repl.planning.plan import RegistryPlan, State
from fleet_repl.reports.formats import ReportFormat, Rows
from fleet_repl.reports.html.table import MOST
from fleet_repl.reports.render import Settings, render

LARGE = replace(
    PLAN,
    registries=(
        *PLAN.registries,
        *(
            RegistryPlan(registry=registry_of(number), name="x", state=State.UNCHANGED)
            for number in range(3, MOST + 2)
        ),
    ),
)
"""The plan of a fleet with a registry more than a page lists."""


@pytest.fixture
def large(fleet: FakeFleet) -> FakeFleet:
    fleet.made = LARGE
    return fleet


def csv_of(rows: Rows) -> str:
    return "".join(render(LARGE, ReportFormat.CSV, Settings(rows=rows)))


def linked(page: str) -> str:
    """The name of the file that a page links to; empty where it leaves nothing out."""
    return Path(page).read_text(encoding="utf-8").partition('href="./')[2].partition('"')[0]


def names() -> set[str]:
    return {path.name for path in Path().iterdir() if path.is_file()} - {"demo.toml"}


def test_it_has_every_registry(cli: Cli, large: FakeFleet, inventory: str) -> None:
    """The page links to it, and the command says so."""
    ended = cli("plan", inventory, "--report", "run.html")
    assert ended.code == 0
    assert "run.html leaves rows out: every one of them is in run.csv\n" in ended.err
    assert names() == {"run.html", "run.csv"}
    assert Path("run.csv").read_bytes().decode() == csv_of(Rows.REGISTRIES)
    assert len(Path("run.csv").read_text().splitlines()) == len(LARGE.registries) + 1
    assert linked("run.html") == "run.csv"


def test_a_small_fleet_has_none(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """Its page lists everything."""
    ended = cli("plan", inventory, "--report", "run.html")
    assert "leaves rows out" not in ended.err
    assert names() == {"run.html"}
    assert linked("run.html") == ""


def test_a_page_on_stdout_says_how_to_get_it(cli: Cli, large: FakeFleet, inventory: str) -> None:
    """There is no folder to write a file to."""
    ended = cli("plan", inventory, "--report", "html:-")
    assert "With --report FILE.html, a CSV with every one of them is written beside" in ended.out
    assert names() == set()


@pytest.mark.parametrize(
    ("arguments", "csv", "files"),
    [
        # The CSV that was asked for has the same rows.
        (["--report", "all.csv"], "all.csv", {"all.csv"}),
        (["--report", "csv:run"], "run", {"run"}),
        # Other rows, and a file of another format.
        (["--report", "run.csv", "--rows", "links"], "run.rows.csv", {"run.csv", "run.rows.csv"}),
        (["--report", "json:run.csv"], "run.rows.csv", {"run.csv", "run.rows.csv"}),
        # In another folder, it is not beside the page.
        (["--report", "folder/all.csv"], "run.csv", {"run.csv"}),
    ],
)
def test_files_that_were_asked_for_stay(
    cli: Cli, large: FakeFleet, inventory: str, arguments: list[str], csv: str, files: set[str]
) -> None:
    """A CSV among them serves, if it has the rows of the page."""
    Path("folder").mkdir()
    ended = cli("plan", inventory, "--report", "run.html", *arguments)
    assert ended.code == 0
    assert names() == {"run.html", *files}
    assert linked("run.html") == csv
    assert Path(csv).read_bytes().decode() == csv_of(Rows.REGISTRIES)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (Path.mkdir, "run.csv: this is a folder; name a file"),
        (
            lambda path: path.symlink_to("demo.toml"),
            "run.csv: this file is read, and would be replaced; name another one",
        ),
    ],
)
def test_it_replaces_no_input(
    cli: Cli, fleet: FakeFleet, inventory: str, make: Callable[[Path], object], why: str
) -> None:
    """That is found out before the run."""
    make(Path("run.csv"))
    ended = cli("plan", inventory, "--report", "run.html")
    assert (ended.code, ended.err) == (1, f"fleet-repl: {why}\n")
    assert fleet.asked == []


def test_it_does_not_replace_the_kept_plan(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """Two results cannot be in one file."""
    ended = cli("plan", inventory, "--report", "run.html", "--out", "run.csv")
    assert ended.code == 1
    assert "run.csv: two results cannot be in one file; name another one" in ended.err


def test_a_page_does_not_link_to_a_csv_that_could_not_be_written(
    cli: Cli, large: FakeFleet, inventory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older file of that name may be of another run. The page itself is written."""

    answers = iter([OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))])

    def full_at_first(_handle: int) -> None:
        for error in answers:
            raise error

    monkeypatch.setattr(os, "fsync", full_at_first)
    ended = cli("plan", inventory, "--report", "run.html")
    assert ended.code == 1
    assert "run.csv: the report cannot be written there: No space left on device" in ended.err
    assert names() == {"run.html"}
    assert linked("run.html") == ""
