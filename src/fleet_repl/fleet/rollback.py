"""Taking a run back: its plan, and what is marked so that nothing applies it again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial

import anyio.to_thread

from fleet_repl.engine.observe import observe
from fleet_repl.fleet.context import RunContext
from fleet_repl.fleet.plan import finished, looked_back
from fleet_repl.fleet.recover import known_fingerprints, known_marks
from fleet_repl.planning.objections import unknown_rules
from fleet_repl.planning.observed import Observation
from fleet_repl.planning.ownership import Record
from fleet_repl.planning.plan import Effort, Plan
from fleet_repl.planning.registry_plan import summarize
from fleet_repl.runs.rollback import Target, needed_observation, plan_rollback, remarked, targets
from fleet_repl.state import Marks, lifted, reset, revise_marks
from fleet_repl.values.errors import FleetError
from fleet_repl.values.names import Registry


class RunError(FleetError):
    """A run that nobody remembers."""


async def propose_rollback(
    run_id: str,
    context: RunContext,
    *,
    force: bool,
    report_start: Callable[[Collection[Registry]], object],
) -> Plan | Mapping[Registry, Effort]:
    """Returns the plan that puts back what a run has changed; after an interruption, the efforts of
    reading so far."""
    began = context.pace.clock.now()
    dead, basis = await looked_back(context)
    past = await context.records.load(run_id)
    if past is None:
        raise _unknown_run(run_id, context)
    wanted = targets(past)
    report_start([target.registry for target in wanted])
    fingerprints, no_fingerprints = await known_fingerprints(context)
    _, no_marks = await known_marks(context)
    seen, efforts = await _observed(wanted, basis.record, context)
    if context.stop.interrupted:
        return efforts
    # In a thread: of a large fleet this takes a while, and a lock has to be renewed meanwhile.
    planned = await anyio.to_thread.run_sync(
        partial(
            plan_rollback, wanted, seen, context.desired, basis.record, fingerprints, force=force
        )
    )
    plan = Plan(
        digest="",
        created_at=began,
        fleet=context.inventory.name,
        inventory=context.inventory_ref,
        summary=summarize(planned.registries),
        registries=planned.registries,
        objections=tuple(filter(None, [unknown_rules(planned.registries)])),
        warnings=(*dead.warnings, *no_fingerprints, *no_marks, *planned.warnings),
        rolls_back=run_id,
        efforts=efforts,
        basis=basis,
    )
    return await finished(context, plan)


async def _observed(
    wanted: Collection[Target], record: Record, context: RunContext
) -> tuple[Observation, Mapping[Registry, Effort]]:
    """Reads the listed registries that are put back, and those whose rules decide what may go."""
    changed = {target.registry for target in wanted} | needed_observation(wanted, context.desired)
    with_templates = frozenset(target.registry for target in wanted if target.templates)
    return await observe(
        changed & set(context.desired.registries),
        context.observing(record, templates=with_templates),
    )


async def mark_rolled_back(run_id: str, context: RunContext) -> Marks:
    """Before the first write of a rollback, mark the version of the inventory that is rolled back,
    so that it is not applied again, or lift the mark where a rollback is rolled back. Returns the
    marks from before."""
    runs = await context.records.metas()
    if (run := runs.get(run_id)) is None:
        raise _unknown_run(run_id, context)
    before, _ = await known_marks(context)
    now = context.pace.clock.now()
    await _revise(context, lambda marks: remarked(marks, run, runs, by=context.run_id, at=now))
    return before


async def forget_rollback(before: Marks, context: RunContext) -> None:
    """Restore the marks from before this run."""
    await _revise(context, lambda marks: reset(marks, before, by=context.run_id))


async def lift_marks(context: RunContext) -> None:
    """Lift the mark of this version of the inventory, because somebody applies it by force although
    it was rolled back."""
    await _revise(context, lambda marks: lifted(marks, context.inventory.digest))


async def _revise(context: RunContext, change: Callable[[Marks], Marks]) -> None:
    await revise_marks(context.store, context.inventory.name, change)


def _unknown_run(run_id: str, context: RunContext) -> RunError:
    return RunError(f"no run {run_id} of fleet {context.inventory.name} is remembered")
