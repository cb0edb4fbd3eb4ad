"""A report as text: counts, problems, registries that were written, and how the run ended.

An error that many registries share is written once; the JSON document has it for each of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from fleet_repl.planning.plan import regions_unknown
from fleet_repl.reports.exit_codes import REGIONS_UNKNOWN, exit_words, report_exit
from fleet_repl.reports.fault_groups import FailedRegistry
from fleet_repl.reports.text.backfills import add_backfills
from fleet_repl.reports.text.labels import SYMBOLS, change_name, label
from fleet_repl.reports.text.page import Page, Style
from fleet_repl.reports.text.sections import (
    GROUPS,
    HeldLinkRow,
    add_cut,
    add_faults,
    add_held,
    add_objections,
    add_warnings,
    add_waves,
)
from fleet_repl.runs.drift import call_sentences
from fleet_repl.runs.outcomes import ChangeOutcome, Outcome, RegistryOutcome, Report, Status
from fleet_repl.runs.overwritten import prefix_of
from fleet_repl.topology import names
from fleet_repl.values.exit_code import ExitCode
from fleet_repl.values.text import counted, elapsed

if TYPE_CHECKING:
    from fleet_repl.inventory import Inventory

APPLIED: Final = 50
"""The most registries that are listed as applied on a page that is not full."""

_STYLES: Final = {
    Outcome.APPLIED: Style.ADDED,
    Outcome.PARTIAL: Style.CHANGED,
    Outcome.FAILED: Style.BAD,
    Outcome.SKIPPED: Style.CHANGED,
    Outcome.CANCELLED: Style.CHANGED,
}
_FIRST: Final = (Outcome.FAILED, Outcome.APPLIED, Outcome.PARTIAL)
_COUNTED: Final = (*_FIRST, *(outcome for outcome in Outcome if outcome not in _FIRST))
"""The outcomes in the order of the page."""
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
    inventory: Inventory | None = None,
) -> str:
    """Returns the report for people.

    `full`: every list is whole. `width`: the columns of the terminal; None wraps no line. `waves`:
    the names of the inventory's waves in their order. `inventory`: that of the run, for the names
    of accounts that are outside of its selection.
    """
    page = Page(full=full)
    status = (report.status.value, _STATUS_STYLES.get(report.status, Style.BAD))
    page.add((f"Run {report.run_id} of {report.fleet}: ", Style.HEADING), status, _notes(report))
    _add_counts(page, report)
    add_waves(page, report, waves)
    add_faults(page, "Failed", _failing(report))
    held = [
        HeldLinkRow(source=outcome.registry, name=outcome.name, link=link)
        for outcome in report.registries
        for link in outcome.held
    ]
    known = {} if inventory is None else names(inventory)
    own = {outcome.registry.account: outcome.name for outcome in report.registries}
    add_held(page, held, {**known, **own})
    for unfinished in (Outcome.PARTIAL, Outcome.SKIPPED, Outcome.CANCELLED):
        _add_reasons(page, unfinished, _having(report, unfinished))
    _add_applied(page, report)
    unchanged = _having(report, Outcome.UNCHANGED)
    excused = [outcome for outcome in unchanged if outcome.because is not None]
    _add_reasons(page, Outcome.UNCHANGED, excused)
    add_backfills(page, report.backfills)
    add_objections(page, report.objections)
    add_warnings(page, report.warnings, report.acknowledged)
    add_cut(page)
    _add_end(page, report)
    return page.render(colour=colour, width=width)


def _notes(report: Report) -> str:
    """Returns, in parentheses, whether the run rolled back, was forced, or had more allowed."""
    notes = []
    if report.rolls_back is not None:
        notes.append(f"rolls back {report.rolls_back}")
    if report.forced:
        notes.append("objections overridden by --force")
    if report.allowed:
        notes.append(" ".join(f"--allow {override}" for override in report.allowed))
    return f" ({'; '.join(notes)})" if notes else ""


def _add_counts(page: Page, report: Report) -> None:
    """Adds a row for each outcome with its registries and writes; failures and held links first."""
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
        write_count = "" if number is None else f"{number:,}"
        line = f"{name:<10}  {registries:>{left},}  {write_count:>{right}}".rstrip()
        shown = style if registries or number else Style.FAINT
        page.add((line, shown) if shown else line, indent=1)


def _add_applied(page: Page, report: Report) -> None:
    applied = _having(report, Outcome.APPLIED)
    if not applied:
        return
    page.heading(f"Applied: {counted(len(applied), 'registry')}")
    shown = page.within(applied, APPLIED)
    unknown = Counter(line for outcome in shown if (line := _unknown_caller(outcome)) is not None)
    for outcome in shown:
        changes = _changes(outcome.changes)
        page.add(f"{label(outcome.registry, outcome.name)}: {changes}", indent=1)
        for line in () if outcome.moved is None else call_sentences(outcome.moved.attribution):
            # The same reason of many registries is told once, below.
            if unknown[line] <= 1:
                page.add((line, Style.FAINT), indent=2)
    page.more(len(applied) - len(shown), indent=1)
    for line, number in unknown.items():
        if number > 1:
            page.add((f"{line}: {counted(number, 'registry')}", Style.FAINT), indent=1)


def _unknown_caller(outcome: RegistryOutcome) -> str | None:
    """Returns why nobody can tell who had changed a registry; None where that is known, or was not
    asked."""
    attribution = None if outcome.moved is None else outcome.moved.attribution
    if attribution is None or attribution.calls:
        return None
    (sentence,) = call_sentences(attribution)
    return sentence


def _changes(changes: Sequence[ChangeOutcome]) -> str:
    """Returns each kind of write once: one run may write a policy several times."""
    written = Counter(
        f"{SYMBOLS[change.action][0]}{change_name(change.resource, prefix_of(change))}"
        for change in changes
    )
    return ", ".join(f"{kind} ({n:,} times)" if n > 1 else kind for kind, n in written.items())


def _failing(report: Report) -> list[FailedRegistry]:
    return [
        FailedRegistry(
            registry=outcome.registry, name=outcome.name, fault=outcome.error, done=_done(outcome)
        )
        for outcome in report.registries
        if outcome.error is not None
    ]


def _done(outcome: RegistryOutcome) -> str | None:
    """Returns which resources of a registry were written before it failed or was stopped."""
    written = [
        change_name(change.resource, prefix_of(change))
        for change in outcome.changes
        if change.outcome is Outcome.APPLIED
    ]
    return f"{' and '.join(dict.fromkeys(written))} applied" if written else None


def _add_reasons(page: Page, outcome: Outcome, having: Sequence[RegistryOutcome]) -> None:
    """Adds a block of registries with an outcome that is no failure, grouped by their reasons."""
    reasons: dict[str, list[RegistryOutcome]] = {}
    for registry in having:
        reasons.setdefault(registry.because or "no reason is known", []).append(registry)
    if not reasons:
        return
    total = sum(len(some) for some in reasons.values())
    page.heading(f"{outcome.value.capitalize()}: {counted(total, 'registry')}")
    groups = sorted(reasons.items(), key=lambda item: (-len(item[1]), item[0]))
    shown = page.within(groups, GROUPS)
    for because, some in shown:
        page.add((because, Style.CHANGED), f": {counted(len(some), 'registry')}", indent=1)
        examples = page.examples(some)
        for example in examples:
            done = _done(example)
            page.add(label(example.registry, example.name), f": {done}" if done else "", indent=2)
        page.more(len(some) - len(examples), indent=2)
    page.more(len(groups) - len(shown), indent=1)


def _having(report: Report, outcome: Outcome) -> list[RegistryOutcome]:
    return [registry for registry in report.registries if registry.outcome is outcome]


def _add_end(page: Page, report: Report) -> None:
    took = elapsed(report.took.total_seconds())
    writes = report.writes
    page.gap()
    if report.status is Status.OK and not writes.applied:
        registries = counted(len(report.registries), "registry")
        verb, they = ("was", "it was") if len(report.registries) == 1 else ("were", "they were")
        before = f"as {they} before that run"
        how = "as the inventory wants" if report.rolls_back is None else before
        summary = f"Nothing to do: {registries} {verb} {how}, in {took}."
    else:
        summary = f"Applied {writes.applied:,} of {counted(writes.total, 'write')} in {took}."
    code = report_exit(report)
    page.add((summary, Style.HEADING), f" Exit {code.value}: {_meaning(report, code)}.")


def _meaning(report: Report, code: ExitCode) -> str:
    """Returns the reasons for an exit code, in a few words."""
    if report.status is Status.STAGED and code is ExitCode.OK:
        reasons = dict.fromkeys(wave.because for wave in report.waves if wave.because is not None)
        return "; ".join(["done as asked", *reasons])
    short = {
        "failed": report.count(Outcome.FAILED),
        "held": sum(not link.joining for row in report.registries for link in row.held),
        "partial": report.count(Outcome.PARTIAL),
        "skipped": report.count(Outcome.SKIPPED),
        "cancelled": report.count(Outcome.CANCELLED),
        "backfills failed": sum(backfill.fails for backfill in report.backfills),
    }
    words = [f"{number:,} {noun}" for noun, number in short.items() if number]
    return exit_words(code, [*words, *[REGIONS_UNKNOWN] * regions_unknown(report.warnings)])
