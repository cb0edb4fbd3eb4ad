"""The members that the report of every kind of run begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from fleet_repl.reports.documents.member_types import Timestamp
from fleet_repl.reports.documents.reader import Document
from fleet_repl.reports.documents.shared import InventoryDocument, recast
from fleet_repl.runs.outcomes import BackfillReport, Report, Status
from fleet_repl.values.text import timestamp

if TYPE_CHECKING:
    from fleet_repl.runs.coverage import CoverageReport
    from fleet_repl.runs.delivery import DeliveryReport


class RunHead(Document, frozen=True, kw_only=True):
    """Which run a document reports, when it ran, and on which inventory.

    A document is a subclass, whose own members follow these. Its tag, `schema`, comes first.
    """

    run_id: str
    status: Status
    started_at: Timestamp
    finished_at: Timestamp
    fleet: str
    inventory: InventoryDocument


def run_head(report: Report | BackfillReport | DeliveryReport | CoverageReport) -> dict[str, Any]:
    """The members of RunHead by name, as arguments for a subclass."""
    head = RunHead(
        run_id=report.run_id,
        status=Status(report.status),
        started_at=timestamp(report.started_at),
        finished_at=timestamp(report.finished_at),
        fleet=report.fleet,
        inventory=recast(report.inventory, InventoryDocument),
    )
    return msgspec.structs.asdict(head)
