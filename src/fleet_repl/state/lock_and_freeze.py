"""The lock and the freeze of a fleet at one moment: what keeps runs from writing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fleet_repl.engine.stores import Store
from fleet_repl.runs.history import Freeze
from fleet_repl.state.freeze import read_freeze
from fleet_repl.state.lock import find_lock
from fleet_repl.state.lock_rules import SeenLock, Verdict, judge
from fleet_repl.state.process import gone


@dataclass(frozen=True, slots=True, kw_only=True)
class LockAndFreeze:
    """The lock and the freeze that keep runs from writing to a fleet at one moment."""

    lock: SeenLock | None = None
    """The lock, if it binds other runs."""
    freeze: Freeze | None = None


async def read_lock_and_freeze(store: Store, fleets: Sequence[str]) -> LockAndFreeze:
    """Returns what keeps runs from writing to a fleet now. `fleets`: its name and its former names,
    any of which counts. Raises StateError."""
    lock, freeze = None, None
    for fleet in fleets:
        seen = await find_lock(store, fleet)
        if seen is not None:
            verdict = judge(seen.document, seen.age, gone=gone(seen.holder))
            lock = seen if verdict is Verdict.HELD else lock
        freeze = await read_freeze(store, fleet) or freeze
    return LockAndFreeze(lock=lock, freeze=freeze)
