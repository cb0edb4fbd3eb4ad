"""Plans and reports read back from their documents: nothing that was written is lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st
from hypothesis.strategies import DataObject, SearchStrategy
from tests.support.changes import content_of

from fleet_repl.planning.attribution import Moved
from fleet_repl.planning.plan import Plan, RegistryPlan
from fleet_repl.reports.documents.plan import (
    PlanFormatError,
    is_unaltered,
    parse_plan,
    plan_content,
    plan_digest,
    plan_document,
)
from fleet_repl.reports.documents.report import parse_report, report_content, report_document
from fleet_repl.reports.formats import ReportFormat
from fleet_repl.reports.render import render
from fleet_repl.reports.to_json import to_json
from fleet_repl.runs.outcomes import Report, wave_outcomes
from fleet_repl.values.canonical_json import JsonObject, digest
from fleet_repl.values.errors import FleetError, RefusedError, StateError

Edit = Callable[[Any], object]


def in_seconds(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


def by_end(plan: RegistryPlan) -> RegistryPlan:
    """A registry with everything that has no order in the order of its document."""
    links = ("links_added", "links_removed", "deletes_started", "deletes_stopped")

    def ordered(ends: Any) -> Any:
        return tuple(sorted(ends, key=lambda end: (end.registry, end.prefixes, end.routes)))

    return replace(
        plan,
        changes=tuple(
            replace(change, **{name: ordered(getattr(change, name)) for name in links})
            for change in plan.changes
        ),
        held=tuple(
            sorted(plan.held, key=lambda link: (link.destination, link.prefixes, link.because))
        ),
        refused={resource: plan.error for resource in plan.refused if plan.error is not None},
        moved=plan.moved and in_whole_seconds(plan.moved),
    )


def in_whole_seconds(moved: Moved) -> Moved:
    """A cause with its times as documents tell them."""
    attribution = moved.attribution
    if attribution is not None:
        calls = (replace(call, at=in_seconds(call.at)) for call in attribution.calls)
        attribution = replace(attribution, calls=tuple(calls))
    return replace(moved, at=moved.at and in_seconds(moved.at), attribution=attribution)


@given(data=st.data())
def test_a_plan_is_what_it_was(data: DataObject, plans: SearchStrategy[Plan]) -> None:
    """Every value that a document holds comes back, what is on record with it."""
    plan = data.draw(plans)
    read_back = parse_plan(to_json(plan).encode(), "plan.json")
    assert plan_document(read_back) == plan_document(plan)
    assert is_unaltered(read_back)
    assert read_back == replace(
        plan,
        created_at=in_seconds(plan.created_at),
        registries=tuple(map(by_end, plan.registries)),
    )
    assert [registry.owned for registry in read_back.registries] == [
        registry.owned for registry in plan.registries
    ]


FIRST_PLAN = (
    "created_at digest fleet inventory objections registries rolls_back schema summary warnings"
)
FIRST_REGISTRY = "account changes error held moved name owned refused region retired state wave"


@given(data=st.data())
def test_a_plan_from_an_earlier_version_is_taken_as_it_is(
    data: DataObject, plans: SearchStrategy[Plan]
) -> None:
    """Its digest is over the members that there were: one that came later is written only where
    it says something. A plan file that waits for approval outlives an upgrade."""
    plan = data.draw(plans)
    registries = tuple(replace(registry, gone=False, joining=None) for registry in plan.registries)
    plan = replace(plan, vouched=(), labels={}, world=None, registries=registries)
    document: Any = plan_document(plan)
    assert sorted(document) == FIRST_PLAN.split()
    assert all(sorted(item) == FIRST_REGISTRY.split() for item in document["registries"])


@given(data=st.data())
def test_a_report_is_what_it_was(data: DataObject, reports: SearchStrategy[Report]) -> None:
    """Its document is the same again, backfills included."""
    report = data.draw(reports)
    read_back = parse_report(report_content(report), "report.json")
    assert report_document(read_back) == report_document(report)
    assert [registry.registry for registry in read_back.registries] == [
        registry.registry for registry in report.registries
    ]


@given(data=st.data())
def test_what_is_kept_is_the_document(
    data: DataObject, plans: SearchStrategy[Plan], reports: SearchStrategy[Report]
) -> None:
    """The text that is put together piece by piece says what the whole says, and so does the
    digest."""
    plan, report = data.draw(plans), data.draw(reports)
    document = plan_document(plan)
    assert json.loads(plan_content(plan)) == document
    assert json.loads(report_content(report)) == report_document(report)
    assert plan_digest(plan) == digest({key: document[key] for key in document if key != "digest"})


def test_a_large_plan_is_in_one_piece(plan: Plan) -> None:
    """More registries than are spelled at a time."""
    large = replace(plan, registries=plan.registries * 200)
    document = plan_document(large)
    assert json.loads(plan_content(large)) == document
    assert plan_digest(large) == digest({key: document[key] for key in document if key != "digest"})


def test_numbers_and_their_order_are_kept(plan: Plan) -> None:
    """AWS's documents may hold anything that JSON can say."""
    first = plan.registries[0]
    odd: JsonObject = {
        "z": 1.0,
        "a": [1, 1e300, -0.5, 2**70, True, None],
        "": {"b": {}, "a": "\ud800"},
    }
    change = replace(first.changes[0], after=content_of(first.changes[0].resource, odd))
    edited = replace(plan, registries=(replace(first, changes=(change,)),))
    edited = replace(edited, digest=plan_digest(edited))
    after = parse_plan(plan_content(edited), "x").registries[0].changes[0].after.document
    assert repr(after) == repr(odd)


def altered(plan: Plan, edit: Edit, *, signed: bool) -> bytes:
    document = json.loads(to_json(plan))
    edit(document)
    if signed:
        content = {key: value for key, value in document.items() if key != "digest"}
        document["digest"] = digest(content)
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    "edit",
    [
        lambda document: document["registries"][0]["changes"][0].update(after={"rules": []}),
        lambda document: document["registries"].pop(),
        lambda document: document["objections"].clear(),
        lambda document: document.update(created_at="2027-01-01T00:00:00Z"),
        lambda document: document.update(surprise=1),
        lambda document: document.pop("warnings"),
        lambda document: document.update(registries="none"),
    ],
)
def test_an_altered_plan_is_reported_as_such(edit: Edit, plan: Plan) -> None:
    """Whatever was done to it, even where it is no plan any more."""
    with pytest.raises(RefusedError) as raised:
        parse_plan(altered(plan, edit, signed=False), "p.json", altered=RefusedError)
    assert str(raised.value) == (
        "the plan was altered after it was made: p.json: its content has another digest than "
        f"{plan.digest}\n    plan again"
    )
    with pytest.raises(PlanFormatError, match=r"^the plan was altered after it was made: p\.json"):
        parse_plan(altered(plan, edit, signed=False), "p.json")


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (
            lambda document: document.update(surprise=1),
            "surprise: this version does not know this member",
        ),
        (lambda document: document.pop("warnings"), "warnings: it is missing"),
        (lambda document: document.update(fleet=7), "fleet: a text is needed, not 7"),
        (
            lambda document: document.update(registries={}),
            "registries: a list is needed, not an object",
        ),
        (
            lambda document: document["registries"][1].update(region="EU"),
            'registries[1].region: a region is needed, not "EU"',
        ),
        (
            lambda document: document["registries"][0]["changes"][0]["links_added"][0].update(
                account="1"
            ),
            'registries[0].changes[0].links_added[0].account: an account id is needed, not "1"',
        ),
        (
            lambda document: document["registries"][0]["changes"][0].update(needs=["a/b"]),
            'registries[0].changes[0].needs[0]: "a/b" is no registry',
        ),
        (
            lambda document: document["registries"][0]["changes"][0].update(after=[]),
            "registries[0].changes[0].after: an object or null is needed, not a list",
        ),
        (
            lambda document: document["registries"][3].update(state="fine"),
            'registries[3].state: one of changed, unchanged, unreadable is needed, not "fine"',
        ),
        (
            lambda document: document["registries"][3].update(refused=["registry-policy"]),
            "registries[3].error: it has to say why resources are refused",
        ),
        (
            lambda document: document["registries"][3].update(
                owned={"links": {"x": None}, "templates": []}
            ),
            'registries[3].owned.links: "x" is no registry',
        ),
        (
            lambda document: document["summary"].update(held=-1),
            "summary.held: a count is needed, not -1",
        ),
        (
            lambda document: document.update(created_at="2026-02-30T00:00:00Z"),
            'created_at: a time such as 2026-11-23T08:00:00Z is needed, not "2026-02-30T00:00:00Z"',
        ),
    ],
)
def test_what_is_no_plan_is_reported_with_its_place(edit: Edit, reason: str, plan: Plan) -> None:
    """A document whose digest is right, but that another version may have made."""
    with pytest.raises(PlanFormatError) as raised:
        parse_plan(altered(plan, edit, signed=True), "p.json", altered=RefusedError)
    assert str(raised.value) == f"the plan cannot be read: p.json: {reason}"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is no JSON: Expecting value: line 1 column 1 (char 0)"),
        (b"[]", "an object is needed, not a list"),
        (b"{}", "schema: it is no fleet-repl/plan/1"),
        (b"[" * 100_000, "it is no JSON: lists or objects are nested too deeply"),
        (b'{"schema": "fleet-repl/report/1"}', "schema: it is no fleet-repl/plan/1"),
        (
            b'{"schema": "fleet-repl/plan/2"}',
            "schema: this version reads fleet-repl/plan of version 1 only",
        ),
        (b'{"schema": "fleet-repl/plan/1"}', "digest: it is missing"),
    ],
)
def test_other_texts_are_no_plans(content: bytes, reason: str) -> None:
    """Of the kind of error that the caller wants."""
    with pytest.raises(StateError) as raised:
        parse_plan(content, "p.json", error=StateError)
    assert str(raised.value) == f"the plan cannot be read: p.json: {reason}"


def test_bytes_that_are_no_text_are_no_plan() -> None:
    """A file that is something else altogether is no traceback."""
    with pytest.raises(PlanFormatError, match="it is no JSON"):
        parse_plan(b"\xff\xfe\x00\xd8garbage", "p.json")


def test_a_report_counts_what_it_lists(report: Report) -> None:
    """A summary that does not fit its registries was not written by this package."""
    document = json.loads(to_json(report))
    document["summary"]["failed"] = 7
    with pytest.raises(FleetError) as raised:
        parse_report(json.dumps(document).encode(), "r.json")
    assert str(raised.value) == (
        "the report cannot be read: r.json: summary: it does not count what is listed"
    )


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (
            lambda document: document["summary"]["writes"].update(applied=7),
            "summary: it does not count what",
        ),
        (lambda document: document["summary"].update(partial=1), "summary: it does not count what"),
        (
            lambda document: document["waves"][0]["writes"].update(failed=0),
            "waves: it does not count what",
        ),
        (
            lambda document: document["waves"][0].update(name="last"),
            "waves: it does not count what",
        ),
        (
            lambda document: document["registries"][0]["changes"][0].update(outcome="partial"),
            "registries[0].changes[0].outcome: one of applied, unchanged, failed, skipped, ",
        ),
    ],
)
def test_a_report_counts_its_writes(edit: Edit, reason: str, report: Report) -> None:
    """So does what it says of waves, and a single write is never partial."""
    waves = wave_outcomes(report.registries, ("rest",))
    document = json.loads(to_json(replace(report, waves=waves)))
    edit(document)
    with pytest.raises(FleetError) as raised:
        parse_report(json.dumps(document).encode(), "r.json")
    assert str(raised.value).startswith(f"the report cannot be read: r.json: {reason}")


def test_a_report_of_an_earlier_version(report: Report) -> None:
    """It did not count writes, and its waves are told as far as its changes tell."""
    document = json.loads(to_json(report))
    del document["waves"], document["summary"]["writes"], document["summary"]["partial"]
    read_back = parse_report(json.dumps(document).encode(), "r.json")
    assert read_back.registries == report.registries
    assert read_back.writes == report.writes
    assert read_back.waves == wave_outcomes(report.registries, ("rest",))


@pytest.mark.parametrize("format_", [ReportFormat.TEXT, ReportFormat.HTML, ReportFormat.XML])
def test_a_report_of_another_day_looks_the_same(report: Report, format_: ReportFormat) -> None:
    """Although its times are to the second: how long the run took is told for itself. A clock that
    was put back makes no report unreadable."""
    report = replace(report, finished_at=report.started_at + timedelta(milliseconds=1_940))
    read_back = parse_report(report_content(report), "report.json")
    assert [*render(read_back, format_)] == [*render(report, format_)]
    backwards = replace(report, finished_at=report.started_at - timedelta(seconds=1))
    assert parse_report(report_content(backwards), "report.json").took == timedelta()
