"""What the pages of all kinds of runs begin with. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fleet_repl.reports.html.marks import Mark, Tone
from fleet_repl.reports.html.model import Fact, Tile
from fleet_repl.runs.coverage import CoverageReport
from fleet_repl.runs.delivery import DeliveryReport
from fleet_repl.runs.outcomes import BackfillReport, Report, Status
from fleet_repl.values.text import elapsed, timestamp

_STATUSES: Final = {
    Status.OK: ("✓", Tone.GOOD),
    Status.STAGED: ("✓", Tone.ADDED),
    Status.PARTIAL: ("!", Tone.HELD),
    Status.FAILED: ("✕", Tone.BAD),
    Status.REFUSED: ("✕", Tone.BAD),
    Status.INTERRUPTED: ("■", Tone.BAD),
}


def status_mark(status: Status) -> Mark:
    """Returns how a run ended, as its document says it."""
    symbol, tone = _STATUSES[status]
    return Mark(word=status.value, symbol=symbol, tone=tone)


def tile(number: int, label: str, tone: Tone, note: str, choice: str | None = None) -> Tile:
    """Returns a number; `choice` is the word of the outcome filter that it selects."""
    return Tile(number=number, label=label, tone=tone, note=note, choice=choice)


def mark_tile(mark: Mark, number: int, note: str) -> Tile:
    """Returns how many rows have a mark."""
    return tile(number, mark.word, mark.tone, note, mark.word)


def run_facts(
    report: Report | BackfillReport | DeliveryReport | CoverageReport,
) -> Iterator[Fact]:
    """Yields which run it was, when it ran, and on which inventory."""
    took = report.took if isinstance(report, Report) else report.finished_at - report.started_at
    yield Fact(term="Run", value=report.run_id)
    yield Fact(term="Began", value=timestamp(report.started_at))
    yield Fact(term="Took", value=elapsed(took.total_seconds()))
    yield Fact(term="Inventory", value=report.inventory.path)
    yield Fact(term="Inventory digest", value=report.inventory.digest)
