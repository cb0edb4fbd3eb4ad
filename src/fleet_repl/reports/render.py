"""The renderer of each format. The modules of a format are imported when it is first used.

A renderer of the formats that are made of documents is one function, from a document to pieces of
text: `csv_text(document, rows)`. Text, JSON, HTML and JUnit XML are made of the values themselves,
which hold what their documents hold. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, assert_never

from fleet_repl.reports.formats import ReportFormat, Rows

if TYPE_CHECKING:
    from fleet_repl.inventory import Inventory
    from fleet_repl.reports.documents.whole import Documented


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a format may be told beside the document."""

    rows: Rows = Rows.REGISTRIES
    """Of CSV."""
    csv: str | None = None
    """Of HTML: the name of the file beside the page that has the rows which the page leaves out."""
    full: bool = False
    """Of text: every list is whole. `colour`, `width` and `waves` are of text too."""
    colour: bool = False
    width: int | None = None
    """The columns of the terminal; None wraps no line."""
    waves: Sequence[str] = ()
    """The names of the inventory's waves in their order."""
    inventory: Inventory | None = None
    """The document's inventory, where it is at hand: for labels and routes in text, and for lines
    in SARIF."""
    folder: Path | None = None
    """Of SARIF: the working directory, which paths are relative to."""


PLAIN: Final = Settings()


def render(value: Documented, format_: ReportFormat, settings: Settings = PLAIN) -> Iterable[str]:
    """Returns the document of `value` in a format, in pieces.

    The format has to render documents of this kind, which `formats.FORMATS` says.
    """
    # Each format loads its own modules: one that is not asked for costs no time.
    match format_:
        case ReportFormat.TEXT:
            from fleet_repl.reports.text.render import text_of  # noqa: PLC0415

            pieces: Iterable[str] = (text_of(value, settings),)
        case ReportFormat.JSON:
            from fleet_repl.reports.to_json import json_pieces  # noqa: PLC0415

            pieces = json_pieces(value)
        case ReportFormat.HTML:
            from fleet_repl.reports.html import html_pieces  # noqa: PLC0415

            pieces = html_pieces(value, settings.csv)
        case ReportFormat.XML:
            from fleet_repl.reports.junit import to_junit  # noqa: PLC0415

            pieces = (to_junit(value),)
        case _:
            pieces = _of_document(value, format_, settings)
    return pieces


def _of_document(
    value: Documented,
    format_: Literal[ReportFormat.MD, ReportFormat.CSV, ReportFormat.SARIF],
    settings: Settings,
) -> Iterable[str]:
    from fleet_repl.reports.documents.whole import document_of  # noqa: PLC0415 - loads msgspec

    document = document_of(value)
    match format_:
        case ReportFormat.MD:
            from fleet_repl.reports.markdown.render import markdown_text  # noqa: PLC0415

            return (markdown_text(document),)
        case ReportFormat.CSV:
            from fleet_repl.reports.csv.render import csv_text  # noqa: PLC0415

            return csv_text(document, settings.rows)
        case ReportFormat.SARIF:
            from fleet_repl.reports.sarif.places import Places  # noqa: PLC0415
            from fleet_repl.reports.sarif.render import sarif_text  # noqa: PLC0415

            inventory = settings.inventory
            places = None if inventory is None else Places.of(inventory)
            return (sarif_text(document, places=places, folder=settings.folder),)
        case _:
            assert_never(format_)
