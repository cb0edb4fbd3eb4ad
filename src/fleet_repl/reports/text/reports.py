"""A report as text: counts, what needs somebody, every registry that was written, the end.

Errors that many registries share are told once; the JSON document has each of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from fleet_repl.reports.exit_codes import ExitCode, report_exit
from fleet_repl.reports.grouping import Failing
from fleet_repl.reports.text.backfills import add_backfills
from fleet_repl.reports.text.page import Page, Style
from fleet_repl.reports.text.sections import (
    GROUPS,
    Holding,
    add_cut,
    add_faults,
    add_held,
    add_objections,
    add_warnings,
    add_waves,
)
from fleet_repl.reports.text.wording import SYMBOLS, change_name, label
from fleet_repl.runs.outcomes import ChangeOutcome, Outcome, RegistryOutcome, Report, Status
from fleet_repl.values.text import counted, elapsed

APPLIED: Final = 50
"""Applied registries that are listed on a page that is not full."""

_STYLES: Final = {
    Outcome.APPLIED: Style.ADDED,
    Outcome.PARTIAL: Style.CHANGED,
    Outcome.FAILED: Style.BAD,
    Outcome.SKIPPED: Style.CHANGED,
    Outcome.CANCELLED: Style.CHANGED,
}
_FIRST: Final = (Outcome.FAILED, Outcome.APPLIED, Outcome.PARTIAL)
_COUNTED: Final = (*_FIRST, *(one for one in Outcome if one not in _FIRST))
"""In the order of the page."""
_STATUS_STYLES: Final = {
    Status.OK: Style.ADDED,
    Status.STAGED: Style.ADDED,
    Status.PARTIAL: Style.CHANGED,
}


def report_text(
    report: Report,
    *,
    full: bool = False,
    colour: bool = False,
    width: int | None = None,
    waves: Sequence[str] = (),
) -> str:
    """The report for people. `full` lists everything, however long; `waves` are in their order."""
    page = Page(full=full)
    status = (report.status.value, _STATUS_STYLES.get(report.status, Style.BAD))
    page.add((f"Run {report.run_id} of {report.fleet}: ", Style.HEADING), status, _notes(report))
    _add_counts(page, report)
    add_waves(page, report, waves)
    add_faults(page, "Failed", _failing(report))
    held = [
        Holding(source=one.registry, name=one.name, link=link)
        for one in report.registries
        for link in one.held
    ]
    add_held(page, held, {one.registry.account: one.name for one in report.registries})
    for outcome in (Outcome.PARTIAL, Outcome.SKIPPED, Outcome.CANCELLED):
        _add_reasons(page, outcome, _having(report, outcome))
    _add_applied(page, report)
    excused = [one for one in _having(report, Outcome.UNCHANGED) if one.because is not None]
    _add_reasons(page, Outcome.UNCHANGED, excused)
    add_backfills(page, report.backfills)
    add_objections(page, report.objections)
    add_warnings(page, report.warnings, report.acknowledged)
    add_cut(page)
    _add_end(page, report)
    return page.render(colour=colour, width=width)


def _notes(report: Report) -> str:
    """What is special about the run."""
    notes = []
    if report.rolls_back is not None:
        notes.append(f"rolls back {report.rolls_back}")
    if report.forced:
        notes.append("objections overridden by --force")
    if report.allowed:
        notes.append(" ".join(f"--allow {one}" for one in report.allowed))
    return f" ({'; '.join(notes)})" if notes else ""


def _add_counts(page: Page, report: Report) -> None:
    """Registries and their writes by outcome; failures and held links before what went well."""
    writes = report.writes.counts
    rows = [
        (outcome.value, report.count(outcome), writes.get(outcome), _STYLES.get(outcome))
        for outcome in _COUNTED
    ]
    rows.insert(1, ("links held", report.held, None, Style.BAD))
    left = max(len("registries"), *(len(f"{registries:,}") for _, registries, _, _ in rows))
    right = max(len("writes"), *(len(f"{number:,}") for number in writes.values()))
    page.gap()
    page.add((f"{'':<10}  {'registries':>{left}}  {'writes':>{right}}", Style.FAINT), indent=1)
    for name, registries, number, style in rows:
        told = "" if number is None else f"{number:,}"
        line = f"{name:<10}  {registries:>{left},}  {told:>{right}}".rstrip()
        shown = style if registries or number else Style.FAINT
        page.add((line, shown) if shown else line, indent=1)


def _add_applied(page: Page, report: Report) -> None:
    applied = _having(report, Outcome.APPLIED)
    if not applied:
        return
    page.heading(f"Applied: {counted(len(applied), 'registry')}")
    shown = page.within(applied, APPLIED)
    for one in shown:
        page.add(f"{label(one.registry, one.name)}: {_changes(one.changes)}", indent=1)
    page.more(len(applied) - len(shown), indent=1)


def _changes(changes: Sequence[ChangeOutcome]) -> str:
    """Each kind of write once: waves and withdrawals may write a policy several times."""
    written = Counter(
        f"{SYMBOLS[change.action][0]}{change_name(change.resource, change.before, change.after)}"
        for change in changes
    )
    return ", ".join(f"{what} ({n:,} times)" if n > 1 else what for what, n in written.items())


def _failing(report: Report) -> list[Failing]:
    return [
        Failing(registry=one.registry, name=one.name, fault=one.error, done=_done(one))
        for one in report.registries
        if one.error is not None
    ]


def _done(one: RegistryOutcome) -> str | None:
    """What was written to a registry that was not finished."""
    written = [
        change_name(change.resource, change.before, change.after)
        for change in one.changes
        if change.outcome is Outcome.APPLIED
    ]
    return f"{' and '.join(dict.fromkeys(written))} applied" if written else None


def _add_reasons(page: Page, outcome: Outcome, having: Sequence[RegistryOutcome]) -> None:
    """Registries that nothing went wrong with, by why nothing was done."""
    reasons: dict[str, list[RegistryOutcome]] = {}
    for one in having:
        reasons.setdefault(one.because or "no reason is known", []).append(one)
    if not reasons:
        return
    total = sum(len(some) for some in reasons.values())
    page.heading(f"{outcome.value.capitalize()}: {counted(total, 'registry')}")
    groups = sorted(reasons.items(), key=lambda item: (-len(item[1]), item[0]))
    shown = page.within(groups, GROUPS)
    for because, some in shown:
        page.add((because, Style.CHANGED), f": {counted(len(some), 'registry')}", indent=1)
        examples = page.examples(some)
        for one in examples:
            done = _done(one)
            page.add(label(one.registry, one.name), f": {done}" if done else "", indent=2)
        page.more(len(some) - len(examples), indent=2)
    page.more(len(groups) - len(shown), indent=1)


def _having(report: Report, outcome: Outcome) -> list[RegistryOutcome]:
    return [one for one in report.registries if one.outcome is outcome]


def _add_end(page: Page, report: Report) -> None:
    took = elapsed((report.finished_at - report.started_at).total_seconds())
    writes = report.writes
    page.gap()
    if report.status is Status.OK and not writes.applied:
        registries = counted(len(report.registries), "registry")
        verb, they = ("was", "it was") if len(report.registries) == 1 else ("were", "they were")
        before = f"as {they} before that run"
        how = "as the inventory wants" if report.rolls_back is None else before
        what = f"Nothing to do: {registries} {verb} {how}, in {took}."
    else:
        what = f"Applied {writes.applied:,} of {counted(writes.total, 'write')} in {took}."
    code = report_exit(report)
    page.add((what, Style.HEADING), f" Exit {code.value}: {_meaning(report, code)}.")


def _meaning(report: Report, code: ExitCode) -> str:
    """Why a run ends with a code, as short as it can be said."""
    if report.status is Status.STAGED and code is ExitCode.OK:
        reasons = dict.fromkeys(one.because for one in report.waves if one.because is not None)
        return "; ".join(["done as asked", *reasons])
    if code is not ExitCode.PARTIAL:
        return code.meaning
    short = {
        "failed": report.count(Outcome.FAILED),
        "held": report.held,
        "partial": report.count(Outcome.PARTIAL),
        "skipped": report.count(Outcome.SKIPPED),
        "cancelled": report.count(Outcome.CANCELLED),
        "backfills failed": sum(one.fails for one in report.backfills),
    }
    return ", ".join(f"{number:,} {what}" for what, number in short.items() if number)
