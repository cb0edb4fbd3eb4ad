"""Backfills as text: counts, then the state of each backfill by source and destination."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

from fleet_repl.ecr.backfills import Backfill, BackfillOutcome, BackfillState
from fleet_repl.reports.exit_codes import backfill_exit
from fleet_repl.reports.fault_groups import FailedRegistry
from fleet_repl.reports.text.labels import label
from fleet_repl.reports.text.page import Page, Style
from fleet_repl.reports.text.sections import add_cut, add_faults
from fleet_repl.runs.outcomes import BackfillMode, BackfillReport, Status
from fleet_repl.runs.reput import Reput, ReputState
from fleet_repl.values.text import counted, elapsed, timestamp

SOURCES: Final = 50
"""The most sources that are listed on a page that is not full."""
START_THE_REST: Final = (
    "Queued ones are started by `fleet-repl backfill --wait`, or by running it again later."
)
NOTHING_SELECTED: Final = (
    "No link starts in what is selected: --account, --label and --region select sources."
)
NOTHING_LACKING: Final = "By the document no destination lacks anything."

_STYLES: Final = {
    BackfillState.COMPLETE: Style.ADDED,
    BackfillState.QUEUED: Style.CHANGED,
    BackfillState.NOT_IN_PLACE: Style.CHANGED,
    BackfillState.STOPPING: Style.CHANGED,
    BackfillState.STOPPED: Style.BAD,
    BackfillState.FAILED: Style.BAD,
    BackfillState.NOT_STARTED: Style.BAD,
}
_REPUT_STYLES: Final = {ReputState.PUT: Style.ADDED, ReputState.LACKING: Style.CHANGED}
_STATUS_STYLES: Final = {Status.OK: Style.ADDED, Status.PARTIAL: Style.CHANGED}


def backfill_text(
    report: BackfillReport,
    *,
    full: bool = False,
    colour: bool = False,
    width: int | None = None,
    end: bool = True,
) -> str:
    """Returns the report for people.

    `full`: every list is whole. `width`: the columns of the terminal; None wraps no line. Without
    `end`, the last lines on what the run did are left out: backfills that may be started are shown
    so before a person confirms them.
    """
    page = Page(full=full)
    status = (report.status.value, _STATUS_STYLES.get(report.status, Style.BAD))
    route = f" (route {report.route})" if report.route is not None else ""
    page.add((f"Backfills {report.run_id} of {report.fleet}{route}: ", Style.HEADING), status)
    _add_counts(page, report)
    _add_sources(page, report.backfills)
    _add_faults(page, report.backfills)
    _add_reputs(page, report.reputs)
    add_cut(page)
    if end:
        _add_end(page, report)
    return page.render(colour=colour, width=width)


def add_backfills(page: Page, outcomes: Sequence[BackfillOutcome]) -> None:
    """Adds the backfills of an apply to its report."""
    if not outcomes:
        return
    started = sum(outcome.started for outcome in outcomes)
    page.heading(f"Backfills: {started:,} of {len(outcomes):,} started")
    _add_sources(page, outcomes)
    _add_faults(page, outcomes)
    if any(outcome.state is BackfillState.QUEUED for outcome in outcomes):
        page.gap()
        page.add(START_THE_REST)


def _add_counts(page: Page, report: BackfillReport) -> None:
    counts = {state: report.count(state) for state in BackfillState}
    present = {state: number for state, number in counts.items() if number}
    if not present:
        return
    names = {state: _words(state) for state in present}
    if BackfillState.NONE in names:
        # Beside a number the state alone reads as if there were nothing to count.
        names[BackfillState.NONE] = "no backfill yet"
    width = max(len(f"{number:,}") for number in present.values())
    long = max(len(name) for name in names.values())
    page.gap()
    for state, number in present.items():
        line = f"{names[state]:<{long}}  {number:>{width},}"
        style = _STYLES.get(state)
        page.add((line, style) if style else line, indent=1)


def _add_sources(page: Page, outcomes: Iterable[BackfillOutcome]) -> None:
    sources = [list(group) for _, group in groupby(outcomes, lambda outcome: outcome.source)]
    shown = page.within(sources, SOURCES)
    for of_source in shown:
        page.gap()
        page.add(("from ", Style.FAINT), label(of_source[0].source, of_source[0].source_name))
        for outcome in of_source:
            _add_destination(page, outcome)
    page.more(len(sources) - len(shown))


def _add_destination(page: Page, outcome: BackfillOutcome) -> None:
    state = _words(outcome.state)
    style = Style.CHANGED if outcome.joining else _STYLES.get(outcome.state)
    place = label(outcome.destination, outcome.destination_name)
    page.add(
        f"to {place}: ",
        (state, style) if style else state,
        _progress(outcome),
        _why(outcome),
        indent=1,
    )
    for code, number in sorted(outcome.failures.items()):
        times = "" if number is None else f": {counted(number, 'time')}"
        page.add((code, Style.BAD), times, indent=2)


def _progress(outcome: BackfillOutcome) -> str:
    last = outcome.backfill
    if last is None:
        return ""
    parts = ["" if outcome.started or last.ended_at else f", started {timestamp(last.started_at)}"]
    if last.state is BackfillState.UNKNOWN:
        parts.append(f" ({last.status})")
    if last.failure_code is not None:
        parts.append(f" ({last.failure_code})")
    if last.total is not None:
        parts.append(f", {last.completed:,} of {last.total:,} copied")
    if last.failed:
        parts.append(f", {last.failed:,} failed")
    parts.append(_took(last))
    return "".join(parts)


def _took(last: Backfill) -> str:
    if last.ended_at is None:
        return ""
    took = elapsed((last.ended_at - last.started_at).total_seconds())
    return f", ended {timestamp(last.ended_at)} after {took}"


def _why(outcome: BackfillOutcome) -> str:
    if outcome.because is not None:
        return f": {outcome.because}"
    return f": {outcome.error.operation} failed" if outcome.error is not None else ""


def _add_faults(page: Page, outcomes: Iterable[BackfillOutcome]) -> None:
    """Adds each failure of a source once, however many destinations it concerns."""
    failed: dict[tuple[object, ...], FailedRegistry] = {}
    for outcome in outcomes:
        source, error = outcome.source, outcome.error
        if error is not None:
            key = (source, error.kind, error.operation, error.code)
            failed.setdefault(
                key, FailedRegistry(registry=source, name=outcome.source_name, fault=error)
            )
    add_faults(page, "Failed calls", list(failed.values()))


def _add_reputs(page: Page, reputs: Sequence[Reput]) -> None:
    if not reputs:
        return
    put = sum(reput.state is ReputState.PUT for reput in reputs)
    page.heading(f"Images put again: {put:,} of {len(reputs):,}")
    for reput in reputs:
        style = Style.BAD if reput.falls_short else _REPUT_STYLES.get(reput.state)
        parts = f" after {counted(reput.parts, 'image')} of it" if reput.parts else ""
        under = f" as {reput.tag}{parts}" if reput.tag is not None else ""
        error = f": {reput.error}" if reput.error is not None else ""
        page.add(
            f"{reput.image} in {label(reput.source, reput.source_name)}: ",
            (reput.state.value, style) if style else reput.state.value,
            under + error,
            indent=1,
        )


def _add_end(page: Page, report: BackfillReport) -> None:
    if report.mode is not BackfillMode.STATUS and report.count(BackfillState.QUEUED):
        page.gap()
        page.add(START_THE_REST)
    page.gap()
    took = elapsed((report.finished_at - report.started_at).total_seconds())
    total = counted(len(report.backfills), "destination")
    started = sum(backfill.started for backfill in report.backfills)
    if report.reputs:
        verb = "Looked for" if report.mode is BackfillMode.STATUS else "Went through"
        summary = f"{verb} {counted(len(report.reputs), 'image')} in {took}."
    elif not report.backfills and report.mode is BackfillMode.REPAIR:
        summary = NOTHING_LACKING
    elif not report.backfills:
        summary = NOTHING_SELECTED
    elif report.mode is BackfillMode.STATUS:
        ready = sum(_can_start(outcome) for outcome in report.backfills)
        would = f": up to {counted(ready, 'backfill')} would be started" if ready else ""
        summary = f"Looked at {total} in {took}{would}."
    else:
        summary = f"Started {started:,} for {total} in {took}."
    code = backfill_exit(report)
    page.add((summary, Style.HEADING), f" Exit {code.value}: {code.meaning}.")


def _can_start(outcome: BackfillOutcome) -> bool:
    return outcome.error is None and outcome.because is None and outcome.may_start()


def _words(state: BackfillState) -> str:
    return state.value.replace("-", " ")
