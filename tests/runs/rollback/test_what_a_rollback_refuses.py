"""What is not put back, and what the reader is told about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.support.desired import desired_of
from tests.support.links import rules_for, scopes_of
from tests.support.registries import registry_of
from tests.support.rollbacks import Fleet, Simulation

from fleet_repl.ecr.policy import parse_policy
from fleet_repl.ecr.rules import document_of, parse_document
from fleet_repl.inventory import Limits
from fleet_repl.planning.change import Action, Change, Phase, Resource
from fleet_repl.planning.observed import Observation, Observed
from fleet_repl.planning.ownership import Applied
from fleet_repl.planning.plan import State, Warning
from fleet_repl.planning.revocations import merged
from fleet_repl.runs.history import Fingerprint
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.runs.rollback import plan_rollback, restored, targets
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import Region, Registry

HUB, SHOP, CLUB = map(registry_of, "123")
RULES, POLICY = Resource.REPLICATION_CONFIGURATION, Resource.REGISTRY_POLICY
EVERYTHING = ("",)


@pytest.fixture
def fleet(simulation: Simulation) -> Fleet:
    """The hub replicates into the shop; then a run adds the club and narrows the shop."""
    fleet = simulation.applied({(HUB, SHOP): EVERYTHING})
    fleet.wanted = fleet.desired({(HUB, SHOP): ("aa/",), (HUB, CLUB): EVERYTHING})
    plans = fleet.plan(fleet.wanted)
    fleet.past = fleet.carry_out(plans)
    fleet.conclude(plans)
    return fleet


def of(planned: Any, registry: Registry) -> Any:
    return next(item for item in planned.registries if item.registry == registry)


def test_rules_go_out_before_grants_do(fleet: Fleet, simulation: Simulation) -> None:
    """The order of writes, and what the withdrawal waits for."""
    planned = fleet.take_back(fleet.past, fleet.wanted)
    order = [
        (registry, change.resource, change.phase)
        for registry, change in simulation.writes_of(planned.registries)
    ]
    assert order == [
        (SHOP, POLICY, Phase.GRANTS),
        (HUB, RULES, Phase.RULES),
        (CLUB, POLICY, Phase.WITHDRAWALS),
    ]
    club = of(planned, CLUB).changes[0]
    assert club.needs == {HUB}
    assert [end.registry for end in club.links_removed] == [HUB]
    rules = of(planned, HUB).changes[0]
    assert [(end.registry, end.prefixes) for end in rules.links_added] == [(SHOP, EVERYTHING)]
    assert [end.registry for end in rules.links_removed] == [CLUB]


def test_a_policy_that_gains_and_loses_is_written_twice(simulation: Simulation) -> None:
    """First with both, then exactly as it was; the second write expects the first."""
    fleet = simulation.applied({(HUB, SHOP): EVERYTHING})
    desired = fleet.desired({(CLUB, SHOP): EVERYTHING})
    past = fleet.carry_out(fleet.plan(desired))
    first, last = of(fleet.take_back(past, desired), SHOP).changes
    assert (first.phase, last.phase) == (Phase.GRANTS, Phase.WITHDRAWALS)
    assert first.after.document == last.before.document
    granted = parse_policy(first.after.document, simulation.owner, SHOP).grants
    assert {link.source for link in granted} == {HUB.account, CLUB.account}
    assert {
        grant.source for grant in parse_policy(last.after.document, simulation.owner, SHOP).grants
    } == {HUB.account}
    assert last.needs == {CLUB}


def test_both_together_may_not_fit(simulation: Simulation) -> None:
    """The policy that holds both is too long: it says so, and the rules that need it stay."""
    fleet = simulation.applied({(HUB, SHOP): EVERYTHING})
    desired = fleet.desired({(CLUB, SHOP): EVERYTHING})
    past = fleet.carry_out(fleet.plan(desired))
    desired = replace(desired, limits=Limits(policy_bytes=280))
    planned = fleet.take_back(past, desired)
    assert of(planned, SHOP).refused[POLICY] == Fault(
        kind=FaultKind.INVALID,
        operation="PutRegistryPolicy",
        message="the registry policy would take 295 characters while rules are put back, and "
        "ECR takes 280",
        hint="shorten or remove statements that are not fleet-repl's",
    )
    assert of(planned, HUB).refused[RULES].message == (
        "putting the rules back would bring back links into 222222222222/eu-west-1, which will "
        "not let them in (222222222222/eu-west-1: its registry policy does not grant "
        "ecr:ReplicateImage); they are left as they are"
    )
    assert of(planned, CLUB).refused == {}
    # A policy may be as long as the limit.
    desired = replace(desired, limits=Limits(policy_bytes=295))
    assert of(fleet.take_back(past, desired), SHOP).refused == {}


@pytest.mark.parametrize(
    ("later", "who", "hint"),
    [
        (
            "20261124T090000Z-abcdef",
            "by run 20261124T090000Z-abcdef on 2026-11-24 at 09:00 UTC",
            "roll back run 20261124T090000Z-abcdef first, or overwrite what it made with --force",
        ),
        (
            "20261123T120002Z-abcdef",
            "by someone else",
            "see what is there and whose it is; --force overwrites it",
        ),
    ],
)
def test_who_changed_a_registry_since(fleet: Fleet, later: str, who: str, hint: str) -> None:
    """A later run is named, if one has left its fingerprint there."""
    fleet.aws.rules[HUB] = document_of(rules_for({SHOP: ("cc/",)}))
    at = datetime(2026, 11, 24, 9, tzinfo=UTC)
    fingerprints = {HUB: Fingerprint(run_id=later, at=at, inventory="sha256:2")}
    fault = of(fleet.take_back(fleet.past, fleet.wanted, fingerprints=fingerprints), HUB).refused[
        RULES
    ]
    assert fault == Fault(
        kind=FaultKind.CONFLICT,
        operation="PutReplicationConfiguration",
        message=f"its replication configuration was changed {who}, since run "
        "20261123T120002Z-abcdef, which is to be rolled back; the registry is left as it is",
        hint=hint,
    )


def test_a_registry_that_was_put_right_by_hand_needs_nothing(fleet: Fleet) -> None:
    """Changed since, but back to what it was: that is no conflict."""
    fleet.aws.rules[HUB] = document_of(rules_for({SHOP: EVERYTHING}))
    hub = of(fleet.take_back(fleet.past, fleet.wanted), HUB)
    assert (hub.state, hub.changes, hub.error) == (State.UNCHANGED, (), None)


def test_grants_of_rules_that_are_in_place_stay(fleet: Fleet) -> None:
    """Somebody else's rule uses by now what the run granted: the policy is refused, the rest of
    the rollback goes on; with force it is only said."""
    other = Registry(HUB.account, Region("us-east-1"))
    fleet.aws.rules[other] = document_of(rules_for({CLUB: EVERYTHING}))
    planned = fleet.take_back(fleet.past, fleet.wanted)
    assert {registry.registry for registry in planned.registries if registry.refused} == {CLUB}
    assert of(planned, CLUB).refused[POLICY] == Fault(
        kind=FaultKind.CONFLICT,
        operation="PutRegistryPolicy",
        message="putting the registry policy back would take grants away that are in use, or may "
        "be: 111111111111/us-east-1 replicates here; it is left as it is",
        hint="take those links away first; --force puts it back but for the grants that the "
        "fleet's own rules use",
    )
    forced = fleet.take_back(fleet.past, fleet.wanted, force=True)
    assert of(forced, CLUB).refused == {}
    (warning,) = forced.warnings
    assert warning == Warning(
        kind="grants-taken",
        message="333333333333/eu-west-1: grants go from the registry policy that are in use, or "
        "may be: 111111111111/us-east-1 replicates here",
    )


def test_no_force_takes_a_grant_from_the_fleets_own_rules(
    fleet: Fleet, simulation: Simulation
) -> None:
    """The policy is put back with what they use, and no more than that."""
    other = Registry(HUB.account, Region("us-east-1"))
    fleet.aws.rules[other] = document_of(rules_for({CLUB: ("aa/",)}))
    fleet.record = {**fleet.record, other: Applied(links={CLUB: ("aa/",)})}
    planned = fleet.take_back(fleet.past, fleet.wanted, force=True)
    change = of(planned, CLUB).changes[-1]
    kept = parse_policy(change.after.document, simulation.owner, CLUB).grants
    assert {item.prefix for item in kept} == {"aa/"}
    assert planned.warnings == (
        Warning(
            kind="grants-in-use",
            message="333333333333/eu-west-1: the registry policy keeps grants that it did not have "
            "before the run, because the fleet's own rules use them: 111111111111/us-east-1 "
            "replicates here",
        ),
    )


@pytest.mark.parametrize("given_up", [False, True])
def test_links_that_the_inventory_lists_no_longer_keep_their_grants(
    fleet: Fleet, given_up: bool
) -> None:
    """What the record shows of a region that is not listed any more counts as used, given up or
    not: its account is listed, so it is there."""
    gone = Registry(HUB.account, Region("sa-east-1"))
    fleet.record = {**fleet.record, gone: Applied(links={CLUB: EVERYTHING}, given_up=given_up)}
    fault = of(fleet.take_back(fleet.past, fleet.wanted), CLUB).refused[POLICY]
    assert "111111111111/sa-east-1 has links here on record" in fault.message


def test_links_come_back_only_where_they_are_let_in(fleet: Fleet) -> None:
    """The destination was edited meanwhile, so its policy stays, and so do the hub's rules, and
    so does the grant of the club; with force the rules come back, and it is said."""
    fleet.aws.policies[SHOP] = None
    planned = fleet.take_back(fleet.past, fleet.wanted)
    assert of(planned, SHOP).refused.keys() == {POLICY}
    assert of(planned, HUB).refused.keys() == {RULES}
    assert of(planned, CLUB).refused.keys() == {POLICY}
    fleet.aws.silent = frozenset({SHOP})
    forced = fleet.take_back(fleet.past, fleet.wanted, force=True)
    assert of(forced, HUB).refused == {}
    assert forced.warnings == (
        Warning(
            kind="ungranted",
            message="111111111111/eu-west-1: links into 222222222222/eu-west-1 come back that it "
            "will not let in: 222222222222/eu-west-1 could not be read (access-denied)",
        ),
    )


def test_what_this_version_does_not_know_is_never_overwritten(fleet: Fleet) -> None:
    """Not even with force."""
    there = fleet.aws.rules[HUB]
    fleet.aws.rules[HUB] = {**there, "novelty": True}
    for force in (False, True):
        fault = of(fleet.take_back(fleet.past, fleet.wanted, force=force), HUB).refused[RULES]
        assert fault == Fault(
            kind=FaultKind.UNKNOWN_FIELDS,
            operation="DescribeRegistry",
            message="the replication configuration holds fields that this version does not know: "
            "novelty",
            hint="use a version that knows them",
        )


def test_a_registry_that_is_not_listed_any_more_cannot_be_reached(
    fleet: Fleet, simulation: Simulation
) -> None:
    """It says so, and the others are judged without it."""
    listed = tuple(
        registry for registry in simulation.registries if registry.account != CLUB.account
    )
    desired = desired_of([], listed)
    planned = fleet.take_back(fleet.past, desired)
    club = of(planned, CLUB)
    assert (club.state, club.name) == (State.UNREADABLE, "name-333")
    assert club.error == Fault(
        kind=FaultKind.INVALID,
        operation="DescribeRegistry",
        message="the inventory does not list it any more, so there is no role to reach it with",
        hint="list its account and region again for the rollback",
    )
    assert of(planned, HUB).refused == {}


def test_policies_are_not_put_back_where_grants_are_not_managed(
    fleet: Fleet, simulation: Simulation
) -> None:
    """Nobody has read them then."""
    desired = desired_of([], simulation.registries, manages_grants=False)
    observation: Observation = {
        registry: replace(seen, policy=None) if isinstance(seen, Observed) else seen
        for registry, seen in fleet.aws.observe().items()
    }
    planned = plan_rollback(
        targets(fleet.past), observation, desired, fleet.record, {}, force=False
    )
    assert of(planned, SHOP).refused[POLICY].message.startswith('the inventory says grants = "off"')
    assert of(planned, HUB).refused == {}


def test_what_carries_it_out_knows_the_links_that_come_back(fleet: Fleet) -> None:
    """Instead of those that are asked for, so that one whose grant fails is held."""
    planned = fleet.take_back(fleet.past, fleet.wanted)
    desired = restored(fleet.wanted, planned.registries)
    assert desired.links_out(HUB) == scopes_of({SHOP: EVERYTHING})
    assert {link.source for link in desired.incoming[SHOP]} == {HUB}
    assert CLUB not in desired.incoming


def test_edited_statements_of_ours_come_back_as_they_were(simulation: Simulation) -> None:
    """Beside those that stand in their place by then, under another Sid as long as both do."""
    fleet = simulation.applied({(HUB, SHOP): EVERYTHING})
    policy: Any = fleet.aws.policies[SHOP]
    statement = policy["Statement"][-1]
    account = {"AWS": "arn:aws:iam::444444444444:root"}
    edited = {**policy, "Statement": [{**statement, "Principal": account, "Condition": {}}]}
    fleet.aws.policies[SHOP] = edited
    desired = fleet.desired({(HUB, SHOP): EVERYTHING, (CLUB, SHOP): EVERYTHING})
    fleet.record = {}
    past = fleet.carry_out(fleet.plan(desired))
    planned = fleet.take_back(past, desired, force=True)
    for change in of(planned, SHOP).changes:
        sids = [item["Sid"] for item in change.after.document["Statement"]]
        assert len(set(sids)) == len(sids)
    last = of(planned, SHOP).changes[-1].after.document["Statement"]
    assert [item["Principal"] for item in last if "Condition" in item] == [account]


def test_nothing_is_done_for_what_was_not_written(simulation: Simulation) -> None:
    """What failed for certain or was never sent is none of the run's doing."""
    fleet = simulation.applied({(HUB, SHOP): EVERYTHING})
    plans = fleet.plan(fleet.desired({(HUB, CLUB): EVERYTHING}))
    writes = simulation.writes_of(plans)
    past = simulation.past_of("20261123T130000Z-abcdef", simulation.plan_of(plans), [])
    assert targets(past) == ()
    registry, change = writes[0]
    failed = simulation.lines(registry, change, simulation.noon, Outcome.FAILED, in_doubt=False)
    assert targets(replace(past, journal=tuple(failed))) == ()
    doubtful = simulation.lines(registry, change, simulation.noon, Outcome.FAILED, in_doubt=True)
    (target,) = targets(replace(past, journal=tuple(doubtful)))
    assert target.documents[change.resource].left == (change.before.document, change.after.document)
    assert change.action is not Action.DELETE


def test_parsed_rules_are_what_is_compared(fleet: Fleet) -> None:
    """The same links in other rules are as the run left them."""
    there = parse_document(fleet.aws.rules[HUB]).outgoing
    fleet.aws.rules[HUB] = document_of(
        rule for end in sorted(there) for rule in rules_for({end: there[end]})
    )
    assert of(fleet.take_back(fleet.past, fleet.wanted), HUB).refused == {}


def test_beside_others_every_letter_counts(simulation: Simulation) -> None:
    """A stranger's rule that means nothing beside ours would be lost all the same."""
    fleet = simulation.fleet(additive=True)
    desired = fleet.desired({(HUB, SHOP): EVERYTHING})
    past = fleet.carry_out(fleet.plan(desired))
    theirs = rules_for({SHOP: ("aa/",)})
    fleet.aws.rules[HUB] = document_of([*parse_document(fleet.aws.rules[HUB]).rules, *theirs])
    assert of(fleet.take_back(past, desired), HUB).refused[RULES].kind is FaultKind.CONFLICT
    alone = desired_of([], simulation.registries)
    assert of(fleet.take_back(past, alone), HUB).refused == {}


def test_what_somebody_else_said_between_two_writes_stays(simulation: Simulation) -> None:
    """The run wrote its second change of the policy on top of that; to put its own part back
    takes nothing of it away."""
    fleet = simulation.applied({(HUB, SHOP): EVERYTHING})
    before = parse_policy(fleet.aws.policies[SHOP], simulation.owner, SHOP)
    desired = fleet.desired({(CLUB, SHOP): EVERYTHING})
    plans = fleet.plan(desired)
    theirs = {"Sid": "Theirs", "Effect": "Deny", "Principal": "*", "Action": "s3:*"}
    written: list[tuple[Registry, Change]] = []
    for registry, change in simulation.writes_of(plans):
        sent = change
        if registry == SHOP and written:
            policy: Any = fleet.aws.policies[SHOP]
            there = {**policy, "Statement": [theirs, *policy["Statement"]]}
            fleet.aws.policies[SHOP] = there
            sent = merged(
                change, parse_policy(there, simulation.owner, SHOP), simulation.owner, SHOP
            )
        fleet.aws.write(registry, sent)
        written.append((registry, sent))
    past = simulation.past_of("20261123T130000Z-abcdef", simulation.plan_of(plans), written)
    planned = fleet.take_back(past, desired)
    assert of(planned, SHOP).refused == {}
    put_back = parse_policy(of(planned, SHOP).changes[-1].after.document, simulation.owner, SHOP)
    assert put_back.ours_as(before)
    assert list(put_back.foreign) == [theirs]


@pytest.mark.parametrize("force", [False, True])
def test_links_of_nobody_known_that_go_are_warned_about(fleet: Fleet, force: bool) -> None:
    """Where they do go: rules that are left as they are take nothing from anybody."""
    theirs: Any = document_of(rules_for({SHOP: ("theirs/",)}))
    ours: Any = fleet.aws.rules[HUB]
    fleet.aws.rules[HUB] = {"rules": [*ours["rules"], *theirs["rules"]]}
    planned = fleet.take_back(fleet.past, fleet.wanted, force=force)
    assert (RULES in of(planned, HUB).refused) is not force
    said = [warning.message for warning in planned.warnings if warning.kind == "foreign-rules"]
    warning = (
        "111111111111/eu-west-1: links go that nothing records to be fleet-repl's, so they may "
        "be somebody else's"
    )
    assert said == [warning] * force
