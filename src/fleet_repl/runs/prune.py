"""Decides which remembered runs may be removed. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from fleet_repl.runs.history import RolledBack, RunSummary


def prunable(
    runs: Collection[RunSummary], marks: Iterable[RolledBack], *, ended_before: datetime
) -> tuple[RunSummary, ...]:
    """Returns the runs of a fleet that may be removed, in their order.

    These stay: the newest run, the newest run that wrote, and newer ones that may have written;
    runs without a report, runs that ended at `ended_before` or later, and the runs of rollback
    marks. So does every run that leads from a run that stays to the run of
    the inventory which it goes back to: without it, nobody could tell what a rollback of the former
    would bring back.

    For example, run c rolls back run b, which rolls back run a. If c stays, so do b and a.
    """
    by_id = {run.meta.run_id: run for run in runs}
    kept = {
        run_id
        for run_id, run in by_id.items()
        if run.finished_at is None or run.finished_at >= ended_before
    }
    newest = sorted(runs, key=lambda run: (run.meta.started_at, run.meta.run_id), reverse=True)
    kept |= {run.meta.run_id for run in newest[:1]}
    for writer in (run for run in newest if run.may_have_written):
        kept.add(writer.meta.run_id)
        if writer.writes is None or writer.writes.applied:
            break
    for mark in marks:
        kept |= {mark.run_id, mark.by}
    for run_id in tuple(kept):
        run = by_id.get(run_id)
        while run is not None and (earlier := run.meta.rolls_back) is not None:
            run = by_id.get(earlier) if earlier not in kept else None
            kept.add(earlier)
    return tuple(run for run in runs if run.meta.run_id not in kept)
