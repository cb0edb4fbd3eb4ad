"""Applies a plan of a connected fleet: under its lock, if authorized and if not overtaken."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AsyncExitStack

from fleet_repl.engine.ports import EventSink
from fleet_repl.fleet.apply_run import ApplyRun
from fleet_repl.fleet.context import RunContext
from fleet_repl.fleet.plan import rolled_back
from fleet_repl.fleet.recover import recover
from fleet_repl.fleet.repositories import checked_again
from fleet_repl.fleet.run_reports import refused_report
from fleet_repl.fleet.staleness import newer_run, overtaken, refuse_changed
from fleet_repl.planning.authorize import Refused, authorize
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.objections import collateral_objection
from fleet_repl.planning.plan import Plan, Warning
from fleet_repl.planning.repository_routes import linked_by_name
from fleet_repl.reports.documents.plan import plan_digest
from fleet_repl.runs.outcomes import Report


async def apply(
    plan: Plan,
    context: RunContext,
    *,
    force: bool,
    allow: Collection[str],
    until: str | None,
    on_event: EventSink | None,
) -> Report:
    """Applies a plan that was checked to be of this fleet, or reports that it was refused.

    `until`: the last wave to be written. Raises PlanError for a stale plan, RefusedError where
    the lock is held or the fleet is frozen, and StateError; then nothing is written.
    """
    async with AsyncExitStack() as stack:
        held = context.access.held()
        lease = await stack.enter_async_context(held) if plan.changes else None
        if lease is not None:
            plan = await checked_again(plan, context, force=force)
        # The inventory may have been rolled back since the plan was made.
        new = await rolled_back(plan.registries, context) if plan.rolls_back is None else ()
        if plan.basis is None and (
            collateral := collateral_objection(plan.resolved, plan.registries)
        ):
            new = (*new, collateral)
        decision = authorize(plan, force=force, allow=allow, objections=new, digest=plan_digest)
        warnings = await _all_warnings(plan, context)
        reporting = context.reporting_to(on_event)
        if isinstance(decision, Refused):
            return refused_report(
                reporting,
                decision.plan,
                decision.because,
                objections=decision.objections,
                warnings=warnings,
            )
        newer = await newer_run(plan, {plan.digest, decision.plan.digest}, context)
        if lease is not None:
            await refuse_changed(context.inventory)
            if newer is not None and not (force and plan.basis is None):
                raise overtaken(newer)
        run = ApplyRun(
            context=reporting,
            authorized=decision,
            desired=_compared_with(plan, context),
            warnings=warnings,
            until=until,
            latest=newer is None,
        )
        return await (run.nothing_to_do() if lease is None else run.write(lease))


async def _all_warnings(plan: Plan, context: RunContext) -> tuple[Warning, ...]:
    """Returns the warnings of the plan, and those of runs that have died since it was made."""
    recovered = await recover(context) if plan.changes else ()
    new = (warning for warning in recovered if warning not in plan.warnings)
    return (*plan.warnings, *new)


def _compared_with(plan: Plan, context: RunContext) -> Desired:
    """Returns the state that rules are compared with: for a rollback, the state that comes back."""
    if plan.rolls_back is None:
        return linked_by_name(context.inventory, context.desired, plan.resolved)
    from fleet_repl.runs.rollback import restored  # noqa: PLC0415 - few runs are rollbacks

    return restored(context.desired, plan.registries)
