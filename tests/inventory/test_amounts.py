"""Amounts are exact: a share of a whole is never rounded in anybody's favour."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given, strategies as st

from fleet_repl.inventory import Amount, Inventory
from fleet_repl.inventory.shares import PERCENT, PERCENT_TO_100

amounts = st.one_of(
    st.integers(0, 50).map(lambda count: Amount(count=count)),
    st.integers(0, 100_000).map(lambda share: Amount(percent=Fraction(share, 1000))),
)


@pytest.mark.parametrize(
    ("written", "amount", "spelled"),
    [
        ("0", Amount(count=0), "0"),
        ("12", Amount(count=12), "12"),
        ('"0%"', Amount(percent=Fraction(0)), "0%"),
        ('"10%"', Amount(percent=Fraction(10)), "10%"),
        ('"12.5%"', Amount(percent=Fraction(25, 2)), "12.5%"),
        ('"33.333%"', Amount(percent=Fraction(33_333, 1000)), "33.333%"),
        ('"100.0%"', Amount(percent=Fraction(100)), "100%"),
        ('"${SHARE}%"', Amount(percent=Fraction(3)), "3%"),
    ],
)
def test_both_forms(
    written: str,
    amount: Amount,
    spelled: str,
    load: Callable[..., Inventory],
    text: Callable[..., str],
) -> None:
    """A number is a count and a text a share; both are told as they were written."""
    inventory = load(text(rest=f"[safety]\nmax_removals = {written}"), {"SHARE": "3"})
    assert inventory.safety.max_removals == amount
    assert str(amount) == spelled


def test_what_came_from_the_environment_is_not_shown(
    problems: Callable[..., object], text: Callable[..., str]
) -> None:
    """No remedy is made from a filled-in value."""
    shown = str(problems(text(rest='[safety]\nmax_removals = "${SHARE}"'), {"SHARE": "31337"}))
    assert "31337" not in shown
    shown = str(problems(text(rest='[safety]\nmax_removals = "${SHARE}"'), {"SHARE": "313"}))
    assert "313" not in shown


@given(amounts, st.integers(0, 400), st.integers(0, 400))
def test_the_most_is_what_is_allowed(amount: Amount, part: int, whole: int) -> None:
    """`most` is the border of `allows`."""
    assert amount.allows(part, whole) == (part <= amount.most(whole))


@given(st.integers(1, 300), st.integers(1, 300))
def test_a_share_at_the_border(part: int, whole: int) -> None:
    """Exactly the share is allowed, and one more is not; no float decides."""
    amount = Amount(percent=Fraction(part * 100, whole))
    assert amount.allows(part, whole)
    assert not amount.allows(part + 1, whole)


@given(st.from_regex(PERCENT, fullmatch=True))
def test_editors_take_what_is_at_most_everything(written: str) -> None:
    """Their pattern has the range in it, which the parser checks by number."""
    within = re.fullmatch(PERCENT_TO_100, written) is not None
    assert within == (Fraction(written.removesuffix("%")) <= 100)
