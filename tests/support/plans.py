"""Plans for tests that care for their registries alone."""

from __future__ import annotations

from tests.support.clock import NOON

from fleet_repl.inventory.model import InventoryRef
from fleet_repl.planning.plan import Basis, Plan, RegistryPlan
from fleet_repl.planning.planner import summarize


def plan_of(*registries: RegistryPlan, digest: str = "", basis: Basis | None = None) -> Plan:
    """The plan of a fleet `prod` that consists of these registries."""
    return Plan(
        digest=digest,
        created_at=NOON,
        fleet="prod",
        inventory=InventoryRef(path="prod.toml", digest="sha256:2"),
        summary=summarize(registries),
        registries=registries,
        basis=basis,
    )
