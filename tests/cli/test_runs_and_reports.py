"""Remembered runs: listed, and their reports shown again."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.clock import NOON
from tests.support.command_line import PAST_REPORT, Cli, FakeBackend, FakeHistory

from fleet_repl.reports.text.reports import report_text
from fleet_repl.reports.to_json import to_json
from fleet_repl.runs.history import Freeze, PastRun, Purpose, RunSummary
from fleet_repl.runs.outcomes import Status


@pytest.fixture
def listed(backend: FakeBackend, past: PastRun) -> FakeHistory:
    """A run that went well, a rollback of it, and one that never ended."""
    meta = past.meta
    back = replace(meta, run_id="20261123T113000Z-cd34ef", rolls_back=meta.run_id)
    back = replace(back, purpose=Purpose.ROLLBACK, started_at=NOON - timedelta(minutes=30))
    dead = replace(meta, run_id="20261123T114500Z-ef56ab", started_at=NOON)
    backend.memory.listed = (
        RunSummary(meta=dead, status=None),
        RunSummary(meta=back, status=Status.PARTIAL, finished_at=NOON, applied=3, failed=1),
        RunSummary(
            meta=meta, status=Status.OK, finished_at=NOON - timedelta(minutes=59), applied=1_204
        ),
    )
    return backend.memory


RUNS = """\
run                      purpose   by         started              took         status   \
applied  failed
20261123T114500Z-ef56ab  apply     anna@ci-1  2026-11-23 12:00:00               died     \
      0       0
20261123T113000Z-cd34ef  rollback  anna@ci-1  2026-11-23 11:30:00  30 min 00 s  partial  \
      3       1  rolls back 20261123T110000Z-ab12cd
20261123T110000Z-ab12cd  apply     anna@ci-1  2026-11-23 11:00:00  1 min 00 s   ok       \
  1,204       0
"""


def test_runs_are_listed(
    cli: Cli, backend: FakeBackend, listed: FakeHistory, inventory: str
) -> None:
    """Newest first, as a table; the fleet goes without saying where there is one."""
    backend.memory.others = "told only where the list is empty"
    ended = cli("runs", inventory)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == RUNS
    assert backend.places == [inventory]
    assert set(listed.asked) == {"runs demo"}


def test_a_run_under_way(cli: Cli, listed: FakeHistory, inventory: str) -> None:
    """Whose process holds the lock; another one without a report has died."""
    first = listed.listed[0]
    listed.holder = first.meta.holder
    assert cli("runs", inventory).out.splitlines()[1].split()[-3:] == ["died", "0", "0"]
    listed.holder = replace(first.meta.holder, run_id=first.meta.run_id)
    assert cli("runs", inventory).out.splitlines()[1].split()[-4:] == ["under", "way", "0", "0"]
    document = json.loads(cli("runs", inventory, "--format", "json").out)
    assert [(item["status"], item["under_way"]) for item in document["runs"]] == [
        (None, True),
        ("partial", False),
        ("ok", False),
    ]


def test_one_that_ends_while_it_is_looked_at(
    cli: Cli, listed: FakeHistory, inventory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has not died: what became of it is read again."""
    first, *others = listed.listed

    async def ended(_: str) -> None:
        listed.listed = (replace(first, status=Status.OK, finished_at=NOON, applied=2), *others)

    monkeypatch.setattr(listed, "at_work", ended)
    assert cli("runs", inventory).out.splitlines()[1].split()[-3:] == ["ok", "2", "0"]


def test_where_they_are_looked_for(cli: Cli, backend: FakeBackend, inventory: str) -> None:
    """--state before the inventory's, that before the folder here."""
    cli("runs")
    cli("runs", inventory, "--state", "elsewhere")
    cli("report", "last")
    assert backend.places == [Path(".fleet-repl"), "elsewhere", Path(".fleet-repl")]
    assert backend.memory.asked == ["runs None", "runs demo", "run last None"]


def test_several_fleets(cli: Cli, listed: FakeHistory, inventory: str) -> None:
    """Without an inventory there may be several, and then there is a column for them."""
    first, *others = listed.listed
    other = replace(first, meta=replace(first.meta, fleet="other"))
    listed.listed = (other, *others)
    head, line, *_ = cli("runs").out.splitlines()
    assert head.split()[:3] == ["run", "fleet", "purpose"]
    assert line.split()[1] == "other"
    assert len(cli("runs", inventory).out.splitlines()) == 3


def test_only_so_many(cli: Cli, listed: FakeHistory) -> None:
    """And how to see the rest."""
    lines = cli("runs", "--limit", "1").out.splitlines()
    assert len(lines) == 4
    assert lines[-1] == "… and 2 older; --limit 3 lists all"


def test_none(cli: Cli, inventory: str) -> None:
    """That is no failure. Of one fleet it is said which: others may have runs there."""
    ended = cli("runs", inventory)
    assert (ended.code, ended.out) == (0, "No runs of demo are remembered in .fleet-repl.\n")
    assert ended.err == ""
    assert cli("runs").out == "No runs are remembered in .fleet-repl.\n"


def test_none_here_but_elsewhere(cli: Cli, backend: FakeBackend, inventory: str) -> None:
    """Whoever has left a sandbox is told where its runs are."""
    backend.memory.others = "runs of other AWS endpoints are kept in .fleet-repl/.worlds/x"
    assert cli("runs", inventory).err == f"{backend.memory.others}\n"


def test_a_freeze_is_reported_first(cli: Cli, listed: FakeHistory, inventory: str) -> None:
    """It is why the next run will be refused."""
    listed.freezes["demo"] = Freeze(who="bob", why="move", since=NOON)
    first, second, *_ = cli("runs", inventory).out.splitlines()
    assert (first, second) == ("demo is frozen since 2026-11-23 12:00:00 by bob: move", "")


def test_as_a_document(cli: Cli, listed: FakeHistory, inventory: str) -> None:
    """What is not known is null."""
    listed.freezes["demo"] = Freeze(who="bob", why="move", since=NOON)
    ended = cli("runs", inventory, "--format", "json", "--limit", "2")
    document = json.loads(ended.out)
    assert document["schema"] == "fleet-repl/runs/1"
    assert document["older"] == 1
    assert document["frozen"] == [
        {"fleet": "demo", "who": "bob", "why": "move", "since": "2026-11-23T12:00:00Z"}
    ]
    assert [(item["status"], item["finished_at"]) for item in document["runs"]] == [
        (None, None),
        ("partial", "2026-11-23T12:00:00Z"),
    ]
    assert document["runs"][1]["rolls_back"] == "20261123T110000Z-ab12cd"


def test_a_report_is_shown_again(cli: Cli, past: PastRun, inventory: str) -> None:
    """In every format, by its id or as the last one; the code is that of showing it."""
    ended = cli("report", past.meta.run_id, inventory, "--report", "out.json")
    assert (ended.code, ended.out, ended.err) == (0, report_text(PAST_REPORT), "")
    assert Path("out.json").read_text(encoding="utf-8") == to_json(PAST_REPORT)
    assert cli("report", "last", "--format", "json").out == to_json(PAST_REPORT)


def test_showing_a_failure_is_no_failure(cli: Cli, backend: FakeBackend, past: PastRun) -> None:
    """The text tells the run's own code."""
    report = replace(PAST_REPORT, status=Status.REFUSED)
    backend.memory.past = (replace(past, report=report),)
    ended = cli("report", "last")
    assert ended.code == 0
    assert "Exit 3: refused" in ended.out


UNREPORTED = """\
Run 20261123T110000Z-ab12cd of demo: no report
  apply by anna@ci-1 (process 42), started 2026-11-23 11:00:00 UTC

  writes planned  1
  applied         0
  failed          0
  end unknown     1

Announced, and maybe sent: 1 write
  111111111111 eu-west-1 (build): update replication configuration

"""
DIED = """\
It died. The next run of the fleet takes over, looks at what is in place and goes on from there; \
nothing has to be mended by hand.
Exit 4: what became of the run is not known.
"""
UNDER_WAY = """\
It is under way, and holds the lock of the fleet.
Exit 4: the run has not ended.
"""


def test_a_run_without_a_report(
    cli: Cli, backend: FakeBackend, past: PastRun, tmp_path: Path
) -> None:
    """How far the journal says that it came."""
    backend.memory.past = (replace(past, report=None),)
    ended = cli("report", "last")
    assert (ended.code, ended.out, ended.err) == (4, UNREPORTED + DIED, "")


def test_a_report_that_is_still_to_come(cli: Cli, backend: FakeBackend, past: PastRun) -> None:
    """The run whose process holds the lock; that of another run says nothing about it."""
    backend.memory.past = (replace(past, report=None),)
    backend.memory.holder = past.meta.holder
    ended = cli("report", "last")
    assert (ended.code, ended.out, ended.err) == (4, UNREPORTED + UNDER_WAY, "")
    assert cli("report", "last", "--format", "json").err == (
        "fleet-repl: run 20261123T110000Z-ab12cd has no report: it is under way\n"
    )
    backend.memory.holder = replace(past.meta.holder, run_id="20261123T120000Z-cd34ef")
    assert cli("report", "last").out == UNREPORTED + DIED


def test_a_report_that_comes_while_it_is_looked_for(
    cli: Cli, backend: FakeBackend, past: PastRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is shown."""
    backend.memory.past = (replace(past, report=None),)

    async def ended(_: str) -> None:
        backend.memory.past = (past,)

    monkeypatch.setattr(backend.memory, "at_work", ended)
    ended_well = cli("report", "last")
    assert (ended_well.code, ended_well.out) == (0, report_text(PAST_REPORT))


def test_a_document_that_there_is_not(
    cli: Cli, backend: FakeBackend, past: PastRun, inventory: str
) -> None:
    """stdout stays empty, so that nothing takes words for a document; no file is written."""
    backend.memory.past = (replace(past, report=None),)
    ended = cli("report", "last", "--format", "json", "--report", "out.json")
    assert (ended.code, ended.out) == (4, "")
    assert ended.err == ("fleet-repl: run 20261123T110000Z-ab12cd has no report: it died\n")
    assert not Path("out.json").exists()


def test_a_run_that_nobody_remembers(cli: Cli, inventory: str) -> None:
    """An error, and where it was looked for."""
    ended = cli("report", "nope", inventory)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "fleet-repl: no run nope is remembered in .fleet-repl\n"


def test_a_file_that_cannot_be_written(cli: Cli, backend: FakeBackend, inventory: str) -> None:
    """It is known before anything is read."""
    ended = cli("report", "last", "--report", "missing/out.json")
    assert ended.code == 1
    assert backend.places == []
