"""The formats in which results are written, and which kinds of documents each of them can render.

Importing this module loads no renderer, so that help may name the formats. `reports.render` has
their renderers: a new format is a member of `ReportFormat`, an entry of `FORMATS` and a case there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from fleet_repl.values.errors import FleetError
from fleet_repl.values.text import joined

STDOUT: Final = "-"
"""The PATH that stands for standard output."""


class ReportFormat(StrEnum):
    """A format, by its name on the command line."""

    TEXT = "text"
    JSON = "json"
    MD = "md"
    HTML = "html"
    CSV = "csv"
    XML = "xml"
    SARIF = "sarif"


class Kind(StrEnum):
    """A kind of result: the name of its document in `fleet-repl schema`, but for a wait, whose
    document is an explanation."""

    PLAN = "plan"
    REPORT = "report"
    DELIVERY = "delivery"
    BACKFILL = "backfill"
    DOCTOR = "doctor"
    ACCOUNTS = "accounts"
    VALIDATE = "validate"
    EXPLAIN = "explain"
    COVERAGE = "coverage"
    WAIT = "wait"


class Rows(StrEnum):
    """The things that a CSV has a row for."""

    REGISTRIES = "registries"
    LINKS = "links"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatEntry:
    """A format: its name for people, the ending of its files, and the documents it renders."""

    name: str
    ending: str
    kinds: frozenset[Kind] = frozenset(Kind)


OF_RUNS: Final = frozenset({Kind.PLAN, Kind.REPORT, Kind.DELIVERY, Kind.BACKFILL, Kind.DOCTOR})
"""The kinds of documents that are results of runs."""
OF_LINKS: Final = OF_RUNS - {Kind.DOCTOR} | {Kind.EXPLAIN, Kind.WAIT, Kind.COVERAGE}
"""The kinds of documents that know links."""

FORMATS: Final[Mapping[ReportFormat, FormatEntry]] = {
    ReportFormat.TEXT: FormatEntry(name="text", ending=".txt"),
    ReportFormat.JSON: FormatEntry(name="JSON", ending=".json"),
    ReportFormat.MD: FormatEntry(name="Markdown", ending=".md"),
    ReportFormat.HTML: FormatEntry(
        name="HTML", ending=".html", kinds=frozenset(Kind) - {Kind.VALIDATE}
    ),
    ReportFormat.CSV: FormatEntry(
        name="CSV", ending=".csv", kinds=frozenset(Kind) - {Kind.VALIDATE}
    ),
    ReportFormat.XML: FormatEntry(
        name="JUnit XML", ending=".xml", kinds=frozenset(Kind) - {Kind.VALIDATE, Kind.ACCOUNTS}
    ),
    ReportFormat.SARIF: FormatEntry(name="SARIF", ending=".sarif"),
}


class FormatError(FleetError):
    """A format that is not there, or that cannot render what a command has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFile:
    """A file to write a result to, and its format."""

    format: ReportFormat
    path: Path
    """`-` for standard output."""

    @classmethod
    def parsed(cls, text: str) -> ReportFile:
        """Returns the file of `FORMAT:PATH`, or of a path whose ending gives the format.

        What comes before the first colon is a format only if it is the name of one, so `a:b.json`
        is a path. Raises FormatError where neither gives a format.
        """
        before, colon, after = text.partition(":")
        if colon and before in tuple(ReportFormat):
            if not after:
                raise FormatError(f"{text}: a path has to follow, as in {before}:FILE")
            return cls(format=ReportFormat(before), path=Path(after))
        path = Path(text)
        for format_, entry in FORMATS.items():
            if path.suffix.lower() == entry.ending:
                return cls(format=format_, path=path)
        endings = ", ".join(entry.ending for entry in FORMATS.values())
        raise FormatError(
            f"{text}: the name's ending gives the format; write one of {endings}, or name the "
            f"format before it, such as csv:{text}"
        )

    @property
    def is_stdout(self) -> bool:
        return str(self.path) == STDOUT


def csv_beside(page: Path, files: Collection[ReportFile]) -> Path:
    """Returns the file for the rows that a page leaves out: `run.csv` beside `run.html`, or
    `run.rows.csv` where one of `files` has that name."""
    beside = page.with_suffix(".csv")
    taken = {file.path.resolve() for file in files}
    return page.with_suffix(".rows.csv") if beside.resolve() in taken else beside


def formats_of(kinds: Collection[Kind]) -> list[ReportFormat]:
    """Returns the formats that render every one of these kinds of documents."""
    return [format_ for format_ in ReportFormat if FORMATS[format_].kinds.issuperset(kinds)]


def check_formats(
    formats: Collection[ReportFormat], rows: Rows | None, kinds: Collection[Kind]
) -> None:
    """Raises FormatError where one of the formats renders none of these kinds of documents, or
    `rows` is asked for and no format has them."""
    for format_ in formats:
        entry = FORMATS[format_]
        if unrendered := [kind for kind in kinds if kind not in entry.kinds]:
            raise FormatError(
                f"{format_}: there is no {entry.name} of {joined(unrendered)} documents; "
                f"take one of {', '.join(formats_of(kinds))}"
            )
    if rows is None:
        return
    if ReportFormat.CSV not in formats:
        raise FormatError(f"--rows {rows} is about CSV: it needs --format csv or --report FILE.csv")
    if rows is Rows.LINKS and not OF_LINKS.issuperset(kinds):
        raise FormatError(f"--rows links: {joined(list(kinds))} documents have no links")
