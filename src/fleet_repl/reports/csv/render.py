"""The table of a document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from fleet_repl.reports.csv.links import backfill_links, changed_links_table, delivery_links
from fleet_repl.reports.csv.registries import (
    accounts_table,
    backfill_registries,
    delivery_registries,
    doctor_registries,
    plan_registries,
    report_registries,
)
from fleet_repl.reports.csv.table import Table, csv_lines
from fleet_repl.reports.documents.accounts import AccountsDocument
from fleet_repl.reports.documents.backfill import BackfillReportDocument
from fleet_repl.reports.documents.delivery import DeliveryDocument
from fleet_repl.reports.documents.doctor import DoctorDocument
from fleet_repl.reports.documents.plan import PlanDocument
from fleet_repl.reports.documents.report import ReportDocument
from fleet_repl.reports.documents.validation import ValidateDocument
from fleet_repl.reports.documents.whole import WholeDocument
from fleet_repl.reports.formats import Rows


def csv_text(document: WholeDocument, rows: Rows = Rows.REGISTRIES) -> Iterator[str]:
    """Yields a document as CSV, in pieces of whole lines.

    Raises TypeError for a document that has no such rows, which `formats.FORMATS` names.
    """
    return csv_lines(_links(document) if rows is Rows.LINKS else _registries(document))


def _registries(document: WholeDocument) -> Table:
    match document:
        case PlanDocument():
            return plan_registries(document)
        case ReportDocument():
            return report_registries(document)
        case DeliveryDocument():
            return delivery_registries(document)
        case BackfillReportDocument():
            return backfill_registries(document)
        case DoctorDocument():
            return doctor_registries(document)
        case AccountsDocument():
            return accounts_table(document)
        case ValidateDocument():
            raise TypeError("an inventory has no registries yet")
        case _:
            assert_never(document)


def _links(document: WholeDocument) -> Table:
    match document:
        case PlanDocument() | ReportDocument():
            return changed_links_table(document)
        case DeliveryDocument():
            return delivery_links(document)
        case BackfillReportDocument():
            return backfill_links(document)
        case _:
            raise TypeError(f"{type(document).__name__} has no links")
