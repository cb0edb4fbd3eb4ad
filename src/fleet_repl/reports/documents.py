"""Plans and reports as the JSON documents that automation reads.

Pure. The keys are a promise: each document fits its published schema, and a plan's digest is
over its whole document but the digest itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias

from fleet_repl.canonical import Json, JsonObject, digest
from fleet_repl.delivery import DeliveryReport
from fleet_repl.outcomes import BackfillReport, ChangeOutcome, Outcome, RegistryOutcome, Report
from fleet_repl.plan import (
    Change,
    HeldLink,
    InventoryRef,
    LinkEnd,
    Objection,
    Plan,
    RegistryPlan,
    Warning,
)
from fleet_repl.reports.backfills import backfill_document, backfill_report_document
from fleet_repl.reports.deliveries import delivery_document
from fleet_repl.reports.spelling import fault_document, json_text, prefixes_document, timestamp

PLAN_SCHEMA: Final = "fleet-repl/plan/1"
REPORT_SCHEMA: Final = "fleet-repl/report/1"

Document: TypeAlias = Plan | Report | DeliveryReport | BackfillReport
"""What has a document."""

_Members: TypeAlias = dict[str, Json]


def plan_document(plan: Plan) -> JsonObject:
    """The document `fleet-repl/plan/1` of a plan."""
    return {"schema": PLAN_SCHEMA, "digest": plan.digest, **_plan_content(plan)}


def plan_digest(plan: Plan) -> str:
    """The digest of everything that a plan's document says; `plan.digest` does not count."""
    return digest({"schema": PLAN_SCHEMA, **_plan_content(plan)})


def report_document(report: Report) -> JsonObject:
    """The document `fleet-repl/report/1` of a report."""
    counts: _Members = {outcome.value: report.count(outcome) for outcome in Outcome}
    return {
        "schema": REPORT_SCHEMA,
        "run_id": report.run_id,
        "status": report.status.value,
        "started_at": timestamp(report.started_at),
        "finished_at": timestamp(report.finished_at),
        "fleet": report.fleet,
        "inventory": _inventory(report.inventory),
        "plan_digest": report.plan_digest,
        "forced": report.forced,
        "objections": _notes(report.objections),
        "warnings": _notes(report.warnings),
        "summary": {**counts, "held": report.held},
        "registries": [_registry_outcome(one) for one in report.registries],
        "backfills": [backfill_document(one) for one in report.backfills],
    }


def to_json(subject: Document) -> str:
    """The document as text: indented, in ASCII, ending with a newline.

    In ASCII, so that no encoding and no terminal makes anything else of a name in it.
    """
    match subject:
        case Plan():
            return json_text(plan_document(subject))
        case Report():
            return json_text(report_document(subject))
        case DeliveryReport():
            return json_text(delivery_document(subject))
        case BackfillReport():
            return json_text(backfill_report_document(subject))


def _plan_content(plan: Plan) -> _Members:
    summary = plan.summary
    return {
        "created_at": timestamp(plan.created_at),
        "fleet": plan.fleet,
        "inventory": _inventory(plan.inventory),
        "summary": {
            "registries": summary.registries,
            "changed": summary.changed,
            "unchanged": summary.unchanged,
            "unreadable": summary.unreadable,
            "held": summary.held,
            "links_added": summary.links_added,
            "links_removed": summary.links_removed,
        },
        "registries": [_registry_plan(one) for one in plan.registries],
        "objections": _notes(plan.objections),
        "warnings": _notes(plan.warnings),
    }


def _registry_plan(one: RegistryPlan) -> JsonObject:
    return {
        "account": one.registry.account,
        "region": one.registry.region,
        "name": one.name,
        "state": one.state.value,
        "changes": [_change(change) for change in one.changes],
        "refused": sorted(resource.value for resource in one.refused),
        "held": _held(one.held),
        "error": fault_document(one.error),
    }


def _change(change: Change) -> JsonObject:
    return {
        "resource": change.resource.value,
        "action": change.action.value,
        "phase": change.phase.value,
        "wave": change.wave,
        "before": change.before,
        "after": change.after,
        "links_added": _links(change.links_added),
        "links_removed": _links(change.links_removed),
        "deletes_started": _links(change.deletes_started),
        "deletes_stopped": _links(change.deletes_stopped),
    }


def _registry_outcome(one: RegistryOutcome) -> JsonObject:
    return {
        "account": one.registry.account,
        "region": one.registry.region,
        "name": one.name,
        "wave": one.wave,
        "outcome": one.outcome.value,
        "attempts": one.attempts,
        "duration_ms": one.duration_ms,
        "changes": [_change_outcome(change) for change in one.changes],
        "held": _held(one.held),
        "error": fault_document(one.error),
        "because": one.because,
    }


def _change_outcome(change: ChangeOutcome) -> JsonObject:
    return {
        "resource": change.resource.value,
        "action": change.action.value,
        "wave": change.wave,
        "outcome": change.outcome.value,
        "request_id": change.request_id,
        "before": change.before,
        "after": change.after,
    }


def _links(ends: Iterable[LinkEnd]) -> list[Json]:
    return [
        {
            "account": end.registry.account,
            "region": end.registry.region,
            "prefixes": prefixes_document(end.prefixes),
            "routes": list(end.routes),
        }
        for end in sorted(ends, key=lambda end: (end.registry, end.prefixes, end.routes))
    ]


def _held(links: Iterable[HeldLink]) -> list[Json]:
    return [
        {
            "account": link.destination.account,
            "region": link.destination.region,
            "prefixes": prefixes_document(link.prefixes),
            "because": link.because,
        }
        for link in sorted(links, key=lambda link: (link.destination, link.prefixes, link.because))
    ]


def _inventory(reference: InventoryRef) -> JsonObject:
    return {"path": reference.path, "digest": reference.digest}


def _notes(notes: Iterable[Objection | Warning]) -> list[Json]:
    return [{"kind": note.kind, "message": note.message} for note in notes]
