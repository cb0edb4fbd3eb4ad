"""Backfills as people, programs and CI servers read them."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, strategies as st
from hypothesis.strategies import DataObject, SearchStrategy
from jsonschema import Draft202012Validator, FormatChecker
from tests.support.clock import NOON
from tests.support.registries import registry_of

from fleet_repl.ecr.backfills import Backfill, BackfillOutcome, BackfillState
from fleet_repl.inventory.model import InventoryRef
from fleet_repl.reports.documents.backfill import backfill_report_document
from fleet_repl.reports.documents.schemas import schema
from fleet_repl.reports.exit_codes import backfill_exit, report_exit
from fleet_repl.reports.junit import to_junit
from fleet_repl.reports.text.backfills import backfill_text
from fleet_repl.reports.text.reports import report_text
from fleet_repl.reports.to_json import to_json
from fleet_repl.runs.outcomes import BackfillMode, BackfillReport, Report, Status
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.exit_code import ExitCode
from fleet_repl.values.names import AccountId, Registry

BUILD = registry_of("1", "us-east-1")
SHOP = registry_of("2", "us-east-1")
SHOP_EU = registry_of("2")
SEARCH = registry_of("3", "us-east-1")
PARTNER = registry_of("4", "ap-south-1")
OLD = registry_of("5", "sa-east-1")
UNKNOWN = Fault(
    kind=FaultKind.INVALID,
    operation="ListReplicationBackfills",
    code="UnknownOperationException",
    message="the operation is not known",
    request_id="7a1c",
    hint="images there can be pushed again instead",
)

TEXT = """\
Backfills 20261123T120000Z-a1b2c3 of prod (route golden): partial

  queued        1
  in progress   1
  complete      2
  not started   1
  not in place  1

from 111111111111 us-east-1 (build)
  to 222222222222 eu-west-1 (shop): in progress, started 2026-11-23T11:59:00Z, \
1,200 of 4,000 copied, 3 failed
    OTHER
  to 222222222222 us-east-1 (shop): complete, 4,000 of 4,000 copied, \
ended 2026-11-23T12:03:12Z after 3 min 12 s
  to 333333333333 us-east-1 (search): complete, 3,998 of 4,000 copied, 2 failed, \
ended 2026-11-23T12:00:30Z after 30.0 s
    DESTINATION_REGISTRY_ACCESS_DENIED: 2 times
  to 444444444444 ap-south-1 (partner): queued: ECR runs 10 backfills of a registry at a time
  to 555555555555 sa-east-1: not in place: the rules do not replicate base/ there: run apply first

from 555555555555 sa-east-1
  to 222222222222 us-east-1 (shop): not started: this region's ECR API does not offer backfill yet

Failed calls: 1 registry
  invalid at ListReplicationBackfills: 1 registry
    555555555555 sa-east-1: the operation is not known (UnknownOperationException) [request 7a1c]
    → images there can be pushed again instead

Queued ones are started by `fleet-repl backfill --wait`, or by running it again later.

Started 2 for 6 destinations in 3 min 15 s. Exit 4: partial: \
something failed, was skipped, is held, or could not be read.
"""


def seen(destination: Registry, status: str, **members: object) -> Backfill:
    at = {"id": f"id-{destination}", "started_at": NOON, "total": 4000, **members}
    return Backfill(destination=destination, status=status, **at)  # type: ignore[arg-type]


def outcome(
    destination: Registry, name: str, state: BackfillState, last: Backfill | None = None
) -> BackfillOutcome:
    return BackfillOutcome(
        source=BUILD,
        source_name="build",
        destination=destination,
        destination_name=name,
        state=state,
        backfill=last,
    )


@pytest.fixture
def backfill_report() -> BackfillReport:
    """One of each kind."""
    after = NOON + timedelta(seconds=192)
    complete = seen(SHOP, "COMPLETE", ended_at=after, completed=4000)
    refused = seen(
        SEARCH, "COMPLETE", ended_at=NOON + timedelta(seconds=30), completed=3998, failed=2
    )
    running = seen(
        SHOP_EU,
        "IN_PROGRESS",
        started_at=NOON - timedelta(minutes=1),
        completed=1200,
        failed=3,
    )
    return BackfillReport(
        run_id="20261123T120000Z-a1b2c3",
        status=Status.PARTIAL,
        started_at=NOON,
        finished_at=NOON + timedelta(seconds=195),
        fleet="prod",
        inventory=InventoryRef(path="prod.toml", digest="sha256:" + "1" * 64),
        route="golden",
        mode=BackfillMode.START,
        backfills=(
            replace(
                outcome(SHOP_EU, "shop", BackfillState.IN_PROGRESS, running),
                failures={"OTHER": None},
            ),
            replace(outcome(SHOP, "shop", BackfillState.COMPLETE, complete), started=True),
            replace(
                outcome(SEARCH, "search", BackfillState.COMPLETE, refused),
                started=True,
                failures={"DESTINATION_REGISTRY_ACCESS_DENIED": 2},
            ),
            replace(
                outcome(PARTNER, "partner", BackfillState.QUEUED),
                because="ECR runs 10 backfills of a registry at a time",
            ),
            replace(
                outcome(OLD, OLD.account, BackfillState.NOT_IN_PLACE),
                because="the rules do not replicate base/ there: run apply first",
            ),
            replace(
                outcome(SHOP, "shop", BackfillState.NOT_STARTED),
                source=OLD,
                source_name=OLD.account,
                error=UNKNOWN,
                because="this region's ECR API does not offer backfill yet",
            ),
        ),
    )


def test_the_text_in_full(backfill_report: BackfillReport) -> None:
    """Counts, each source with its destinations, failed calls once, and the end."""
    assert backfill_text(backfill_report) == TEXT


def test_a_look_says_so(backfill_report: BackfillReport) -> None:
    """Nothing was started, so nothing is said about starting."""
    look = replace(
        backfill_report,
        mode=BackfillMode.STATUS,
        status=Status.OK,
        backfills=backfill_report.backfills[1:2],
    )
    assert backfill_text(look).endswith("\nLooked at 1 destination in 3 min 15 s. Exit 0: done.\n")


def test_a_look_says_how_many_backfills_would_be_started(backfill_report: BackfillReport) -> None:
    """`none` for a destination alone reads as if there were nothing to do. A destination whose
    source could not be read counts for none."""
    missing = outcome(SHOP, "shop", BackfillState.NONE)
    unread = replace(missing, destination=SHOP_EU, error=UNKNOWN)
    look = replace(
        backfill_report, mode=BackfillMode.STATUS, status=Status.OK, backfills=(missing, unread)
    )
    expected = "\nLooked at 2 destinations in 3 min 15 s: up to 1 backfill would be started. Exit 4"
    assert expected in backfill_text(look)


def test_nothing_to_do(backfill_report: BackfillReport) -> None:
    """Where no route starts in what was selected."""
    empty = replace(backfill_report, route=None, status=Status.OK, backfills=())
    assert backfill_text(empty) == (
        "Backfills 20261123T120000Z-a1b2c3 of prod: ok\n\n"
        "No link starts in what is selected: --account, --label and --region select sources. "
        "Exit 0: done.\n"
    )


def test_long_lists_are_cut(backfill_report: BackfillReport) -> None:
    """Sources beyond fifty, unless all are asked for."""
    many = tuple(
        replace(
            backfill_report.backfills[1], source=Registry(AccountId(f"{number:012}"), BUILD.region)
        )
        for number in range(60)
    )
    report = replace(backfill_report, backfills=many)
    assert "… and 10 more" in backfill_text(report)
    assert backfill_text(report, full=True).count("from ") == 60


def test_an_apply_tells_of_its_backfills(backfill_report: BackfillReport, report: Report) -> None:
    """In a block of their own, with how to start the rest."""
    text = report_text(replace(report, backfills=backfill_report.backfills[1:4]))
    assert (
        """
Backfills: 2 of 3 started

from 111111111111 us-east-1 (build)
  to 222222222222 us-east-1 (shop): complete, 4,000 of 4,000 copied, \
ended 2026-11-23T12:03:12Z after 3 min 12 s
"""
        in text
    )
    assert "\nQueued ones are started by `fleet-repl backfill --wait`" in text


def test_the_document(backfill_report: BackfillReport) -> None:
    """Of one whose copies failed, and the summary."""
    document = json.loads(to_json(backfill_report))
    assert document == backfill_report_document(backfill_report)
    assert (document["schema"], document["mode"]) == ("fleet-repl/backfill/1", "start")
    assert sum(document["summary"].values()) == 6
    assert document["backfills"][2] == {
        "source": {"account": "111111111111", "region": "us-east-1", "name": "build"},
        "destination": {"account": "333333333333", "region": "us-east-1", "name": "search"},
        "state": "complete",
        "started": True,
        "id": f"id-{SEARCH}",
        "status": "COMPLETE",
        "started_at": "2026-11-23T12:00:00Z",
        "ended_at": "2026-11-23T12:00:30Z",
        "total": 4000,
        "completed": 3998,
        "failed": 2,
        "failure_codes": {"DESTINATION_REGISTRY_ACCESS_DENIED": 2},
        "failure_code": None,
        "error": None,
        "because": None,
    }


@given(data=st.data())
def test_every_report_fits_its_schema(
    data: DataObject, backfill_reports: SearchStrategy[BackfillReport]
) -> None:
    """Whatever names and codes hold; and its texts hold no control."""
    report = data.draw(backfill_reports)
    validator = Draft202012Validator(schema("backfill"), format_checker=FormatChecker())
    assert list(validator.iter_errors(json.loads(to_json(report)))) == []
    text = backfill_text(report, full=True)
    assert not [
        character
        for character in text
        if unicodedata.category(character) == "Cc" and character != "\n"
    ]
    ET.fromstring(to_junit(report))


def test_the_schemas_agree() -> None:
    """A backfill is the same in both documents."""
    backfills, reports = schema("backfill")["$defs"], schema("report")["$defs"]
    assert isinstance(backfills, dict)
    assert isinstance(reports, dict)
    for name in ("backfill", "backfill_state", "end"):
        assert backfills[name] == reports[name]
    assert backfills["backfill_state"]["enum"] == list(BackfillState)


def test_a_ci_server_sees_each_destination(backfill_report: BackfillReport, report: Report) -> None:
    """Missing copies are failures, calls errors, what waits is skipped."""
    wanted = [
        ("222222222222 eu-west-1 (shop)", "failure"),
        ("222222222222 us-east-1 (shop)", None),
        ("333333333333 us-east-1 (search)", "failure"),
        ("444444444444 ap-south-1 (partner)", "skipped"),
        ("555555555555 sa-east-1 (555555555555)", "failure"),
        ("222222222222 us-east-1 (shop)", "error"),
    ]
    for text in (
        to_junit(backfill_report),
        to_junit(replace(report, backfills=backfill_report.backfills)),
    ):
        cases = [
            element
            for element in ET.fromstring(text).iter("testcase")
            if element.attrib["name"].startswith("backfill ")
        ]
        reported = [
            (case.attrib["name"].partition(" to ")[2], case[0].tag if len(case) else None)
            for case in cases
        ]
        assert reported == wanted


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (Status.PARTIAL, ExitCode.PARTIAL),
        (Status.REFUSED, ExitCode.REFUSED),
        (Status.INTERRUPTED, ExitCode.INTERRUPTED),
    ],
)
def test_exit_codes(status: Status, code: ExitCode, backfill_report: BackfillReport) -> None:
    """The worst that holds."""
    assert backfill_exit(replace(backfill_report, status=status)) is code
    assert (
        backfill_exit(replace(backfill_report, backfills=backfill_report.backfills[1:2]))
        is ExitCode.OK
    )


def test_an_apply_whose_backfills_fall_short_is_partial(
    backfill_report: BackfillReport, report: Report
) -> None:
    """Even where every registry is as it should be; one in the queue is on record, and no fault."""
    good = replace(report, registries=(), status=Status.OK)
    for backfill in backfill_report.backfills:
        fails = backfill.falls_short and backfill.state is not BackfillState.QUEUED
        wanted = ExitCode.PARTIAL if fails else ExitCode.OK
        assert report_exit(replace(good, backfills=(backfill,))) is wanted
    assert {backfill.state for backfill in backfill_report.backfills} >= {
        BackfillState.QUEUED,
        BackfillState.NOT_STARTED,
    }
