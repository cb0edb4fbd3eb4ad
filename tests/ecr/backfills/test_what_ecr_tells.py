"""ECR's summaries of backfills as values; one that is not understood is never taken for none."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.support.registries import registry_of

from fleet_repl.ecr.backfills import (
    Backfill,
    BackfillOutcome,
    BackfillState,
    MalformedBackfillError,
    latest,
    parse_backfill,
)
from fleet_repl.values.canonical_json import Json

SOURCE, HERE = map(registry_of, "12")
FAR = registry_of("2", "us-east-1")
SUMMARY: dict[str, Any] = {
    "replicationBackfillId": "01234567-89ab-cdef-0123-456789abcdef",
    "destination": {"region": "eu-west-1", "registryId": "222222222222"},
    "status": "IN_PROGRESS",
    "startedAt": 1795420800.25,
    "progress": {
        "totalReplicationCount": 12,
        "completedReplicationCount": 7,
        "failedReplicationCount": 2,
        "failureCodes": ["B", "A"],
    },
    "tomorrow": {"more": 1},
}


def test_a_summary() -> None:
    """Times are seconds since 1970; what is not known is passed over."""
    assert parse_backfill(SUMMARY) == Backfill(
        id="01234567-89ab-cdef-0123-456789abcdef",
        destination=HERE,
        status="IN_PROGRESS",
        started_at=datetime(2026, 11, 23, 8, 0, 0, 250_000, UTC),
        total=12,
        completed=7,
        failed=2,
        failure_codes=("A", "B"),
    )


def test_a_summary_without_progress() -> None:
    """While it prepares nobody knows how much there is."""
    backfill = parse_backfill({**SUMMARY, "status": "PREPARING", "progress": None})
    assert (backfill.total, backfill.completed, backfill.active) == (None, 0, True)


def test_a_summary_of_one_that_has_ended() -> None:
    """With its end and why it failed."""
    ended: dict[str, Any] = {
        "status": "FAILED",
        "endedAt": 1795420860,
        "failureCode": "TOO_MANY_FAILURES",
    }
    backfill = parse_backfill({**SUMMARY, **ended})
    assert backfill.state is BackfillState.FAILED
    assert backfill.ended_at == datetime(2026, 11, 23, 8, 1, tzinfo=UTC)
    assert (backfill.failure_code, backfill.active) == ("TOO_MANY_FAILURES", False)


def test_the_answer_to_a_start_may_leave_its_destination_out() -> None:
    """Who asked knows it."""
    answer = {key: value for key, value in SUMMARY.items() if key != "destination"}
    assert parse_backfill(answer, FAR).destination == FAR


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("replicationBackfillId", None),
        ("destination", {"region": "eu-west-1"}),
        ("destination", "eu-west-1"),
        ("status", 3),
        ("startedAt", "2026-11-23"),
        ("startedAt", True),
        ("startedAt", 1e300),
        ("endedAt", "soon"),
    ],
)
def test_what_every_backfill_has(key: str, value: Json) -> None:
    """Without it the summary is refused by the name of what it lacks."""
    with pytest.raises(MalformedBackfillError, match=key):
        parse_backfill({**SUMMARY, key: value})


@pytest.mark.parametrize(
    "progress", [{"failureCodes": "AB"}, {"completedReplicationCount": -1}, {"failureCodes": [1]}]
)
def test_counts_that_make_no_sense_are_none(progress: dict[str, Any]) -> None:
    """They are for people to read; nothing is decided by them."""
    backfill = parse_backfill({**SUMMARY, "progress": progress})
    assert (backfill.total, backfill.completed, backfill.failure_codes) == (0, 0, ())


def test_the_latest() -> None:
    """By its start, among those to one destination."""
    first = parse_backfill(SUMMARY)
    second = parse_backfill({**SUMMARY, "startedAt": 1795420900, "replicationBackfillId": "b"})
    assert latest([second, first], HERE) == second
    assert latest([second, first], FAR) is None


@pytest.mark.parametrize(
    ("status", "failed", "short"),
    [
        ("COMPLETE", 0, False),
        ("COMPLETE", 1, True),
        ("IN_PROGRESS", 0, False),
        ("IN_PROGRESS", 1, True),
        ("FAILED", 0, True),
        ("STOPPED", 0, True),
    ],
)
def test_what_falls_short(status: str, failed: int, short: bool) -> None:
    """Copies that failed, and backfills that did not get to their end."""
    progress = {**SUMMARY["progress"], "failedReplicationCount": failed}
    last = parse_backfill({**SUMMARY, "status": status, "progress": progress})
    outcome = BackfillOutcome(source=SOURCE, destination=HERE, state=last.state, backfill=last)
    assert outcome.falls_short is short
