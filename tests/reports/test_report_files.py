"""Reports in files: the format from the ending, whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import stat
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

import pytest

from fleet_repl.planning.plan import Plan
from fleet_repl.reports.documents.plan import plan_document
from fleet_repl.reports.documents.report import report_document
from fleet_repl.reports.files import ReportError, check_place, write_report
from fleet_repl.reports.to_json import json_pieces
from fleet_repl.runs.outcomes import Report


def test_only_its_owner_can_read_it(report: Report, tmp_path: Path) -> None:
    """A report names accounts and roles: mode 0600, also over an older file."""
    path = tmp_path / "out.json"
    path.write_text("older", encoding="utf-8")
    path.chmod(0o644)
    write_report(json_pieces(report), path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_missing_folder_is_found_before_the_run(tmp_path: Path) -> None:
    """Nobody waits an hour to learn that the folder is not there."""
    path = tmp_path / "missing" / "out.json"
    with pytest.raises(ReportError) as caught:
        check_place(path)
    assert str(caught.value) == (f"{path}: there is no folder {path.parent} to write the report to")


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    """A folder of that name cannot be replaced."""
    path = tmp_path / "out.json"
    path.mkdir()
    with pytest.raises(ReportError) as caught:
        check_place(path)
    assert str(caught.value) == f"{path}: this is a folder; name a file"


def test_a_folder_that_cannot_be_written_to() -> None:
    """The kernel's own folder takes no files, not even from root."""
    with pytest.raises(ReportError, match=r"^/proc/out\.json: the report cannot be written there"):
        check_place(Path("/proc/out.json"))


def test_finding_out_leaves_nothing_behind(tmp_path: Path) -> None:
    """A check makes no file that stays, and does not touch one that is there."""
    check_place(tmp_path / "out.json")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk(report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The older file stays as it was, no half file is left, and the reason is told."""

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "out.json"
    path.write_text("older", encoding="utf-8")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ReportError) as caught:
        write_report(json_pieces(report), path)
    assert str(caught.value) == (
        f"{path}: the report cannot be written there: No space left on device"
    )
    assert path.read_text(encoding="utf-8") == "older"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("count", [0, 1, 256, 257, 700])
def test_a_long_document_is_never_one_text(plan: Plan, report: Report, count: int) -> None:
    """The pieces of a large fleet's document are those of a few hundred registries each, and
    together what Python's own `json` writes."""
    registries = tuple(islice(cycle(plan.registries), count))
    outcomes = tuple(islice(cycle(report.registries), count))
    for subject, document in (
        (long_plan := replace(plan, registries=registries), plan_document(long_plan)),
        (long_report := replace(report, registries=outcomes), report_document(long_report)),
    ):
        pieces = list(json_pieces(subject))
        assert "".join(pieces) == json.dumps(document, indent=2) + "\n"
        assert len(pieces) == 2 + -(-count // 256)
