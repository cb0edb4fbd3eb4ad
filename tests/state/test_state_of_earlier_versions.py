"""A state that an earlier version kept: every document is read, and written again byte by byte."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from fleet_repl.reports.documents.plan import parse_plan, plan_content
from fleet_repl.reports.documents.report import parse_report, report_content
from fleet_repl.runs.history import RunSummary, UnreadableRun
from fleet_repl.state import (
    FolderStore,
    RunRecords,
    parse_record,
    read_freeze,
    record_document,
    register_fleet,
    write_freeze,
)
from fleet_repl.state.discovery import discovery_content, parse_discovery
from fleet_repl.state.fingerprints import fingerprints_content, parse_fingerprints
from fleet_repl.state.journal import JOURNAL_SCHEMA, entry_line, parse_journal
from fleet_repl.state.lock_document import lock_content, parse_lock
from fleet_repl.state.rollback_marks import marks_content, parse_marks
from fleet_repl.state.run_documents import (
    aside_content,
    before_pieces,
    ended_content,
    parse_before,
    parse_ended,
    parse_run,
    run_content,
)
from fleet_repl.values.errors import StateError
from fleet_repl.values.names import AccountId
from fleet_repl.watch.memory import memory_document, parse_memory

KEPT = Path(__file__).with_name("kept")
DIED = "20261130T091632Z-0aecd2"
SET_ASIDE = "20261130T091556Z-8ef6af"

REWRITTEN: dict[str, Callable[[bytes, str], bytes]] = {
    "applied.json": lambda content, fleet: record_document(
        fleet, parse_record(content, fleet, where="applied")
    ),
    "discovery.json": lambda content, fleet: discovery_content(
        fleet, parse_discovery(content, fleet, where="discovery")
    ),
    "lock.json": lambda content, fleet: lock_content(parse_lock(content, fleet, where="lock")),
    "111111111111-eu-west-1.json": lambda content, _: lock_content(
        parse_lock(content, None, where="turn")
    ),
    "traces.json": lambda content, _: fingerprints_content(
        parse_fingerprints(content, "fingerprints")
    ),
    "rolled-back.json": lambda content, _: marks_content(parse_marks(content, "marks")),
    "watch.json": lambda content, _: memory_document(parse_memory(content)),
    "watch-0123456789ab.json": lambda content, _: memory_document(parse_memory(content)),
    "plan.json": lambda content, _: plan_content(parse_plan(content, "plan")),
    "run.json": lambda content, _: run_content(parse_run(content, "run")),
    "before.json": lambda content, _: b"".join(
        before_pieces(sorted(parse_before(content, "before").items()))
    ),
    "report.json": lambda content, _: report_content(parse_report(content, "report")),
}


@pytest.mark.parametrize("name", REWRITTEN)
def test_a_document_is_written_as_it_was(name: str) -> None:
    """Everything that is replaced as a whole, of whichever fleet and run."""
    paths = sorted(KEPT.rglob(name))
    assert paths
    for path in paths:
        content = path.read_bytes()
        assert REWRITTEN[name](content, path.parent.name) == content, path


@pytest.mark.parametrize(
    "path", sorted(KEPT.rglob("journal.jsonl")), ids=lambda path: path.parent.name
)
def test_a_journal_is_written_as_it_was(path: Path) -> None:
    """Also that of a run which was killed, but for a last line that was cut off."""
    content = path.read_bytes()
    entries = parse_journal(content, "journal")
    assert len(entries) >= 2
    header = f'{{"schema":"{JOURNAL_SCHEMA}"}}\n'.encode()
    whole, _, _ = content.rpartition(b"\n")
    assert header + b"".join(map(entry_line, entries)) == whole + b"\n"


@pytest.mark.parametrize(
    "path", sorted(KEPT.rglob("ended.json")), ids=lambda path: path.parent.name
)
def test_how_a_run_ended_is_read(path: Path) -> None:
    """It counts what the report counts, where that is kept too."""
    content = path.read_bytes()
    ended = parse_ended(content, "ended")
    if (report := path.with_name("report.json")).exists():
        read_back = parse_report(report.read_bytes(), "report")
        assert ended.writes == read_back.writes
        # To the millisecond, as the report's own time is not.
        assert (
            ended_content(read_back).partition(b'"summary"')[2]
            == content.partition(b'"summary"')[2]
        )


async def test_runs_are_remembered(tmp_path: Path) -> None:
    """One that ended, one that was killed and one that was set aside are told apart."""
    records = RunRecords(FolderStore(copied(tmp_path)), "golden")
    listed = [run.meta.run_id for run in await records.summaries() if isinstance(run, RunSummary)]
    assert len(listed) == 3
    assert await records.over() == {*listed} - {DIED}
    past = await records.load(DIED)
    assert past is not None
    assert past.report is None
    assert past.journal
    aside = UnreadableRun(run_id=SET_ASIDE, fleet="golden", reason="plan.json: it is no JSON")
    kept = (KEPT / "golden" / "runs" / SET_ASIDE / "aside.json").read_bytes()
    assert (
        aside_content(aside, past.meta.started_at).partition(b'"because"')[2]
        == (kept.partition(b'"because"')[2])
    )


async def test_a_freeze_is_put_as_it_was(tmp_path: Path) -> None:
    """Who, why and since when, in whatever letters."""
    folder = copied(tmp_path)
    store = FolderStore(folder)
    freeze = await read_freeze(store, "golden")
    assert freeze is not None
    await write_freeze(store, "golden", freeze)
    kept = (KEPT / "golden" / "freeze.json").read_bytes()
    assert await anyio.Path(folder / "golden" / "freeze.json").read_bytes() == kept


async def test_the_register_of_fleets_is_read(tmp_path: Path) -> None:
    """A fleet that is in it as it is leaves it alone; another one finds what it shares."""
    folder = copied(tmp_path)
    store = FolderStore(folder)
    accounts = [AccountId(text) for text in ("111111111111", "222222222221", "999999999999")]
    registration = await register_fleet(store, "platform", accounts, formerly=())
    assert registration.shared_accounts == {*accounts[:2]}
    assert [*registration.digests] == ["golden"]
    await register_fleet(store, "other", [], formerly=("platform",))
    await register_fleet(store, "golden", [], formerly=("other",))
    register = await anyio.Path(folder / ".sharing" / "fleets.json").read_bytes()
    assert register == b'{"schema":"fleet-repl/sharing/1","fleets":{"golden":[]}}\n'


def copied(folder: Path) -> Path:
    """The state in a folder of the user's own, which alone is trusted."""
    for path in KEPT.rglob("*"):
        if path.is_file():
            place = folder / "state" / path.relative_to(KEPT)
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            place.write_bytes(path.read_bytes())
            place.chmod(0o600)
    for path in (folder / "state", *(folder / "state").rglob("*")):
        if path.is_dir():
            path.chmod(0o700)
    return folder / "state"


def test_a_discovery_that_cannot_be_read_is_none_of_nothing() -> None:
    """Whoever moves it away knows what that costs."""
    content = (KEPT / "golden" / "discovery.json").read_bytes().replace(b'"state"', b'"status"', 1)
    with pytest.raises(StateError) as refused:
        parse_discovery(content, "golden", where="golden/discovery.json")
    assert str(refused.value) == (
        "the discovered accounts that were kept cannot be used: golden/discovery.json: "
        "accounts.111111111111.status: this version does not know this member\n"
        "    move it away to go on without it: nothing then notices if accounts are lost"
    )
