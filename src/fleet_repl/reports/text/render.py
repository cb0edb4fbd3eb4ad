"""A value as text for people, whatever kind of value it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet_repl.planning.fleet_summary import FleetSummary
from fleet_repl.reports.text.validation import summary_text
from fleet_repl.values.errors import InventoryError
from fleet_repl.values.text import visible

if TYPE_CHECKING:
    from fleet_repl.planning.explain import Explanation
    from fleet_repl.reports.documents.accounts import AccountsDocument
    from fleet_repl.reports.documents.whole import Documented
    from fleet_repl.reports.render import Settings
    from fleet_repl.reports.to_json import Document
    from fleet_repl.runs.coverage import CoverageReport
    from fleet_repl.runs.delivery import DeliveryReport
    from fleet_repl.runs.doctor import DoctorReport


def text_of(value: Documented, settings: Settings) -> str:
    """Returns a value as text. Of an inventory with problems: each problem, as stderr has it."""
    match value:
        case FleetSummary():
            return summary_text(value, colour=settings.colour, width=settings.width)
        case InventoryError():
            return "".join(f"{visible(line)}\n" for line in str(value).splitlines())
        case _:
            return _of_runs(value, settings)


# Each value loads the modules of its own text.
def _of_runs(
    value: Document | Explanation | CoverageReport | AccountsDocument, settings: Settings
) -> str:
    from fleet_repl.planning.plan import Plan  # noqa: PLC0415
    from fleet_repl.runs.outcomes import BackfillReport, Report  # noqa: PLC0415

    full, colour, width = settings.full, settings.colour, settings.width
    waves, inventory = settings.waves, settings.inventory
    match value:
        case Plan():
            from fleet_repl.reports.text.plans import plan_text  # noqa: PLC0415

            return plan_text(
                value, full=full, colour=colour, width=width, waves=waves, inventory=inventory
            )
        case Report():
            from fleet_repl.reports.text.reports import report_text  # noqa: PLC0415

            return report_text(
                value, full=full, colour=colour, width=width, waves=waves, inventory=inventory
            )
        case BackfillReport():
            from fleet_repl.reports.text.backfills import backfill_text  # noqa: PLC0415

            return backfill_text(value, full=full, colour=colour, width=width)
        case _:
            return _of_answers(value, settings)


def _of_answers(
    value: DeliveryReport | DoctorReport | Explanation | CoverageReport | AccountsDocument,
    settings: Settings,
) -> str:
    from fleet_repl.planning.explain import Explanation  # noqa: PLC0415
    from fleet_repl.reports.text.accounts import accounts_text  # noqa: PLC0415
    from fleet_repl.reports.text.coverage import coverage_text  # noqa: PLC0415
    from fleet_repl.reports.text.deliveries import delivery_text  # noqa: PLC0415
    from fleet_repl.reports.text.doctor import doctor_text  # noqa: PLC0415
    from fleet_repl.reports.text.explanation import explanation_text  # noqa: PLC0415
    from fleet_repl.runs.coverage import CoverageReport  # noqa: PLC0415
    from fleet_repl.runs.delivery import DeliveryReport  # noqa: PLC0415
    from fleet_repl.runs.doctor import DoctorReport  # noqa: PLC0415

    full, colour, width = settings.full, settings.colour, settings.width
    match value:
        case DeliveryReport():
            text = delivery_text(value, full=full, colour=colour, width=width)
        case DoctorReport():
            text = doctor_text(value, full=full, colour=colour, width=width)
        case Explanation():
            text = explanation_text(value, full=full, colour=colour, width=width)
        case CoverageReport():
            text = coverage_text(value, full=full, colour=colour, width=width)
        case _:
            text = accounts_text(value, colour=colour, width=width)
    return text
