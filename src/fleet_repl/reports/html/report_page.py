"""The report of a run as a page. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from fleet_repl.reports.html.backfill_page import backfill_problems
from fleet_repl.reports.html.drawing import drawing_of
from fleet_repl.reports.html.labels import Labels, labels_of
from fleet_repl.reports.html.links import report_links
from fleet_repl.reports.html.marks import LINK_MARKS, Mark, Tone
from fleet_repl.reports.html.matrix import link_matrix
from fleet_repl.reports.html.model import Block, Fact, Page, Problem, Row, Tile
from fleet_repl.reports.html.problems import (
    fault_problems,
    held_problems,
    objection_problems,
    reason_problems,
    warning_problems,
)
from fleet_repl.reports.html.registry_row import (
    WITH_HELD,
    change_block,
    moved_block,
    registry_row,
    trouble_blocks,
)
from fleet_repl.reports.html.run_head import run_facts, status_mark, tile
from fleet_repl.reports.html.table import table_of
from fleet_repl.reports.html.timeline import OUTCOME_TONES, report_timeline
from fleet_repl.runs.outcomes import ChangeOutcome, Outcome, RegistryOutcome, Report, Status
from fleet_repl.values.names import AccountId
from fleet_repl.values.text import counted, elapsed, joined

_SYMBOLS: Final = {
    Outcome.APPLIED: "✓",
    Outcome.PARTIAL: "◐",
    Outcome.UNCHANGED: "●",
    Outcome.FAILED: "✕",
    Outcome.SKIPPED: "○",
    Outcome.CANCELLED: "■",
}
_MARKS: Final = {
    outcome: Mark(word=outcome.value, symbol=symbol, tone=OUTCOME_TONES[outcome])
    for outcome, symbol in _SYMBOLS.items()
}
_UNREADABLE: Final = "unreadable"
_DRIFTED: Final = "drifted"
_LINKS_NOTE: Final = (
    "A report has the links of the registries that the run wanted to write. Those of all others "
    "are in the plan."
)


def report_page(report: Report) -> Page:
    """Returns the page of a run."""
    names = {outcome.registry.account: outcome.name for outcome in report.registries}
    labels, links = labels_of(report), report_links(report)
    tones = {outcome.registry: OUTCOME_TONES[outcome.outcome] for outcome in report.registries}
    return Page(
        kind="Run" if report.rolls_back is None else "Rollback",
        fleet=report.fleet,
        status=status_mark(report.status),
        sentence=_sentence(report),
        facts=tuple(_facts(report)),
        tiles=_tiles(report),
        timeline=report_timeline(report),
        problems=tuple(_problems(report, names)),
        matrix=link_matrix(links, LINK_MARKS, names, labels, (_LINKS_NOTE,)),
        drawing=drawing_of(links, LINK_MARKS, names, tones),
        table=table_of(
            "registry",
            report.registries,
            lambda outcome: Tone.HELD if outcome.held else OUTCOME_TONES[outcome.outcome],
            lambda outcome: _row(outcome, names, labels),
        ),
    )


def _sentence(report: Report) -> str:
    took = elapsed(report.took.total_seconds())
    writes, registries = report.writes, counted(len(report.registries), "registry")
    if report.status is Status.REFUSED:
        return f"Refused as a whole, and nothing was written to {registries}."
    if writes.total:
        what = f"Applied {writes.applied:,} of {counted(writes.total, 'write')} to {registries}"
    else:
        what = f"Nothing to write to {registries}"
    short = [
        f"{number:,} {words}"
        for number, words in (
            (report.count(Outcome.FAILED), "failed"),
            (report.count(Outcome.PARTIAL), "written in part"),
            (report.count(Outcome.SKIPPED), "skipped"),
            (report.count(Outcome.CANCELLED), "cancelled"),
        )
        if number
    ]
    if report.held:
        short.append(f"{counted(report.held, 'link')} held")
    return f"{what} in {took}; {joined(short)}." if short else f"{what} in {took}."


def _facts(report: Report) -> Iterator[Fact]:
    yield from run_facts(report)
    if report.rolls_back is not None:
        yield Fact(term="Rolls back", value=report.rolls_back)
    if report.forced:
        yield Fact(term="Objections", value="overridden by --force")
    if report.allowed:
        yield Fact(term="Allowed", value=", ".join(report.allowed))
    if report.plan_digest is not None:
        yield Fact(term="Plan digest", value=report.plan_digest)


def _tiles(report: Report) -> tuple[Tile, ...]:
    counts = {outcome: report.count(outcome) for outcome in Outcome}
    unreadable = sum(map(_is_unreadable, report.registries))
    drifted = sum(bool(outcome.changes) for outcome in report.registries)
    writes = counted(report.writes.applied, "write")
    return (
        tile(counts[Outcome.APPLIED], "applied", Tone.ADDED, f"registries, {writes}", "applied"),
        tile(counts[Outcome.FAILED], "failed", Tone.BAD, "registries", "failed"),
        tile(report.held, "held", Tone.HELD, "links", WITH_HELD),
        tile(unreadable, _UNREADABLE, Tone.BAD, "registries", _UNREADABLE),
        tile(drifted, _DRIFTED, Tone.CHANGED, "registries differed", _DRIFTED),
        tile(counts[Outcome.UNCHANGED], "unchanged", Tone.GOOD, "registries", "unchanged"),
    )


def _is_unreadable(outcome: RegistryOutcome) -> bool:
    """Returns whether a registry failed before it was known what to write to it."""
    return outcome.outcome is Outcome.FAILED and not outcome.changes


def _problems(report: Report, names: Mapping[AccountId, str]) -> Iterator[Problem]:
    yield from objection_problems(report.objections)
    failed = [outcome for outcome in report.registries if outcome.outcome is not Outcome.UNCHANGED]
    yield from fault_problems(failed)
    yield from held_problems(report.registries, names)
    for kind in (Outcome.PARTIAL, Outcome.SKIPPED, Outcome.CANCELLED, Outcome.UNCHANGED):
        some = (outcome for outcome in report.registries if outcome.outcome is kind)
        reasons = ((outcome, outcome.because) for outcome in some)
        yield from reason_problems(kind, OUTCOME_TONES[kind], reasons)
    yield from backfill_problems(report.backfills)
    yield from warning_problems(report.warnings, report.acknowledged)


def _row(outcome: RegistryOutcome, names: Mapping[AccountId, str], labels: Labels) -> Row:
    also = ((_UNREADABLE, _is_unreadable(outcome)), (_DRIFTED, bool(outcome.changes)))
    return registry_row(
        outcome,
        _MARKS[outcome.outcome],
        labels,
        changes=(
            f"{change.resource.value.replace('-', ' ')} {change.outcome}"
            for change in outcome.changes
        ),
        reasons=_reasons(outcome),
        blocks=_blocks(outcome, names),
        also=(word for word, applies in also if applies),
    )


def _reasons(outcome: RegistryOutcome) -> Iterator[str]:
    if outcome.because is not None:
        yield outcome.because
    if outcome.error is not None and outcome.outcome is not Outcome.UNCHANGED:
        yield f"{outcome.error.kind} at {outcome.error.operation}"


def _blocks(outcome: RegistryOutcome, names: Mapping[AccountId, str]) -> Iterator[Block]:
    yield from trouble_blocks(outcome, names)
    if outcome.because is not None:
        yield Block(title="Why", note=outcome.because)
    if outcome.moved is not None:
        yield moved_block(outcome.moved)
    for change in outcome.changes:
        yield change_block(change, OUTCOME_TONES[change.outcome], _change_facts(change))
    took = elapsed(outcome.duration_ms / 1000)
    yield Block(title="Effort", note=f"{counted(outcome.attempts, 'call')} in {took}")


def _change_facts(change: ChangeOutcome) -> Iterator[Fact]:
    yield Fact(term="Outcome", value=change.outcome.value)
    yield Fact(term="Wave", value=change.wave)
    if change.request_id is not None:
        yield Fact(term="Request id", value=change.request_id)
