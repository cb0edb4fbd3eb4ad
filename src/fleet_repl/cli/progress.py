"""Live progress on a terminal: one line, redrawn a few times a second, gone at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from fleet_repl.cli.counters import Copies, Counters
from fleet_repl.values.text import elapsed, visible

BAR = 20
"""Characters of the bar."""
WIDE = 100
"""Columns of the narrowest terminal that gets a bar."""


class ProgressLine:
    """The line that rich draws, of the counters as they are when it is drawn."""

    def __init__(self, counters: Counters, seconds: Callable[[], float]) -> None:
        self._counters = counters
        self._seconds = seconds

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        line = progress_text(self._counters, self._seconds())
        if options.max_width >= WIDE:
            drawn = bar(self._counters, ascii_only=options.ascii_only)
            line = Text.assemble(drawn, "  ", line)
        line.no_wrap = True
        line.overflow = "crop"
        yield line


def progress_text(counters: Counters, seconds: float) -> Text:
    """`writing  812/1,000 writes  64 in flight  3 throttled  1 failed  12.0 s`.

    With waves: `writing wave canary 1/3  812/1,000 writes  …`, and between two of them
    `pausing 4 min 30 s after wave canary 1/3  …`. Before there is a plan, accounts are counted.
    """
    if counters.phase == "backfilling":
        return copies_text(counters.copies, seconds)
    text = Text(_phase_text(counters))
    done, whole = counters.share
    nouns = {"writing": "writes", "waiting": "registries"}
    text.append(f"  {done:,}/{whole:,} {nouns.get(counters.phase, 'accounts')}")
    text.append(f"  {counters.in_flight:,} in flight")
    text.append(f"  {counters.throttled:,} throttled", "yellow" if counters.throttled else "")
    text.append(f"  {counters.failed:,} failed", "bold red" if counters.failed else "")
    return text.append(f"  {elapsed(seconds)}")


def copies_text(copies: Copies, seconds: float) -> Text:
    """`backfilling  3/12 ended  1,234/5,000 copied  2 failed  12.0 s`.

    Where they are only looked at: `looking at backfills  3/12  1.0 s`.
    """
    if copies.looking:
        done = f"{copies.ended:,}/{copies.wanted:,}"
        return Text(f"looking at backfills  {done}  {elapsed(seconds)}")
    text = Text(f"backfilling  {copies.ended:,}/{copies.wanted:,} ended")
    text.append(f"  {copies.completed:,}/{copies.total:,} copied")
    text.append(f"  {copies.failed:,} failed", "bold red" if copies.failed else "")
    return text.append(f"  {elapsed(seconds)}")


def _phase_text(counters: Counters) -> str:
    pause, wave = counters.pause_left, _wave_text(counters)
    if not pause:
        return f"{counters.phase}{wave}"
    return f"pausing {elapsed(pause)}{' after' if wave else ''}{wave}"


def _wave_text(counters: Counters) -> str:
    if counters.wave not in counters.waves:
        return ""
    place = counters.waves.index(counters.wave) + 1
    return f" wave {visible(counters.wave)} {place}/{len(counters.waves)}"


def bar(counters: Counters, *, ascii_only: bool) -> Text:
    """The share that is done as a bar of 20 characters."""
    reached, total = counters.share
    done = BAR * min(reached, total) // max(total, 1)
    full, empty = ("#", "-") if ascii_only else ("━", "─")
    return Text.assemble((full * done, "green"), (empty * (BAR - done), "dim"))


@contextmanager
def live_progress(
    console: Console, counters: Counters, seconds: Callable[[], float]
) -> Iterator[None]:
    """Show the counters while this lasts. Lines printed on the console appear above."""
    line = ProgressLine(counters, seconds)
    with Live(
        line,
        console=console,
        refresh_per_second=8,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    ):
        yield
