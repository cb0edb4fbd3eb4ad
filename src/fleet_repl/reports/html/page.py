"""Pages as HTML text: one file with its styles and its script, and a policy that allows no more.

Names come from outside. Each text that the template places is made visible first, so that control
and bidirectional characters are inert, and then escaped. The policy allows the style and the script
of this file by their digests and nothing else, so markup that slipped through could neither run nor
load anything.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template
from markupsafe import Markup

from fleet_repl.planning.plan import Plan
from fleet_repl.reports.html.backfill_page import backfill_page
from fleet_repl.reports.html.delivery_page import delivery_page
from fleet_repl.reports.html.doctor_page import doctor_page
from fleet_repl.reports.html.drawing import HEIGHT, WIDTH
from fleet_repl.reports.html.model import Page
from fleet_repl.reports.html.plan_page import plan_page
from fleet_repl.reports.html.report_page import report_page
from fleet_repl.reports.to_json import Document
from fleet_repl.runs.delivery import DeliveryReport
from fleet_repl.runs.doctor import DoctorReport
from fleet_repl.runs.outcomes import BackfillReport, Report
from fleet_repl.values.text import visible

if TYPE_CHECKING:
    from fleet_repl.reports.documents.whole import Documented

_BUFFERED: Final = 256
"""The number of the template's pieces that are handed out as one."""


def html_pieces(subject: Documented) -> Iterator[str]:
    """Returns the page of a document as HTML text, in pieces.

    Raises TypeError for what has none, which `formats.FORMATS` names.
    """
    if not isinstance(subject, Plan | Report | DeliveryReport | BackfillReport | DoctorReport):
        raise TypeError(f"{type(subject).__name__} has no page")
    stream = _template().stream(page=page_of(subject))
    stream.enable_buffering(_BUFFERED)
    return stream


def page_of(subject: Document) -> Page:
    """Returns what the page of a document shows."""
    match subject:
        case Plan():
            return plan_page(subject)
        case Report():
            return report_page(subject)
        case DeliveryReport():
            return delivery_page(subject)
        case BackfillReport():
            return backfill_page(subject)
        case DoctorReport():
            return doctor_page(subject)


@cache
def _template() -> Template:
    environment = Environment(
        loader=FunctionLoader(_asset),
        autoescape=True,
        finalize=_inert,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = _asset("page.css"), _asset("page.js")
    policy = (
        f"default-src 'none'; style-src {_source(style)}; script-src {_source(script)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    environment.globals |= {
        "style": Markup(style),  # noqa: S704 - a file of this package
        "script": Markup(script),  # noqa: S704 - a file of this package
        "policy": policy,
        "box": {"width": WIDTH, "height": HEIGHT},
    }
    return environment.get_template("page.html.j2")


def _asset(name: str) -> str:
    return files(__package__).joinpath("assets", name).read_text(encoding="utf-8")


def _source(text: str) -> str:
    """Returns a style or script as the policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _inert(value: object) -> object:
    """Returns a text without invisible characters; anything else as it is."""
    return visible(value) if type(value) is not Markup and isinstance(value, str) else value
