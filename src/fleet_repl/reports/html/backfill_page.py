"""Backfills as a page, and as problems of a run's page. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from fleet_repl.ecr.backfills import BackfillOutcome
from fleet_repl.reports.html.drawing import drawing_of
from fleet_repl.reports.html.labels import Labels
from fleet_repl.reports.html.links import backfill_links, backfill_mark, copies, end_names
from fleet_repl.reports.html.marks import Mark, Tone
from fleet_repl.reports.html.matrix import link_matrix
from fleet_repl.reports.html.model import Block, Fact, Page, Problem, Row
from fleet_repl.reports.html.problems import ends_words, fault_words, place_words
from fleet_repl.reports.html.registry_row import fault_block
from fleet_repl.reports.html.run_head import mark_tile, run_facts, status_mark
from fleet_repl.reports.html.table import table_of
from fleet_repl.runs.outcomes import BackfillReport
from fleet_repl.runs.reput import Reput
from fleet_repl.values.text import counted, timestamp

_RANK: Final = (Tone.BAD, Tone.HELD, Tone.CHANGED, Tone.IDLE, Tone.GOOD)
_SHOWN: Final = 20


def backfill_page(report: BackfillReport) -> Page:
    """Returns the page of a command that backfilled."""
    backfills = report.backfills
    marks = _marks(backfills)
    names = end_names(backfills)
    links = backfill_links(backfills)
    return Page(
        kind="Backfill",
        fleet=report.fleet,
        status=status_mark(report.status),
        sentence=_sentence(report, marks),
        facts=tuple(_facts(report)),
        tiles=tuple(
            mark_tile(mark, number, counted(number, "backfill").partition(" ")[2])
            for mark, number in marks.items()
        ),
        timeline=(),
        problems=(*backfill_problems(backfills), *_reput_problems(report.reputs)),
        matrix=link_matrix(links, tuple(marks), names, Labels()),
        drawing=drawing_of(links, tuple(marks), names, {}),
        table=table_of("backfill", backfills, lambda backfill: backfill_mark(backfill).tone, _row),
    )


def _marks(backfills: Iterable[BackfillOutcome]) -> dict[Mark, int]:
    """Returns the states with their numbers, the worst first."""
    counts = Counter(map(backfill_mark, backfills))
    ordered = sorted(counts, key=lambda mark: (_RANK.index(mark.tone), mark.word))
    return {mark: counts[mark] for mark in ordered}


def _sentence(report: BackfillReport, marks: dict[Mark, int]) -> str:
    started = sum(backfill.started for backfill in report.backfills)
    states = ", ".join(f"{number:,} {mark.word}" for mark, number in marks.items())
    total = counted(len(report.backfills), "backfill")
    return f"{total}{f': {states}' if states else ''}; {started:,} started by this run."


def _facts(report: BackfillReport) -> Iterator[Fact]:
    yield from run_facts(report)
    yield Fact(term="Mode", value=report.mode.value)
    if report.route is not None:
        yield Fact(term="Route", value=report.route)


def backfill_problems(backfills: Sequence[BackfillOutcome]) -> Iterator[Problem]:
    """Yields one problem for all backfills that fell short."""
    short = [backfill for backfill in backfills if backfill.falls_short]
    if short:
        yield Problem(
            tone=Tone.BAD if any(backfill.fails for backfill in short) else Tone.HELD,
            kind="backfill",
            title=f"{counted(len(short), 'destination')} still without images",
            examples=tuple(map(_words, short[:_SHOWN])),
            more=max(len(short) - _SHOWN, 0),
        )


def _reput_problems(reputs: Sequence[Reput]) -> Iterator[Problem]:
    """Yields one problem for all images that were not put again, and one for all others."""
    for short in (True, False):
        images = [reput for reput in reputs if reput.falls_short is short]
        if images:
            again = "not put again" if short else "put again, or there by now"
            yield Problem(
                tone=Tone.BAD if short else Tone.GOOD,
                kind="image",
                title=f"{counted(len(images), 'image')} {again}",
                examples=tuple(map(_reput_words, images)),
                more=0,
            )


def _reput_words(reput: Reput) -> str:
    place = place_words(reput.source, reput.source_name)
    words = f"{reput.image} in {place}: {reput.state.value}"
    return words if reput.error is None else f"{words}; {fault_words(reput.error)}"


def _words(backfill: BackfillOutcome) -> str:
    why = backfill.because or copies(backfill)
    if backfill.error is not None:
        why = fault_words(backfill.error)
    return f"{ends_words(backfill)}: {backfill.state.value.replace('-', ' ')}; {why}"


def _row(backfill: BackfillOutcome) -> Row:
    mark = backfill_mark(backfill)
    destination = place_words(backfill.destination, backfill.destination_name)
    return Row(
        mark=mark,
        name=backfill.source_name or backfill.source.account,
        account=backfill.source.account,
        region=backfill.source.region,
        wave=None,
        summary=f"→ {destination}: {copies(backfill)}",
        outcomes=(mark.word,),
        blocks=tuple(_blocks(backfill)),
    )


def _blocks(backfill: BackfillOutcome) -> Iterator[Block]:
    if backfill.error is not None:
        yield fault_block(backfill.error)
    if backfill.because is not None:
        yield Block(title="Why", note=backfill.because)
    last = backfill.backfill
    if last is not None:
        codes = ", ".join(f"{code} {n or ''}".strip() for code, n in backfill.failures.items())
        facts = {
            "Id": last.id,
            "Status": last.status,
            "Began": timestamp(last.started_at),
            "Ended": timestamp(last.ended_at) if last.ended_at is not None else "",
            "Copies": copies(backfill),
            "Failure codes": codes,
            "Failure code": last.failure_code,
        }
        listed = tuple(Fact(term=term, value=value) for term, value in facts.items() if value)
        yield Block(title="Backfill as ECR reports it", facts=listed)
