"""Old runs are removed: which are shown, who is asked, and what is left on the disk."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest
from tests.support.command_line import PAST, PAST_REPORT, Ended, Terminal

from fleet_repl.cli.app import run
from fleet_repl.runs.history import Holder, Purpose
from fleet_repl.state import FolderStore, RunRecords
from fleet_repl.state.lock_document import lock_content
from fleet_repl.state.lock_rules import LockDocument
from fleet_repl.values.clock import SYSTEM

AGES = (400, 200, 95, 3)
"""Days since each run of the fleet ended."""

Command = Callable[..., Ended]


@pytest.fixture
def state(inventory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the fleet's runs; the second rolls back the first."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / ".fleet-repl"
    anyio.run(_remember, RunRecords(FolderStore(folder), "demo"))
    return folder / "demo" / "runs"


async def _remember(records: RunRecords) -> None:
    for days in AGES:
        ended = datetime.now(UTC) - timedelta(days=days)
        meta = replace(
            PAST.meta,
            run_id=_id(days),
            fleet="demo",
            started_at=ended - timedelta(minutes=1),
            rolls_back=_id(400) if days == 200 else None,
        )
        await records.begin(meta, PAST.plan)
        await records.finish(replace(PAST_REPORT, run_id=meta.run_id, finished_at=ended))


def _id(days: int) -> str:
    at = datetime.now(UTC) - timedelta(days=days)
    return f"{at:%Y%m%d}T000000Z-{days:06d}"


@pytest.fixture
def prune(state: Path, inventory: str, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the command on the real library."""

    def call(*args: str) -> Ended:
        code = run(["runs", inventory, "--prune", *args])
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    return call


def left(state: Path) -> list[int]:
    """The ages of the runs that are on the disk."""
    return sorted((int(folder.name[-6:]) for folder in state.iterdir()), reverse=True)


def test_old_runs_go_and_are_reported(prune: Command, state: Path) -> None:
    """Those that ended before, newest first, and the number of those that are kept."""
    ended = prune("--keep", "90d", "--yes")
    assert (ended.code, ended.err) == (0, "")
    title, *rows, gap, total = ended.out.splitlines()
    assert title.startswith("run ")
    assert [int(row[17:23]) for row in rows] == [95, 200, 400]
    assert rows[1].endswith(f"rolls back {_id(400)}")
    assert (gap, total) == ("", "3 runs removed; 1 run kept.")
    assert left(state) == [3]
    again = prune("--keep", "90d", "--yes")
    assert (again.code, again.out) == (0, "Nothing is to be removed; 1 run remembered.\n")


def test_a_kept_rollback_keeps_what_it_rolled_back(prune: Command, state: Path) -> None:
    """Else nobody could roll back the rollback."""
    assert prune("--keep", "201d", "-y").out.startswith("Nothing is to be removed; 4 runs")
    assert left(state) == [400, 200, 95, 3]


def test_a_dry_run_removes_nothing(prune: Command, state: Path) -> None:
    """It shows the same, and takes no lock."""
    ended = prune("--keep", "90d", "--dry-run")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[-1] == "3 runs would be removed; 1 run kept."
    assert left(state) == [400, 200, 95, 3]
    assert not (state.parent / "lock.json").exists()


def test_nobody_can_be_asked(prune: Command, state: Path) -> None:
    """Away from a terminal it takes --yes."""
    ended = prune("--keep", "90d")
    assert (ended.code, ended.out) == (3, "")
    assert ended.err == (
        "fleet-repl: nothing is removed: nobody can be asked here; --yes does not ask\n"
    )
    assert left(state) == [400, 200, 95, 3]


def test_as_a_document(prune: Command, state: Path) -> None:
    """The list of what is kept, with what was removed."""
    document = json.loads(prune("--keep", "90d", "--yes", "--format", "json").out)
    assert document["schema"] == "fleet-repl/runs/1"
    assert [item["run_id"] for item in document["runs"]] == [_id(3)]
    assert document["dry_run"] is False
    assert [item["run_id"] for item in document["pruned"]] == [_id(95), _id(200), _id(400)]


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 3), ("\n", 3)])
def test_at_a_terminal(
    state: Path,
    inventory: str,
    terminal: Terminal,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    code: int,
) -> None:
    """Whoever is asked sees the runs before the question; only a yes counts."""
    monkeypatch.setattr(sys, "stdin", terminal.stdin)
    monkeypatch.setattr(sys, "stderr", terminal.stdout)
    terminal.type(answer)
    assert run(["runs", inventory, "--prune", "--keep", "90d"]) == code
    shown, asked, _ = terminal.screen().partition("Remove 3 runs of demo? [y/N]")
    assert asked
    assert all(_id(days) in shown for days in AGES[:3])
    assert left(state) == ([3] if code == 0 else [400, 200, 95, 3])


def test_another_run_holds_the_lock(prune: Command, state: Path) -> None:
    """It may be reading what would be removed."""
    holder = Holder(
        run_id=_id(0), purpose=Purpose.APPLY, user="bob", host="ci-9", pid=1, process=""
    )
    now = SYSTEM.now()
    document = LockDocument(fleet="demo", holder=holder, taken_at=now, renewed_at=now)
    anyio.run(FolderStore(state.parents[1]).replace, "demo/lock.json", lock_content(document))
    ended = prune("--keep", "90d", "--yes")
    assert (ended.code, ended.out) == (3, "")
    assert "fleet demo is busy: apply" in ended.err
    assert left(state) == [400, 200, 95, 3]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["demo.toml", "--prune"], "--prune needs --keep TIME, such as 90d"),
        (["demo.toml", "--prune", "--keep", "12h"], "it takes 1d at the least"),
        (["demo.toml", "--prune", "--keep", "soon"], "'soon' is no time such as 30m, 12h, 7d"),
        (["--prune", "--keep", "90d"], "--prune is about one fleet: name its INVENTORY"),
        (["-", "--prune", "--keep", "90d"], "nobody can answer there: add --yes"),
        (["demo.toml", "--keep", "90d"], "are about what --prune removes"),
        (["demo.toml", "--dry-run"], "are about what --prune removes"),
        (["demo.toml", "--yes"], "are about what --prune removes"),
    ],
)
def test_flags_that_do_not_go_together(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    args: list[str],
    message: str,
) -> None:
    """Nothing is removed by a slip."""
    monkeypatch.setenv("COLUMNS", "200")
    assert run(["runs", *args]) == 64
    assert message in capsys.readouterr().err
