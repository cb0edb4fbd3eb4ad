"""Durations are read with their unit, and spelled the shortest way."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from fleet_repl.inventory.fields import seconds, spell_seconds


@pytest.mark.parametrize(
    ("text", "count"),
    [("30s", 30), ("15m", 900), ("2h", 7200), ("1h30m", 5400), ("1h1s", 3601), ("090s", 90)],
)
def test_good_durations(text: str, count: int) -> None:
    """Hours, minutes, seconds, in that order."""
    assert seconds(text) == count


@pytest.mark.parametrize(
    "text",
    ["", "30", "s", "1 h", "1H", "1.5h", "-1s", "30m1h", "1s1s", "1d", "1h ", "٣s", "9999999s"],
)
def test_what_is_no_duration(text: str) -> None:
    """No unit, another unit, another order, a sign, a blank: none is guessed at."""
    assert seconds(text) is None


@given(st.integers(1, 999_999 * 3600))
def test_what_is_spelled_can_be_read(count: int) -> None:
    """Reading is the inverse of spelling."""
    assert seconds(spell_seconds(count)) == count


def test_nothing_has_a_spelling_too() -> None:
    """No time at all is `0s`."""
    assert spell_seconds(0) == "0s"
