"""The formats of results: which file gets which, and which document each can render."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from hypothesis.strategies import DataObject, SearchStrategy

from fleet_repl.planning.plan import Plan
from fleet_repl.reports.documents.plan import parse_plan, plan_content
from fleet_repl.reports.documents.report import parse_report, report_content
from fleet_repl.reports.documents.whole import Documented
from fleet_repl.reports.files import write_report
from fleet_repl.reports.formats import (
    FORMATS,
    FormatError,
    Kind,
    ReportFile,
    ReportFormat,
    Rows,
    check_formats,
)
from fleet_repl.reports.junit import to_junit
from fleet_repl.reports.render import Settings, render
from fleet_repl.reports.to_json import to_json
from fleet_repl.runs.outcomes import Report
from fleet_repl.values.errors import FleetError


def test_the_ending_gives_the_format(plan: Plan, report: Report, tmp_path: Path) -> None:
    """JSON and JUnit XML, for plans and reports, whatever the case of the ending."""
    for subject in (plan, report):
        for name in ("out.json", "out.XML"):
            file = ReportFile.parsed(str(tmp_path / name))
            write_report(render(subject, file.format), file.path)
        assert (tmp_path / "out.json").read_text(encoding="utf-8") == to_json(subject)
        assert (tmp_path / "out.XML").read_text(encoding="utf-8") == to_junit(subject)


@pytest.mark.parametrize(
    ("text", "format_", "path"),
    [
        ("out.csv", "csv", "out.csv"),
        ("csv:out", "csv", "out"),
        ("csv:out.json", "csv", "out.json"),
        ("json:-", "json", "-"),
        ("csv:C:x", "csv", "C:x"),
        # Before the colon there is no name of a format: all of it is a path.
        ("a:b.json", "json", "a:b.json"),
        ("C:x.csv", "csv", "C:x.csv"),
        ("CSV:x.json", "json", "CSV:x.json"),
        (":x.xml", "xml", ":x.xml"),
        ("./csv:x.json", "json", "csv:x.json"),
        ("folder/csv:x.json", "json", "folder/csv:x.json"),
    ],
)
def test_a_format_may_be_named_before_the_path(text: str, format_: str, path: str) -> None:
    """Only the name of a format counts as one, so that a path may hold colons. One that begins
    like a format goes by its folder."""
    file = ReportFile.parsed(text)
    assert (file.format, file.path) == (ReportFormat(format_), Path(path))
    assert file.is_stdout == (path == "-")


@pytest.mark.parametrize("name", ["out.doc", "out", ".json", "out.json.gz", "C:x", "-"])
def test_other_endings_are_refused(name: str) -> None:
    """The error names the endings that there are, and the formats."""
    with pytest.raises(FormatError) as caught:
        ReportFile.parsed(name)
    endings = ", ".join(entry.ending for entry in FORMATS.values())
    assert str(caught.value) == (
        f"{name}: the name's ending gives the format; write one of {endings}, or name the format "
        f"before it, such as csv:{name}"
    )
    assert isinstance(caught.value, FleetError)


def test_a_format_without_a_path() -> None:
    """It is not taken for a path that ends with a colon."""
    with pytest.raises(FormatError, match=r"^csv:: a path has to follow, as in csv:FILE$"):
        ReportFile.parsed("csv:")


def test_a_format_that_cannot_render_a_document() -> None:
    """By name, with those that can."""
    with pytest.raises(FormatError) as caught:
        check_formats([ReportFormat.JSON, ReportFormat.XML], None, [Kind.ACCOUNTS])
    able = [name for name in ReportFormat if Kind.ACCOUNTS in FORMATS[name].kinds]
    assert str(caught.value) == (
        f"xml: there is no JUnit XML of accounts documents; take one of {', '.join(able)}"
    )


@pytest.mark.parametrize(
    ("formats", "kinds", "message"),
    [
        (
            [ReportFormat.JSON],
            [Kind.PLAN],
            "--rows links is about CSV: it needs --format csv or --report FILE.csv",
        ),
        ([ReportFormat.CSV], [Kind.DOCTOR], "--rows links: doctor documents have no links"),
    ],
)
def test_rows_that_no_format_has(
    formats: list[ReportFormat], kinds: list[Kind], message: str
) -> None:
    """A flag that would do nothing is wrong use."""
    with pytest.raises(FormatError) as caught:
        check_formats(formats, Rows.LINKS, kinds)
    assert str(caught.value) == message


def test_every_format_has_an_ending_of_its_own() -> None:
    """And a name that no other has."""
    assert set(FORMATS) == set(ReportFormat)
    assert len({entry.ending for entry in FORMATS.values()}) == len(ReportFormat)


def test_every_format_renders_what_it_says(plan: Plan, report: Report) -> None:
    """Plans and reports go through every format."""
    for subject in (plan, report):
        for format_ in ReportFormat:
            assert "".join(render(subject, format_, Settings(waves=("rest",))))


@given(data=st.data())
def test_the_document_is_all_that_is_shown(
    data: DataObject, plans: SearchStrategy[Plan], reports: SearchStrategy[Report]
) -> None:
    """A document of another day or machine, which has been read from a file, looks the same."""
    plan, report = data.draw(plans), data.draw(reports)
    pairs: list[tuple[Documented, Documented]] = [
        (plan, parse_plan(plan_content(plan), "plan.json")),
        (report, parse_report(report_content(report), "report.json")),
    ]
    for made, read in pairs:
        for format_ in (ReportFormat.MD, ReportFormat.CSV, ReportFormat.SARIF):
            for rows in Rows:
                settings = Settings(rows=rows)
                before = "".join(render(made, format_, settings))
                assert "".join(render(read, format_, settings)) == before
