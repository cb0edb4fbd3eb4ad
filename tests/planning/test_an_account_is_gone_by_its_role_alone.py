"""A retired account is gone only if the role of each of its registries was refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st
from tests.support.desired import desired_of

from fleet_repl.ecr.policy import Policy
from fleet_repl.ecr.rules import NO_RULES, parse_document
from fleet_repl.planning.observed import Observation, Observed, Unreadable, refused_accounts
from fleet_repl.planning.ownership import Applied
from fleet_repl.planning.plan import State
from fleet_repl.planning.planner import plan_registries
from fleet_repl.planning.revocations import left_behind
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import AccountId, Region, Registry

ACCOUNTS = [AccountId(digit * 12) for digit in "123"]
REFUSED = Fault(
    kind=FaultKind.ACCESS_DENIED, operation="AssumeRole", message="no", role_refused=True
)
SEEN = Observed(replication=parse_document(NO_RULES), policy=None)
faults = st.builds(
    Fault,
    kind=st.sampled_from(FaultKind),
    operation=st.sampled_from(["AssumeRole", "DescribeRegistry", "GetRegistryPolicy"]),
    message=st.just("no"),
    code=st.sampled_from([None, "AccessDenied", "UnrecognizedClientException"]),
)
answers = st.one_of(
    st.just(Unreadable(error=REFUSED)),
    st.just(SEEN),
    faults.map(lambda item: Unreadable(error=item)),
)
observations = st.dictionaries(
    st.builds(
        Registry,
        st.sampled_from(ACCOUNTS),
        st.sampled_from([Region("eu-west-1"), Region("us-east-1")]),
    ),
    answers,
)


@given(observations, st.sets(st.sampled_from(ACCOUNTS)))
def test_whatever_else_an_account_answers_it_is_there(
    observation: Observation, retired: set[AccountId]
) -> None:
    """Neither a denied call, nor a region that is not enabled, nor a timeout is a proof."""
    gone = refused_accounts(observation, retired)
    assert gone == {
        account
        for account in retired
        if (
            theirs := [
                seen for registry, seen in observation.items() if registry.account == account
            ]
        )
        and all(seen == Unreadable(error=REFUSED) and seen.error.role_refused for seen in theirs)
    }


@pytest.mark.parametrize("given_up", [False, True])
def test_what_was_given_up_is_not_forgotten(given_up: bool) -> None:
    """Should its account be listed again without it, its links count as still in use."""
    east = Registry(ACCOUNTS[0], Region("us-east-1"))
    desired = desired_of([], [Registry(ACCOUNTS[0], Region("eu-west-1"))])
    links = {Registry(ACCOUNTS[1], Region("eu-west-1")): ("base/",)}
    record = {east: Applied(links=links, given_up=given_up)}
    assert left_behind(desired, record) == {ACCOUNTS[0]: (links,)}


@pytest.mark.parametrize(
    ("fault", "other", "fails"),
    [
        (REFUSED, Unreadable(error=REFUSED), False),
        (replace(REFUSED, role_refused=False), Unreadable(error=REFUSED), True),
        (REFUSED, SEEN, True),
    ],
)
def test_only_a_gone_account_is_excused_and_warned_about(
    fault: Fault, other: Observed | Unreadable, fails: bool
) -> None:
    """Otherwise it is a failure like any other, and what is on record stays as it is."""
    east, west = (Registry(ACCOUNTS[0], Region(text)) for text in ("us-east-1", "eu-west-1"))
    hub = Registry(ACCOUNTS[1], Region("eu-west-1"))
    desired = desired_of([], [east, west, hub], retired=[ACCOUNTS[0]])
    record = {east: Applied(links={hub: ("base/",)})}
    seen = Observed(replication=parse_document(NO_RULES), policy=Policy(document=None))
    observation = {
        east: Unreadable(error=fault),
        west: seen if other is SEEN else other,
        hub: seen,
    }
    planned = plan_registries(desired, observation, [east, west, hub], record=record)
    plan = next(registry for registry in planned.registries if registry.registry == east)
    assert (plan.state, plan.fails) == (State.UNREADABLE, fails)
    assert ("given-up" in {warning.kind for warning in planned.warnings}) is not fails
