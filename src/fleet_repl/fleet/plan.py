"""Making plans of a connected fleet: look at it, decide, and say what speaks against it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread

from fleet_repl.engine.observe import Observing, observe
from fleet_repl.fleet.exclusions import without_objected
from fleet_repl.fleet.recover import Recovered, known_traces, recovered
from fleet_repl.planning.acknowledgements import OF_PLANS, noted
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.excluded import spared
from fleet_repl.planning.objections import (
    objections,
    objections_to,
    rolled_back_objection,
    unreadable_marks_objection,
)
from fleet_repl.planning.observed import Observed, Unreadable
from fleet_repl.planning.plan import Basis, Effort, Objection, Plan, RegistryPlan, State
from fleet_repl.planning.planner import plan_registries, summarize
from fleet_repl.planning.wave_warnings import unused_waves
from fleet_repl.reports import plan_digest
from fleet_repl.runs.backfills import foreseen
from fleet_repl.runs.drift import attributed
from fleet_repl.runs.events import PlanMade
from fleet_repl.state import read_marks
from fleet_repl.topology import NOTICES
from fleet_repl.values.errors import Fault, UnreadableStateError
from fleet_repl.values.names import Registry
from fleet_repl.values.text import first_line

if TYPE_CHECKING:
    from fleet_repl.fleet.context import RunContext


async def propose(  # noqa: PLR0913 - whatever a plan is asked for
    scope: frozenset[Registry],
    context: RunContext,
    *,
    allow: Collection[str],
    over: float,
    beside: Path | None,
    spare: Mapping[Registry, Fault],
    force: bool,
    exclude_objected: bool = False,
) -> Plan | Mapping[Registry, Effort]:
    """What it takes to make `scope` as the inventory wants it, or, after an interruption, what
    reading has taken so far."""
    began = context.pace.clock.now()
    dead, basis = await looked_back(context)
    record = basis.record
    traces, unreadable = await known_traces(context)
    seen, efforts = await survey(scope, context.desired, context.observing(record, over=over))
    if context.stop.interrupted:
        return efforts
    # In a thread: of a large fleet this takes many seconds, and a lock has to be renewed.
    planned = await anyio.to_thread.run_sync(
        partial(
            plan_registries, context.desired, seen, scope, record=record, allow=allow, force=force
        )
    )
    registries = spared(planned.registries, spare)
    protected = context.desired.protected
    speaking_against = objections(
        registries, record, safety=context.inventory.safety, protected=protected, allow=allow
    )
    if exclude_objected:
        objections_of_one = partial(objections_to, record=record, protected=protected, allow=allow)
        registries, speaking_against = without_objected(
            registries, speaking_against, objections_of_one
        )
    traces = dead.added_to(traces)
    registries = attributed(registries, traces)
    digest = context.inventory.digest
    tried = {one for one, trace in traces.items() if trace.inventory == digest}
    found = noted(
        (
            *context.warnings,
            *dead.warnings,
            *unreadable,
            *planned.warnings,
            *unused_waves(registries, context.desired, tried),
            *foreseen(registries, context.inventory.routes),
        ),
        context.inventory,
        judged=_judged(registries, context),
    )
    plan = Plan(
        digest="",
        created_at=began,
        fleet=context.inventory.name,
        inventory=context.inventory_ref if beside is None else context.inventory_seen_from(beside),
        summary=summarize(registries),
        registries=registries,
        objections=(*speaking_against, *await rolled_back(registries, context)),
        warnings=found.warnings,
        acknowledged=found.acknowledged,
        vouched=planned.vouched,
        efforts=efforts,
        basis=basis,
    )
    return await finished(context, plan)


def _judged(registries: Collection[RegistryPlan], context: RunContext) -> Collection[str]:
    """The kinds of warnings that a plan knows all of: of a part of the fleet, or where something
    could not be read, those of the routes."""
    whole = len(registries) == len(context.desired.registries)
    read = all(one.state is not State.UNREADABLE for one in registries)
    return OF_PLANS if whole and read else NOTICES


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
    scope: frozenset[Registry], desired: Desired, how: Observing
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
