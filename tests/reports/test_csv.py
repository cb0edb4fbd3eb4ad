"""Documents as CSV: exact text, and tables that no name breaks."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import pytest
from hypothesis import given, strategies as st
from hypothesis.strategies import DataObject, SearchStrategy
from tests.support.changes import change_of, ended_change
from tests.support.registries import registry_of

from fleet_repl.planning.change import Action, LinkEnd, Phase, Resource
from fleet_repl.planning.plan import Plan, RegistryPlan, State
from fleet_repl.reports.csv.table import Table, csv_lines
from fleet_repl.reports.documents.whole import Documented
from fleet_repl.reports.formats import ReportFormat, Rows
from fleet_repl.reports.render import PLAIN, Settings, render
from fleet_repl.runs.outcomes import BackfillReport, Outcome, Report
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import AccountId, Region, Registry
from fleet_repl.values.text import visible

LINKS = Settings(rows=Rows.LINKS)


def written(value: Documented, settings: Settings = PLAIN) -> str:
    """The document as one text, without the carriage returns."""
    text = "".join(render(value, ReportFormat.CSV, settings))
    assert text.count("\r\n") == text.count("\n") == text.count("\r")
    return text.replace("\r\n", "\n")


def rows_of(text: str) -> list[dict[str, str]]:
    """The rows of a table, which all have its columns."""
    reader = csv.DictReader(io.StringIO(text), strict=True)
    rows = list(reader)
    assert all(None not in row and None not in row.values() for row in rows)
    return rows


def test_a_plan(plan: Plan) -> None:
    """A row for each registry, and of an error all that its reader needs."""
    assert written(plan) == (
        "fleet,account,region,name,wave,state,changes,links_added,links_removed,"
        "links_deletes_started,links_deletes_stopped,links_held,drift,because,"
        "error,operation,code,message,request_id,remedy,changed_by\n"
        "prod,111111111111,us-east-1,build,rest,changed,1,1,1,0,0,1,,,,,,,,,\n"
        "prod,222222222222,eu-west-1,spoke,rest,changed,1,0,0,0,0,0,,,,,,,,,\n"
        "prod,333333333333,eu-west-1,dark,rest,unreadable,0,0,0,0,0,0,,,access-denied,AssumeRole,"
        "AccessDenied,not authorized to assume arn:aws:iam::333333333333:role/fleet-replication,"
        "7a1c,check that the role exists and trusts the base identity,\n"
        "prod,555555555555,eu-west-1,555555555555,rest,unchanged,0,0,0,0,0,0,,,,,,,,,\n"
    )


def test_the_links_of_a_plan(plan: Plan) -> None:
    """Those that change, seen from their sources, and those that are held."""
    assert written(plan, LINKS) == (
        "fleet,source_account,source_region,source_name,destination_account,destination_region,"
        "destination_name,wave,change,prefixes,routes,outcome,because\n"
        "prod,111111111111,us-east-1,build,222222222222,eu-west-1,spoke,rest,added,"
        "base/ golden/,golden,,\n"
        "prod,111111111111,us-east-1,build,444444444444,eu-west-1,,rest,removed,*,,,\n"
        "prod,111111111111,us-east-1,build,333333333333,eu-west-1,dark,rest,held,base/ golden/,,,"
        "333333333333/eu-west-1 could not be read (access-denied)\n"
    )


def test_a_report(report: Report) -> None:
    """A row for each registry, with its writes by outcome."""
    first, second, *_ = rows_of(written(report))
    assert list(first)[:12] == [
        *("fleet", "run", "account", "region", "name", "wave", "outcome"),
        *("writes_applied", "writes_unchanged", "writes_failed", "writes_skipped"),
        "writes_cancelled",
    ]
    assert (first["outcome"], first["writes_applied"], first["links_held"]) == ("applied", "1", "1")
    assert (second["outcome"], second["error"], second["attempts"]) == ("failed", "conflict", "9")


def test_the_links_of_a_report(report: Report) -> None:
    """A report lists no links: they are those that the rules before and after differ in."""
    rule: JsonObject = {
        "destinations": [{"region": "eu-west-1", "registryId": "222222222222"}],
        "repositoryFilters": [{"filter": "base/", "filterType": "PREFIX_MATCH"}],
        "deleteReplication": {"enabled": True},
    }
    change = ended_change(
        resource=Resource.REPLICATION_CONFIGURATION,
        action=Action.UPDATE,
        outcome=Outcome.APPLIED,
        before={"rules": []},
        after={"rules": [rule]},
    )
    registry = replace(report.registries[0], changes=(change,), held=())
    rows = rows_of(written(replace(report, registries=(registry,)), LINKS))
    assert [(row["change"], row["prefixes"], row["outcome"]) for row in rows] == [
        ("added", "base/", "applied"),
        ("deletes-started", "base/", "applied"),
    ]


@pytest.mark.parametrize("rows", Rows)
@given(data=st.data())
def test_no_name_breaks_a_table(
    rows: Rows,
    data: DataObject,
    plans: SearchStrategy[Plan],
    reports: SearchStrategy[Report],
    backfill_reports: SearchStrategy[BackfillReport],
) -> None:
    """A row for each registry, with all columns and no invisible character, whatever it is called,
    and no cell that a spreadsheet calculates."""
    for value in (data.draw(plans), data.draw(reports), data.draw(backfill_reports)):
        table = rows_of(written(value, Settings(rows=rows)))
        if rows is Rows.REGISTRIES and not isinstance(value, BackfillReport):
            assert len(table) == len(value.registries)
        for cell in (cell for row in table for cell in row.values()):
            assert visible(cell) == cell
            assert not cell.lstrip().startswith(("=", "+", "-", "@"))


@given(text=st.text())
def test_a_cell_is_a_cell(text: str) -> None:
    """Of any text, which begins with no sign that a spreadsheet calculates."""
    table = Table(("first", "name"), iter([("", text)]))
    [row] = rows_of("".join(csv_lines(table)).replace("\r\n", "\n"))
    assert visible(row["name"]) == row["name"]
    assert not row["name"].lstrip().startswith(tuple("=+-@\uff1d\uff0b\uff0d\uff20"))


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\uff1d1"])
def test_a_formula_is_a_text(plan: Plan, name: str) -> None:
    """With an apostrophe before it, or with its tab escaped."""
    hostile = replace(plan.registries[0], name=name)
    [row] = rows_of(written(replace(plan, registries=(hostile,))))
    assert row["name"] == (f"'{name}" if name[0] != "\t" else "\\x09=1")


def _registries(count: int) -> Iterator[RegistryPlan]:
    rules = change_of(
        resource=Resource.REPLICATION_CONFIGURATION,
        action=Action.UPDATE,
        phase=Phase.RULES,
        before={"rules": []},
        after={"rules": []},
        links_added=(LinkEnd(registry=registry_of("2"), prefixes=("base/",), routes=("golden",)),),
    )
    for number in range(count):
        yield RegistryPlan(
            registry=Registry(AccountId(f"{number:012}"), Region("eu-west-1")),
            name=f"account-{number}",
            state=State.CHANGED,
            changes=(rules,),
        )


@pytest.mark.parametrize("rows", Rows)
def test_a_large_fleet_is_never_held_as_a_table(plan: Plan, rows: Rows) -> None:
    """Ten thousand rows take hardly more memory than the first, and not the ten megabytes that a
    table of them has: only the names of links' other ends are held."""
    large = replace(plan, registries=tuple(_registries(10_000)))
    tracemalloc.start()
    try:
        pieces = iter(render(large, ReportFormat.CSV, Settings(rows=rows)))
        list(islice(pieces, 3))
        first = tracemalloc.get_traced_memory()[1]
        count = sum(piece.count("\n") for piece in pieces)
        assert count >= 10_000 - 512
        assert tracemalloc.get_traced_memory()[1] < first + 1_500_000
    finally:
        tracemalloc.stop()
