"""Documents that an earlier version wrote: each is read, and written again byte by byte."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from fleet_repl.reports.documents.backfill import BackfillReportDocument
from fleet_repl.reports.documents.delivery import DeliveryDocument
from fleet_repl.reports.documents.graph import GraphDocument
from fleet_repl.reports.documents.plan import is_unaltered, parse_plan, plan_content
from fleet_repl.reports.documents.reader import Document, parsed, read
from fleet_repl.reports.documents.report import parse_report, report_content
from fleet_repl.reports.documents.round import RoundDocument
from fleet_repl.reports.documents.runs import RunListDocument
from fleet_repl.reports.documents.schemas import schema
from fleet_repl.reports.documents.validation import ValidateDocument
from fleet_repl.reports.documents.writer import json_text, line
from fleet_repl.reports.to_json import to_json

KEPT = Path(__file__).with_name("kept")
WRITTEN_ONLY: dict[str, type[Document]] = {
    "backfill": BackfillReportDocument,
    "delivery": DeliveryDocument,
    "graph": GraphDocument,
    "round": RoundDocument,
    "runs": RunListDocument,
    "validate": ValidateDocument,
}
"""Documents that other programs read and this one does not."""
RECOUNTED = "report-of-the-first-version.json"
"""It lacks what is counted today, so today's document says more."""


def named(pattern: str) -> Iterable[str]:
    return sorted(path.name for path in KEPT.glob(pattern))


def is_indented(content: bytes) -> bool:
    return content.startswith(b"{\n")


@pytest.mark.parametrize("name", named("plan*.json"))
def test_a_plan_is_written_as_it_was(name: str) -> None:
    """Its digest is still that of its content, odd numbers and odd texts included."""
    content = (KEPT / name).read_bytes()
    plan = parse_plan(content, name)
    assert is_unaltered(plan)
    again = to_json(plan).encode() if is_indented(content) else plan_content(plan)
    assert again == content


@pytest.mark.parametrize("name", named("report*.json"))
def test_a_report_is_written_as_it_was(name: str) -> None:
    """But one that does not count its writes, which are counted when it is read."""
    content = (KEPT / name).read_bytes()
    report = parse_report(content, name)
    again = to_json(report).encode() if is_indented(content) else report_content(report)
    if name != RECOUNTED:
        assert again == content
        return
    old, new = json.loads(content), json.loads(again)
    assert new["summary"].pop("partial") == 0
    assert new["summary"].pop("writes") == new.pop("waves")[0]["writes"]
    assert new == old


@pytest.mark.parametrize("name", WRITTEN_ONLY)
def test_a_document_for_others_is_written_as_it_was(name: str) -> None:
    """Its members, their order and their spelling are those of earlier versions, and it fits the
    schema that is published today."""
    content = (KEPT / f"{name}.json").read_bytes()
    document = read(content, WRITTEN_ONLY[name])
    if is_indented(content):
        assert json_text(document).encode() == content
    else:
        assert line(document) == content
    checker = Draft202012Validator(schema(name), format_checker=FormatChecker())
    assert [error.message for error in checker.iter_errors(parsed(content))] == []


def test_every_form_is_kept() -> None:
    """Plans and reports, on one line and indented."""
    for kind in ("plan", "report"):
        forms = {is_indented((KEPT / name).read_bytes()) for name in named(f"{kind}*.json")}
        assert forms == {False, True}
