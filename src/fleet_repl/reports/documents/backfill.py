"""Backfills as the JSON documents that automation reads. They fit their published schemas."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta

from fleet_repl.ecr.backfills import BackfillState
from fleet_repl.reports.documents.reader import Document
from fleet_repl.reports.documents.report import BackfillDocument
from fleet_repl.reports.documents.shared import Count, InventoryDocument, Timestamp, alike
from fleet_repl.reports.documents.writer import as_json
from fleet_repl.runs.outcomes import BackfillMode, BackfillReport, Status
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.text import timestamp

BACKFILL_SCHEMA: Final = "fleet-repl/backfill/1"

_STATUSES: Final = [str(status) for status in Status if status is not Status.STAGED]


class BackfillReportDocument(
    Document, frozen=True, kw_only=True, tag_field="schema", tag=BACKFILL_SCHEMA
):
    """Backfills of a fleet: one entry for each source and destination."""

    run_id: str
    status: Annotated[
        Status,
        Meta(
            description="partial: a backfill or a copy has failed, or one was not started or "
            "followed to its end.",
            extra_json_schema={"enum": _STATUSES},
        ),
    ]
    started_at: Timestamp
    finished_at: Timestamp
    fleet: str
    inventory: InventoryDocument
    mode: Annotated[
        BackfillMode,
        Meta(
            description="start: what can be started was. wait: all were, and followed to their "
            "end. status: nothing was started."
        ),
    ]
    route: Annotated[str | None, Meta(description="The only route that counted; null for all.")]
    summary: Annotated[
        dict[BackfillState, Count],
        Meta(
            description="Destinations by state.",
            extra_json_schema={"required": list(map(str, BackfillState))},
        ),
    ]
    backfills: tuple[BackfillDocument, ...]


def backfill_report_document(report: BackfillReport) -> JsonObject:
    """The document `fleet-repl/backfill/1` of a report."""
    return as_json(
        BackfillReportDocument(
            run_id=report.run_id,
            status=report.status,
            started_at=timestamp(report.started_at),
            finished_at=timestamp(report.finished_at),
            fleet=report.fleet,
            inventory=alike(report.inventory, InventoryDocument),
            mode=report.mode,
            route=report.route,
            summary={state: report.count(state) for state in BackfillState},
            backfills=tuple(map(BackfillDocument.of, report.backfills)),
        )
    )
