"""The library as commands use it: each part is imported when it is first needed.

So help and offline commands load no AWS code. Tests pass a `Library` of their own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from datetime import datetime, timedelta

    from fleet_repl.aws import Endpoint
    from fleet_repl.cli.simulation import Simulation
    from fleet_repl.engine.ports import EventSink, Queue
    from fleet_repl.fleet.fleet import Fleet
    from fleet_repl.fleet.history import History
    from fleet_repl.inventory import Inventory, Route
    from fleet_repl.planning.elsewhere import HeldResource
    from fleet_repl.planning.explain import Explanation, Question
    from fleet_repl.planning.fleet_summary import FleetSummary
    from fleet_repl.planning.plan import Plan
    from fleet_repl.reports.graph import Graph
    from fleet_repl.runs.history import Purpose
    from fleet_repl.runs.outcomes import Report
    from fleet_repl.runs.repair import Lacking
    from fleet_repl.topology import Selection
    from fleet_repl.values.canonical_json import JsonObject
    from fleet_repl.values.names import Registry
    from fleet_repl.values.queues import QueueAddress


class Library:
    """The functions of the library that commands call. Every error is a FleetError."""

    def load_inventory(
        self,
        path: Path,
        *,
        routes_required: bool = True,
        secrets_required: bool = True,
        stdin: BinaryIO | None = None,
    ) -> Inventory:
        """Load an inventory from a file, or from `stdin`. Raises InventoryError."""
        from fleet_repl.fleet.load import load_inventory  # noqa: PLC0415

        return load_inventory(
            path, routes_required=routes_required, secrets_required=secrets_required, stdin=stdin
        )

    def describe(self, inventory: Inventory) -> FleetSummary:
        """Count the fleet's accounts, registries, links and rules. Raises InventoryError."""
        from fleet_repl.planning.fleet_summary import describe_fleet  # noqa: PLC0415

        return describe_fleet(inventory)

    def question(
        self, inventory: Inventory, what: str, *, source: str | None, destinations: Iterable[str]
    ) -> Question:
        """The question about an image that texts ask. Raises SelectionError and InventoryError."""
        from fleet_repl.planning.explain import question_of  # noqa: PLC0415

        return question_of(inventory, what, source=source, destinations=destinations)

    def check_wait(self, question: Question, within: timedelta, inventory: Inventory) -> None:
        """Raises SelectionError for a wait that cannot be."""
        from fleet_repl.fleet.wait import check_wait  # noqa: PLC0415

        check_wait(question, within, inventory)

    def load_lacking(
        self,
        document: Path,
        inventory: Inventory,
        *,
        now: datetime,
        max_age: timedelta,
        reput: bool,
    ) -> Lacking:
        """What a document says that destinations lack. Raises FleetError for one that cannot be
        read, and RefusedError for one that the fleet may not be repaired by."""
        from fleet_repl.fleet.lacking import check_lacking, load_lacking  # noqa: PLC0415

        lacking = load_lacking(document)
        check_lacking(lacking, inventory, now=now, max_age=max_age, reput=reput)
        return lacking

    def explain(self, question: Question) -> Explanation:
        """Where an image goes by the inventory alone."""
        from fleet_repl.planning.explain import explain  # noqa: PLC0415

        return explain(question)

    def graph(self, inventory: Inventory, selection: Selection, *, with_hubs: bool) -> Graph:
        """The graph of the links within the selection. Raises SelectionError."""
        from fleet_repl.reports.graph import graph_of  # noqa: PLC0415
        from fleet_repl.topology import Selection, connect, select  # noqa: PLC0415

        within = None if selection == Selection() else select(inventory, selection)
        return graph_of(inventory, connect(inventory), within=within, with_hubs=with_hubs)

    def inventory_schema(self) -> JsonObject:
        """The JSON Schema of inventories."""
        from fleet_repl.inventory import json_schema  # noqa: PLC0415

        return json_schema()

    def scope(
        self, inventory: Inventory, selection: Selection, *, with_unknown: bool = False
    ) -> Collection[Registry]:
        """The registries that the selection holds, as `select` does. Raises SelectionError."""
        from fleet_repl.topology import select  # noqa: PLC0415

        return select(inventory, selection, with_unknown=with_unknown)

    def routes(self, inventory: Inventory, name: str | None) -> Collection[Route]:
        """The route of that name, or all routes for None. Raises SelectionError."""
        from fleet_repl.fleet.backfill import routes_named  # noqa: PLC0415

        return routes_named(inventory, name)

    def simulate(
        self, inventory: Inventory, *, scenario: Path | None, host: str, port: int
    ) -> AbstractAsyncContextManager[Simulation]:
        """Serve a simulated AWS; port 0 takes a free one.

        Raises ScenarioError, and FleetError where nothing can listen on the address.
        """
        from fleet_repl.cli.simulation import simulate  # noqa: PLC0415

        return simulate(inventory, scenario=scenario, host=host, port=port)

    async def discover(
        self,
        inventory: Inventory,
        *,
        endpoint: Endpoint | None,
        state: str | None,
        on_event: EventSink,
        cached: bool,
        routes_checked: bool = True,
    ) -> Inventory:
        """Discover the accounts of an inventory that does not list them all. Raises RefusedError,
        IdentityError, StateError, and InventoryError for what is wrong with it then."""
        from fleet_repl.fleet.discover import discover  # noqa: PLC0415

        return await discover(
            inventory,
            endpoint=endpoint,
            state=state,
            on_event=on_event,
            cached=cached,
            routes_checked=routes_checked,
        )

    def recall(self, inventory: Inventory) -> Inventory | None:
        """The inventory with the accounts that were discovered last, where a folder has them.
        Raises StateError and InventoryError."""
        import anyio  # noqa: PLC0415

        from fleet_repl.fleet.discover import recall  # noqa: PLC0415

        return anyio.run(recall, inventory)

    @asynccontextmanager
    async def readers(
        self, *, workers: int | None, cluster: str | None
    ) -> AsyncIterator[Executor | None]:
        """The executor that reads the fleet: `workers` processes, or those of the Dask scheduler at
        the address `cluster`; None for neither. Raises FleetError for a cluster that cannot be
        reached, and at its end leaves nothing running here."""
        if cluster is not None:
            from fleet_repl.fleet.cluster import connect_cluster  # noqa: PLC0415

            async with connect_cluster(cluster) as executor:
                yield executor
        elif workers is not None:
            from fleet_repl.fleet.local_workers import local_workers  # noqa: PLC0415

            async with local_workers(workers) as executor:
                yield executor
        else:
            yield None

    def connect(
        self,
        inventory: Inventory,
        *,
        endpoint: Endpoint | None,
        state: str | None,
        on_event: EventSink,
        purpose: Purpose | None = None,
        locked: bool = False,
        executor: Executor | None = None,
    ) -> AbstractAsyncContextManager[Fleet]:
        """Connect to the fleet; without a `purpose` nothing can be written. `locked`: hold the
        fleet's lock all the time.

        Raises IdentityError, StateError or, with a `purpose`, RefusedError on entering. A watch
        takes the lock only when it writes.
        """
        from fleet_repl.fleet.connect import connect  # noqa: PLC0415

        return connect(
            inventory,
            endpoint=endpoint,
            state=state,
            on_event=on_event,
            purpose=purpose,
            locked=locked,
            executor=executor,
        )

    def open_queue(
        self,
        inventory: Inventory,
        address: QueueAddress,
        *,
        endpoint: Endpoint | None,
        on_event: EventSink,
    ) -> AbstractAsyncContextManager[Queue]:
        """Open a queue as the base identity. Raises IdentityError on entering."""
        from fleet_repl.fleet.queues import open_queue  # noqa: PLC0415

        return open_queue(inventory, address, endpoint=endpoint, on_event=on_event)

    def traced(
        self, on_event: EventSink, on_problem: Callable[[str], object]
    ) -> AbstractAsyncContextManager[EventSink]:
        """A sink that makes a trace of a run where OTEL_ variables ask for traces."""
        from fleet_repl.fleet.tracing import traced  # noqa: PLC0415

        return traced(on_event, on_problem=on_problem)

    async def terraform_states(
        self, locations: Sequence[str], inventory: Inventory
    ) -> tuple[HeldResource, ...]:
        """What Terraform holds by these states. Raises StateFileError, StateError and
        IdentityError."""
        from fleet_repl.fleet.terraform_states import read_terraform_states  # noqa: PLC0415

        return await read_terraform_states(locations, aws=inventory.aws)

    def load_plan(self, path: Path) -> Plan:
        """Load a kept plan. Raises PlanError for a file that is no plan, and RefusedError for a
        plan that was altered."""
        from fleet_repl.fleet.kept_plan import load_plan  # noqa: PLC0415

        return load_plan(path)

    def load_result(self, path: Path) -> Plan | Report:
        """Load a kept plan, or a report from its JSON. Raises PlanError for a file that is neither,
        and RefusedError for a plan that was altered."""
        from fleet_repl.fleet.kept_plan import load_result  # noqa: PLC0415

        return load_result(path)

    def check_plan(
        self, plan: Plan, inventory: Inventory, *, now: datetime, max_age: timedelta
    ) -> None:
        """Raises RefusedError for a plan that is too old, or of another inventory."""
        from fleet_repl.fleet.kept_plan import check_plan  # noqa: PLC0415

        check_plan(plan, inventory, now=now, max_age=max_age)

    def history(
        self, place: Inventory | Path, *, state: str | None
    ) -> AbstractAsyncContextManager[History]:
        """Open the history at `state`, else of the inventory or folder. Raises StateError on
        entering."""
        from fleet_repl.fleet.history import open_history  # noqa: PLC0415

        return open_history(place, state=state)

    def person(self) -> str:
        """The user who runs this process and its machine, as `user@host`."""
        from fleet_repl.state import this_process  # noqa: PLC0415

        me = this_process()
        return f"{me.user}@{me.host}"
