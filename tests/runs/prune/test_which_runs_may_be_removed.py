"""Which remembered runs may be removed: old ones, but none that somebody still needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given, strategies as st
from tests.support.clock import NOON
from tests.support.command_line import PAST

from fleet_repl.runs.history import RolledBack, RunMeta, RunSummary
from fleet_repl.runs.outcomes import Status, Writes
from fleet_repl.runs.prune import prunable
from fleet_repl.runs.rollback.marks import origin

BEFORE = NOON - timedelta(days=90)


def run_of(number: int, days: int, *, ended: bool = True, back: int | None = None) -> RunSummary:
    """A run that ended so many days ago, and rolls back the run of another number."""
    at = NOON - timedelta(days=days)
    meta = replace(
        PAST.meta,
        run_id=f"run-{number}",
        started_at=at - timedelta(hours=1),
        rolls_back=None if back is None else f"run-{back}",
    )
    return RunSummary(
        meta=meta, status=Status.OK if ended else None, finished_at=at if ended else None
    )


def mark_of(run: int, by: int) -> RolledBack:
    return RolledBack(inventory="sha256:1", run_id=f"run-{run}", by=f"run-{by}", at=NOON)


def removed(runs: Sequence[RunSummary], *marks: RolledBack) -> list[str]:
    return [run.meta.run_id for run in prunable(runs, marks, ended_before=BEFORE)]


def test_old_runs_may_go() -> None:
    """Those that ended before, in the order in which they are listed; not one that ended then."""
    runs = [run_of(4, 0), run_of(3, 90), run_of(2, 91), run_of(1, 400)]
    assert removed(runs) == ["run-2", "run-1"]


def test_the_newest_run_stays() -> None:
    """However old it is: it says who was here last."""
    assert removed([run_of(2, 300), run_of(1, 400)]) == ["run-1"]
    assert removed([run_of(1, 400)]) == []
    assert removed([]) == []


def test_the_newest_run_that_wrote_stays() -> None:
    """It is the run that `rollback last` takes; so do newer ones that may have written."""
    ends = [Writes(unchanged=1), Writes(failed=1), Writes(applied=1), Writes(applied=1)]
    runs = [
        replace(run_of(4 - index, 300 + index), writes=writes) for index, writes in enumerate(ends)
    ]
    assert removed(runs) == ["run-1"]
    assert removed([*runs[:1], *runs[3:]]) == []


def test_a_run_without_a_report_stays() -> None:
    """It is under way or died, and what it had done is yet to be told."""
    assert removed([run_of(3, 0), run_of(2, 300, ended=False)]) == []


def test_a_mark_keeps_its_runs() -> None:
    """The run that was rolled back, the rollback, and what lies between them."""
    runs = [
        run_of(5, 0),
        run_of(4, 200, back=3),
        run_of(3, 300, back=2),
        run_of(2, 350, back=1),
        run_of(1, 400),
        run_of(0, 500),
    ]
    assert removed(runs) == ["run-4", "run-3", "run-2", "run-1", "run-0"]
    assert removed(runs, mark_of(1, 4)) == ["run-0"]
    assert removed(runs, mark_of(1, 2)) == ["run-4", "run-3", "run-0"]


@st.composite
def histories(draw: st.DrawFn) -> tuple[tuple[RunSummary, ...], tuple[RolledBack, ...]]:
    """Runs, newest first, each of which may roll back any run; and marks."""
    number = draw(st.integers(0, 8))
    runs = [
        run_of(
            nth,
            draw(st.integers(0, 200)),
            ended=draw(st.booleans()),
            back=draw(st.none() | st.integers(0, 9)),
        )
        for nth in range(number)
    ]
    numbers = st.integers(0, 9)
    marks = draw(st.lists(st.builds(mark_of, numbers, numbers), max_size=3))
    return tuple(sorted(runs, key=lambda run: run.meta.started_at, reverse=True)), tuple(marks)


@given(history=histories())
def test_whatever_goes_is_missed_by_nobody(
    history: tuple[tuple[RunSummary, ...], tuple[RolledBack, ...]],
) -> None:
    """Each run that stays goes back to the same run as before, so rolling it back sets and lifts
    the same marks; and only what has to stay does."""
    runs, marks = history
    gone = prunable(runs, marks, ended_before=BEFORE)
    stay = [run for run in runs if run not in gone]
    by_id: dict[str, RunMeta] = {run.meta.run_id: run.meta for run in runs}
    left = {run.meta.run_id: run.meta for run in stay}
    for run in gone:
        assert run.finished_at is not None
        assert run.finished_at < BEFORE
        assert run.meta.run_id not in {name for mark in marks for name in (mark.run_id, mark.by)}
    assert not runs or stay
    assert all(run.meta.started_at <= max(map(_start, stay)) for run in gone)
    for run in stay:
        assert origin(run.meta, left) == origin(run.meta, by_id)
    # Without the old ones among those that stay, one of them would be missed.
    assert prunable(stay, marks, ended_before=BEFORE) == ()


def _start(run: RunSummary) -> datetime:
    return run.meta.started_at
