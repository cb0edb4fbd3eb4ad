"""Lists of remembered runs: their document, and a table that nothing in it can break."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given, strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from rich.cells import cell_len

from fleet_repl.inventory.model import InventoryRef
from fleet_repl.reports.documents.runs import runs_document
from fleet_repl.reports.documents.schemas import schema
from fleet_repl.reports.text.runs import runs_text
from fleet_repl.runs.history import Freeze, Holder, Purpose, RunList, RunMeta, RunSummary
from fleet_repl.runs.outcomes import Status

texts = st.text("aé東💡 \t\n\x00\x1b\x7f\x9b\u202e\u2028\ufffe[]<&\"'\\", max_size=8)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
digests = st.sampled_from(["sha256:" + digit * 64 for digit in "09af"])
holders = st.builds(
    Holder,
    run_id=texts,
    purpose=st.sampled_from(Purpose),
    user=texts,
    host=texts,
    pid=st.integers(1, 9),
    process=texts,
)
metas = st.builds(
    RunMeta,
    run_id=texts,
    fleet=texts,
    purpose=st.sampled_from(Purpose),
    holder=holders,
    started_at=moments,
    inventory=st.builds(InventoryRef, path=texts, digest=digests),
    plan_digest=digests,
    forced=st.booleans(),
    allowed=st.sampled_from([(), ("protected",), ("protected", "unknown-fields")]),
    rolls_back=st.none() | texts,
    changes=st.integers(0, 9),
)
summaries = st.builds(
    RunSummary,
    meta=metas,
    status=st.none() | st.sampled_from(Status),
    finished_at=st.none() | moments,
    applied=st.integers(0, 10_000),
    failed=st.integers(0, 10_000),
)
lists = st.builds(
    RunList,
    location=texts,
    runs=st.lists(summaries, max_size=4).map(tuple),
    older=st.integers(0, 9),
    under_way=st.frozensets(texts, max_size=2),
    frozen=st.dictionaries(
        texts, st.builds(Freeze, who=texts, why=texts, since=moments), max_size=2
    ),
)


@given(runs=lists)
def test_the_document_fits_its_schema(runs: RunList) -> None:
    """No list has a document that its schema refuses."""
    document = runs_document(runs)
    checker = Draft202012Validator(schema("runs"), format_checker=FormatChecker())
    assert [error.message for error in checker.iter_errors(document)] == []


@given(runs=lists)
def test_the_table_is_one(runs: RunList) -> None:
    """A line for each run, however strange its names; numbers stand below each other."""
    lines = runs_text(runs).splitlines()
    if not runs.runs:
        assert lines[-1].startswith("No runs are remembered in ")
        return
    start = len(runs.frozen) + bool(runs.frozen)
    title, *rows = lines[start : start + len(runs.runs) + 1]
    assert title.startswith("run ")
    assert len(rows) == len(runs.runs)
    for line, run in zip(rows, runs.runs, strict=True):
        kept = line if run.meta.rolls_back is None else line.rpartition("  rolls back ")[0]
        assert cell_len(kept) == cell_len(title)
        assert kept.endswith(f"{run.failed:,}")
    assert len(lines) == start + 1 + len(rows) + 2 * bool(runs.older)


@given(runs=lists, width=st.integers(20, 60))
def test_a_row_is_broken_between_cells_at_a_terminal(runs: RunList, width: int) -> None:
    """Nothing is lost, and no number is cut in two."""
    assert runs_text(runs, width=width).split() == runs_text(runs).split()


def test_colours_do_not_change_the_words() -> None:
    """What failed is red, what is fine is green."""
    meta = RunMeta(
        run_id="run",
        fleet="prod",
        purpose=Purpose.APPLY,
        holder=Holder(
            run_id="run", purpose=Purpose.APPLY, user="anna", host="ci", pid=1, process=""
        ),
        started_at=datetime(2026, 11, 23, tzinfo=UTC),
        inventory=InventoryRef(path="prod.toml", digest="sha256:" + "0" * 64),
        plan_digest="sha256:" + "1" * 64,
    )
    both = RunList(
        location="state",
        runs=(
            RunSummary(meta=meta, status=Status.OK),
            RunSummary(meta=meta, status=Status.FAILED),
        ),
    )
    _, good, bad = runs_text(both, colour=True).splitlines()
    assert good.startswith("\x1b[32mrun  apply")
    assert bad.startswith("\x1b[1;31mrun  apply")
