"""What fleets have done, from their state alone: no account is asked, and nothing is applied."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from fleet_repl.engine.stores import Store
from fleet_repl.fleet.load import check_secrets
from fleet_repl.fleet.open_state import open_place
from fleet_repl.fleet.rollback import RunError
from fleet_repl.fleet.worlds import WORLDS, world_of
from fleet_repl.inventory import Aws, Inventory, State, located
from fleet_repl.runs.history import Freeze, Holder, PastRun, RunMeta, RunSummary, UnreadableRun
from fleet_repl.state import (
    RunRecords,
    current_holder,
    find_lock,
    fleets,
    gone,
    lift_freeze,
    read_freeze,
    release_lock,
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
"""How another world is come to."""


class History:
    """The runs and freezes of every fleet that keeps its state in one place."""

    def __init__(self, store: Store, clock: Clock, root: OpenRoot) -> None:
        """`root`: the whole location, with what is remembered of other endpoints."""
        self._store = store
        self._clock = clock
        self._root = root

    @property
    def location(self) -> str:
        """Where they are kept, for people."""
        return str(self._store)

    async def fleets(self) -> tuple[str, ...]:
        """The fleets of which runs are remembered."""
        return await fleets(self._store)

    async def runs(self, fleet: str | None = None) -> tuple[RunSummary, ...]:
        """The runs of one fleet or of all that can be read, newest first."""
        return (await self.listing(fleet))[0]

    async def listing(
        self, fleet: str | None = None
    ) -> tuple[tuple[RunSummary, ...], tuple[UnreadableRun, ...]]:
        """The same, and the runs of which something cannot be read."""
        names = (fleet,) if fleet is not None else await self.fleets()
        found = [run for name in names for run in await RunRecords(self._store, name).summaries()]
        runs = (one for one in found if isinstance(one, RunSummary))
        unreadable = (one for one in found if isinstance(one, UnreadableRun))
        return tuple(sorted(runs, key=_when, reverse=True)), tuple(unreadable)

    async def run(self, run_id: str, fleet: str | None = None) -> PastRun:
        """Everything that is remembered of a run; "last" is the newest.

        Raises RunError, and UnreadableStateError where something of it cannot be read.
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

    async def _newest(self, fleet: str | None) -> RunMeta:
        runs, unreadable = await self.listing(fleet)
        # An older run must not be taken for the last one. Ids begin with the time of the start.
        for one in unreadable:
            if not runs or one.run_id > runs[0].meta.run_id:
                raise UnreadableStateError(
                    f"which run was the last is not certain: {one.reason}\n"
                    "    name the run that you mean; fleet-repl runs lists them"
                )
        if not runs:
            others = await self.elsewhere(fleet)
            hint = "" if others is None else f"\n    {others}"
            raise RunError(f"no runs are remembered in {self.location}{hint}")
        return runs[0].meta

    async def _hint(self, run_id: str) -> str:
        """Where a run is that this AWS knows nothing of, or how to find the runs there are."""
        for kept, _, run in await self._others():
            if run == run_id:
                return f"a run of another AWS endpoint has that id: it is kept in {kept}{_SEE}"
        return "fleet-repl runs lists them"

    async def elsewhere(self, fleet: str | None = None) -> str | None:
        """Where runs of the fleet, or of any, are remembered of other AWS endpoints, for people;
        None where there are none."""
        places = sorted({kept for kept, name, _ in await self._others() if fleet in (None, name)})
        if not places:
            return None
        return f"runs of other AWS endpoints are kept in {', '.join(places)}{_SEE}"

    async def _others(self) -> list[tuple[str, str, str]]:
        """The runs of other AWS endpoints: where each is kept, its fleet, and its id."""
        async with self._root() as root:
            names = {*await root.names(""), *await root.names(f"{WORLDS}/")}
            where = str(root)
        found = []
        for name in sorted(names):
            folder, _, document = name.partition("/runs/")
            kept, _, fleet = f"{where}/{folder}".rpartition("/")
            run_id, _, part = document.partition("/")
            if part == "run.json" and kept != self.location:
                found.append((kept, fleet, run_id))
        return found

    async def at_work(self, fleet: str) -> Holder | None:
        """The process that writes to the fleet just now; None for one that is dead or silent.

        Raises StateError.
        """
        return await current_holder(self._store, fleet, gone=gone)

    async def lock(self, fleet: str) -> SeenLock | None:
        """The fleet's lock with its holder, also of one that is dead or silent; None where nobody
        has it. Raises StateError."""
        return await find_lock(self._store, fleet)

    async def unlock(self, seen: SeenLock) -> bool:
        """Give a lock back in place of its holder, which writes nothing any more once it notices,
        within 20 s; False where the holder has given a sign of life since."""
        return await release_lock(self._store, seen)

    async def frozen(self, fleet: str) -> Freeze | None:
        """Who froze the fleet, if anybody did."""
        return await read_freeze(self._store, fleet)

    async def freeze(self, fleet: str, *, who: str, why: str) -> Freeze:
        """Let nobody write to the fleet until that is lifted. A run that is writing stops at its
        next sign of life, within 20 s."""
        freeze = Freeze(who=who, why=why, since=self._clock.now())
        await write_freeze(self._store, fleet, freeze)
        return freeze

    async def unfreeze(self, fleet: str) -> Freeze | None:
        """Let the fleet be written to again; what was lifted, None where nothing was frozen."""
        return await lift_freeze(self._store, fleet)


@asynccontextmanager
async def open_history(
    place: Inventory | str | Path,
    *,
    state: str | Path | None = None,
    endpoint: Endpoint | None = None,
    clock: Clock = SYSTEM,
) -> AsyncIterator[History]:
    """The history that an inventory's [state], a folder or an `s3://` location holds, of the AWS
    that calls go to now: `endpoint`, else the one that the SDK's settings name.

    `state`: a folder or an `s3://` location in place of the one in the inventory's [state].

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
    """Where the history is, and whose base identity reads it there."""
    if not isinstance(place, Inventory):
        return located(str(place if state is None else state)), None
    if state is None:
        return place.state, place.aws
    return located(str(state), shared=place.state.shared), place.aws


def _when(run: RunSummary) -> tuple[datetime, str]:
    return run.meta.started_at, run.meta.run_id
