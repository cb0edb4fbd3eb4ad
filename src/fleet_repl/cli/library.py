"""What the command line asks of the library, and the library as the answer.

Everything is imported when it is first needed: help and offline commands load no AWS code.
Tests put another backend in its place.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from fleet_repl.aws import Endpoint
    from fleet_repl.engine.ports import EventSink
    from fleet_repl.fleet.load import FleetSummary
    from fleet_repl.inventory import Inventory, Route
    from fleet_repl.planning.importing import Imported
    from fleet_repl.planning.plan import Plan
    from fleet_repl.reports.graph import Graph
    from fleet_repl.runs.delivery import DeliveryReport
    from fleet_repl.runs.history import Freeze, Holder, PastRun, Purpose, RunSummary, UnreadableRun
    from fleet_repl.runs.outcomes import BackfillReport, Report, Statistics
    from fleet_repl.state.lock_rules import SeenLock
    from fleet_repl.topology import Selection
    from fleet_repl.values.canonical_json import JsonObject
    from fleet_repl.values.errors import Fault
    from fleet_repl.values.names import Registry


class Fleet(Protocol):
    """A connected fleet, as commands and watches use it."""

    @property
    def run_id(self) -> str: ...

    @property
    def holds_lock(self) -> bool: ...

    async def plan(
        self,
        *,
        selection: Selection = ...,
        allow: Collection[str] = (),
        over: float = 0.0,
        beside: Path | None = None,
        spare: Mapping[Registry, Fault] = ...,
        force: bool = False,
        exclude_objected: bool = False,
    ) -> Plan: ...

    async def plan_rollback(self, run_id: str, *, force: bool = False) -> Plan: ...

    async def apply(
        self,
        plan: Plan,
        *,
        force: bool = False,
        allow: Collection[str] = (),
        wave: str | None = None,
    ) -> Report: ...

    async def verify(
        self, *, selection: Selection, count: int, age: timedelta
    ) -> DeliveryReport: ...

    async def backfill(
        self,
        *,
        selection: Selection,
        route: str | None,
        wait: bool,
        again: bool,
        on_event: EventSink | None = None,
    ) -> BackfillReport: ...

    async def backfill_status(
        self, *, selection: Selection, route: str | None
    ) -> BackfillReport: ...

    async def import_inventory(self) -> Imported: ...

    async def read_note(self, name: str) -> bytes | None: ...

    async def write_note(self, name: str, content: bytes) -> None: ...

    def statistics(self) -> Statistics: ...

    def refuse(self, plan: Plan, because: str) -> Report: ...

    def interrupted(
        self, *, selection: Selection = ..., rolls_back: str | None = None
    ) -> Report: ...

    def stop(self) -> None: ...


class History(Protocol):
    """What is remembered at a state location."""

    @property
    def location(self) -> str: ...

    async def fleets(self) -> tuple[str, ...]: ...

    async def runs(self, fleet: str | None = None) -> tuple[RunSummary, ...]: ...

    async def listing(
        self, fleet: str | None = None
    ) -> tuple[tuple[RunSummary, ...], tuple[UnreadableRun, ...]]: ...

    async def elsewhere(self, fleet: str | None = None) -> str | None: ...

    async def run(self, run_id: str, fleet: str | None = None) -> PastRun: ...

    async def at_work(self, fleet: str) -> Holder | None: ...

    async def lock(self, fleet: str) -> SeenLock | None: ...

    async def unlock(self, seen: SeenLock) -> bool: ...

    async def frozen(self, fleet: str) -> Freeze | None: ...

    async def freeze(self, fleet: str, *, who: str, why: str) -> Freeze: ...

    async def unfreeze(self, fleet: str) -> Freeze | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """A simulated AWS that is being served."""

    url: str
    environment: Mapping[str, str]
    """What an AWS client reads from its environment to use it."""
    endpoint: Endpoint


class Backend(Protocol):
    """The library, as commands use it. Errors are FleetErrors."""

    def load_inventory(
        self,
        path: Path,
        *,
        routes_required: bool = True,
        secrets_required: bool = True,
        stdin: BinaryIO | None = None,
    ) -> Inventory: ...

    def describe(self, inventory: Inventory) -> FleetSummary: ...

    def graph(self, inventory: Inventory, selection: Selection, *, with_hubs: bool) -> Graph: ...

    def inventory_schema(self) -> JsonObject: ...

    def scope(self, inventory: Inventory, selection: Selection) -> Collection[Registry]: ...

    def routes(self, inventory: Inventory, name: str | None) -> Collection[Route]: ...

    def simulate(
        self, inventory: Inventory, *, scenario: Path | None, host: str, port: int
    ) -> AbstractAsyncContextManager[Simulation]: ...

    def connect(
        self,
        inventory: Inventory,
        *,
        endpoint: Endpoint | None,
        state: str | None,
        on_event: EventSink,
        purpose: Purpose | None = None,
    ) -> AbstractAsyncContextManager[Fleet]: ...

    def load_plan(self, path: Path) -> Plan: ...

    def check_plan(
        self, plan: Plan, inventory: Inventory, *, now: datetime, max_age: timedelta
    ) -> None: ...

    def history(
        self, place: Inventory | Path, *, state: str | None
    ) -> AbstractAsyncContextManager[History]: ...

    def person(self) -> str: ...


class Library:
    """The real thing."""

    def load_inventory(
        self,
        path: Path,
        *,
        routes_required: bool = True,
        secrets_required: bool = True,
        stdin: BinaryIO | None = None,
    ) -> Inventory:
        """Raises InventoryError."""
        from fleet_repl.fleet.load import load_inventory  # noqa: PLC0415

        return load_inventory(
            path, routes_required=routes_required, secrets_required=secrets_required, stdin=stdin
        )

    def describe(self, inventory: Inventory) -> FleetSummary:
        from fleet_repl.fleet.load import describe_fleet  # noqa: PLC0415

        return describe_fleet(inventory)

    def graph(self, inventory: Inventory, selection: Selection, *, with_hubs: bool) -> Graph:
        """Raises SelectionError."""
        from fleet_repl.reports.graph import graph_of  # noqa: PLC0415
        from fleet_repl.topology import Selection, connect, select  # noqa: PLC0415

        within = None if selection == Selection() else select(inventory, selection)
        return graph_of(inventory, connect(inventory), within=within, with_hubs=with_hubs)

    def inventory_schema(self) -> JsonObject:
        from fleet_repl.inventory import json_schema  # noqa: PLC0415

        return json_schema()

    def scope(self, inventory: Inventory, selection: Selection) -> Collection[Registry]:
        """Raises SelectionError."""
        from fleet_repl.topology import select  # noqa: PLC0415

        return select(inventory, selection)

    def routes(self, inventory: Inventory, name: str | None) -> Collection[Route]:
        """The route of that name, or all. Raises SelectionError."""
        from fleet_repl.fleet.backfill import routes_named  # noqa: PLC0415

        return routes_named(inventory, name)

    @asynccontextmanager
    async def simulate(
        self, inventory: Inventory, *, scenario: Path | None, host: str, port: int
    ) -> AsyncIterator[Simulation]:
        """Raises ScenarioError, and FleetError where the address is not to be had."""
        from fleet_repl import sandbox  # noqa: PLC0415
        from fleet_repl.aws import Endpoint  # noqa: PLC0415
        from fleet_repl.values.names import Region, Secret  # noqa: PLC0415

        world = (
            sandbox.world_of(inventory)
            if scenario is None
            else sandbox.world_of(inventory, scenario=sandbox.load_scenario(scenario))
        )
        async with sandbox.serve(world, host=host, port=port) as server:
            yield Simulation(
                url=server.url,
                environment=server.environment(),
                endpoint=Endpoint(
                    url=server.url,
                    access_key_id=server.access_key_id,
                    secret_access_key=Secret(server.secret_access_key),
                    region=Region(server.region),
                    # Each run has an address of its own, and a plan outlives it.
                    world="sandbox",
                ),
            )

    def connect(
        self,
        inventory: Inventory,
        *,
        endpoint: Endpoint | None,
        state: str | None,
        on_event: EventSink,
        purpose: Purpose | None = None,
    ) -> AbstractAsyncContextManager[Fleet]:
        """Raises IdentityError, StateError or, with a `purpose`, RefusedError on entering.

        A watch takes the lock only when it writes.
        """
        from fleet_repl.fleet.connect import connect  # noqa: PLC0415
        from fleet_repl.runs.history import Purpose  # noqa: PLC0415

        return connect(
            inventory,
            endpoint=endpoint,
            state=state,
            on_event=on_event,
            purpose=purpose or Purpose.APPLY,
            locked=purpose in (Purpose.APPLY, Purpose.ROLLBACK),
        )

    def load_plan(self, path: Path) -> Plan:
        """Raises PlanError for what is no plan, and RefusedError for one that was altered."""
        from fleet_repl.fleet.load import load_plan  # noqa: PLC0415

        return load_plan(path)

    def check_plan(
        self, plan: Plan, inventory: Inventory, *, now: datetime, max_age: timedelta
    ) -> None:
        """Raises RefusedError for a plan that is too old, or of another inventory."""
        from fleet_repl.fleet.load import check_plan  # noqa: PLC0415

        check_plan(plan, inventory, now=now, max_age=max_age)

    def history(
        self, place: Inventory | Path, *, state: str | None
    ) -> AbstractAsyncContextManager[History]:
        """That of `state`, else of the place. Raises StateError when it is entered."""
        from fleet_repl.fleet.history import open_history  # noqa: PLC0415

        return open_history(place, state=state)

    def person(self) -> str:
        """Who runs this process, and where."""
        from fleet_repl.state import this_process  # noqa: PLC0415

        me = this_process()
        return f"{me.user}@{me.host}"
