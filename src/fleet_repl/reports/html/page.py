"""Pages as HTML text: one file with its styles and its script, and a policy that allows no more.

Names come from outside. Each text that the template places is made visible first, so that control
and bidirectional characters are inert, and then escaped. The policy allows the style and the script
of this file by their digests and nothing else, so markup that slipped through could neither run nor
load anything.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final, assert_never
from urllib.parse import quote

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template
from markupsafe import Markup

from fleet_repl.planning.explain import Explanation
from fleet_repl.planning.plan import Plan
from fleet_repl.reports.documents.accounts import AccountsDocument
from fleet_repl.reports.formats import Rows
from fleet_repl.reports.html.accounts_page import accounts_page
from fleet_repl.reports.html.backfill_page import backfill_page
from fleet_repl.reports.html.coverage_page import coverage_page
from fleet_repl.reports.html.delivery_page import delivery_page
from fleet_repl.reports.html.doctor_page import doctor_page
from fleet_repl.reports.html.drawing import HEIGHT, WIDTH
from fleet_repl.reports.html.explanation_page import explanation_page
from fleet_repl.reports.html.model import Page
from fleet_repl.reports.html.plan_page import plan_page
from fleet_repl.reports.html.report_page import report_page
from fleet_repl.reports.html.table import MOST
from fleet_repl.reports.html.watch_model import WatchPage
from fleet_repl.reports.to_json import Document
from fleet_repl.runs.coverage import CoverageReport
from fleet_repl.runs.delivery import DeliveryReport
from fleet_repl.runs.doctor import DoctorReport
from fleet_repl.runs.outcomes import BackfillReport, Report
from fleet_repl.values.text import visible

if TYPE_CHECKING:
    from fleet_repl.reports.documents.whole import Documented

_WITH_PAGE: Final = (
    *(Plan, Report, DeliveryReport, CoverageReport),
    *(BackfillReport, DoctorReport, AccountsDocument, Explanation),
)
_BUFFERED: Final = 256
"""The number of the template's pieces that are handed out as one."""


class PageTemplate(StrEnum):
    """The file of a template."""

    REPORT = "page.html.j2"
    WATCH = "watch.html.j2"


_PARTS: Final[Mapping[PageTemplate, tuple[Sequence[str], Sequence[str]]]] = {
    PageTemplate.REPORT: (["page.css"], ["page.js"]),
    PageTemplate.WATCH: (["page.css", "watch.css"], []),
}
"""The files of the styles and of the scripts of a template."""


def html_pieces(subject: Documented, csv: str | None = None) -> Iterator[str]:
    """Returns the page of a document as HTML text, in pieces.

    `csv`: the name of the file beside it with the rows of `cut_rows`. Raises TypeError for a
    document that has no page, which `formats.FORMATS` names.
    """
    if not isinstance(subject, _WITH_PAGE):
        raise TypeError(f"{type(subject).__name__} has no page")
    page = replace(page_of(subject), csv=csv)
    stream = _template(PageTemplate.REPORT).stream(page=page)
    stream.enable_buffering(_BUFFERED)
    return stream


def cut_rows(subject: Documented) -> Rows | None:
    """Returns the rows of the CSV that holds what the page of a document leaves out; None where the
    page lists every one of them."""
    match subject:
        case Plan() | Report() | DoctorReport():
            rows, number = Rows.REGISTRIES, len(subject.registries)
        case AccountsDocument():
            rows, number = Rows.REGISTRIES, len(subject.accounts)
        case DeliveryReport() | CoverageReport():
            rows, number = Rows.LINKS, len(subject.links)
        case BackfillReport():
            rows, number = Rows.LINKS, len(subject.backfills)
        case Explanation():
            rows = Rows.REGISTRIES
            number = len(subject.carried) + len(subject.not_carried)
        case _:
            return None
    return rows if number > MOST else None


def watch_html(page: WatchPage) -> str:
    """Returns the page of a watch as HTML text."""
    return _template(PageTemplate.WATCH).render(page=page)


def policy_of(name: PageTemplate) -> str:
    """Returns the content security policy of the pages of a template, for a header."""
    return str(_template(name).globals["policy"])


def page_of(subject: Document | CoverageReport | AccountsDocument | Explanation) -> Page:
    """Returns what the page of a document shows."""
    match subject:
        case Plan():
            page = plan_page(subject)
        case Report():
            page = report_page(subject)
        case DeliveryReport():
            page = delivery_page(subject)
        case CoverageReport():
            page = coverage_page(subject)
        case BackfillReport():
            page = backfill_page(subject)
        case DoctorReport():
            page = doctor_page(subject)
        case AccountsDocument():
            page = accounts_page(subject)
        case Explanation():
            page = explanation_page(subject)
        case _:
            assert_never(subject)
    return page


@cache
def _template(name: PageTemplate) -> Template:
    environment = Environment(
        loader=FunctionLoader(_asset),
        autoescape=True,
        finalize=_inert,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    styles, scripts = _PARTS[name]
    style, script = "".join(map(_asset, styles)), "".join(map(_asset, scripts))
    environment.filters["href"] = _href
    environment.globals |= {
        "style": Markup(style),  # noqa: S704 - files of this package
        "script": Markup(script),  # noqa: S704 - files of this package
        "policy": _policy(style, script),
        "box": {"width": WIDTH, "height": HEIGHT},
    }
    return environment.get_template(name.value)


def _policy(style: str, script: str) -> str:
    scripts = f"script-src {_source(script)}; " if script else ""
    return (
        f"default-src 'none'; style-src {_source(style)}; {scripts}"
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _asset(name: str) -> str:
    return files(__package__).joinpath("assets", name).read_text(encoding="utf-8")


def _source(text: str) -> str:
    """Returns a style or script as the policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _href(name: str) -> str:
    """Returns the address of a file beside the page, whatever its name holds."""
    return f"./{quote(os.fsencode(name))}"


def _inert(value: object) -> object:
    """Returns a text without invisible characters; anything else as it is."""
    return visible(value) if type(value) is not Markup and isinstance(value, str) else value
