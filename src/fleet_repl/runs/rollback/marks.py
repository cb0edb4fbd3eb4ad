"""Rollback marks: which version of the inventory was taken back and is not to be applied again.

Rolling back a run of the inventory marks that version. Rolling back the rollback lifts the mark,
rolling that back sets it again, and so on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from fleet_repl.runs.history import RolledBack, RunMeta


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The run that a chain of rollbacks goes back to."""

    run: RunMeta
    """The run of the inventory that ends the chain; the run itself if it is no rollback."""
    depth: int
    """The number of rollbacks that lead to the run: 0 for the run itself."""

    @property
    def in_force(self) -> bool:
        """Returns whether the run leaves what the inventory asked for in place."""
        return self.depth % 2 == 0


def origin(run: RunMeta, runs: Mapping[str, RunMeta]) -> Origin | None:
    """Follows the rollbacks that lead to a run. `runs` holds the remembered runs by id. Returns
    None where a run of the chain is not among them."""
    depth, seen = 0, {run.run_id}
    while run.rolls_back is not None:
        earlier = runs.get(run.rolls_back)
        if earlier is None or earlier.run_id in seen:
            return None
        seen.add(earlier.run_id)
        run, depth = earlier, depth + 1
    return Origin(run=run, depth=depth)


def remarked(
    marks: Iterable[RolledBack],
    run: RunMeta,
    runs: Mapping[str, RunMeta],
    *,
    by: str,
    at: datetime,
) -> tuple[RolledBack, ...]:
    """Returns the marks once the run `by` has rolled back `run`.

    A version of the inventory has one mark at the most. A mark is lifted only where the rollback
    that set it is taken back. Where the origin is not known any more, the marks stay as they are.
    """
    start = origin(run, runs)
    if start is None:
        return tuple(marks)
    if not start.in_force:
        return tuple(mark for mark in marks if mark.by != run.run_id)
    digest = start.run.inventory.digest
    new = RolledBack(inventory=digest, run_id=start.run.run_id, by=by, at=at)
    return (*(mark for mark in marks if mark.inventory != digest), new)
