"""Plans for tests that care for their registries alone, and what became of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from tests.support.clock import NOON

from fleet_repl.inventory.model import InventoryRef
from fleet_repl.planning.change import Change
from fleet_repl.planning.plan import Basis, Objection, Plan, RegistryPlan, Warning
from fleet_repl.planning.registry_plan import summarize
from fleet_repl.reports.documents.plan import plan_digest
from fleet_repl.runs.outcomes import ChangeOutcome, Outcome, RegistryOutcome, Report, Status
from fleet_repl.values.errors import Fault

PROD = InventoryRef(path="prod.toml", digest="sha256:2")


def plan_of(
    *registries: RegistryPlan,
    digest: str = "",
    created_at: datetime = NOON,
    fleet: str = "prod",
    inventory: InventoryRef = PROD,
    objections: tuple[Objection, ...] = (),
    warnings: tuple[Warning, ...] = (),
    basis: Basis | None = None,
) -> Plan:
    """The plan of a fleet that consists of these registries."""
    return Plan(
        digest=digest,
        created_at=created_at,
        fleet=fleet,
        inventory=inventory,
        summary=summarize(registries),
        registries=registries,
        objections=objections,
        warnings=warnings,
        basis=basis,
    )


def with_digest(plan: Plan) -> Plan:
    """The plan with the digest of its own content."""
    return replace(plan, digest=plan_digest(plan))


def change_outcome(change: Change, outcome: Outcome, because: str | None = None) -> ChangeOutcome:
    """What became of a planned change, with the documents that were planned."""
    return ChangeOutcome(
        resource=change.resource,
        action=change.action,
        wave=change.wave,
        outcome=outcome,
        because=because,
        before=change.before,
        after=change.after,
    )


def registry_outcome(
    planned: RegistryPlan,
    outcome: Outcome,
    *,
    attempts: int = 0,
    error: Fault | None = None,
    because: str | None = None,
) -> RegistryOutcome:
    """What became of a planned registry, each of its changes alike."""
    return RegistryOutcome(
        registry=planned.registry,
        name=planned.name,
        wave=planned.wave,
        outcome=outcome,
        attempts=attempts,
        changes=tuple(change_outcome(change, outcome) for change in planned.changes),
        error=error,
        because=because,
    )


def report_of(
    plan: Plan,
    *registries: RegistryOutcome,
    status: Status = Status.OK,
    run_id: str = "run",
    finished_at: datetime | None = None,
) -> Report:
    """The report of a plan that was carried out as soon as it was made."""
    return Report(
        run_id=run_id,
        status=status,
        started_at=plan.created_at,
        finished_at=finished_at or plan.created_at,
        fleet=plan.fleet,
        inventory=plan.inventory,
        plan_digest=plan.digest,
        registries=registries,
    )
