"""How much may be gone, what is carried on from the last time, and when an account is new."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, strategies as st
from tests.support.clock import MORNING

from fleet_repl.inventory import Discovery, Member
from fleet_repl.planning.enrolment import newcomers
from fleet_repl.planning.kept_discovery import continued, lost_too_many
from fleet_repl.values.names import AccountId, Region

TODAY = MORNING + timedelta(days=1)


def account(number: int) -> AccountId:
    return AccountId(f"{number:012}")


def discovery_of(numbers: frozenset[int], closed: frozenset[int] = frozenset()) -> Discovery:
    members = tuple(
        Member(id=account(number), name="", state="CLOSED" if number in closed else "ACTIVE")
        for number in sorted(numbers)
    )
    return Discovery(at=MORNING, organization="o-abcde12345", members=members)


NUMBERS = st.frozensets(st.integers(1, 60), max_size=40)


@given(before=NUMBERS, now=NUMBERS, closed=NUMBERS)
def test_a_tenth_may_be_gone(
    before: frozenset[int], now: frozenset[int], closed: frozenset[int]
) -> None:
    """Exactly: of the accounts that were open then, more than a tenth are not listed any more.
    Closing an account loses none, and new accounts make up for none."""
    refused = lost_too_many(discovery_of(now, closed), discovery_of(before, closed)) is not None
    open_then = before - closed
    assert refused is (10 * len(open_then - now) > len(open_then))
    assert lost_too_many(discovery_of(now), None) is None


@given(before=NUMBERS, now=NUMBERS, others=NUMBERS)
def test_accounts_that_the_fleet_leaves_out_hide_nothing(
    before: frozenset[int], now: frozenset[int], others: frozenset[int]
) -> None:
    """Ninety excluded accounts would hide that five of the fleet's ten are gone."""
    left_out = frozenset(map(account, others))
    refused = lost_too_many(discovery_of(now), discovery_of(before), left_out) is not None
    tenths = (10 * len(seen - now) > len(seen) for seen in (before, before - others))
    assert refused is any(tenths)


def test_what_is_reported() -> None:
    """How many, of how many, since when, and the first of them."""
    assert lost_too_many(discovery_of(frozenset({1})), discovery_of(frozenset(range(1, 9)))) == (
        "7 accounts of 8 that were there on 2026-11-23 at 08:00 UTC are not listed any more: "
        "000000000002, 000000000003, 000000000004, 000000000005, 000000000006 and 2 more"
    )


def test_other_units_are_another_question() -> None:
    """Whoever asks for other units than last time means another fleet."""
    kept = replace(discovery_of(frozenset(range(1, 9))), ous=("ou-abcd-11111111",))
    assert lost_too_many(discovery_of(frozenset({1})), kept) is None


@given(before=NUMBERS, now=NUMBERS)
def test_an_account_is_new_for_a_day(before: frozenset[int], now: frozenset[int]) -> None:
    """From when it was first seen; none is after the first discovery, which saw all of them."""
    later = replace(discovery_of(now), at=TODAY)
    assert continued(later, None).first_seen == {}
    kept = discovery_of(before)
    after = continued(later, kept)
    came = {account(number) for number in now - before} if before else set()
    assert newcomers(after, TODAY).keys() == came
    assert newcomers(after, TODAY + timedelta(hours=24)).keys() == frozenset()
    again = continued(replace(later, at=TODAY + timedelta(hours=1)), after)
    assert again.first_seen == after.first_seen


def test_regions_are_carried_on_for_those_who_do_not_answer() -> None:
    """And for nobody else."""
    ireland, paris = (Region("eu-west-1"),), (Region("eu-west-3"),)
    kept = replace(
        discovery_of(frozenset({1, 2, 3})), regions=dict.fromkeys(map(account, (1, 2, 3)), paris)
    )
    now = replace(
        discovery_of(frozenset({1, 2, 3, 4})),
        regions={account(1): ireland},
        unanswered={account(2): None, account(4): None},
    )
    assert continued(now, kept).regions == {account(1): ireland, account(2): paris}
    assert continued(now, kept, [account(3)]).regions[account(3)] == paris
