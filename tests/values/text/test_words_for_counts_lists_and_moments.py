"""Counts, lists and moments read the same wherever they are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, strategies as st

from fleet_repl.values.text import (
    and_more,
    counted,
    day_and_time,
    first_line,
    instant,
    joined,
    listed,
    named,
    timestamp,
)


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (0, "link", "0 links"),
        (1, "registry", "1 registry"),
        (2_000, "other registry", "2,000 other registries"),
    ],
)
def test_a_count_has_its_noun(number: int, noun: str, text: str) -> None:
    """Every number but one takes the plural, and thousands are set apart."""
    assert counted(number, noun) == text


def test_names_have_their_noun() -> None:
    """A noun stands before one name or several."""
    assert named("route", ["golden"]) == "route golden"
    assert named("route", ["golden", "dr"]) == "routes golden, dr"


def test_a_whole_list_ends_with_and() -> None:
    """The last part of several is joined by a word."""
    assert [joined("a"), joined("ab"), joined("abc")] == ["a", "a and b", "a, b and c"]


@given(items=st.lists(st.integers(0, 9), max_size=8), most=st.integers(1, 8))
def test_a_cut_list_counts_what_it_leaves_out(items: list[int], most: int) -> None:
    """No item is lost: each is shown, or counted at the end."""
    shown, _, rest = listed(items, most).partition(" and ")
    names = shown.split(", ") if shown else []
    assert names == [str(item) for item in items[:most]]
    assert len(names) + int(rest.removesuffix(" more") or 0) == len(items)


def test_nothing_left_out_is_not_reported() -> None:
    """A list that is whole has no end about more; thousands are set apart."""
    assert [and_more(0), and_more(-1), and_more(1), and_more(1_200)] == [
        "",
        "",
        " and 1 more",
        " and 1,200 more",
    ]


def test_an_error_in_one_line() -> None:
    """What follows the first line of an error is left out."""
    assert first_line(ValueError("bad\n    do better")) == "bad"
    assert first_line("") == ""


def test_moments_are_in_utc() -> None:
    """A moment of any time zone is told in UTC, and cut to its precision, not rounded."""
    zone = timezone(timedelta(hours=2))
    moment = datetime(2026, 11, 23, 10, 15, 59, 999_999, tzinfo=zone)
    assert timestamp(moment) == "2026-11-23T08:15:59Z"
    assert instant(moment) == "2026-11-23T08:15:59.999Z"
    assert day_and_time(moment) == "2026-11-23 at 08:15 UTC"
    assert timestamp(datetime(1, 1, 1, tzinfo=UTC)) == "0001-01-01T00:00:00Z"
