"""The plan of a connected fleet: reads its registries, has the plan made, adds the objections."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread

from fleet_repl.fleet.enrolment import excusing
from fleet_repl.fleet.recover import Recovered, known_fingerprints, recovered
from fleet_repl.fleet.repositories import resolved_routes
from fleet_repl.fleet.survey import survey
from fleet_repl.planning.account_facts import account_labels, planned_accounts
from fleet_repl.planning.acknowledgements import OF_PLANS, Noted, noted
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.discovery import discovery_warnings
from fleet_repl.planning.enrolment import young_accounts
from fleet_repl.planning.excluded import exclude, exclude_objected
from fleet_repl.planning.objections import (
    objections,
    objections_to,
    rolled_back_objection,
    unreadable_marks_objection,
)
from fleet_repl.planning.ownership import Record
from fleet_repl.planning.plan import Basis, Effort, Objection, Plan, RegistryPlan, State, Warning
from fleet_repl.planning.planner import Planned, plan_registries
from fleet_repl.planning.registry_plan import summarize
from fleet_repl.planning.route_prefixes import RoutePrefixes
from fleet_repl.planning.wave_warnings import unused_waves
from fleet_repl.reports.documents.plan import plan_digest
from fleet_repl.runs.backfills import foreseen
from fleet_repl.runs.drift import attributed
from fleet_repl.runs.events import PlanMade
from fleet_repl.runs.history import Fingerprints
from fleet_repl.state import read_marks
from fleet_repl.topology import NOTICES, Selection
from fleet_repl.values.errors import Fault, UnreadableStateError
from fleet_repl.values.names import Registry
from fleet_repl.values.text import first_line

if TYPE_CHECKING:
    from fleet_repl.fleet.context import RunContext
    from fleet_repl.planning.elsewhere import HeldResource


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """The options of a plan beside its scope; `Fleet.plan` explains each."""

    selection: Selection
    allow: Collection[str]
    over: float
    beside: Path | None
    spare: Mapping[Registry, Fault]
    force: bool
    exclude_objected: bool
    held: Collection[HeldResource]


async def propose(
    scope: frozenset[Registry], context: RunContext, options: PlanOptions
) -> Plan | Mapping[Registry, Effort]:
    """Returns the plan that makes `scope` as the inventory wants it; after an interruption, the
    efforts of reading so far."""
    began, desired = context.pace.clock.now(), context.desired
    dead, basis = await looked_back(context)
    fingerprints, unreadable = await known_fingerprints(context)
    young = young_accounts(context.inventory, began, fingerprints)
    sink = excusing(context.on_event, young)
    observe_context = replace(
        context.observing(basis.record, over=options.over),
        with_repositories=desired.by_name,
        on_event=sink,
    )
    seen, efforts = await survey(scope, desired, observe_context)
    if context.stop.interrupted:
        return efforts
    resolved = await resolved_routes(context, seen)
    decide = partial(
        plan_registries,
        record=basis.record,
        joining=young,
        allow=options.allow,
        force=options.force,
    )
    # In a thread: of a large fleet this takes many seconds, and a lock has to be renewed.
    planned = await anyio.to_thread.run_sync(decide, resolved.desired, seen, scope)
    registries, against = _objected(planned, basis.record, resolved.routes, context, options)
    fingerprints = dead.added_to(fingerprints)
    registries = attributed(
        registries, fingerprints, inventory=context.inventory.digest, by_name=resolved.registries
    )
    registries, about_others = await _others(
        registries, fingerprints, resolved.desired, context, options
    )
    warnings = (
        *discovery_warnings(context.inventory, options.selection, now=began),
        *dead.warnings,
        *unreadable,
        *resolved.warnings,
        *planned.warnings,
        *about_others,
    )
    known = _noted(registries, warnings, fingerprints, context)
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
        resolved=resolved.routes,
        efforts=efforts,
        basis=basis,
    )
    return await finished(context, plan)


async def _others(
    registries: tuple[RegistryPlan, ...],
    fingerprints: Fingerprints,
    desired: Desired,
    context: RunContext,
    options: PlanOptions,
) -> tuple[tuple[RegistryPlan, ...], tuple[Warning, ...]]:
    """Returns the registries of a plan, those that others have changed with who did, and warnings
    about others. A plan that concerns nobody else loads nothing for that, and asks nothing."""
    warnings: tuple[Warning, ...] = ()
    if any(planned.changed_outside for planned in registries):
        from fleet_repl.fleet.attribution import with_attributions  # noqa: PLC0415

        registries, warnings = await with_attributions(registries, fingerprints, context)
    if options.held or any(planned.changes for planned in registries):
        from fleet_repl.fleet.elsewhere import warnings_of_others  # noqa: PLC0415

        of_others = await warnings_of_others(registries, desired, options.held, context)
        warnings = (*warnings, *of_others)
    return registries, warnings


def _objected(
    planned: Planned,
    record: Record,
    resolved: Sequence[RoutePrefixes],
    context: RunContext,
    options: PlanOptions,
) -> tuple[tuple[RegistryPlan, ...], tuple[Objection, ...]]:
    """Returns the planned registries, some of them excluded, and the objections to the rest."""
    registries = exclude(planned.registries, options.spare)
    protected, allow = context.desired.protected, options.allow
    against = objections(
        registries,
        record,
        safety=context.inventory.safety,
        protected=protected,
        resolved=resolved,
        allow=allow,
    )
    if not options.exclude_objected:
        return registries, against
    to_registry = partial(
        objections_to, record=record, protected=protected, resolved=resolved, allow=allow
    )
    return exclude_objected(registries, against, to_registry)


def _noted(
    registries: Sequence[RegistryPlan],
    warnings: Collection[Warning],
    fingerprints: Fingerprints,
    context: RunContext,
) -> Noted:
    """Returns the warnings of a plan without those that the inventory acknowledges."""
    inventory = context.inventory
    tried = {
        end
        for end, fingerprint in fingerprints.items()
        if fingerprint.inventory == inventory.digest
    }
    every = (
        *context.warnings,
        *warnings,
        *unused_waves(registries, context.desired, tried),
        *foreseen(registries, inventory.routes),
    )
    # An acknowledgement that matches no warning is itself warned of. Of a part of the fleet, or of
    # one with unreadable registries, only the warnings of the routes are known in full.
    whole = len(registries) == len(context.desired.registries)
    read = all(registry.state is not State.UNREADABLE for registry in registries)
    return noted(every, inventory, judged=OF_PLANS if whole and read else NOTICES)


async def looked_back(context: RunContext) -> tuple[Recovered, Basis]:
    """Returns what runs that died had done, and the basis of a plan that begins now."""
    over = await context.records.over()
    dead = await recovered(context)
    known = (meta.run_id for meta, _ in dead.found)
    unreadable = (run.run_id for run in dead.unreadable)
    runs = over.union(known, unreadable)
    return dead, Basis(runs=runs, record=await context.memory.recall())


async def rolled_back(
    registries: Collection[RegistryPlan], context: RunContext
) -> tuple[Objection, ...]:
    """Returns the objection to a version of the inventory whose run was rolled back, if it was."""
    if not any(planned.changes for planned in registries):
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
    """Returns the plan with its world and its digest, and reports it as an event."""
    accounts = planned_accounts(context.inventory)
    labels = (
        {}
        if accounts
        else account_labels(context.inventory, (planned.registry for planned in plan.registries))
    )
    plan = replace(plan, world=context.world, accounts=accounts, labels=labels)
    plan = replace(plan, digest=await anyio.to_thread.run_sync(plan_digest, plan))
    context.on_event(PlanMade(plan=plan))
    return plan
