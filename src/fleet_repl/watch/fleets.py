"""The part of a connected fleet that a watch uses, and the function that connects it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeAlias

from fleet_repl.inventory import Inventory
from fleet_repl.planning.plan import Plan
from fleet_repl.runs.outcomes import Report, Statistics
from fleet_repl.state import LockAndFreeze
from fleet_repl.topology import Selection
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry


class WatchedFleet(Protocol):
    """The part of `fleet_repl.Fleet` that a watch uses. Its calls raise FleetError."""

    @property
    def run_id(self) -> str: ...

    @property
    def holds_lock(self) -> bool: ...

    async def plan(
        self,
        *,
        selection: Selection = ...,
        over: float = ...,
        spare: Mapping[Registry, Fault] = ...,
        exclude_objected: bool = ...,
    ) -> Plan:
        """Read the registries within `over` seconds, and plan.

        Nothing will be written to the registries of `spare`, nor, with `exclude_objected`, to
        registries that objections are about.
        """

    async def apply(self, plan: Plan) -> Report:
        """Carry a plan out, under the lock. Raises RefusedError where another run holds the lock,
        and FrozenError for a frozen fleet."""

    def stop(self) -> None: ...

    async def lock_and_freeze(self) -> LockAndFreeze:
        """Read who holds the fleet's lock, and who has frozen the fleet."""

    async def read_note(self, name: str) -> bytes | None: ...

    async def write_note(self, name: str, content: bytes) -> None: ...

    def statistics(self) -> Statistics: ...


Connect: TypeAlias = Callable[[Inventory], AbstractAsyncContextManager[WatchedFleet]]
