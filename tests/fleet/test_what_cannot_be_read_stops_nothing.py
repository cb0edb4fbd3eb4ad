"""A remembered document that cannot be read is told of, kept, and done without; but never the
ownership record, the lock or a freeze, as guessing there costs others their rules."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.inventories import fleet_text
from tests.support.simulated import Simulated, simulate

from fleet_repl import FleetError, Outcome, Report, Status
from fleet_repl.fleet.history import open_history
from fleet_repl.runs.history import UnreadableRun
from fleet_repl.values.errors import StateError

DAMAGES: dict[str, Callable[[bytes], bytes | None]] = {
    "cut off": lambda content: content[: len(content) // 2],
    "newer": lambda content: content.replace(b"/1", b"/2", 1),
    "a member more": lambda content: content.replace(b"{", b'{"other":1,', 1),
    "an odd registry": lambda content: content.replace(b"eu-west-1", b"EU-WEST-1"),
    "no text": lambda _: b"\xff\xfe\x00",
    "empty": lambda _: b"",
    "missing": lambda _: None,
}
HARMLESS = {
    # Nothing was announced by a run without it.
    ("run.json", "missing"),
    # There is no registry in it.
    ("run.json", "an odd registry"),
    # A last line that is cut off says nothing, and neither does a journal without a line.
    ("journal.jsonl", "cut off"),
    ("journal.jsonl", "empty"),
    ("journal.jsonl", "no text"),
    ("journal.jsonl", "missing"),
}
OF_A_RUN = [
    (document, how)
    for document in ("run.json", "plan.json", "before.json", "journal.jsonl")
    for how in DAMAGES
    if (document, how) not in HARMLESS
]


def _damage(path: Path, how: str) -> bytes | None:
    """What is there afterwards."""
    content = DAMAGES[how](path.read_bytes())
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    return content


async def _died(aws: Simulated) -> Path:
    """The folder of a run that was killed right before its report."""
    report = await aws.applied()
    run = aws.state / "runs" / report.run_id
    (run / "ended.json").unlink()
    (run.parent.parent / "runs.json").unlink()  # It says that the run is over.
    (run / "report.json").unlink()
    return run


def _kinds(report: Report) -> list[str]:
    return [warning.kind for warning in report.warnings]


@pytest.mark.parametrize(("document", "how"), OF_A_RUN)
async def test_a_run_that_died_blocks_no_later_one(document: str, how: str) -> None:
    """It is named in plans until a run that writes has set it aside; all of it stays."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        run = await _died(aws)
        left = _damage(run / document, how)
        plan = await aws.planned()
        assert [warning.kind for warning in plan.warnings] == ["unreadable-state"]
        report = await aws.applied(fleet_text("1>2,3 base/"))
        assert (report.status, report.warnings) == (Status.OK, plan.warnings)
        (raised,) = report.warnings
        assert raised.message.startswith(
            f"run {run.name} ended without a report, and what it had done cannot be told: "
        )
        assert str(run / document) in raised.message
        assert "\n" not in raised.message
        assert ((run / document).read_bytes() if left is not None else None) == left
        assert (run / "aside.json").exists()
        assert _kinds(await aws.applied()) == []
        assert (await aws.rolled_back(report.run_id)).status is Status.OK


@pytest.mark.parametrize(
    "document", ["run.json", "plan.json", "before.json", "journal.jsonl", "report.json"]
)
async def test_a_document_of_another_run_is_not_taken_for_its_own(document: str) -> None:
    """Each can be read, but is not of the run in whose folder it lies: nothing is rolled back by
    it, and what it says is not recorded, here or of the other run."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        other = aws.state / "runs" / (await aws.applied()).run_id
        report = await aws.applied(fleet_text("1>2 base/", "3>4 tools/"))
        run = other.parent / report.run_id
        (run / document).write_bytes((other / document).read_bytes())
        before, kept = aws.spelled(), (other / "report.json").read_bytes()
        with pytest.raises(StateError, match=f"{document}: it is of another run"):
            await aws.rolled_back(run.name)
        (run / "ended.json").unlink()
        (other.parent.parent / "runs.json").unlink()
        assert [warning.kind for warning in (await aws.planned()).warnings] == ["unreadable-state"]
        last = await aws.applied(fleet_text("1>2 base/", "3>4 tools/ web/"))
        assert [warning.kind for warning in last.warnings] == ["unreadable-state"]
        assert last.status is Status.OK
        assert (run / "aside.json").exists()
        assert (other / "report.json").read_bytes() == kept
        assert before != aws.spelled()


@pytest.mark.parametrize(("document", "how"), sorted(HARMLESS))
async def test_a_run_is_looked_into_as_far_as_it_goes(document: str, how: str) -> None:
    """What may be missing is no damage."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        _damage(await _died(aws) / document, how)
        report = await aws.applied(fleet_text("1>2,3 base/"))
        assert report.status is Status.OK
        missing = (document, how) == ("run.json", "missing")
        assert _kinds(report) == ([] if missing else ["unfinished-run"])


@pytest.mark.parametrize("how", ["cut off", "empty"])
async def test_other_runs_are_listed_and_shown(how: str) -> None:
    """One that cannot be read is named beside them; which one was the last is never guessed."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        first = await aws.applied()
        second = await aws.applied(fleet_text("1>2,3 base/"))
        _damage(aws.state / "runs" / second.run_id / "run.json", how)
        async with open_history(aws.inventory, endpoint=aws.endpoint) as history:
            runs, unreadable = await history.listing("prod")
            assert [run.meta.run_id for run in runs] == [first.run_id]
            assert unreadable == (
                UnreadableRun(run_id=second.run_id, fleet="prod", reason=unreadable[0].reason),
            )
            assert (await history.run(first.run_id)).report is not None
            with pytest.raises(StateError, match="which run was the last is not certain"):
                await history.run("last")
            with pytest.raises(StateError, match=f"{second.run_id}/run.json"):
                await history.run(second.run_id)
        await aws.applied(fleet_text("1>2,3,4 base/"))
        async with open_history(aws.inventory, endpoint=aws.endpoint) as history:
            assert (await history.run("last")).report is not None


@pytest.mark.parametrize("how", ["cut off", "newer", "empty"])
async def test_traces_are_begun_anew(how: str) -> None:
    """Plans say so until a run that writes has kept the old ones beside the new."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        await aws.applied()
        fingerprints = aws.state / "traces.json"
        left = _damage(fingerprints, how)
        report = await aws.applied(fleet_text("1>2,3 base/"))
        assert (report.status, _kinds(report)) == (Status.OK, ["unreadable-state"])
        assert str(fingerprints) in report.warnings[0].message
        (kept,) = aws.state.glob("traces.json.unreadable-*")
        assert kept.read_bytes() == left
        assert _kinds(await aws.applied()) == []


@pytest.mark.parametrize("how", ["cut off", "newer", "empty"])
async def test_what_was_rolled_back_is_not_forgotten(how: str) -> None:
    """While nobody can tell which versions were rolled back, each may be one: it takes --force.
    A rollback needs none, and what there was is kept."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        first = await aws.applied()
        await aws.rolled_back((await aws.applied(fleet_text("1>2,3 base/"))).run_id)
        marks = aws.state / "rolled-back.json"
        left = _damage(marks, how)
        refused = await aws.applied()
        assert refused.status is Status.REFUSED
        assert [objection.kind for objection in refused.objections] == ["rolled-back"]
        assert str(marks) in refused.objections[0].message
        assert marks.read_bytes() == left
        report = await aws.rolled_back(first.run_id)
        assert (report.status, _kinds(report)) == (Status.OK, ["unreadable-state"])
        (kept,) = aws.state.glob("rolled-back.json.unreadable-*")
        assert kept.read_bytes() == left
        _damage(marks, how)
        forced = await aws.applied(force=True)
        assert forced.status is Status.OK
        assert {registry.outcome for registry in forced.registries} == {
            Outcome.APPLIED,
            Outcome.UNCHANGED,
        }
        assert _kinds(await aws.applied()) == []


@pytest.mark.parametrize("document", ["applied.json", "lock.json", "freeze.json"])
@pytest.mark.parametrize("how", ["cut off", "newer", "empty", "a member more"])
async def test_what_must_not_be_guessed_stops_every_write(document: str, how: str) -> None:
    """With what to do about it; and nothing is moved away by itself."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        await aws.applied()
        async with open_history(aws.inventory, clock=aws.clock, endpoint=aws.endpoint) as history:
            if document == "freeze.json":
                await history.freeze("prod", who="ops", why="move")
        left = _damage(aws.state / document, how)
        aws.rewrite(fleet_text("1>2,3 base/"))
        before = aws.spelled()
        with pytest.raises(FleetError) as caught:
            await aws.applied()
        assert str(aws.state / document) in str(caught.value)
        assert "\n    " in str(caught.value)
        assert aws.spelled() == before
        assert (aws.state / document).read_bytes() == left
