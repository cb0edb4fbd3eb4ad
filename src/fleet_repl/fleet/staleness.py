"""Whether a plan is stale: overtaken by another run, or by a newer inventory.

This is asked once the fleet's lock is held. Whether a plan out of a file fits the inventory, and is
not too old, is checked before that, in `kept_plan`; whether it was altered, in `fleet`.

A plan was made from a version of the inventory and from what the fleet's state said. Where a run
has ended since, or the inventory's file says something else, somebody has decided anew.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

import anyio.to_thread

from fleet_repl.fleet.context import RunContext
from fleet_repl.fleet.kept_plan import PlanError
from fleet_repl.inventory import Inventory, changed_file
from fleet_repl.planning.plan import Plan
from fleet_repl.runs.history import RunSummary, UnreadableRun

_LONGEST: Final = timedelta(days=14)
"""No run lasts so long: its deadline is a week at the most."""


class OutdatedPlanError(PlanError):
    """A plan that another run has overtaken."""


class InventoryChangedError(PlanError):
    """A plan whose inventory says something else by now."""


async def refuse_changed(inventory: Inventory) -> None:
    """Raises InventoryChangedError where a file of the inventory was changed since it was read."""
    # In a thread: the disk may be slow, and the lock has to be renewed.
    file = await anyio.to_thread.run_sync(changed_file, inventory)
    if file is not None:
        raise InventoryChangedError(
            f"the plan is stale: {file} was changed after it was read\n"
            "    run again, so that the new version counts"
        )


def overtaken(run: RunSummary | UnreadableRun) -> OutdatedPlanError:
    """The refusal of a plan that is older than what a run has done."""
    who = run.meta.holder if isinstance(run, RunSummary) else f"run {run.run_id}"
    return OutdatedPlanError(
        f"the plan is stale: {who} has written since it was made, and carrying it out may undo "
        "what that run did\n    plan again, and see what is different now"
    )


async def newer_run(
    plan: Plan, digests: Collection[str], context: RunContext
) -> RunSummary | UnreadableRun | None:
    """The newest run of the fleet that was not over when `plan` began to look at it.

    Runs of the same plan, by any of `digests`, do not count: it may be applied more than once.
    """
    basis, created = plan.basis, plan.created_at
    if basis is not None:
        runs = await context.records.summaries(but=basis.runs)
    else:
        # An id begins with the time at which its run was connected.
        runs = await context.records.summaries(since=f"{created - _LONGEST:%Y%m%d}")
        runs = tuple(run for run in runs if not _is_older(run, created))
    return next((run for run in runs if not _is_same(run, digests)), None)


def _is_older(run: RunSummary | UnreadableRun, created: datetime) -> bool:
    """Returns whether a run was over by then, as far as can be told: a plan file tells its time in
    whole seconds, and what cannot be read tells none."""
    if isinstance(run, UnreadableRun):
        return True
    return run.finished_at is not None and run.finished_at.replace(microsecond=0) <= created


def _is_same(run: RunSummary | UnreadableRun, digests: Collection[str]) -> bool:
    return isinstance(run, RunSummary) and run.meta.plan_digest in digests
