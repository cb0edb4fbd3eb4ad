"""Remembered runs as text: a table of them, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from rich.cells import cell_len

from fleet_repl.reports.documents.runs import RunList
from fleet_repl.reports.text.page import Page, Style
from fleet_repl.runs.history import RunSummary
from fleet_repl.runs.outcomes import Status
from fleet_repl.values.text import elapsed, visible

UNDER_WAY: Final = "under way"
DIED: Final = "died"
"""What runs are called that have no report."""

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


def runs_text(found: RunList, *, colour: bool = False) -> str:
    """A row for each run; the fleet is told where there are several. Times are in UTC."""
    page = Page(full=True)
    for fleet, freeze in sorted(found.frozen.items()):
        since = f" since {moment(freeze.since)} by {freeze.who}: {freeze.why}"
        page.add((f"{fleet} is frozen", Style.BAD), since)
    page.gap()
    if not found.runs:
        page.add(f"No runs are remembered in {found.location}.")
        return page.render(colour=colour)
    title, *rows = _aligned(
        [_COLUMNS, *(_cells(one, found) for one in found.runs)], _hidden(found.runs)
    )
    page.add((title, Style.FAINT))
    for one, row in zip(found.runs, rows, strict=True):
        back = one.meta.rolls_back
        note = "" if back is None else f"  rolls back {back}"
        page.add((row, _style(one, found)), note)
    if found.older:
        page.gap()
        total = len(found.runs) + found.older
        page.add((f"… and {found.older:,} older; --limit {total} lists all", Style.FAINT))
    return page.render(colour=colour)


def moment(when: datetime) -> str:
    """`2026-11-23 08:15:00` in UTC."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _style(one: RunSummary, found: RunList) -> Style:
    if one.status is None and one.meta.run_id in found.under_way:
        return Style.CHANGED
    return Style.BAD if one.status is None else _STYLES.get(one.status, Style.BAD)


def _cells(one: RunSummary, found: RunList) -> tuple[str, ...]:
    meta, took = one.meta, ""
    unreported = UNDER_WAY if meta.run_id in found.under_way else DIED
    if one.finished_at is not None:
        took = elapsed((one.finished_at - meta.started_at).total_seconds())
    return (
        meta.run_id,
        meta.fleet,
        meta.purpose.value,
        f"{meta.holder.user}@{meta.holder.host}",
        moment(meta.started_at),
        took,
        unreported if one.status is None else one.status.value,
        f"{one.applied:,}",
        f"{one.partial:,}",
        f"{one.failed:,}",
    )


def _hidden(runs: Sequence[RunSummary]) -> frozenset[str]:
    """Columns that would say the same in every row."""
    several, partial = len({one.meta.fleet for one in runs}) > 1, any(one.partial for one in runs)
    return frozenset() | (set() if several else {_FLEET}) | (set() if partial else {_PARTIAL})


def _aligned(rows: Sequence[Sequence[str]], hidden: frozenset[str]) -> list[str]:
    """Rows as lines, numbers to the right."""
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
