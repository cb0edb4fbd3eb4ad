"""Backfills as the JSON documents that automation reads. They fit their published schemas."""

from __future__ import annotations

from typing import Final

from fleet_repl.backfills import BackfillOutcome, BackfillState
from fleet_repl.canonical import JsonObject
from fleet_repl.names import Registry
from fleet_repl.outcomes import BackfillReport
from fleet_repl.reports.spelling import fault_document, timestamp

BACKFILL_SCHEMA: Final = "fleet-repl/backfill/1"


def backfill_report_document(report: BackfillReport) -> JsonObject:
    """The document `fleet-repl/backfill/1` of a report."""
    return {
        "schema": BACKFILL_SCHEMA,
        "run_id": report.run_id,
        "status": report.status.value,
        "started_at": timestamp(report.started_at),
        "finished_at": timestamp(report.finished_at),
        "fleet": report.fleet,
        "inventory": {"path": report.inventory.path, "digest": report.inventory.digest},
        "mode": report.mode.value,
        "route": report.route,
        "summary": {state.value: report.count(state) for state in BackfillState},
        "backfills": [backfill_document(one) for one in report.backfills],
    }


def backfill_document(one: BackfillOutcome) -> JsonObject:
    """One source and destination, here and in the report of an apply."""
    last = one.backfill
    counted = last is not None and last.total is not None
    return {
        "source": _end(one.source, one.source_name),
        "destination": _end(one.destination, one.destination_name),
        "state": one.state.value,
        "started": one.started,
        "id": last.id if last else None,
        "status": last.status if last else None,
        "started_at": timestamp(last.started_at) if last else None,
        "ended_at": timestamp(last.ended_at) if last and last.ended_at else None,
        "total": last.total if last else None,
        "completed": last.completed if last and counted else None,
        "failed": last.failed if last and counted else None,
        "failure_codes": dict(sorted(one.failures.items())),
        "failure_code": last.failure_code if last else None,
        "error": fault_document(one.error),
        "because": one.because,
    }


def _end(registry: Registry, name: str) -> JsonObject:
    return {"account": registry.account, "region": registry.region, "name": name}
