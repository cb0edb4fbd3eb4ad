"""What the page of a watch shows, computed from its last rounds. Pure.

Imported when the page is first asked for: the template engine takes time to load.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fleet_repl.reports.documents.round import RoundDocument
from fleet_repl.reports.html.marks import Mark, Tone
from fleet_repl.reports.html.model import Fact, Problem, Tile
from fleet_repl.reports.html.watch_model import RoundRow, WatchPage
from fleet_repl.state import LockAndFreeze
from fleet_repl.values.text import elapsed, first_line, timestamp
from fleet_repl.watch.delivery_totals import DeliveryNote
from fleet_repl.watch.drift_plot import drift_plot
from fleet_repl.watch.recent_rounds import RoundCounts, RoundNote, WatchState
from fleet_repl.watch.registry_rows import more_registries, registry_rows
from fleet_repl.watch.round import Verdict

_MARKS: Final = {
    Verdict.IN_SYNC: ("✓", Tone.GOOD),
    Verdict.DRIFT: ("≠", Tone.CHANGED),
    Verdict.CORRECTED: ("✓", Tone.ADDED),
    Verdict.PARTIAL: ("!", Tone.HELD),
    Verdict.FAILED: ("✕", Tone.BAD),
    Verdict.REFUSED: ("✕", Tone.BAD),
    Verdict.BUSY: ("‖", Tone.HELD),
    Verdict.FROZEN: ("‖", Tone.HELD),
    Verdict.INTERRUPTED: ("■", Tone.BAD),
    Verdict.BROKEN: ("✕", Tone.BAD),
}
_WAITING: Final = Mark(word="waiting", symbol="○", tone=Tone.IDLE)
_STUCK: Final = Mark(word="stuck", symbol="✕", tone=Tone.BAD)
_ROUTES: Final = 20
"""Routes whose deliveries are shown."""
_BEFORE_THE_FIRST: Final = "No round has ended yet: the first one is under way."


def watch_page(state: WatchState) -> WatchPage:
    """Returns what the page of a watch shows."""
    recent, stuck = state.recent, (_stuck_problem(),) if state.stuck else ()
    if state.deliveries is not None and state.deliveries.unreadable is not None:
        title = f"deliveries are not counted: {state.deliveries.unreadable}"
        stuck = (*stuck, _problem("deliveries", title, Tone.HELD))
    last = recent.last
    if last is None:
        mark = _STUCK if state.stuck else _WAITING
        return WatchPage(fleet=state.fleet, status=mark, sentence=_BEFORE_THE_FIRST, problems=stuck)
    note = recent.notes[-1]
    return WatchPage(
        fleet=state.fleet,
        status=_STUCK if state.stuck else _mark(note.verdict),
        sentence=f"Round {last.round} of {last.text}.",
        tiles=() if last.summary is None else _tiles(last.summary.registries, note.counts),
        facts=tuple(_facts(state, last, note)),
        problems=(*stuck, *_problems(last)),
        plot=drift_plot(recent.notes),
        registries=registry_rows(last),
        more=more_registries(last),
        rounds=tuple(map(_row, reversed(recent.notes))),
        has_report=recent.result is not None,
    )


def _mark(verdict: Verdict) -> Mark:
    symbol, tone = _MARKS[verdict]
    return Mark(word=verdict.value, symbol=symbol, tone=tone)


def _row(note: RoundNote) -> RoundRow:
    counts = note.counts
    return RoundRow(
        number=note.number,
        ended=timestamp(note.finished_at),
        took=elapsed((note.finished_at - note.started_at).total_seconds()),
        mark=_mark(note.verdict),
        numbers=(counts.drifted, counts.corrected, counts.failed, counts.held) if counts else (),
    )


def _tiles(registries: int, counts: RoundCounts | None) -> tuple[Tile, ...]:
    if counts is None:
        return ()
    return (
        Tile(number=registries, label="registries", tone=Tone.GOOD, note="looked at"),
        Tile(number=counts.drifted, label="drifted", tone=Tone.CHANGED, note="differed"),
        Tile(number=counts.corrected, label="corrected", tone=Tone.ADDED, note="as wanted now"),
        Tile(number=counts.failed, label="failed", tone=Tone.BAD, note="or could not be read"),
        Tile(number=counts.held, label="held", tone=Tone.HELD, note="links left out"),
    )


def _facts(state: WatchState, last: RoundDocument, note: RoundNote) -> Iterator[Fact]:
    ago = elapsed(max((state.now - note.finished_at).total_seconds(), 0))
    yield Fact(term="Ended", value=f"{last.finished_at}, {ago} ago")
    yield Fact(term="Drift since", value=last.drift_since or "there is no drift")
    yield Fact(term="Corrects", value="yes" if last.fix else "no, it only looks")
    yield from _lock_and_freeze(state)
    yield from _deliveries(state.deliveries)
    if last.run_id is not None:
        yield Fact(term="Run", value=last.run_id)
    yield Fact(term="Inventory", value=last.inventory.path)
    yield Fact(term="Inventory digest", value=last.inventory.digest)


def _deliveries(note: DeliveryNote | None) -> Iterator[Fact]:
    """Yields the deliveries of the first routes, since the watch was started."""
    if note is None:
        return
    if not note.routes:
        yield Fact(term="Deliveries", value="none was reported yet")
    for route in note.routes[:_ROUTES]:
        median = "" if route.median is None else f" (median {elapsed(route.median)})"
        counts = f"{route.arrived:,} arrived{median}, {route.late:,} late, {route.failed:,} failed"
        yield Fact(term=f"Deliveries of {route.route}", value=counts)
    if len(note.routes) > _ROUTES:
        yield Fact(term="Other routes", value=f"{len(note.routes) - _ROUTES:,} with deliveries")


def _lock_and_freeze(state: WatchState) -> Iterator[Fact]:
    """Yields who held the lock and who had frozen the fleet when the last round ended."""
    now = state.recent.lock_and_freeze
    if isinstance(now, LockAndFreeze):
        lock = "nobody holds it"
        if now.lock is not None:
            lock = f"{now.lock}; it ends at {timestamp(now.lock.ends_at)} unless it is renewed"
        frozen = "there is none" if now.freeze is None else f"by {now.freeze}"
    else:
        why = "the last round did not get to read it" if now is None else first_line(str(now))
        lock = frozen = f"unknown: {why}"
    yield Fact(term="Lock", value="this watch holds it and writes" if state.writing else lock)
    yield Fact(term="Freeze", value=frozen)


def _problems(last: RoundDocument) -> Iterator[Problem]:
    """Yields what stands against the round as a whole."""
    if last.inventory.error is not None:
        yield _problem("inventory", last.inventory.error, Tone.BAD)
    for objection in last.objections:
        yield _problem(objection.kind, objection.message, Tone.BAD)
    if last.error is not None and not last.objections:
        waits = last.verdict in (Verdict.BUSY, Verdict.FROZEN)
        yield _problem(last.verdict, last.error, Tone.HELD if waits else Tone.BAD)


def _problem(kind: str, text: str, tone: Tone) -> Problem:
    title, *remedy = text.splitlines() or [""]
    return Problem(tone=tone, kind=kind, title=title, remedy=tuple(line.strip() for line in remedy))


def _stuck_problem() -> Problem:
    return Problem(
        tone=Tone.BAD,
        kind="stuck",
        title="no round has finished for three times the time between rounds and a run's deadline",
        remedy=("see the watch's log, and start the watch again",),
    )
