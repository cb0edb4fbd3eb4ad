"""Remembered runs as text: a table of all runs, newest first, and the page of a run without a
report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from rich.cells import cell_len

from fleet_repl.reports.text.labels import change_name, label
from fleet_repl.reports.text.page import Page, Style
from fleet_repl.runs.history import JournalEntry, PastRun, RunList, RunSummary
from fleet_repl.runs.journal import last_writes
from fleet_repl.runs.outcomes import Outcome, Status
from fleet_repl.values.exit_code import ExitCode
from fleet_repl.values.text import counted, elapsed, visible

UNDER_WAY: Final = "under way"
DIED: Final = "died"
"""The status of a run without a report: a process is at work on it, or none is."""

OPEN: Final = 20
"""The most writes of unknown outcome on a page that is not full."""
_FLEET: Final = "fleet"
_PARTIAL: Final = "partial"
_COLUMNS: Final = (
    "run", _FLEET, "purpose", "by", "started", "took", "status", "applied", _PARTIAL, "failed"
)  # fmt: skip
_NUMBERS: Final = frozenset({"applied", _PARTIAL, "failed"})
_STYLES: Final = {
    Status.OK: Style.ADDED,
    Status.STAGED: Style.ADDED,
    Status.PARTIAL: Style.CHANGED,
}


def runs_text(
    run_list: RunList,
    *,
    fleet: str | None = None,
    colour: bool = False,
    width: int | None = None,
) -> str:
    """Returns a table with a row for each run, and a column of fleets where there are several.

    Times are in UTC. `fleet`: the only one that is asked about; None for all. `width`: the columns
    of the terminal; None wraps no line.
    """
    page = Page(full=True)
    for name, freeze in sorted(run_list.frozen.items()):
        since = f" since {moment(freeze.since)} by {freeze.who}: {freeze.why}"
        page.add((f"{name} is frozen", Style.BAD), since)
    page.gap()
    if not run_list.runs:
        of_fleet = "" if fleet is None else f"of {fleet} "
        page.add(f"No runs {of_fleet}are remembered in {run_list.location}.")
        return page.render(colour=colour, width=width)
    _add_table(page, run_list.runs, run_list)
    if run_list.older:
        page.gap()
        total = len(run_list.runs) + run_list.older
        page.add((f"… and {run_list.older:,} older; --limit {total} lists all", Style.FAINT))
    return page.render(colour=colour, width=width)


def pruned_text(run_list: RunList, *, colour: bool = False, width: int | None = None) -> str:
    """Returns a table of the runs that were removed, or would be, and the number that stays."""
    page, pruned = Page(full=True), run_list.pruned
    stay = counted(len(run_list.runs) + run_list.older, "run")
    if pruned is None or not pruned.runs:
        page.add(f"Nothing is to be removed; {stay} remembered.")
        return page.render(colour=colour, width=width)
    _add_table(page, pruned.runs, run_list)
    page.gap()
    done = "would be removed" if pruned.dry_run else "removed"
    page.add((f"{counted(len(pruned.runs), 'run')} {done}", Style.HEADING), f"; {stay} kept.")
    return page.render(colour=colour, width=width)


def _add_table(page: Page, runs: Sequence[RunSummary], run_list: RunList) -> None:
    title, *rows = _aligned([_COLUMNS, *(_cells(run, run_list) for run in runs)], _hidden(runs))
    page.add((title, Style.FAINT))
    for run, row in zip(runs, rows, strict=True):
        back = run.meta.rolls_back
        note = "" if back is None else f"  rolls back {back}"
        page.add((row, _style(run, run_list)), note)


def moment(when: datetime) -> str:
    """Returns `2026-11-23 08:15:00`, in UTC."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _style(run: RunSummary, run_list: RunList) -> Style:
    if run.status is None and run.meta.run_id in run_list.under_way:
        return Style.CHANGED
    return Style.BAD if run.status is None else _STYLES.get(run.status, Style.BAD)


def _cells(run: RunSummary, run_list: RunList) -> tuple[str, ...]:
    meta, took = run.meta, ""
    unreported = UNDER_WAY if meta.run_id in run_list.under_way else DIED
    if run.finished_at is not None:
        took = elapsed((run.finished_at - meta.started_at).total_seconds())
    return (
        meta.run_id,
        meta.fleet,
        meta.purpose.value,
        f"{meta.holder.user}@{meta.holder.host}",
        moment(meta.started_at),
        took,
        unreported if run.status is None else run.status.value,
        f"{run.applied:,}",
        f"{run.partial:,}",
        f"{run.failed:,}",
    )


def _hidden(runs: Sequence[RunSummary]) -> frozenset[str]:
    """Returns the columns to leave out because they say the same in every row."""
    several, partial = len({run.meta.fleet for run in runs}) > 1, any(run.partial for run in runs)
    return frozenset() | (set() if several else {_FLEET}) | (set() if partial else {_PARTIAL})


def _aligned(rows: Sequence[Sequence[str]], hidden: frozenset[str]) -> list[str]:
    """Returns rows as lines of aligned columns, with numbers to the right."""
    columns = []
    for title, *cells in zip(*rows, strict=True):
        if title not in hidden:
            shown = [visible(cell) for cell in (title, *cells)]
            width = max(cell_len(cell) for cell in shown)
            columns.append([_padded(cell, width, right=title in _NUMBERS) for cell in shown])
    return ["  ".join(line) for line in zip(*columns, strict=True)]


def _padded(cell: str, width: int, *, right: bool) -> str:
    padding = " " * (width - cell_len(cell))
    return f"{padding}{cell}" if right else f"{cell}{padding}"


def unreported_text(
    run: PastRun,
    *,
    under_way: bool,
    full: bool = False,
    colour: bool = False,
    width: int | None = None,
) -> str:
    """Returns who made a run without a report, and its writes as far as the journal has them."""
    page = Page(full=full)
    meta = run.meta
    page.add((f"Run {meta.run_id} of {meta.fleet}: ", Style.HEADING), ("no report", Style.CHANGED))
    back = "" if meta.rolls_back is None else f" of {meta.rolls_back}"
    holder = f"{meta.holder.user}@{meta.holder.host} (process {meta.holder.pid})"
    page.add(f"{meta.purpose}{back} by {holder}, started {moment(meta.started_at)} UTC", indent=1)
    writes = last_writes(run.journal).values()
    open_ = [write.sent for write in writes if write.sent is not None and write.ended is None]
    ends = [write.ended.outcome for write in writes if write.ended is not None]
    counts = {
        "writes planned": meta.changes,
        "applied": sum(outcome is Outcome.APPLIED for outcome in ends),
        "failed": sum(outcome is Outcome.FAILED for outcome in ends),
        "end unknown": len(open_),
    }
    page.gap()
    digits = max(len(f"{number:,}") for number in counts.values())
    for name, number in counts.items():
        page.add(f"{name:<14}  {number:>{digits},}", indent=1)
    _add_open(page, run, open_)
    page.gap()
    _add_end(page, under_way=under_way)
    return page.render(colour=colour, width=width)


def _add_end(page: Page, *, under_way: bool) -> None:
    code = ExitCode.PARTIAL.value
    if under_way:
        page.add("It is under way, and holds the lock of the fleet.")
        page.add(f"Exit {code}: the run has not ended.")
        return
    page.add(
        "It died. The next run of the fleet takes over, looks at what is in place and goes on from "
        "there; nothing has to be mended by hand."
    )
    page.add(f"Exit {code}: what became of the run is not known.")


def _add_open(page: Page, run: PastRun, entries: list[JournalEntry]) -> None:
    if not entries:
        return
    names = {planned.registry: planned.name for planned in run.plan.registries}
    page.heading(f"Announced, and maybe sent: {counted(len(entries), 'write')}")
    shown = page.within(entries, OPEN)
    for entry in shown:
        document = change_name(entry.resource, entry.prefix)
        page.add(
            f"{label(entry.registry, names.get(entry.registry))}: {entry.action} {document}",
            indent=1,
        )
    page.more(len(entries) - len(shown), indent=1)
