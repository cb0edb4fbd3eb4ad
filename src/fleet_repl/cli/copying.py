"""How far backfills are, as numbers: events in, counters out."""

from __future__ import annotations

from rich.text import Text

from fleet_repl.ecr.backfills import Backfill
from fleet_repl.runs.events import (
    BackfillEnded,
    BackfillProgressed,
    BackfillStarted,
    BackfillsWanted,
)
from fleet_repl.values.names import Registry
from fleet_repl.values.text import elapsed


class Copies:
    """What the backfills of a run have copied so far."""

    def __init__(self) -> None:
        self.wanted = 0
        """Destinations."""
        self.looking = False
        """Whether that is all that happens to them."""
        self.ended = 0
        self.total = 0
        """Copies to make, as far as ECR has counted them."""
        self.completed = 0
        self.failed = 0
        self._last: dict[tuple[Registry, Registry], Backfill] = {}

    def see(
        self, event: BackfillsWanted | BackfillStarted | BackfillProgressed | BackfillEnded
    ) -> None:
        """Count an event."""
        match event:
            case BackfillsWanted(backfills=backfills, looking=looking):
                self.wanted, self.looking, self.ended = backfills, looking, 0
            case BackfillStarted(source=source, backfill=now):
                self._note(source, now)
            case BackfillProgressed(source=source, backfill=now):
                self._note(source, now)
            case BackfillEnded(outcome=outcome):
                self.ended += 1
                if outcome.backfill is not None:
                    self._note(outcome.source, outcome.backfill)

    def _note(self, source: Registry, now: Backfill) -> None:
        place = source, now.destination
        for one, sign in ((self._last.get(place), -1), (now, 1)):
            if one is not None:
                self.total += sign * (one.total or 0)
                self.completed += sign * one.completed
                self.failed += sign * one.failed
        self._last[place] = now


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
