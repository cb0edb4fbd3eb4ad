"""The table of a document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from fleet_repl.reports.csv.coverage import coverage_gaps, coverage_links
from fleet_repl.reports.csv.links import (
    backfill_links,
    changed_links_table,
    delivery_links,
    explained_links,
)
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
from fleet_repl.reports.documents.coverage import CoverageDocument
from fleet_repl.reports.documents.delivery import DeliveryDocument
from fleet_repl.reports.documents.doctor import DoctorDocument
from fleet_repl.reports.documents.explanation import ExplanationDocument
from fleet_repl.reports.documents.plan import PlanDocument
from fleet_repl.reports.documents.report import ReportDocument
from fleet_repl.reports.documents.validation import ValidateDocument
from fleet_repl.reports.documents.whole import WholeDocument
from fleet_repl.reports.formats import Rows


def csv_text(document: WholeDocument, rows: Rows = Rows.REGISTRIES) -> Iterator[str]:
    """Yields a document as CSV, in pieces of whole lines.

    Raises TypeError for a document that has no such rows, which `formats.FORMATS` names.
    """
    # An explanation is about links, whatever rows are asked for.
    by_link = rows is Rows.LINKS or isinstance(document, ExplanationDocument)
    return csv_lines(_links(document) if by_link else _registries(document))


def _registries(document: WholeDocument) -> Table:
    match document:
        case PlanDocument():
            table = plan_registries(document)
        case ReportDocument():
            table = report_registries(document)
        case DeliveryDocument():
            table = delivery_registries(document)
        case CoverageDocument():
            table = coverage_gaps(document)
        case BackfillReportDocument():
            table = backfill_registries(document)
        case DoctorDocument():
            table = doctor_registries(document)
        case AccountsDocument():
            table = accounts_table(document)
        case ValidateDocument() | ExplanationDocument():
            raise TypeError(f"{type(document).__name__} has no rows of registries")
        case _:
            assert_never(document)
    return table


def _links(document: WholeDocument) -> Table:
    match document:
        case PlanDocument() | ReportDocument():
            return changed_links_table(document)
        case DeliveryDocument():
            return delivery_links(document)
        case BackfillReportDocument():
            return backfill_links(document)
        case CoverageDocument():
            return coverage_links(document)
        case ExplanationDocument():
            return explained_links(document)
        case _:
            raise TypeError(f"{type(document).__name__} has no links")
