"""Making plans of a connected fleet: look at it, decide, and say what speaks against it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread

from fleet_repl.engine.observe import ObserveContext, observe
from fleet_repl.fleet.exclusions import without_objected
from fleet_repl.fleet.recover import Recovered, known_traces, recovered
from fleet_repl.planning.acknowledgements import OF_PLANS, Noted, noted
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.excluded import spared
from fleet_repl.planning.objections import (
    objections,
    objections_to,
    rolled_back_objection,
    unreadable_marks_objection,
)
from fleet_repl.planning.observed import Observed, Unreadable
from fleet_repl.planning.ownership import Record
from fleet_repl.planning.plan import Basis, Effort, Objection, Plan, RegistryPlan, State, Warning
from fleet_repl.planning.planner import Planned, plan_registries, summarize
from fleet_repl.planning.wave_warnings import unused_waves
from fleet_repl.reports import plan_digest
from fleet_repl.runs.backfills import foreseen
from fleet_repl.runs.drift import attributed
from fleet_repl.runs.events import PlanMade
from fleet_repl.runs.history import Traces
from fleet_repl.state import read_marks
from fleet_repl.topology import NOTICES
from fleet_repl.values.errors import Fault, UnreadableStateError
from fleet_repl.values.names import Registry
from fleet_repl.values.text import first_line

if TYPE_CHECKING:
    from fleet_repl.fleet.context import RunContext


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """What a plan is asked for beside its scope; `Fleet.plan` says what each means."""

    allow: Collection[str]
    over: float
    beside: Path | None
    spare: Mapping[Registry, Fault]
    force: bool
    exclude_objected: bool


async def propose(
    scope: frozenset[Registry], context: RunContext, options: PlanOptions
) -> Plan | Mapping[Registry, Effort]:
    """The plan that makes `scope` as the inventory wants it or, after an interruption, what
    reading has taken so far."""
    began, desired = context.pace.clock.now(), context.desired
    dead, basis = await looked_back(context)
    traces, unreadable = await known_traces(context)
    how = context.observing(basis.record, over=options.over)
    seen, efforts = await survey(scope, desired, how)
    if context.stop.interrupted:
        return efforts
    decide = partial(plan_registries, record=basis.record, allow=options.allow, force=options.force)
    # In a thread: of a large fleet this takes many seconds, and a lock has to be renewed.
    planned = await anyio.to_thread.run_sync(decide, desired, seen, scope)
    registries, against = _objected(planned, basis.record, context, options)
    traces = dead.added_to(traces)
    registries = attributed(registries, traces)
    warnings = (*dead.warnings, *unreadable, *planned.warnings)
    known = _noted(registries, warnings, traces, context)
    folder = None if options.beside is None else options.beside.parent
    plan = Plan(
        digest="",
        created_at=began,
        fleet=context.inventory.name,
        inventory=context.inventory_ref if folder is None else context.inventory_seen_from(folder),
        summary=summarize(registries),
        registries=registries,
        objections=(*against, *await rolled_back(registries, context)),
        warnings=known.warnings,
        acknowledged=known.acknowledged,
        vouched=planned.vouched,
        efforts=efforts,
        basis=basis,
    )
    return await finished(context, plan)


def _objected(
    planned: Planned, record: Record, context: RunContext, options: PlanOptions
) -> tuple[tuple[RegistryPlan, ...], tuple[Objection, ...]]:
    """The planned registries without the writes that are excluded, and the objections to the
    rest."""
    registries = spared(planned.registries, options.spare)
    protected, allow = context.desired.protected, options.allow
    against = objections(
        registries, record, safety=context.inventory.safety, protected=protected, allow=allow
    )
    if not options.exclude_objected:
        return registries, against
    to_registry = partial(objections_to, record=record, protected=protected, allow=allow)
    return without_objected(registries, against, to_registry)


def _noted(
    registries: Sequence[RegistryPlan],
    warnings: Collection[Warning],
    traces: Traces,
    context: RunContext,
) -> Noted:
    """The warnings of a plan, without those that the inventory acknowledges."""
    inventory = context.inventory
    tried = {end for end, trace in traces.items() if trace.inventory == inventory.digest}
    every = (
        *context.warnings,
        *warnings,
        *unused_waves(registries, context.desired, tried),
        *foreseen(registries, inventory.routes),
    )
    # Of a part of the fleet, or where something was not read, a plan knows only those of routes.
    whole = len(registries) == len(context.desired.registries)
    read = all(registry.state is not State.UNREADABLE for registry in registries)
    return noted(every, inventory, judged=OF_PLANS if whole and read else NOTICES)


async def looked_back(context: RunContext) -> tuple[Recovered, Basis]:
    """What runs that died had done, and what a plan that begins now is based on."""
    over = await context.records.over()
    dead = await recovered(context)
    told, untold = (meta.run_id for meta, _ in dead.found), (one.run_id for one in dead.unreadable)
    runs = over.union(told, untold)
    return dead, Basis(runs=runs, record=await context.memory.recall())


async def rolled_back(
    registries: Collection[RegistryPlan], context: RunContext
) -> tuple[Objection, ...]:
    """The objection to a version of the inventory whose run was taken back."""
    if not any(one.changes for one in registries):
        return ()
    try:
        marks = await read_marks(context.store, context.inventory.name)
    except UnreadableStateError as error:
        return (unreadable_marks_objection(first_line(error)),)
    return tuple(
        rolled_back_objection(mark.run_id, mark.by, mark.at)
        for mark in marks
        if mark.inventory == context.inventory.digest
    )[-1:]


async def finished(context: RunContext, plan: Plan) -> Plan:
    """The plan with its digest, told as an event."""
    plan = replace(plan, world=context.world)
    plan = replace(plan, digest=await anyio.to_thread.run_sync(plan_digest, plan))
    context.on_event(PlanMade(plan=plan))
    return plan


async def survey(
    scope: frozenset[Registry], desired: Desired, how: ObserveContext
) -> tuple[dict[Registry, Observed | Unreadable], dict[Registry, Effort]]:
    """Read the scope and whatever its plan depends on. After an interruption some are missing."""
    found, efforts = await observe(scope | _neighbours(scope, desired), how)
    further = _grantees(scope, found, desired) - found.keys()
    if further and not how.stop.interrupted:
        more, more_efforts = await observe(further, replace(how, over=0.0))
        found |= more
        efforts |= more_efforts
    return found, efforts


def _neighbours(scope: frozenset[Registry], desired: Desired) -> frozenset[Registry]:
    """Managed registries at the other end of a link into or out of the scope."""
    if len(scope) == len(desired.registries):
        return frozenset()
    ends = {link.destination for one in scope for link in desired.outgoing.get(one, ())}
    ends |= {link.source for one in scope for link in desired.incoming.get(one, ())}
    return frozenset(ends) & frozenset(desired.registries)


def _grantees(
    scope: frozenset[Registry],
    found: Mapping[Registry, Observed | Unreadable],
    desired: Desired,
) -> set[Registry]:
    """Listed registries of accounts that the scope grants anything today."""
    accounts = {
        grant.source
        for one in scope
        if isinstance(seen := found.get(one), Observed) and seen.policy is not None
        for grant in seen.policy.in_use
    }
    return {one for account in accounts for one in desired.by_account.get(account, ())}
