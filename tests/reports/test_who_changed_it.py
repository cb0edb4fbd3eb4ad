"""Who changed a registry, in each form of a plan and a report that people read."""

from __future__ import annotations

import csv
import html
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import pytest

from fleet_repl.planning.attribution import Attribution, Moved, Mover, RecordedCall
from fleet_repl.planning.plan import Plan, State
from fleet_repl.reports.formats import ReportFormat
from fleet_repl.reports.html import page_of
from fleet_repl.reports.render import render
from fleet_repl.reports.text.plans import plan_text
from fleet_repl.reports.text.reports import report_text
from fleet_repl.runs.outcomes import Outcome, Report

AT: Final = datetime(2026, 11, 23, 8, 15, 43, tzinfo=UTC)
CALL: Final = RecordedCall(
    operation="PutReplicationConfiguration",
    at=AT,
    event_id="5f6ec62b-0000-4000-8000-9ed1b7e6cd10",
    issuer="arn:aws:iam::111111111111:role/ci/deploy",
    session="jenkins-42",
    tool="Terraform",
)
MOVED: Final = Moved(
    by=Mover.FLEET,
    run_id="20261122T080000Z-3f9c1a",
    at=datetime(2026, 11, 22, 8, 0, tzinfo=UTC),
    attribution=Attribution(calls=(CALL,)),
)
WHY: Final = "changed outside: last applied by run 20261122T080000Z-3f9c1a on 2026-11-22 08:00 UTC"
WHO: Final = (
    "changed by role deploy, session jenkins-42 (Terraform): PutReplicationConfiguration on "
    "2026-11-23 at 08:15 UTC"
)


@pytest.fixture
def outside(plan: Plan) -> Plan:
    """A plan of which the first registry that differs was changed by somebody else."""
    first = next(item for item in plan.registries if item.state is State.CHANGED)
    registries = (replace(item, moved=MOVED if item is first else None) for item in plan.registries)
    return replace(plan, registries=tuple(registries))


def test_the_text_of_a_plan(outside: Plan) -> None:
    """Two lines below the registry: which run it is not as of, and whose call it was."""
    lines = [line.strip() for line in plan_text(outside).splitlines()]
    assert lines[lines.index(WHY) + 1] == WHO


def test_what_is_not_known_is_said(outside: Plan) -> None:
    """That CloudTrail has nothing yet, or why it does not tell."""

    def told(attribution: Attribution) -> str:
        registries = (
            replace(item, moved=item.moved and replace(item.moved, attribution=attribution))
            for item in outside.registries
        )
        return plan_text(replace(outside, registries=tuple(registries)))

    assert "the call that changed it is not in CloudTrail yet" in told(Attribution())
    assert "who changed it is not known: LookupEvents: no" in told(
        Attribution(unknown="LookupEvents: no")
    )


def test_markdown_has_a_section(outside: Plan) -> None:
    """With each registry, and nothing that Markdown would take for more than text."""
    page = "".join(render(outside, ReportFormat.MD))
    section = page.partition("### Changed outside\n")[2].partition("\n\n###")[0]
    shown = html.unescape(section)
    assert shown == f"\n- <code>111111111111/us-east-1</code>: {WHY}; {WHO}"


def test_a_row_of_the_page_has_the_event(outside: Plan) -> None:
    """For whoever looks it up in CloudTrail."""
    page = page_of(outside)
    assert page.table is not None
    blocks = [block for row in page.table.rows for block in row.blocks if block.items == (WHO,)]
    (block,) = blocks
    assert (block.title, block.note) == ("Why it differs", WHY)
    assert [(fact.term, fact.value) for fact in block.facts] == [
        ("CloudTrail event", "5f6ec62b-0000-4000-8000-9ed1b7e6cd10")
    ]


def test_a_cell_of_the_csv(outside: Plan) -> None:
    """In the last column, and in none of the other rows."""
    rows = list(csv.DictReader("".join(render(outside, ReportFormat.CSV)).splitlines()))
    assert [row["changed_by"] for row in rows if row["changed_by"]] == [WHO]


def test_junit_and_json(outside: Plan) -> None:
    """The lines of the case, and the members of the document."""
    assert WHO in "".join(render(outside, ReportFormat.XML))
    document = json.loads("".join(render(outside, ReportFormat.JSON)))
    (moved,) = [item["moved"] for item in document["registries"] if item["moved"] is not None]
    assert moved["message"] == WHY
    assert moved["calls"] == [
        {
            "operation": "PutReplicationConfiguration",
            "at": "2026-11-23T08:15:43Z",
            "event_id": "5f6ec62b-0000-4000-8000-9ed1b7e6cd10",
            "issuer": "arn:aws:iam::111111111111:role/ci/deploy",
            "session": "jenkins-42",
            "source_identity": None,
            "tool": "Terraform",
        }
    ]


def test_the_text_of_a_report(report: Report) -> None:
    """Below the registry that the run has put right."""
    registries = tuple(
        replace(item, moved=MOVED) if item.outcome is Outcome.APPLIED else item
        for item in report.registries
    )
    text = report_text(replace(report, registries=registries))
    assert f"    {WHO}\n" in text


def test_a_reason_of_many_registries_is_told_once(report: Report) -> None:
    """After somebody has reset a whole fleet, CloudTrail lags behind for each of its registries."""
    moved = replace(MOVED, attribution=Attribution())
    first = next(item for item in report.registries if item.outcome is Outcome.APPLIED)
    alike = tuple(replace(first, name=name, moved=moved) for name in ("a", "b", "c"))
    lines = report_text(replace(report, registries=(*alike, replace(first, moved=MOVED))))
    applied = lines.partition("\nApplied: 4 registries\n")[2].partition("\n\n")[0].splitlines()
    assert [line.strip() for line in applied[-2:]] == [
        WHO,
        (
            "the call that changed it is not in CloudTrail yet, which lags by some minutes: "
            "3 registries"
        ),
    ]
    assert "".join(applied).count("CloudTrail") == 1
