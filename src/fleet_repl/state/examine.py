"""Examines a state location without a write: whether it is usable, who holds or froze it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Final

import anyio.to_thread

from fleet_repl.engine.stores import Store
from fleet_repl.runs.doctor import CheckState, FleetProblem, ProblemKind, StateExamination
from fleet_repl.state.freeze import read_freeze
from fleet_repl.state.lock import LOCK_NAME, find_lock
from fleet_repl.state.lock_rules import Verdict, judge
from fleet_repl.state.process import gone
from fleet_repl.values.errors import StateError
from fleet_repl.values.text import timestamp

LEAST_FREE: Final = 16 * 1024 * 1024
"""Bytes that a run may have to write."""
_ELSEWHERE: Final = "name another place with --state or in [state], or mend this one"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reads:
    """The documents of a fleet, read under its name and former names."""

    conditional_writes: CheckState
    lock: str | None
    frozen: str | None


async def examine_state(
    store: Store, folder: Path | None, fleets: Sequence[str]
) -> StateExamination:
    """Looks at a state location. `folder`: where it is a folder. `fleets`: the fleet's name and
    its former names."""
    problems: list[FleetProblem] = []
    reads = _Reads(conditional_writes=CheckState.UNKNOWN, lock=None, frozen=None)
    readable, writable = CheckState.OK, CheckState.UNKNOWN
    try:
        reads = await _read(store, fleets)
    except StateError as error:
        message, _, remedy = str(error).partition("\n")
        problems.append(_problem(message, dedent(remedy).strip() or _ELSEWHERE))
        readable = CheckState.FAILED
    if folder is not None:
        obstacle = await anyio.to_thread.run_sync(write_obstacle, folder)
        writable = CheckState.OK if obstacle is None else CheckState.FAILED
        if obstacle is not None:
            message = f"the fleet's state cannot be written: {obstacle}"
            problems.append(_problem(message, _ELSEWHERE))
    return StateExamination(
        location=str(store),
        readable=readable,
        writable=writable,
        conditional_writes=reads.conditional_writes,
        lock=reads.lock,
        frozen=reads.frozen,
        problems=tuple(problems),
    )


async def _read(store: Store, fleets: Sequence[str]) -> _Reads:
    """Raises StateError."""
    lock = frozen = None
    conditional = CheckState.UNKNOWN
    for fleet in fleets:
        if await store.find(f"{fleet}/{LOCK_NAME}") is not None:
            # The lock is written under a condition only, so that such a write has succeeded here.
            conditional = CheckState.OK
        seen = await find_lock(store, fleet)
        if seen is not None:
            verdict = judge(seen.document, seen.age, gone=gone(seen.holder))
            lock = str(seen) if verdict is Verdict.HELD else lock
        if (freeze := await read_freeze(store, fleet)) is not None:
            frozen = f"{freeze.who} since {timestamp(freeze.since)}: {freeze.why}"
    return _Reads(conditional_writes=conditional, lock=lock, frozen=frozen)


def write_obstacle(folder: Path) -> str | None:
    """Returns the obstacle that keeps this process from writing below a folder, which need not
    exist yet; None where there is none to be seen."""
    place = folder.absolute()
    try:
        while not place.exists():
            place = place.parent
        if not place.is_dir():
            return f"{place} is no folder"
        if not os.access(place, os.W_OK | os.X_OK):
            return f"{place} may not be written to by this user"
        free = shutil.disk_usage(place).free
    except OSError as error:
        return f"{place}: {error.strerror or type(error).__name__}"
    return f"only {free:,} bytes are free at {place}" if free < LEAST_FREE else None


def _problem(message: str, remedy: str) -> FleetProblem:
    return FleetProblem(kind=ProblemKind.STATE, message=message, remedy=remedy)
