"""Backfills as the JSON documents that automation reads. They fit their published schemas."""

from __future__ import annotations

from typing import Final

from fleet_repl.ecr.backfills import BackfillState
from fleet_repl.reports.documents import backfill_document
from fleet_repl.reports.spelling import timestamp
from fleet_repl.runs.outcomes import BackfillReport
from fleet_repl.values.canonical_json import JsonObject

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
