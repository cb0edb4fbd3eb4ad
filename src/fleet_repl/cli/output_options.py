"""The options of commands whose result is a document: its format, and its files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, get_type_hints

import typer

from fleet_repl.cli.flags import OUTPUT
from fleet_repl.cli.options import CommonOptions
from fleet_repl.reports.formats import (
    FormatError,
    Kind,
    ReportFile,
    ReportFormat,
    Rows,
    check_formats,
    formats_of,
)


def _report_file(text: str) -> ReportFile:
    try:
        return ReportFile.parsed(text)
    except FormatError as error:
        raise typer.BadParameter(str(error)) from error


ReportFiles = Annotated[
    list[ReportFile],
    typer.Option(
        metavar="[FORMAT:]FILE",
        parser=_report_file,
        help="Write the result to a file too, in the format that its ending or FORMAT names; "
        "FORMAT:- is stdout. Repeatable.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOptions(CommonOptions):
    """Flags of a command whose result is a document."""

    kinds: ClassVar[tuple[Kind, ...]] = ()
    """The kinds of documents that the command may have for a result."""

    format: ReportFormat = ReportFormat.TEXT
    report: ReportFiles = field(default_factory=list)
    rows: Annotated[
        Rows | None,
        typer.Option(
            help="What a CSV has a row for: registries unless given.",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None

    @classmethod
    def annotations(cls) -> dict[str, object]:
        # super() without arguments does not work where slots have made the class anew.
        formats = ", ".join(formats_of(cls.kinds))
        option = typer.Option(
            metavar="FORMAT",
            help=f"The result on stdout: {formats}.",
            rich_help_panel=OUTPUT,
        )
        return {
            **get_type_hints(cls, include_extras=True),
            "format": Annotated[ReportFormat, option],
        }

    def check(self) -> None:
        to_stdout = [file for file in self.report if file.is_stdout]
        if len(to_stdout) + (self.format is not ReportFormat.TEXT) > 1:
            raise typer.BadParameter(
                "stdout takes one result: leave out --format, or all but one --report FORMAT:-"
            )
        formats = [self.stdout_format, *(file.format for file in self.report)]
        try:
            check_formats(formats, self.rows, self.kinds)
        except FormatError as error:
            raise typer.BadParameter(str(error)) from error

    @property
    def stdout_format(self) -> ReportFormat:
        """The format of the result on stdout."""
        to_stdout = (file.format for file in self.report if file.is_stdout)
        return next(to_stdout, self.format)

    @property
    def files(self) -> tuple[ReportFile, ...]:
        """The files that the result is written to."""
        return tuple(file for file in self.report if not file.is_stdout)
