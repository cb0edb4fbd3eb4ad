"""The runs and freezes that a state location remembers. Calls no account of a fleet."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from fleet_repl.engine.stores import Store
from fleet_repl.fleet.context import new_run_id
from fleet_repl.fleet.load import check_secrets
from fleet_repl.fleet.open_state import open_place, place_of
from fleet_repl.fleet.rollback import RunError
from fleet_repl.fleet.worlds import WORLDS, world_of
from fleet_repl.inventory import Aws, Inventory, State, located
from fleet_repl.runs.history import (
    Freeze,
    Holder,
    PastRun,
    Purpose,
    RunMeta,
    RunSummary,
    UnreadableRun,
)
from fleet_repl.runs.prune import prunable
from fleet_repl.runs.rollback import targets
from fleet_repl.state import (
    Lock,
    RunRecords,
    current_holder,
    find_lock,
    fleets,
    gone,
    lift_freeze,
    read_freeze,
    read_marks,
    refresh_index,
    release_lock,
    remove_runs,
    this_process,
    write_freeze,
)
from fleet_repl.state.lock_rules import SeenLock
from fleet_repl.values.clock import SYSTEM, Clock
from fleet_repl.values.errors import UnreadableStateError

if TYPE_CHECKING:
    from fleet_repl.aws import Endpoint

OpenRoot: TypeAlias = Callable[[], AbstractAsyncContextManager[Store]]

LAST: Final = "last"
"""Stands for the newest run."""
_SEE: Final = "; see AWS_ENDPOINT_URL and the profile's endpoint_url"
"""The hint at the settings that decide which AWS endpoint, and so which folder of runs, counts."""


class History:
    """The runs and freezes of every fleet that keeps its state in one place."""

    def __init__(self, store: Store, clock: Clock, root: OpenRoot) -> None:
        """`root`: the whole location, with what is remembered of other endpoints."""
        self._store = store
        self._clock = clock
        self._root = root

    @property
    def location(self) -> str:
        """The state location, for people."""
        return str(self._store)

    async def fleets(self) -> tuple[str, ...]:
        """Returns the fleets that have remembered runs."""
        return await fleets(self._store)

    async def runs(self, fleet: str | None = None) -> tuple[RunSummary, ...]:
        """Returns the readable runs of a fleet, or of all fleets, newest first."""
        return (await self.listing(fleet))[0]

    async def listing(
        self, fleet: str | None = None
    ) -> tuple[tuple[RunSummary, ...], tuple[UnreadableRun, ...]]:
        """Returns the runs that are remembered, newest first, and the runs of which a document
        cannot be read."""
        names = (fleet,) if fleet is not None else await self.fleets()
        runs = [run for name in names for run in await RunRecords(self._store, name).summaries()]
        readable = (run for run in runs if isinstance(run, RunSummary))
        unreadable = (run for run in runs if isinstance(run, UnreadableRun))
        return tuple(sorted(readable, key=_when, reverse=True)), tuple(unreadable)

    async def run(self, run_id: str, fleet: str | None = None) -> PastRun:
        """Returns all documents of a run; "last" stands for the newest run.

        Raises RunError for an unknown run, UnreadableStateError for a run that cannot be read.
        """
        if run_id == LAST:
            newest = await self._newest(fleet)
            run_id, fleet = newest.run_id, newest.fleet
        for name in (fleet,) if fleet is not None else await self.fleets():
            past = await RunRecords(self._store, name).load(run_id)
            if past is not None:
                return past
        raise RunError(
            f"no run {run_id} is remembered in {self.location}\n    {await self._hint(run_id)}"
        )

    async def last_to_roll_back(
        self, fleet: str | None = None
    ) -> tuple[PastRun, tuple[RunSummary, ...]]:
        """Returns all documents of the newest run that wrote, or may have, and the newer runs,
        which wrote nothing, newest first.

        Raises RunError where no run wrote, UnreadableStateError for a run that cannot be read.
        """
        runs, unreadable = await self.listing(fleet)
        for index, run in enumerate(runs):
            if not run.may_have_written:
                continue
            past = await self.run(run.meta.run_id, run.meta.fleet)
            if targets(past):
                _check_newest(run, unreadable)
                return past, runs[:index]
        newest = await self._newest(fleet)
        raise RunError(
            f"there is nothing to roll back: no run that is remembered in {self.location} has "
            f"written anything; the last was {newest.run_id} of {newest.fleet}"
        )

    async def _newest(self, fleet: str | None) -> RunMeta:
        runs, unreadable = await self.listing(fleet)
        _check_newest(runs[0] if runs else None, unreadable)
        if not runs:
            others = await self.elsewhere(fleet)
            hint = "" if others is None else f"\n    {others}"
            raise RunError(f"no runs are remembered in {self.location}{hint}")
        return runs[0].meta

    async def _hint(self, run_id: str) -> str:
        """Returns where the run of another AWS endpoint is kept, or how to list the known runs."""
        for kept, _, run in await self._others():
            if run == run_id:
                return f"a run of another AWS endpoint has that id: it is kept in {kept}{_SEE}"
        return "fleet-repl runs lists them"

    async def elsewhere(self, fleet: str | None = None) -> str | None:
        """Returns, for people, where runs at other AWS endpoints are kept, of a fleet or of any;
        None if there are none."""
        places = sorted({kept for kept, name, _ in await self._others() if fleet in (None, name)})
        if not places:
            return None
        return f"runs of other AWS endpoints are kept in {', '.join(places)}{_SEE}"

    async def _others(self) -> list[tuple[str, str, str]]:
        """Returns the runs at other AWS endpoints: the folder, the fleet and the id of each."""
        async with self._root() as root:
            names = {*await root.names(""), *await root.names(f"{WORLDS}/")}
            where = str(root)
        others = []
        for name in sorted(names):
            folder, _, document = name.partition("/runs/")
            kept, _, fleet = f"{where}/{folder}".rpartition("/")
            run_id, _, part = document.partition("/")
            if part == "run.json" and kept != self.location:
                others.append((kept, fleet, run_id))
        return others

    async def prunable(self, fleet: str, *, keep: timedelta) -> tuple[RunSummary, ...]:
        """Returns the runs of a fleet that may be removed: those that ended longer ago than `keep`,
        but for the newest, and for those that a rollback needs to know. The newest is the first.

        Raises UnreadableStateError where the rollback marks cannot be read.
        """
        runs, _ = await self.listing(fleet)
        marks = await read_marks(self._store, fleet)
        return prunable(runs, marks, ended_before=self._clock.now() - keep)

    async def prune(
        self, runs: Collection[RunSummary], fleet: str, *, keep: timedelta
    ) -> tuple[RunSummary, ...]:
        """Removes those of `runs` that `prunable` still returns once the fleet's lock is held, and
        returns them. After a failure or a crash, each run is there as a whole or not at all.

        Raises RefusedError where another run holds the lock or takes it meanwhile, and StateError.
        """
        # The purpose of the lock's holder is one that every version of fleet-repl knows.
        holder = this_process().holder(new_run_id(self._clock), Purpose.APPLY)
        async with Lock(self._store, fleet, holder, SYSTEM, gone=gone).held() as lease:
            await refresh_index(self._store, fleet, lease)
            wanted = {run.meta.run_id for run in runs}
            still = await self.prunable(fleet, keep=keep)
            removed = tuple(run for run in still if run.meta.run_id in wanted)
            ids = [run.meta.run_id for run in removed]
            ended_before = self._clock.now() - keep
            await remove_runs(self._store, fleet, ids, lease, ended_before=ended_before)
        return removed

    async def at_work(self, fleet: str) -> Holder | None:
        """Returns the process that writes to the fleet now; None if it is dead or silent.

        Raises StateError.
        """
        return await current_holder(self._store, fleet, gone=gone)

    async def lock(self, fleet: str) -> SeenLock | None:
        """Returns the fleet's lock with its holder, who may be dead or silent; None if nobody holds
        it. Raises StateError."""
        return await find_lock(self._store, fleet)

    async def unlock(self, seen: SeenLock) -> bool:
        """Releases a lock in place of its holder, who notices that within 20 s and then stops.

        Returns False where the holder has given a sign of life since the lock was looked at.
        """
        return await release_lock(self._store, seen)

    async def frozen(self, fleet: str) -> Freeze | None:
        """Returns the freeze of a fleet, if there is one."""
        return await read_freeze(self._store, fleet)

    async def freeze(self, fleet: str, *, who: str, why: str) -> Freeze:
        """Freezes a fleet: no run may write to it until `unfreeze`. A run that is writing stops at
        its next sign of life, within 20 s."""
        freeze = Freeze(who=who, why=why, since=self._clock.now())
        await write_freeze(self._store, fleet, freeze)
        return freeze

    async def unfreeze(self, fleet: str) -> Freeze | None:
        """Lifts the freeze of a fleet, and returns it; None if the fleet was not frozen."""
        return await lift_freeze(self._store, fleet)


@asynccontextmanager
async def open_history(
    place: Inventory | str | Path,
    *,
    state: str | Path | None = None,
    endpoint: Endpoint | None = None,
    clock: Clock = SYSTEM,
) -> AsyncIterator[History]:
    """Opens the history in a state location: that of an inventory, a folder, or `s3://…`.

    It has the runs at the AWS endpoint that calls go to now: `endpoint`, or else that of the SDK's
    settings. `state`: a location in place of the inventory's.

    Raises StateError and, for a bucket that nobody can ask, IdentityError or InventoryError.
    """
    kept, aws = _kept(place, state)
    if isinstance(place, Inventory) and kept.folder is None and endpoint is None:
        check_secrets(place)
    world = await world_of(aws, endpoint, os.environ)
    root = partial(open_place, kept, aws=aws, endpoint=endpoint)
    async with root(world=world) as store:
        yield History(store, clock, root)


def _kept(place: Inventory | str | Path, state: str | Path | None) -> tuple[State, Aws | None]:
    """Returns the state location, and the settings of the identity that reads it."""
    if not isinstance(place, Inventory):
        return located(str(place if state is None else state)), None
    return place_of(place, state), place.aws


def _check_newest(newest: RunSummary | None, unreadable: Iterable[UnreadableRun]) -> None:
    """Raises UnreadableStateError where a run that cannot be read may be newer than `newest`."""
    for run in unreadable:
        # Ids begin with the time at which a run started.
        if newest is None or run.run_id > newest.meta.run_id:
            raise UnreadableStateError(
                f"which run was the last is not certain: {run.reason}\n"
                "    name the run that you mean; fleet-repl runs lists them"
            )


def _when(run: RunSummary) -> tuple[datetime, str]:
    return run.meta.started_at, run.meta.run_id
