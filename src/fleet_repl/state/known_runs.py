"""Which runs a fleet has and which are over: by their index or, where it does not count, by a list.

Also what keeps the index true: a run that takes the lock brings it up to date, and runs are removed
from the store and the index together.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import compress
from typing import Final

from fleet_repl.engine.stores import Store
from fleet_repl.state.lease import Lease
from fleet_repl.state.lock_rules import MARGIN
from fleet_repl.state.reads import read_all
from fleet_repl.state.run_index import (
    RunIndex,
    current_index,
    inherited_index,
    renew_index,
    revise_index,
)

RUN_ID: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-z]{1,32}")
"""An id begins with the time at which its run was connected."""

_AT_A_TIME: Final = 16
"""Runs that are removed between two looks at the lock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRuns:
    """The ids of a fleet's runs."""

    recorded: frozenset[str]
    over: frozenset[str]
    """Runs that have ended or are set aside."""


async def known_runs(store: Store, fleet: str) -> KnownRuns:
    """Returns the runs of a fleet. Raises StateError."""
    return await _known(store, fleet, await current_index(store, fleet))


async def refresh_index(store: Store, fleet: str, lease: Lease) -> None:
    """Brings the index of the runs up to date, once the lock is held. Lists the runs only if the
    index does not name all of them. Raises StateError."""
    runs = await _known(store, fleet, await inherited_index(store, fleet, lease))
    index = RunIndex(taken_at=lease.taken_at, over=runs.over, open=runs.recorded - runs.over)
    await renew_index(store, fleet, index)


async def remove_runs(
    store: Store, fleet: str, run_ids: Collection[str], lease: Lease, *, ended_before: datetime
) -> None:
    """Removes runs while the lock is held, and what is left of runs that were being removed, or
    recorded, when a process died before `ended_before`.

    run.json is removed first: what a crash leaves of a run is no run any more. Raises HaltedError
    where the lock is lost, and StateError.
    """
    names = await _names(store, fleet)
    there = {name.partition("/")[0] for name in names}
    recorded = _with_document(names, "run.json")
    old = f"{ended_before.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    left = {run for run in there - recorded if RUN_ID.fullmatch(run) and run < old}

    async def remove(run_id: str) -> None:
        folder = f"{_folder(fleet)}{run_id}/"
        await store.remove(f"{folder}run.json")
        await store.remove_all(folder)

    removed = sorted(recorded.intersection(run_ids) | left)
    for start in range(0, len(removed), _AT_A_TIME):
        await lease.assure(MARGIN)
        await read_all(removed[start : start + _AT_A_TIME], remove)
    stay = there.difference(removed)
    await revise_index(store, fleet, lambda index: index.within(stay))


async def _known(store: Store, fleet: str, index: RunIndex | None) -> KnownRuns:
    if index is None:
        names = await _names(store, fleet)
        over = _with_document(names, "ended.json") | _with_document(names, "aside.json")
        return KnownRuns(recorded=_with_document(names, "run.json"), over=over)

    async def is_over(run_id: str) -> bool:
        # A process may have died, or been of an older version, before it could say so in the index.
        folder = f"{_folder(fleet)}{run_id}/"
        ended = await store.read(f"{folder}ended.json")
        return ended is not None or await store.read(f"{folder}aside.json") is not None

    open_runs = sorted(index.open)
    over = index.over.union(compress(open_runs, await read_all(open_runs, is_over)))
    return KnownRuns(recorded=index.over | index.open, over=over)


async def _names(store: Store, fleet: str) -> list[str]:
    folder = _folder(fleet)
    return [name.removeprefix(folder) for name in await store.names(folder)]


def _folder(fleet: str) -> str:
    return f"{fleet}/runs/"


def _with_document(names: Iterable[str], document: str) -> frozenset[str]:
    """Returns the runs that have a document. Names that are not ids of runs do not count."""
    parts = (name.partition("/") for name in names)
    return frozenset(
        run for run, _, rest in parts if rest == document and RUN_ID.fullmatch(run) is not None
    )
