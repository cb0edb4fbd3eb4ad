"""Every document that can be written fits its published schema, and survives being read."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest
from hypothesis import given, strategies as st
from hypothesis.strategies import DataObject, SearchStrategy
from jsonschema import Draft202012Validator, FormatChecker

from fleet_repl.planning.change import Action, Phase
from fleet_repl.planning.plan import Plan, State, Summary
from fleet_repl.reports.documents.plan import plan_digest, plan_document
from fleet_repl.reports.documents.report import report_document
from fleet_repl.reports.documents.schemas import SCHEMAS, generated, schema
from fleet_repl.reports.to_json import to_json
from fleet_repl.runs.outcomes import Outcome, Report, Status
from fleet_repl.values.canonical_json import JsonObject, digest
from fleet_repl.values.errors import FaultKind


def errors(name: str, document: JsonObject) -> list[str]:
    checker = Draft202012Validator(schema(name), format_checker=FormatChecker())
    return [error.message for error in checker.iter_errors(document)]


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_a_schema(name: str) -> None:
    """The published schemas are valid themselves."""
    Draft202012Validator.check_schema(schema(name))


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_that_of_the_class(name: str) -> None:
    """What is published is what is read and written. `schemas.keep_generated()` brings a schema
    up to date."""
    assert schema(name) == generated(name)


@given(data=st.data())
def test_a_plan_fits(data: DataObject, plans: SearchStrategy[Plan]) -> None:
    """No plan has a document that its schema refuses."""
    assert errors("plan", json.loads(to_json(data.draw(plans)))) == []


@given(data=st.data())
def test_a_report_fits(data: DataObject, reports: SearchStrategy[Report]) -> None:
    """No report has a document that its schema refuses."""
    assert errors("report", json.loads(to_json(data.draw(reports)))) == []


@given(data=st.data())
def test_documents_round_trip(
    data: DataObject, plans: SearchStrategy[Plan], reports: SearchStrategy[Report]
) -> None:
    """Reading the text gives the document again, and its text is plain ASCII."""
    plan, report = data.draw(plans), data.draw(reports)
    assert json.loads(to_json(plan)) == plan_document(plan)
    assert json.loads(to_json(report)) == report_document(report)
    for text in (to_json(plan), to_json(report)):
        assert text.endswith("}\n")
        assert all(char == "\n" or " " <= char <= "~" for char in text)


@given(data=st.data())
def test_a_digest_can_be_checked_by_anybody(data: DataObject, plans: SearchStrategy[Plan]) -> None:
    """The digest is the one of the document that was read, without its key `digest`."""
    document = json.loads(to_json(data.draw(plans)))
    written_digest = document.pop("digest")
    assert digest(document) == written_digest


@given(data=st.data())
def test_a_digest_follows_the_content(data: DataObject, plans: SearchStrategy[Plan]) -> None:
    """Two plans have one digest exactly when their documents say the same."""
    first, second = data.draw(plans), data.draw(plans)
    same = {**plan_document(first), "digest": ""} == {**plan_document(second), "digest": ""}
    assert (plan_digest(first) == plan_digest(second)) is same


def enums(document: object) -> set[tuple[str, ...]]:
    """Every list of choices in a schema."""
    if isinstance(document, list):
        return {values for item in document for values in enums(item)}
    if not isinstance(document, dict):
        return set()
    own = {tuple(document["enum"])} if isinstance(document.get("enum"), list) else set()
    return own | {values for item in document.values() for values in enums(item)}


def test_schemas_name_every_choice() -> None:
    """A state, outcome or kind that is added to the code is missing in no schema."""
    both = enums(schema("plan")) | enums(schema("report"))
    for choices in (State, Action, Phase, Outcome, Status, FaultKind):
        assert tuple(choice.value for choice in choices) in both
    totals = schema("plan")["$defs"]["summary"]["required"]  # type: ignore[index, call-overload]
    assert totals == [field.name for field in fields(Summary)]


def test_schemas_are_strict(plan: Plan, report: Report) -> None:
    """A key too many, a key too few and an unreadable registry with changes are refused."""
    document = plan_document(plan)
    assert errors("plan", document) == []
    assert errors("plan", {**document, "extra": 1})
    assert errors("plan", {key: value for key, value in document.items() if key != "digest"})
    changed = json.loads(to_json(plan))["registries"][0]
    unreadable = {**changed, "state": "unreadable"}
    assert errors("plan", {**document, "registries": [unreadable]})
    assert errors("plan", {**document, "registries": [{**changed, "state": "unchanged"}]})
    assert errors("report", report_document(report)) == []
    assert errors("report", {**report_document(report), "started_at": "2026-11-23T12:00:00+01:00"})


def test_an_unknown_schema_is_a_key_error() -> None:
    """The inventory's is elsewhere: it is no document that is written."""
    with pytest.raises(KeyError):
        schema("inventory")
