"""How long an account counts as joining, and that then nothing of it is a failure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from tests.support.clock import NOON
from tests.support.desired import desired_of

from fleet_repl.ecr.policy import Policy
from fleet_repl.ecr.rules import NO_RULES, parse_document
from fleet_repl.inventory import Discovery, Member, parse
from fleet_repl.inventory.safety import Amount
from fleet_repl.planning.discovery import resolved
from fleet_repl.planning.enrolment import newcomers, young_accounts
from fleet_repl.planning.kept_discovery import continued
from fleet_repl.planning.observed import Observed, Unreadable
from fleet_repl.planning.plan import State
from fleet_repl.planning.planner import plan_registries
from fleet_repl.planning.thresholds import max_unreadable
from fleet_repl.topology import Link
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import AccountId, Region, Registry
from fleet_repl.values.prefixes import LinkScope

ONE, TWO, THREE = (AccountId(f"{number:012}") for number in (1, 2, 3))
DAY = timedelta(hours=24)
SECOND = timedelta(seconds=1)
OLD = NOON - timedelta(days=900)
FILE = """\
version = 1
name = "fleet"
routes = []
[aws]
role = "replication"
regions = ["eu-west-1"]
[organization]
{entries}
"""
REFUSED = Fault(
    kind=FaultKind.ACCESS_DENIED, operation="AssumeRole", message="no", role_refused=True
)
SEEN = Observed(replication=parse_document(NO_RULES), policy=Policy(document=None))


def discovery_of(*members: Member, at: datetime = NOON, **first_seen: datetime) -> Discovery:
    return Discovery(
        at=at,
        members=members,
        first_seen={AccountId(account[1:]): time for account, time in first_seen.items()},
    )


def member(joined: datetime | None = None, state: str = "ACTIVE") -> Member:
    return Member(id=ONE, name="one", state=state, joined=joined)


@pytest.mark.parametrize(
    ("joined", "first_seen", "is_joining"),
    [
        pytest.param(OLD, NOON - (DAY - SECOND), True, id="23:59:59 after the first sight"),
        pytest.param(OLD, NOON - DAY, False, id="24:00:00 after the first sight"),
        pytest.param(NOON - (DAY - SECOND), None, True, id="first discovery, 23:59:59 a member"),
        pytest.param(NOON - DAY, None, False, id="first discovery, 24:00:00 a member"),
        pytest.param(OLD, None, False, id="first discovery, a member for years"),
        pytest.param(None, None, False, id="nothing is known of it"),
        pytest.param(None, NOON, True, id="AWS does not say when it joined"),
        pytest.param(NOON - SECOND, OLD, True, id="left, and joined again between discoveries"),
        pytest.param(OLD, NOON + SECOND, True, id="the clock went back a second"),
        pytest.param(OLD, NOON + DAY - SECOND, True, id="the clock went back less than a day"),
        pytest.param(OLD, NOON + DAY, False, id="the clock was a day ahead"),
    ],
)
def test_the_later_of_two_times_counts(
    joined: datetime | None, first_seen: datetime | None, is_joining: bool
) -> None:
    """When it became a member, and when it was first seen: for less than a day from then."""
    seen = {} if first_seen is None else {f"a{ONE}": first_seen}
    assert (ONE in newcomers(discovery_of(member(joined), **seen), NOON)) is is_joining


def test_an_account_that_is_not_active_yet_has_not_come() -> None:
    """It may be pending for days: its day begins when it is active."""
    pending = discovery_of(member(OLD, "PENDING_ACTIVATION"), replace(member(OLD), id=TWO))
    later = discovery_of(member(OLD), replace(member(OLD), id=TWO), at=NOON + 3 * DAY)
    assert continued(later, continued(pending, pending)).first_seen == {ONE: later.at}


def test_other_units_are_not_new_accounts() -> None:
    """Whoever asks for more units finds accounts that have been there, for all that is known."""
    kept = replace(discovery_of(replace(member(OLD), id=TWO)), ous=("ou-abcd-11111111",))
    now = discovery_of(member(OLD), replace(member(OLD), id=TWO), at=NOON + DAY)
    assert continued(now, kept).first_seen == {}


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(hours=3, minutes=59), "3 h ago"),
        (timedelta(hours=1), "1 h ago"),
        (timedelta(minutes=59, seconds=59), "59 min ago"),
        (-SECOND, "0 min ago"),
    ],
)
def test_what_is_reported(ago: timedelta, words: str, tmp_path: Path) -> None:
    """Since when, and from when on it is a failure; of nobody whom the file lists."""
    path = tmp_path / "fleet.toml"
    members = (member(OLD), replace(member(NOON - ago), id=TWO), replace(member(NOON), id=THREE))
    path.write_text(FILE.format(entries=f'[[accounts]]\nid = "{THREE}"'))
    whole = resolved(parse(path, environ={}), discovery_of(*members))
    until = (NOON - ago + DAY).strftime("%Y-%m-%d at %H:%M UTC")
    assert young_accounts(whole, NOON) == {
        TWO: f"account 000000000002 joined {words}; its role cannot be assumed yet, which is a "
        f"failure from {until} on"
    }


def test_neither_closed_accounts_nor_listed_fleets_join(tmp_path: Path) -> None:
    """One that is closed is retired, and a fleet that is not discovered has no ages."""
    path = tmp_path / "fleet.toml"
    path.write_text(FILE.format(entries=""))
    inventory = parse(path, environ={})
    closed = resolved(inventory, discovery_of(member(NOON, "CLOSED")))
    assert young_accounts(closed, NOON) == {}
    assert young_accounts(replace(closed, discovery=None), NOON) == {}


PLACES = [Registry(account, Region(region)) for account in (ONE, TWO) for region in ("a-1", "b-1")]
ANSWERS = st.sampled_from(
    [SEEN, Unreadable(error=REFUSED), Unreadable(error=replace(REFUSED, role_refused=False))]
)


@given(
    answers=st.tuples(*[ANSWERS] * len(PLACES)),
    young=st.sets(st.sampled_from((ONE, TWO))),
    grants=st.booleans(),
)
def test_nothing_of_a_joining_account_is_a_failure(
    answers: tuple[Observed | Unreadable, ...], young: set[AccountId], grants: bool
) -> None:
    """If its role is refused in all its regions: its registries do not count as unreadable, links
    to it are held and make nobody partial. Any other answer makes it an account like any other."""
    hub = Registry(THREE, Region("a-1"))
    links = [
        Link(source=hub, destination=end, scope=LinkScope(prefixes=("base/",)), routes=("r",))
        for end in PLACES
    ]
    observation = {hub: SEEN, **dict(zip(PLACES, answers, strict=True))}
    desired = desired_of(links, [hub, *PLACES], manages_grants=grants)
    sentences = {account: f"{account} is young" for account in young}
    planned = plan_registries(desired, observation, [hub, *PLACES], joining=sentences)
    waiting = {
        account
        for account in young
        if all(
            isinstance(seen := observation[place], Unreadable) and seen.error.role_refused
            for place in PLACES
            if place.account == account
        )
    }
    for registry in planned.registries:
        unread = registry.state is State.UNREADABLE
        assert registry.fails is (unread and registry.registry.account not in waiting)
        assert (registry.joining is not None) is (registry.registry.account in waiting)
    source = next(registry for registry in planned.registries if registry.registry == hub)
    held = {link.destination: link for link in source.held}
    for end in PLACES:
        if end.account in waiting:
            assert (held[end].because, held[end].joining) == (sentences[end.account], True)
        elif end in held:
            assert not held[end].joining
    assert source.falls_short is any(not link.joining for link in source.held)
    objection = max_unreadable(planned.registries, Amount(count=0))
    assert (objection is None) is not any(registry.fails for registry in planned.registries)
