"""The library's face: an inventory, a connection to its fleet, plans and reports.

Composes the stages; decides nothing of its own. Clock and randomness come in here.
"""

from __future__ import annotations

import os
import random
import secrets
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fleet_repl.desired import Desired, desired_state
from fleet_repl.engine import (
    Applying,
    Observing,
    Stop,
    Writing,
    apply_plan,
    observe,
    untouched,
)
from fleet_repl.errors import FleetError
from fleet_repl.inventory import Inventory, parse
from fleet_repl.names import Registry
from fleet_repl.observed import Observed, Unreadable
from fleet_repl.outcomes import (
    Event,
    Outcome,
    PlanMade,
    RegistryOutcome,
    Report,
    RunFinished,
    RunStarted,
    Status,
)
from fleet_repl.pacing import SYSTEM, Clock, Pace
from fleet_repl.plan import Effort, InventoryRef, Plan, Warning
from fleet_repl.planning import plan_registries, summarize
from fleet_repl.ports import EventSink
from fleet_repl.reports import plan_digest
from fleet_repl.rules import rules_for
from fleet_repl.safety import objections
from fleet_repl.topology import RouteSummary, Selection, Topology, select

if TYPE_CHECKING:
    from fleet_repl.aws import AwsRegistries, Endpoint


EVERYTHING = Selection()
"""The selection that narrows nothing."""


class Interrupted(FleetError):  # noqa: N818 - an interruption is no error of anybody
    """The run was stopped before there was a plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSummary:
    """What an inventory amounts to."""

    name: str
    accounts: int
    registries: int
    externals: int
    """Registries of other people's accounts that may receive images."""
    links: int
    rules: int
    routes: tuple[RouteSummary, ...]
    warnings: tuple[Warning, ...]


def load_inventory(path: str | Path, *, environ: Mapping[str, str] | None = None) -> Inventory:
    """Read, check and resolve an inventory file. Calls nothing.

    Raises InventoryError, whose `problems` name everything wrong with it at once.
    """
    inventory = parse(path, environ=os.environ if environ is None else environ)
    desired_state(inventory)
    return inventory


def describe_fleet(inventory: Inventory) -> FleetSummary:
    """What an inventory amounts to, offline."""
    desired, topology = desired_state(inventory)
    rules = sum(
        len(rules_for(desired.links_out(source), filters=desired.limits.filters))
        for source in desired.outgoing
    )
    return FleetSummary(
        name=inventory.name,
        accounts=len(inventory.accounts),
        registries=len(desired.registries),
        externals=sum(len(one.regions) for one in inventory.externals),
        links=len(topology.links),
        rules=rules,
        routes=topology.routes,
        warnings=_notices(topology),
    )


@asynccontextmanager
async def connect(
    inventory: Inventory,
    *,
    endpoint: Endpoint | None = None,
    on_event: EventSink | None = None,
    clock: Clock = SYSTEM,
) -> AsyncIterator[Fleet]:
    """One pool of clients and credentials for a fleet, and the start of its deadline.

    `endpoint` is where a simulated AWS answers; without it the SDK's configuration holds.
    Raises IdentityError where the base identity is missing or of another partition.
    """
    from fleet_repl.aws import open_aws  # noqa: PLC0415 - importing the library loads no AWS code

    desired, topology = desired_state(inventory)
    settings = inventory.apply
    deadline = clock.monotonic() + settings.deadline
    pace = Pace(
        attempts=settings.attempts,
        timeout=settings.timeout,
        deadline=deadline,
        clock=clock,
        uniform=random.uniform,
    )
    run_id = f"{clock.now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    sink = on_event or _nobody
    async with open_aws(
        inventory, run_id=run_id, pace=pace, endpoint=endpoint, on_event=sink
    ) as registries:
        yield Fleet(
            inventory=inventory,
            desired=desired,
            warnings=_notices(topology),
            registries=registries,
            pace=pace,
            run_id=run_id,
            on_event=sink,
        )


class Fleet:
    """A fleet that is connected: make plans of it and apply them."""

    def __init__(
        self,
        *,
        inventory: Inventory,
        desired: Desired,
        warnings: tuple[Warning, ...],
        registries: AwsRegistries,
        pace: Pace,
        run_id: str,
        on_event: EventSink,
    ) -> None:
        self.run_id = run_id
        self._inventory = inventory
        self._desired = desired
        self._warnings = warnings
        self._registries = registries
        self._pace = pace
        self._on_event = on_event
        self._stop = Stop(pace.clock, pace.deadline, inventory.apply.deadline)
        self._started = pace.clock.now()

    def stop(self) -> None:
        """Start nothing new; writes in flight finish and are read back."""
        self._stop.interrupt()

    async def plan(self, *, selection: Selection = EVERYTHING, allow: Collection[str] = ()) -> Plan:
        """Observe the fleet and say what it takes to make it as the inventory wants it.

        `selection` narrows what may be changed, never what is wanted. `allow` may hold
        "unknown-fields". Raises SelectionError, and Interrupted after `stop()`.
        """
        scope = select(self._inventory, selection)
        self._on_event(
            RunStarted(
                run_id=self.run_id,
                registries=len(scope),
                accounts=len({one.account for one in scope}),
            )
        )
        observation, efforts = await self._observe(scope)
        planned = plan_registries(self._desired, observation, scope, allow=allow)
        plan = Plan(
            digest="",
            created_at=self._pace.clock.now(),
            fleet=self._inventory.name,
            inventory=self._inventory_ref,
            summary=summarize(planned.registries),
            registries=planned.registries,
            objections=objections(planned.registries),
            warnings=(*self._warnings, *planned.warnings),
            efforts=efforts,
        )
        plan = replace(plan, digest=plan_digest(plan))
        self._on_event(PlanMade(plan=plan))
        return plan

    async def apply(
        self, plan: Plan, *, force: bool = False, on_event: EventSink | None = None
    ) -> Report:
        """Carry out a plan of this fleet. Every registry that fails is a value in the report.

        A plan with objections is refused as a whole, without a write, unless `force`.
        """
        if plan.objections and not force:
            kinds = ", ".join(dict.fromkeys(one.kind for one in plan.objections))
            return self.refuse(plan, f"the plan was refused: {kinds}")
        sink = _both(self._on_event, on_event)
        writing = Writing(
            reader=self._registries,
            writer=self._registries,
            owner=self._desired.owner,
            pace=self._pace,
            stop=self._stop,
            on_event=sink,
        )
        how = Applying(
            desired=self._desired,
            writing=writing,
            crew=self._inventory.apply.concurrency,
            stop=self._stop,
            on_event=sink,
        )
        outcomes = await apply_plan(plan, how)
        report = self._report(plan, outcomes, forced=force and bool(plan.objections))
        sink(RunFinished(report=report))
        return report

    def refuse(self, plan: Plan, because: str) -> Report:
        """The report of a plan that is not carried out."""
        report = self._report(plan, untouched(plan, because), forced=False)
        return replace(report, status=Status.REFUSED)

    def interrupted(self, *, selection: Selection = EVERYTHING) -> Report:
        """The report of a run that was stopped before there was a plan."""
        names = self._desired.names
        return Report(
            run_id=self.run_id,
            status=Status.INTERRUPTED,
            started_at=self._started,
            finished_at=self._pace.clock.now(),
            fleet=self._inventory.name,
            inventory=self._inventory_ref,
            plan_digest=None,
            warnings=self._warnings,
            registries=tuple(
                RegistryOutcome(
                    registry=one,
                    name=names[one.account],
                    outcome=Outcome.CANCELLED,
                    because="interrupted before there was a plan",
                )
                for one in sorted(select(self._inventory, selection))
            ),
        )

    @property
    def _inventory_ref(self) -> InventoryRef:
        return InventoryRef(path=self._inventory.path, digest=self._inventory.digest)

    async def _observe(
        self, scope: frozenset[Registry]
    ) -> tuple[dict[Registry, Observed | Unreadable], dict[Registry, Effort]]:
        """Read the scope and whatever its plan depends on."""
        how = Observing(
            reader=self._registries,
            owner=self._desired.owner,
            with_policies=self._desired.manages_grants,
            crew=self._inventory.apply.concurrency,
            stop=self._stop,
            clock=self._pace.clock,
            on_event=self._on_event,
        )
        found, efforts = await observe(scope | self._neighbours(scope), how)
        further = self._grantees(scope, found) - found.keys()
        if further and not self._stop.interrupted:
            more, more_efforts = await observe(further, how)
            found |= more
            efforts |= more_efforts
        if self._stop.interrupted:
            raise Interrupted("stopped before there was a plan")
        return found, efforts

    def _neighbours(self, scope: frozenset[Registry]) -> frozenset[Registry]:
        """Managed registries at the other end of a link into or out of the scope."""
        if len(scope) == len(self._desired.registries):
            return frozenset()
        ends = {link.destination for one in scope for link in self._desired.outgoing.get(one, ())}
        ends |= {link.source for one in scope for link in self._desired.incoming.get(one, ())}
        return frozenset(ends) & frozenset(self._desired.registries)

    def _grantees(
        self, scope: frozenset[Registry], found: Mapping[Registry, Observed | Unreadable]
    ) -> set[Registry]:
        """Listed registries of accounts that the scope grants anything today."""
        accounts = {
            grant.source
            for one in scope
            if isinstance(seen := found.get(one), Observed) and seen.policy is not None
            for grant in seen.policy.grants
        }
        return {
            registry
            for account in accounts
            for registry in self._desired.by_account.get(account, ())
        }

    def _report(self, plan: Plan, outcomes: tuple[RegistryOutcome, ...], *, forced: bool) -> Report:
        return Report(
            run_id=self.run_id,
            status=_status(outcomes, interrupted=self._stop.interrupted),
            started_at=self._started,
            finished_at=self._pace.clock.now(),
            fleet=plan.fleet,
            inventory=plan.inventory,
            plan_digest=plan.digest,
            forced=forced,
            objections=plan.objections,
            warnings=plan.warnings,
            registries=outcomes,
        )


def _status(outcomes: tuple[RegistryOutcome, ...], *, interrupted: bool) -> Status:
    good = [one for one in outcomes if one.outcome in (Outcome.APPLIED, Outcome.UNCHANGED)]
    if interrupted and any(one.outcome is Outcome.CANCELLED for one in outcomes):
        return Status.INTERRUPTED
    if len(good) == len(outcomes):
        return Status.PARTIAL if any(one.held for one in outcomes) else Status.OK
    return Status.PARTIAL if good else Status.FAILED


def _notices(topology: Topology) -> tuple[Warning, ...]:
    return tuple(Warning(kind=one.kind, message=one.message) for one in topology.notices)


def _nobody(event: Event) -> None:
    """Where events go that nobody asked for."""


def _both(first: EventSink, second: EventSink | None) -> EventSink:
    if second is None:
        return first

    def sink(event: Event) -> None:
        first(event)
        second(event)

    return sink
