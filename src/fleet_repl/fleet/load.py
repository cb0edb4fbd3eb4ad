"""Inventories and plans out of files: read, described and checked, without a call to AWS."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final

from fleet_repl.fleet.worlds import world_name
from fleet_repl.inventory import Inventory, parse
from fleet_repl.inventory.fields import spell_seconds
from fleet_repl.inventory.regular_files import GIB, read_regular
from fleet_repl.planning.account_facts import fleet_difference, planned_accounts
from fleet_repl.planning.desired import desired_state
from fleet_repl.planning.plan import Plan
from fleet_repl.reports.documents.plan import parse_plan
from fleet_repl.values.errors import FleetError, InventoryError, RefusedError
from fleet_repl.values.names import Registry

LARGEST_PLAN: Final = 4 * GIB
"""Bytes of a plan: with long policies, one of a hundred thousand registries has as many."""
LONGEST_AHEAD: Final = timedelta(minutes=5)
"""The most by which the clock that a plan was made by may be ahead of this clock."""


def load_inventory(
    path: str | Path,
    *,
    environ: Mapping[str, str] | None = None,
    routes_required: bool = True,
    secrets_required: bool = True,
    stdin: BinaryIO | None = None,
) -> Inventory:
    """Read, check and resolve an inventory file. Calls nothing.

    With `stdin` it is read from there instead, as if it stood in a file called `path`.

    Without `routes_required` it may have no `routes`, which is good for importing and not for
    plans: they would take every link away. Without `secrets_required`, external ids may be
    missing whose variables are not set; the inventory is then good for everything that does not
    call AWS, and its `unset` says what is missing. Where `needs_discovery` of the inventory is
    true, `discover` tells the rest of its accounts, and its routes are checked by then.

    Raises InventoryError, whose `problems` name everything wrong with it at once.
    """
    inventory = parse(
        path,
        environ=os.environ if environ is None else environ,
        routes_required=routes_required,
        secrets_required=secrets_required,
        stdin=stdin,
    )
    if not inventory.needs_discovery:
        desired_state(inventory)
    return inventory


def check_secrets(inventory: Inventory) -> None:
    """Raises InventoryError where an external id is missing, before AWS is called."""
    if inventory.unset:
        raise InventoryError(inventory.unset)


class PlanError(RefusedError):
    """A plan that does not belong to this fleet, or that is none."""


def load_plan(path: str | Path) -> Plan:
    """The plan in a file that `plan --out` wrote.

    Raises FleetError for a file that cannot be read, PlanError for what is no plan, and
    RefusedError for a plan that was altered.
    """
    file = Path(path)
    try:
        content = read_regular(file, most=LARGEST_PLAN)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise FleetError(
            f"the plan cannot be read: {file}: {reason}\n"
            "    fleet-repl plan INVENTORY --out FILE writes one"
        ) from None
    return parse_plan(content, str(file), error=PlanError, altered=RefusedError)


def check_world(plan: Plan, world: str | None) -> None:
    """Returns whether a plan was made of the AWS that is there. Raises PlanError."""
    if plan.world != world:
        raise PlanError(
            f"the plan was made of {world_name(plan.world)}, "
            f"and this run is about {world_name(world)}\n"
            "    see AWS_ENDPOINT_URL and the profile's endpoint_url, or plan again"
        )


def check_plan(plan: Plan, inventory: Inventory, *, now: datetime, max_age: timedelta) -> None:
    """Returns whether a plan may be carried out for this inventory. Raises RefusedError."""
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
    """Returns whether the fleet still has the accounts that a plan was made for, where they are
    discovered. Raises PlanError."""
    difference = fleet_difference(plan.accounts, planned_accounts(inventory))
    if difference is not None:
        raise PlanError(
            f"the plan was made for another fleet: since then {difference}\n"
            "    make a new one with fleet-repl plan --out"
        )


def check_registries(plan: Plan, listed: Collection[Registry]) -> None:
    """Returns whether a plan writes to no other registries than the inventory's. Raises
    PlanError."""
    strangers = {registry for registry, _ in plan.changes}.difference(listed)
    if strangers:
        raise PlanError(
            f"the plan writes to {min(strangers)}, which is no registry of the inventory\n"
            "    make a new one with fleet-repl plan --out"
        )
