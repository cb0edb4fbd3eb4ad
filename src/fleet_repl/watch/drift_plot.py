"""The plot of drift over the last rounds: where its bars are. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from fleet_repl.reports.html.marks import Tone
from fleet_repl.reports.html.watch_model import Bar, Plot
from fleet_repl.values.text import counted, timestamp
from fleet_repl.watch.recent_rounds import RoundNote

_STEP: Final = 20
"""The width of a round's column, and of the gap beside its bar."""
_BAR: Final = 15
_HEIGHT: Final = 120
_STUB: Final = 6
"""The height of the bar of a round without a plan."""


def drift_plot(notes: Sequence[RoundNote]) -> Plot | None:
    """Returns the plot of at least two rounds, oldest first; None for fewer.

    A bar is as high as the registries that differed in its round: the lower part still differed
    when the round ended, the upper part did not. Of 4 registries where 3 were corrected, at a
    scale that ends at 4, the lower part has a height of 30 and the upper part one of 90.
    """
    if len(notes) < 2:
        return None
    drifted = [note.counts.drifted for note in notes if note.counts]
    most = max(drifted, default=0)
    return Plot(
        width=len(notes) * _STEP,
        height=_HEIGHT,
        bar_width=_BAR,
        bars=tuple(
            bar
            for place, note in enumerate(notes)
            for bar in _bars(note, place * _STEP, max(most, 1))
        ),
        most=counted(most, "registry"),
        first=timestamp(notes[0].finished_at),
        last=timestamp(notes[-1].finished_at),
        text=_text(notes, drifted),
    )


def _bars(note: RoundNote, x: int, scale: int) -> Iterator[Bar]:
    counts, name = note.counts, f"round {note.number}, {timestamp(note.finished_at)}"
    if counts is None:
        yield Bar(
            x=x, y=_HEIGHT - _STUB, height=_STUB, tone=Tone.BAD, text=f"{name}: there was no plan"
        )
        return
    if not counts.drifted:
        return
    text = f"{name}: {counts.drifted:,} drifted, {counts.still_differing:,} still differing"
    # Few of many are visible all the same.
    height = max(counts.drifted * _HEIGHT // scale, 1)
    lower = counts.still_differing * height // counts.drifted
    if lower:
        yield Bar(x=x, y=_HEIGHT - lower, height=lower, tone=Tone.CHANGED, text=text)
    if height > lower:
        yield Bar(x=x, y=_HEIGHT - height, height=height - lower, tone=Tone.ADDED, text=text)


def _text(notes: Sequence[RoundNote], drifted: Sequence[int]) -> str:
    rounds = f"Registries that differed in the last {len(notes):,} rounds"
    if not drifted:
        return f"{rounds}: unknown, as no round made a plan"
    return f"{rounds}: {min(drifted):,} at the least, {max(drifted):,} at the most"
