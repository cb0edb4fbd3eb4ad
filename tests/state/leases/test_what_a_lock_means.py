"""Whether a lock binds anybody, and what those are told whom it does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from fleet_repl.runs.history import Holder, Purpose
from fleet_repl.state.lock_rules import (
    LEASE,
    MARGIN,
    RENEWAL,
    SKEW,
    LockDocument,
    Verdict,
    busy,
    judge,
    last_sign,
    taken_over,
)

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
HOLDER = Holder(
    run_id="20261123T080000Z-ab12cd", purpose=Purpose.WATCH, user="ops", host="runner",
    pid=4711, process="boot/1/2",
)  # fmt: skip
LOCK = LockDocument(fleet="prod", holder=HOLDER, taken_at=AT, renewed_at=AT)


@pytest.mark.parametrize(
    ("document", "age", "gone", "expected"),
    [
        (None, 0, False, Verdict.FREE),
        (replace(LOCK, holder=None), 0, False, Verdict.FREE),
        (LOCK, 0, False, Verdict.HELD),
        (LOCK, LEASE + SKEW, False, Verdict.HELD),
        (LOCK, LEASE + SKEW + 0.1, False, Verdict.EXPIRED),
        (LOCK, 0, True, Verdict.DEAD),
        (LOCK, LEASE * 2, True, Verdict.DEAD),
    ],
)
def test_when_it_may_be_taken(
    document: LockDocument | None, age: float, gone: bool, expected: Verdict
) -> None:
    """Free, dead, expired, or held."""
    assert judge(document, age, gone=gone) is expected


@given(st.floats(0, 10 * LEASE), st.floats(0, 1), st.floats(-1, 1))
def test_nobody_takes_what_its_holder_believes_in(
    elapsed: float, delay: float, rounding: float
) -> None:
    """The holder counts from before its write, others from the write, in whole seconds."""
    believes = elapsed < LEASE
    seen = elapsed - delay + rounding
    if judge(LOCK, seen, gone=False) is Verdict.EXPIRED:
        assert not believes


def test_two_renewals_may_fail_within_a_lease() -> None:
    """And the longest write allowed still fits into what is left of a fresh one."""
    assert RENEWAL * 2 < LEASE
    longest_timeout = 50
    assert longest_timeout + MARGIN < LEASE


def test_what_others_are_notified() -> None:
    """Who, since when, the last sign of life, and what to do."""
    assert busy(LOCK, HOLDER, 18.4) == (
        "fleet prod is busy: watch 20261123T080000Z-ab12cd of ops@runner (process 4711) holds its "
        "lock since 2026-11-23T08:00:00Z; last sign of life 18 s ago\n"
        "    wait until it has ended; if it is dead, its lock runs out in 45 s"
    )
    for age, seconds in ((-0.4, "63 s"), (-SKEW, "66 s")):
        assert busy(LOCK, HOLDER, age).partition("; ")[2] == (
            "last sign of life 0 s ago\n"
            f"    wait until it has ended; if it is dead, its lock runs out in {seconds}"
        )


def test_a_lock_from_the_future() -> None:
    """It binds until then: how far ahead it is, and what can be done about that."""
    assert judge(LOCK, -3600, gone=False) is Verdict.HELD
    assert busy(LOCK, HOLDER, -3600) == (
        "fleet prod is busy: watch 20261123T080000Z-ab12cd of ops@runner (process 4711) holds its "
        "lock since 2026-11-23T08:00:00Z; its last sign of life is dated 1h in the future\n"
        "    wait until it has ended; if it is dead, its lock runs out in 1h1m3s, or now with: "
        "fleet-repl unlock INVENTORY"
    )


@pytest.mark.parametrize(("seconds", "expected"), [(4, "4 s"), (119, "119 s"), (120, "2m")])
def test_long_times_are_reported_in_minutes(seconds: float, expected: str) -> None:
    """From two minutes on; nobody divides thousands of seconds by 60 in an incident."""
    assert last_sign(-seconds) == f"its last sign of life is dated {expected} in the future"


def test_what_the_loser_is_notified() -> None:
    """Whoever has it now, if that can be known."""
    assert taken_over(LOCK) == (
        "the lock was taken over by watch 20261123T080000Z-ab12cd of ops@runner (process 4711) "
        "at 2026-11-23T08:00:00Z"
    )
    assert taken_over(replace(LOCK, holder=None)) == (
        "the lock was given back by somebody else: a run that took it over, or unlock"
    )
    assert taken_over(None) == "the lock of this run was removed by somebody"
