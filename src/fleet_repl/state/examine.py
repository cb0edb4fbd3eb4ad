"""Examines a state location without a write: whether it is usable, who holds or froze it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent
from typing import Final

import anyio.to_thread

from fleet_repl.engine.stores import Store
from fleet_repl.runs.doctor import CheckState, FleetProblem, ProblemKind, StateExamination
from fleet_repl.state.lock import LOCK_NAME
from fleet_repl.state.lock_and_freeze import LockAndFreeze, read_lock_and_freeze
from fleet_repl.values.errors import StateError

LEAST_FREE: Final = 16 * 1024 * 1024
"""Bytes that a run may have to write."""
_ELSEWHERE: Final = "name another place with --state or in [state], or mend this one"


async def examine_state(
    store: Store, folder: Path | None, fleets: Sequence[str]
) -> StateExamination:
    """Looks at a state location, a `folder` if set. `fleets`: the present and former names."""
    problems: list[FleetProblem] = []
    readable, writable = CheckState.OK, CheckState.UNKNOWN
    conditional, now = CheckState.UNKNOWN, LockAndFreeze()
    try:
        now = await read_lock_and_freeze(store, fleets)
        conditional = await _conditional_writes(store, fleets)
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
        conditional_writes=conditional,
        lock=None if now.lock is None else str(now.lock),
        frozen=None if now.freeze is None else str(now.freeze),
        problems=tuple(problems),
    )


async def _conditional_writes(store: Store, fleets: Sequence[str]) -> CheckState:
    """Returns whether a write under a condition has succeeded here: the lock is written under one
    only. Raises StateError."""
    for fleet in fleets:
        if await store.find(f"{fleet}/{LOCK_NAME}") is not None:
            return CheckState.OK
    return CheckState.UNKNOWN


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
