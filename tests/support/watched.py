"""A fleet that is made up, and a watch of it on a clock that nobody waits for."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
from tests.support.changes import change_of
from tests.support.clock import VirtualClock
from tests.support.plans import plan_of, registry_outcome, report_of, with_digest
from tests.support.registries import registry_of

from fleet_repl.fleet.fleet import NONE_EXCLUDED, Interrupted
from fleet_repl.inventory import Account, Inventory
from fleet_repl.inventory.model import InventoryRef
from fleet_repl.planning import excluded
from fleet_repl.planning.attribution import Moved, Mover
from fleet_repl.planning.change import Action, Phase, Resource
from fleet_repl.planning.plan import Objection, Plan, RegistryPlan, State
from fleet_repl.reports.documents.plan import plan_digest
from fleet_repl.reports.log_entry import LogEntry
from fleet_repl.runs.outcomes import Outcome, RegistryOutcome, Report, Statistics, Status
from fleet_repl.state import LockAndFreeze
from fleet_repl.topology import EVERYTHING, Selection
from fleet_repl.values.errors import (
    Fault,
    FaultKind,
    FrozenError,
    IdentityError,
    RefusedError,
    StateError,
)
from fleet_repl.values.exit_code import ExitCode
from fleet_repl.values.names import Registry
from fleet_repl.watch import Round, WatchOptions, watch

HUB, A, B = map(registry_of, "123")
START = datetime(2026, 11, 23, 8, tzinfo=UTC)
DENIED = Fault(kind=FaultKind.ACCESS_DENIED, operation="DescribeRegistry", message="not allowed")
WANTED: dict[str, Any] = {"rules": [{"destinations": []}]}


@dataclass
class World:
    """A fleet as it is, and what goes wrong with it."""

    clock: VirtualClock
    differing: dict[Registry, Any] = field(default_factory=dict)
    """What is in place where it is not what is wanted."""
    moved: dict[Registry, Mover] = field(default_factory=dict)
    by_repositories: set[Registry] = field(default_factory=set)
    unreadable: set[Registry] = field(default_factory=set)
    joining: set[Registry] = field(default_factory=set)
    failing: set[Registry] = field(default_factory=set)
    objections: tuple[Objection, ...] = ()
    objected: dict[Registry, Objection] = field(default_factory=dict)
    """Objections to correcting single registries."""
    lock_and_freeze: LockAndFreeze = field(default_factory=LockAndFreeze)
    """What a look at the state finds."""
    busy: bool = False
    frozen: bool = False
    stale: list[Exception] = field(default_factory=list)
    """What plans are refused with, one after the other."""
    no_identity: bool = False
    lost: bool = False
    """A discovery has lost too many accounts."""
    no_state: bool = False
    read_only: bool = False
    """The state cannot be written, and the lock cannot be read."""
    hangs: bool = False
    """There is no end of connecting."""
    notes: dict[str, bytes] = field(default_factory=dict)
    took: float = 1
    """Seconds that a plan takes."""
    writes: list[Registry] = field(default_factory=list)
    spread: list[float] = field(default_factory=list)
    connected: int = 0
    most_connected: int = 0
    note_writes: int = 0
    while_connecting: Callable[[], object] = lambda: None
    while_planning: Callable[[], object] = lambda: None
    while_writing: Callable[[], object] = lambda: None

    def tamper(self, *registries: Registry) -> None:
        """Somebody else changes what is in place."""
        for registry in registries:
            self.differing[registry] = {"rules": []}

    @asynccontextmanager
    async def connect(self, inventory: Inventory) -> AsyncIterator[FakeFleet]:
        if self.hangs:
            self.while_connecting()
            await anyio.sleep_forever()
        if self.no_identity:
            raise IdentityError("there are no credentials\n    sign in")
        if self.lost:
            raise RefusedError("the discovery of fleet prod is refused: 3 accounts are gone")
        self.connected += 1
        self.most_connected = max(self.most_connected, self.connected)
        try:
            yield FakeFleet(self, inventory)
        finally:
            self.connected -= 1


class FakeFleet:
    """A connection to it."""

    def __init__(self, world: World, inventory: Inventory) -> None:
        self._world = world
        self._inventory = inventory
        self.run_id = "20261123T080000Z-ab12cd"
        self.holds_lock = False
        self.stopped = False

    def stop(self) -> None:
        self.stopped = True

    async def plan(
        self,
        *,
        selection: Selection = EVERYTHING,
        over: float = 0,
        spare: Mapping[Registry, Fault] = NONE_EXCLUDED,
        exclude_objected: bool = False,
    ) -> Plan:
        world = self._world
        world.spread.append(over)
        await world.clock.sleep(world.took)
        world.while_planning()
        await anyio.lowlevel.checkpoint()
        await anyio.lowlevel.checkpoint()
        if self.stopped:
            raise Interrupted("stopped before there was a plan")
        registries = tuple(
            self._planned(Registry(account.id, region))
            for account in self._inventory.accounts
            for region in account.regions
            if not selection.accounts or account.id in selection.accounts
        )
        registries, against = excluded.exclude(registries, spare), self._against(registries)
        if exclude_objected:
            registries, against = excluded.exclude_objected(
                registries, against, self._objections_to
            )
        plan = plan_of(
            *registries,
            created_at=world.clock.now(),
            fleet=self._inventory.name,
            inventory=InventoryRef(path=self._inventory.path, digest=self._inventory.digest),
            objections=against,
        )
        return with_digest(plan)

    def _objections_to(self, planned: RegistryPlan) -> tuple[Objection, ...]:
        objection = self._world.objected.get(planned.registry)
        return (objection,) if objection is not None and planned.writes else ()

    def _against(self, registries: tuple[RegistryPlan, ...]) -> tuple[Objection, ...]:
        single = itertools.chain.from_iterable(map(self._objections_to, registries))
        return (*single, *self._world.objections)

    def _planned(self, registry: Registry) -> RegistryPlan:
        world, name = self._world, f"account {registry.account[0]}"
        if registry in world.unreadable | world.joining:
            joining = "it joined 3 h ago" if registry in world.joining else None
            return RegistryPlan(
                registry=registry, name=name, state=State.UNREADABLE, error=DENIED, joining=joining
            )
        if registry not in world.differing:
            return RegistryPlan(registry=registry, name=name, state=State.UNCHANGED)
        change = change_of(
            resource=Resource.REPLICATION_CONFIGURATION,
            action=Action.UPDATE,
            phase=Phase.RULES,
            before=world.differing[registry],
            after=WANTED,
        )
        by = world.moved.get(registry, Mover.FLEET)
        moved = Moved(
            by=by,
            run_id="20261122T080000Z-000000",
            at=START - timedelta(days=1),
            by_repositories=registry in world.by_repositories,
        )
        return RegistryPlan(
            registry=registry, name=name, state=State.CHANGED, changes=(change,), moved=moved
        )

    async def apply(self, plan: Plan) -> Report:
        world = self._world
        assert plan.digest == plan_digest(plan)
        if world.stale:
            raise world.stale.pop(0)
        if world.frozen:
            raise FrozenError("the fleet is frozen by ops: an incident")
        if world.busy:
            raise RefusedError("the fleet is being written to: apply 20261123T075900Z-ffffff")
        self.holds_lock = True
        await world.clock.sleep(1)
        world.while_writing()
        await anyio.lowlevel.checkpoint()
        await anyio.lowlevel.checkpoint()
        outcomes = tuple(self._carried_out(planned) for planned in plan.registries)
        self.holds_lock = False
        good = [done for done in outcomes if done.outcome in (Outcome.APPLIED, Outcome.UNCHANGED)]
        status = Status.OK if len(good) == len(outcomes) else Status.PARTIAL
        return report_of(
            plan,
            *outcomes,
            status=Status.INTERRUPTED if self.stopped else status,
            run_id=self.run_id,
            finished_at=world.clock.now(),
        )

    def _carried_out(self, planned: RegistryPlan) -> RegistryOutcome:
        world, outcome, error = self._world, Outcome.UNCHANGED, None
        if planned.fails:
            outcome, error = Outcome.FAILED, planned.error
        elif planned.changes and self.stopped:
            outcome = Outcome.CANCELLED
        elif planned.registry in world.failing:
            outcome = Outcome.FAILED
            error = Fault(kind=FaultKind.SERVICE, operation="PutRegistryPolicy", message="no")
        elif planned.changes:
            outcome = Outcome.APPLIED
            world.writes.append(planned.registry)
            del world.differing[planned.registry]
        return registry_outcome(planned, outcome, attempts=2, error=error)

    async def lock_and_freeze(self) -> LockAndFreeze:
        if self._world.read_only:
            raise StateError("the lock cannot be read: denied\n    allow it")
        return self._world.lock_and_freeze

    async def read_note(self, name: str) -> bytes | None:
        if self._world.no_state:
            raise StateError("the state cannot be used: no such bucket\n    make it")
        return self._world.notes.get(name)

    async def write_note(self, name: str, content: bytes) -> None:
        if self._world.read_only:
            raise StateError("the state cannot be written: denied")
        self._world.note_writes += 1
        self._world.notes[name] = content

    def statistics(self) -> Statistics:
        return Statistics(
            calls={
                ("ecr", "DescribeRegistry", "ok"): 3,
                ("sts", "AssumeRole", "throttled"): 2,
            }
        )


@dataclass
class Stage:
    """A watch of the made-up fleet, and everything that it said."""

    world: World
    clock: VirtualClock
    inventory: Inventory
    logged: list[LogEntry] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    stop: anyio.Event = field(default_factory=anyio.Event)
    broken: Exception | None = None
    """Why the inventory cannot be loaded."""
    loads: int = 0

    def load(self) -> Inventory:
        self.loads += 1
        if self.broken is not None:
            raise self.broken
        return self.inventory

    async def watch(
        self,
        rounds: int,
        between: Callable[[int], object] = lambda number: None,
        **asked: Any,
    ) -> ExitCode:
        """So many rounds; `between` is called after each one with its number."""

        def ended(round_: Round) -> None:
            self.rounds.append(round_)
            between(round_.number)
            if round_.number >= rounds:
                self.stop.set()

        return await watch(
            WatchOptions(**asked),
            load=self.load,
            connect=self.world.connect,
            log=self.logged.append,
            stop=self.stop,
            clock=self.clock,
            uniform=lambda low, high: (low + high) / 2,
            on_round=ended,
        )

    @property
    def verdicts(self) -> list[str]:
        return [round_.verdict.value for round_ in self.rounds]

    def lines(self, event: str) -> list[str]:
        """What was told of one kind."""
        return [warning.message for warning in self.logged if warning.event == event]


def inventory_of(name: str = "prod", digest: str = "a") -> Inventory:
    """The made-up fleet: accounts of one registry each."""
    accounts = tuple(
        Account(
            id=registry.account,
            name=f"account {registry.account[0]}",
            regions=(registry.region,),
            role=None,
        )
        for registry in (HUB, A, B)
    )
    return Inventory(path="prod.toml", digest=f"sha256:{digest * 64}", name=name, accounts=accounts)
