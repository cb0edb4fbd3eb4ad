"""Live progress on a terminal: one line, redrawn a few times a second, gone at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from fleet_repl.cli.copying import copies_text
from fleet_repl.cli.counting import Counters
from fleet_repl.values.text import elapsed, visible

BAR = 20
"""Characters of the bar."""
WIDE = 100
"""Columns from which on there is room for it."""


class ProgressLine:
    """What rich draws: the counters as they are at that moment."""

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
    text = Text(_doing(counters))
    done, whole = counters.share
    text.append(f"  {done:,}/{whole:,} {'writes' if counters.phase == 'writing' else 'accounts'}")
    text.append(f"  {counters.in_flight:,} in flight")
    text.append(f"  {counters.throttled:,} throttled", "yellow" if counters.throttled else "")
    text.append(f"  {counters.failed:,} failed", "bold red" if counters.failed else "")
    return text.append(f"  {elapsed(seconds)}")


def _doing(counters: Counters) -> str:
    pause, wave = counters.pause_left, _wave(counters)
    if not pause:
        return f"{counters.phase}{wave}"
    return f"pausing {elapsed(pause)}{' after' if wave else ''}{wave}"


def _wave(counters: Counters) -> str:
    if counters.wave not in counters.waves:
        return ""
    place = counters.waves.index(counters.wave) + 1
    return f" wave {visible(counters.wave)} {place}/{len(counters.waves)}"


def bar(counters: Counters, *, ascii_only: bool) -> Text:
    """How much is done, as a bar."""
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
