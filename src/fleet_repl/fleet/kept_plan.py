"""Plans and reports out of files: read, and plans checked to fit an inventory, without a call to
AWS."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from fleet_repl.fleet.worlds import SANDBOX_WORLD, world_name
from fleet_repl.inventory import Inventory
from fleet_repl.inventory.fields import spell_seconds
from fleet_repl.inventory.regular_files import GIB, read_regular
from fleet_repl.planning.account_facts import fleet_difference, planned_accounts
from fleet_repl.planning.plan import Plan
from fleet_repl.reports.documents.plan import PLAN_SCHEMA, parse_plan
from fleet_repl.reports.documents.reader import begins_as_object, schema_of
from fleet_repl.reports.documents.report import REPORT_SCHEMA, parse_report
from fleet_repl.runs.outcomes import Report
from fleet_repl.values.errors import FleetError, RefusedError
from fleet_repl.values.names import Registry

LARGEST_PLAN: Final = 4 * GIB
"""Bytes of a plan: with long policies, one of a hundred thousand registries has as many."""
LONGEST_AHEAD: Final = timedelta(minutes=5)
"""The most by which the clock that a plan was made by may be ahead of this clock."""

_PLAN_OUT: Final = "    fleet-repl plan INVENTORY --out FILE writes one"


class PlanError(RefusedError):
    """A plan that does not belong to this fleet, or that is none."""


def load_plan(path: str | Path) -> Plan:
    """The plan in a file that `plan --out` wrote.

    Raises FleetError for a file that cannot be read, PlanError for what is no plan, and
    RefusedError for a plan that was altered.
    """
    content = _content(path)
    if not begins_as_object(content):
        raise PlanError(f"{path} is no plan file: it is no JSON object\n{_PLAN_OUT}")
    return parse_plan(content, str(path), error=PlanError, altered=RefusedError)


def load_result(path: Path) -> Plan | Report:
    """The plan in a file that `plan --out` wrote, or the report in one of `--report FILE.json`.

    Raises FleetError for a file that cannot be read, PlanError for what is neither, and
    RefusedError for a plan that was altered.
    """
    content = _content(path)
    if not begins_as_object(content):
        raise PlanError(
            f"{path} is no plan file, and no report of a run: it is no JSON object\n"
            "    fleet-repl plan INVENTORY --out FILE writes a plan, --report FILE.json a report"
        )
    schema = schema_of(content)
    if schema == REPORT_SCHEMA:
        return parse_report(content, str(path), error=PlanError)
    if schema not in ("", PLAN_SCHEMA):
        raise PlanError(f"{path}: this is {schema}, and neither a plan nor a report of a run")
    return parse_plan(content, str(path), error=PlanError, altered=RefusedError)


def _content(path: str | Path) -> bytes:
    file = Path(path)
    try:
        return read_regular(file, most=LARGEST_PLAN)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise FleetError(f"the plan cannot be read: {file}: {reason}\n{_PLAN_OUT}") from None


def check_world(plan: Plan, world: str | None) -> None:
    """Raises PlanError for a plan that was made of another AWS than `world`."""
    if plan.world == world:
        return
    remedy = "see AWS_ENDPOINT_URL and the profile's endpoint_url, or plan again"
    if plan.world == SANDBOX_WORLD:
        remedy = "give --sandbox here too, or plan again without it"
    elif world == SANDBOX_WORLD:
        remedy = "leave --sandbox out, or plan again with it"
    raise PlanError(
        f"the plan was made of {world_name(plan.world)}, "
        f"and this run is about {world_name(world)}\n    {remedy}"
    )


def check_plan(plan: Plan, inventory: Inventory, *, now: datetime, max_age: timedelta) -> None:
    """Raises RefusedError for a plan that may not be carried out for this inventory."""
    if plan.fleet != inventory.name:
        raise PlanError(f"the plan is of fleet {plan.fleet}, and the inventory of {inventory.name}")
    if plan.inventory.digest != inventory.digest:
        raise PlanError(
            "the plan was made from another inventory, or another version of it\n"
            "    make a new one with fleet-repl plan --out"
        )
    age = now - plan.created_at
    if age > max_age:
        old, most = (spell_seconds(int(span.total_seconds())) for span in (age, max_age))
        raise RefusedError(
            f"the plan is {old} old, and --max-age is {most}\n"
            "    make a new one with fleet-repl plan --out"
        )
    if -age > LONGEST_AHEAD:
        raise RefusedError("the plan was made in the future: this machine's clock is wrong")


def check_accounts(plan: Plan, inventory: Inventory) -> None:
    """Raises PlanError for a plan that was made for other accounts than were discovered last."""
    difference = fleet_difference(plan.accounts, planned_accounts(inventory))
    if difference is not None:
        raise PlanError(
            f"the plan was made for another fleet: since then {difference}\n"
            "    make a new one with fleet-repl plan --out"
        )


def check_registries(plan: Plan, listed: Collection[Registry]) -> None:
    """Raises PlanError for a plan that writes to a registry which the inventory does not list."""
    unlisted = {registry for registry, _ in plan.changes}.difference(listed)
    if unlisted:
        raise PlanError(
            f"the plan writes to {min(unlisted)}, which is no registry of the inventory\n"
            "    make a new one with fleet-repl plan --out"
        )
