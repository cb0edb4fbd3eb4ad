"""Plans and reports as text for people. The width of a terminal only moves line breaks.

Every line passes through `Page`, which makes control characters of names from outside visible. Only
these modules and the command line use rich.
"""

from fleet_repl.reports.text.backfills import backfill_text
from fleet_repl.reports.text.deliveries import delivery_text
from fleet_repl.reports.text.doctor import doctor_text
from fleet_repl.reports.text.page import Page, Style
from fleet_repl.reports.text.plans import plan_text
from fleet_repl.reports.text.reports import report_text
from fleet_repl.reports.text.runs import runs_text, unreported_text

__all__ = [
    "Page",
    "Style",
    "backfill_text",
    "delivery_text",
    "doctor_text",
    "plan_text",
    "report_text",
    "runs_text",
    "unreported_text",
]
