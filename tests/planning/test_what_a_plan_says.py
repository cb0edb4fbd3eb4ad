"""Single decisions of planning, told by example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.desired import desired_of
from tests.support.inventories import fleet_text
from tests.support.links import make_link, rules_for
from tests.support.registries import registry_of

from fleet_repl import load_inventory
from fleet_repl.ecr.policy import (
    CREATE_REPOSITORY,
    REPLICATE_IMAGE,
    Grant,
    Owner,
    compose,
    parse_policy,
    policy_size,
)
from fleet_repl.ecr.rules import document_of, parse_answer
from fleet_repl.inventory import Limits
from fleet_repl.planning.change import Action, HeldLink, LinkEnd, Phase, Resource
from fleet_repl.planning.desired_state import desired_state
from fleet_repl.planning.objections import objections
from fleet_repl.planning.observed import Observation, Observed, Unreadable
from fleet_repl.planning.ownership import Applied
from fleet_repl.planning.plan import State, Warning
from fleet_repl.planning.planner import plan_registries
from fleet_repl.planning.registry_plan import summarize
from fleet_repl.topology import Link
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import AccountId, Partition, Registry

OWNER = Owner(fleet="prod", partition=Partition.AWS)
HUB, SPOKE = map(registry_of, "12")
MIRROR = registry_of("1", "eu-west-2")
ACTIONS = (REPLICATE_IMAGE, CREATE_REPOSITORY)
DENIED = Unreadable(error=Fault(kind=FaultKind.ACCESS_DENIED, operation="AssumeRole", message="no"))


def link(source: Registry, destination: Registry, *prefixes: str) -> Link:
    return make_link(
        source=source, destination=destination, prefixes=prefixes or ("",), routes=("golden",)
    )


def seen(
    at: Registry,
    links: Mapping[Registry, tuple[str, ...]] | None = None,
    policy: JsonObject | None = None,
    **unknown: Any,
) -> Observed:
    """A registry that answers with these links and this policy."""
    rules = document_of(rules_for(links or {}))
    answer: dict[str, Any] = {
        "registryId": at.account,
        "replicationConfiguration": {**rules, **unknown},
    }
    return Observed(replication=parse_answer(answer), policy=parse_policy(policy, OWNER, at))


def granting(at: Registry, *grants: Grant, theirs: tuple[JsonObject, ...] = ()) -> JsonObject:
    document = compose(
        parse_policy({"Version": "2012-10-17", "Statement": theirs}, OWNER, at), grants, OWNER, at
    ).document
    assert document is not None
    return document


def test_a_new_link_takes_a_grant_and_then_a_rule() -> None:
    """The destination's policy is created first, the source's rules follow."""
    desired = desired_of([link(HUB, SPOKE, "base/")], [HUB, SPOKE])
    plan = plan_registries(desired, {HUB: seen(HUB), SPOKE: seen(SPOKE)}, [HUB, SPOKE])
    hub, spoke = plan.registries
    (rules,), (policy,) = hub.changes, spoke.changes
    assert (policy.resource, policy.action, policy.phase) == (
        Resource.REGISTRY_POLICY,
        Action.CREATE,
        Phase.GRANTS,
    )
    assert (rules.resource, rules.action, rules.phase) == (
        Resource.REPLICATION_CONFIGURATION,
        Action.UPDATE,
        Phase.RULES,
    )
    assert rules.links_added == (LinkEnd(registry=SPOKE, prefixes=("base/",), routes=("golden",)),)
    assert policy.links_added == (LinkEnd(registry=HUB, prefixes=("base/",), routes=("golden",)),)
    assert policy.before.document is None
    summary = summarize(plan.registries)
    assert (summary.changed, summary.links_added, summary.links_removed) == (2, 1, 0)
    assert objections(plan.registries, {}) == ()


def test_a_change_names_only_the_routes_that_ask_for_it(tmp_path: Path) -> None:
    """Two routes share a link. What is new of it is for one of them, and only this one makes its
    deletions travel: the plan says so at both ends."""
    path = tmp_path / "prod.toml"
    routes = fleet_text("1>2 base/", "1>2 tools/", accounts=2)
    path.write_text(f"{routes}replicate_deletes = true\n")
    desired, _ = desired_state(load_inventory(path))
    build, shop = map(registry_of, (1, 2))
    granted = granting(shop, *(Grant(build.account, "base/", action) for action in ACTIONS))
    observation = {build: seen(build, {shop: ("base/",)}), shop: seen(shop, policy=granted)}
    hub, spoke = plan_registries(desired, observation, [build, shop]).registries
    (rules,), (policy,) = hub.changes, spoke.changes
    tools = LinkEnd(registry=shop, prefixes=("tools/",), routes=("1>2 tools/",))
    assert (rules.links_added, rules.deletes_started) == ((tools,), (tools,))
    assert policy.links_added == (replace(tools, registry=build),)
    observation[build] = seen(build, {shop: ("base/", "tools/")})
    hub, _ = plan_registries(desired, observation, [build, shop]).registries
    assert [change.deletes_started for change in hub.changes] == [(tools,)]


def test_links_within_an_account_need_no_grant() -> None:
    """A destination in the source's own account is written without any policy, readable or not."""
    desired = desired_of([link(HUB, MIRROR)], [HUB, MIRROR])
    observation: Observation = {HUB: seen(HUB), MIRROR: DENIED}
    hub, mirror = plan_registries(desired, observation, [HUB, MIRROR]).registries
    assert [change.resource for change in hub.changes] == [Resource.REPLICATION_CONFIGURATION]
    assert hub.held == ()
    assert (mirror.state, mirror.error, mirror.changes) == (State.UNREADABLE, DENIED.error, ())


def test_links_to_external_accounts_are_never_held() -> None:
    """Somebody else's policy is neither read nor written."""
    desired = desired_of([link(HUB, SPOKE)], [HUB])
    (hub,) = plan_registries(desired, {HUB: seen(HUB)}, [HUB]).registries
    assert len(hub.changes) == 1
    assert hub.held == ()


def test_nothing_is_held_where_grants_are_off() -> None:
    """Without managed grants only rules are planned."""
    desired = desired_of([link(HUB, SPOKE)], [HUB, SPOKE], manages_grants=False)
    hub, spoke = plan_registries(desired, {HUB: seen(HUB), SPOKE: DENIED}, [HUB, SPOKE]).registries
    assert len(hub.changes) == 1
    assert (hub.held, spoke.changes) == ((), ())


def test_a_link_into_a_denied_account_is_held_and_named() -> None:
    """The source is written without it; one broken account does not block its hub."""
    other = registry_of("3")
    desired = desired_of([link(HUB, SPOKE), link(HUB, other)], [HUB, SPOKE, other])
    observation: Observation = {HUB: seen(HUB), SPOKE: DENIED, other: seen(other)}
    hub, *_ = plan_registries(desired, observation, list(observation)).registries
    assert hub.held == (
        HeldLink(
            destination=SPOKE,
            prefixes=("",),
            because="222222222222/eu-west-1 could not be read (access-denied)",
        ),
    )
    (change,) = hub.changes
    assert change.after.document == document_of(rules_for({other: ("",)}))


def test_what_is_in_place_stays_although_it_cannot_be_granted() -> None:
    """A rule that is there is not taken out for a missing grant, but it is named."""
    desired = desired_of([link(HUB, SPOKE, "a/", "b/")], [HUB, SPOKE])
    observation: Observation = {HUB: seen(HUB, {SPOKE: ("a/",)}), SPOKE: DENIED}
    hub, _ = plan_registries(desired, observation, list(observation)).registries
    assert hub.changes == ()
    because = "222222222222/eu-west-1 could not be read (access-denied)"
    assert hub.held == (
        HeldLink(
            destination=SPOKE,
            prefixes=("a/",),
            because=f"{because}; its rule is in place and stays",
        ),
        HeldLink(destination=SPOKE, prefixes=("b/",), because=because),
    )


def test_a_foreign_deny_holds_the_link_and_its_sid_is_named() -> None:
    """Our grant is put all the same; it does not help against a Deny."""
    deny = {"Sid": "Lockdown", "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}
    desired = desired_of([link(HUB, SPOKE)], [HUB, SPOKE])
    policy = granting(SPOKE, theirs=(deny,))
    hub, spoke = plan_registries(
        desired, {HUB: seen(HUB), SPOKE: seen(SPOKE, policy=policy)}, [HUB, SPOKE]
    ).registries
    assert hub.changes == ()
    assert [item.because for item in hub.held] == [
        "222222222222/eu-west-1: statement Lockdown of its registry policy denies it"
    ]
    assert len(spoke.changes) == 1


def test_a_destination_outside_the_selection_is_not_written() -> None:
    """A link that needs its grant is held, and the reason says which selection is too narrow."""
    desired = desired_of([link(HUB, SPOKE)], [HUB, SPOKE])
    (hub,) = plan_registries(desired, {HUB: seen(HUB), SPOKE: seen(SPOKE)}, [HUB]).registries
    (held,) = hub.held
    assert held.because == (
        "222222222222/eu-west-1: its registry policy does not grant ecr:ReplicateImage and "
        "ecr:CreateRepository, and it is outside the selection"
    )


def test_removing_a_link_withdraws_its_grant_afterwards() -> None:
    """The rules go first; the withdrawal names the registry it has to wait for."""
    grants = [Grant(HUB.account, "", action) for action in ACTIONS]
    observation: Observation = {
        HUB: seen(HUB, {SPOKE: ("",)}),
        SPOKE: seen(SPOKE, policy=granting(SPOKE, *grants)),
    }
    plan = plan_registries(desired_of([], [HUB, SPOKE]), observation, [HUB, SPOKE])
    hub, spoke = plan.registries
    assert [change.phase for change in hub.changes] == [Phase.RULES]
    (withdrawal,) = spoke.changes
    assert (withdrawal.phase, withdrawal.action) == (Phase.WITHDRAWALS, Action.DELETE)
    assert withdrawal.needs == {HUB}
    assert withdrawal.links_removed == (LinkEnd(registry=HUB, prefixes=("",)),)
    (objection,) = objections(plan.registries, {SPOKE: Applied()})
    assert objection.kind == "foreign-rules"
    assert objection.message == (
        "1 link out of 111111111111/eu-west-1 would be removed or narrowed, as no route asks for "
        "it: 111111111111/eu-west-1 → 222222222222/eu-west-1. Nothing records that fleet-repl "
        "made it, so it may be somebody else's. Add a route for what must stay, keep it with "
        'rules = "additive", or go on with --force.'
    )


def test_a_link_that_is_narrowed_names_the_routes_that_keep_the_rest() -> None:
    """Every repository went there; a route keeps one prefix, and nobody asks for another."""
    third = registry_of("3")
    desired = desired_of([link(HUB, SPOKE, "a/"), link(HUB, third, "a/")], [HUB, SPOKE, third])
    observation: Observation = {
        HUB: seen(HUB, {SPOKE: ("",), third: ("b/",)}),
        SPOKE: seen(SPOKE),
        third: seen(third),
    }
    hub, *_ = plan_registries(desired, observation, [HUB, SPOKE, third]).registries
    (change,) = hub.changes
    assert change.links_added == (LinkEnd(registry=third, prefixes=("a/",), routes=("golden",)),)
    assert change.links_removed == (
        LinkEnd(registry=SPOKE, prefixes=("",), routes=("golden",)),
        LinkEnd(registry=third, prefixes=("b/",)),
    )


def test_one_policy_is_written_twice_where_it_gains_and_loses() -> None:
    """Gains before the rules, losses after them, and the second write expects the first."""
    third = registry_of("3")
    old = [Grant(HUB.account, "", action) for action in ACTIONS]
    observation: Observation = {
        HUB: seen(HUB, {SPOKE: ("",)}),
        SPOKE: seen(SPOKE, policy=granting(SPOKE, *old)),
        third: seen(third),
    }
    desired = desired_of([link(third, SPOKE)], [HUB, SPOKE, third])
    _, spoke, _ = plan_registries(desired, observation, list(observation)).registries
    first, second = spoke.changes
    new = [Grant(third.account, "", action) for action in ACTIONS]
    assert parse_policy(first.after.document, OWNER, SPOKE).grants == {*old, *new}
    assert second.before.document == first.after.document
    assert parse_policy(second.after.document, OWNER, SPOKE).grants == set(new)
    assert (first.phase, second.phase) == (Phase.GRANTS, Phase.WITHDRAWALS)


def test_a_policy_with_no_room_for_both_holds_the_new_link_for_a_run() -> None:
    """Old and new grants together exceed the limit: the old ones go first, the next run adds."""
    third = registry_of("3")
    old = [Grant(HUB.account, "old/", action) for action in ACTIONS]
    policy = granting(SPOKE, *old)
    limits = Limits(policy_bytes=policy_size(policy) + 20)
    observation: Observation = {
        HUB: seen(HUB, {SPOKE: ("old/",)}),
        SPOKE: seen(SPOKE, policy=policy),
        third: seen(third),
    }
    desired = desired_of([link(third, SPOKE)], [HUB, SPOKE, third], limits=limits)
    plan = plan_registries(desired, observation, list(observation))
    _, spoke, source = plan.registries
    assert [change.phase for change in spoke.changes] == [Phase.WITHDRAWALS]
    assert source.changes == ()
    (held,) = source.held
    assert held.because == (
        "222222222222/eu-west-1: its registry policy does not grant ecr:ReplicateImage and "
        "ecr:CreateRepository, and with it the policy would take 486 characters"
    )


def test_room_is_needed_for_what_is_left_in_the_end() -> None:
    """One grant for everything fits, the many that replace it do not: their links are held by the
    plan, and not only when the policy is refused."""
    everything = [Grant(HUB.account, "", action) for action in ACTIONS]
    policy = granting(SPOKE, *everything)
    teams = [f"team-{number:02}/" for number in range(40)]
    third = registry_of("3")
    links = [link(HUB, SPOKE, *teams), link(third, SPOKE, "more/")]
    limits = Limits(policy_bytes=policy_size(policy) + 500)
    desired = desired_of(links, [HUB, SPOKE, third], limits=limits)
    observation: Observation = {
        HUB: seen(HUB, {SPOKE: ("",)}),
        SPOKE: seen(SPOKE, policy=policy),
        third: seen(third),
    }
    _, spoke, source = plan_registries(desired, observation, list(observation)).registries
    assert set(spoke.refused) == {Resource.REGISTRY_POLICY}
    assert (source.changes, len(source.held)) == ((), 1)
    assert "the policy would take" in source.held[0].because


def test_foreign_statements_that_leave_no_room_are_an_error_of_that_registry() -> None:
    """The policy is not written, the link is held, and the fault says how much too long."""
    theirs = {"Sid": "T" * 300, "Effect": "Allow", "Principal": "*", "Action": "s3:*"}
    policy = granting(SPOKE, theirs=(theirs,))
    limits = Limits(policy_bytes=policy_size(policy) + 10)
    desired = desired_of([link(HUB, SPOKE)], [HUB, SPOKE], limits=limits)
    hub, spoke = plan_registries(
        desired, {HUB: seen(HUB), SPOKE: seen(SPOKE, policy=policy)}, [HUB, SPOKE]
    ).registries
    assert set(spoke.refused) == {Resource.REGISTRY_POLICY}
    assert spoke.error is not None
    assert spoke.error.kind is FaultKind.INVALID
    assert spoke.error.message == (
        "the registry policy would take 620 characters, foreign statements included, and ECR "
        "takes 408"
    )
    assert hub.changes == ()
    assert len(hub.held) == 1
    assert (
        spoke.error.hint == f"shorten or remove statements that are not fleet-repl's: {'T' * 300}"
    )


def test_grants_that_are_too_long_by_themselves_are_not_blamed_on_others() -> None:
    """Where a policy holds no foreign statement, only the routes can make it shorter."""
    desired = desired_of([link(HUB, SPOKE)], [HUB, SPOKE], limits=Limits(policy_bytes=100))
    observation = {HUB: seen(HUB), SPOKE: seen(SPOKE)}
    _, spoke = plan_registries(desired, observation, [HUB, SPOKE]).registries
    assert spoke.error is not None
    assert spoke.error.hint is not None
    assert "let the routes into it ask for fewer prefixes" in spoke.error.hint


@pytest.mark.parametrize(("lacking", "written"), [(0, True), (1, False)])
def test_a_policy_may_be_as_long_as_the_limit(lacking: int, written: bool) -> None:
    """To the character: with one less the policy is refused and its link held."""
    theirs = {"Sid": "T" * 300, "Effect": "Allow", "Principal": "*", "Action": "s3:*"}
    policy = granting(SPOKE, theirs=(theirs,))
    observation: Observation = {HUB: seen(HUB), SPOKE: seen(SPOKE, policy=policy)}
    limits = Limits(policy_bytes=620 - lacking)
    desired = desired_of([link(HUB, SPOKE)], [HUB, SPOKE], limits=limits)
    hub, spoke = plan_registries(desired, observation, [HUB, SPOKE]).registries
    assert [policy_size(change.after.document) for change in spoke.changes] == [620]
    assert set(spoke.refused) == (set() if written else {Resource.REGISTRY_POLICY})
    assert (len(hub.changes), len(hub.held)) == ((1, 0) if written else (0, 1))
    assert (spoke.error is None) is written


def test_no_room_is_no_error_where_others_grant_it() -> None:
    """A statement of others lets the source in already: the link is made, and a warning says on
    what it relies."""
    theirs: JsonObject = {
        "Sid": "T" * 300,
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
        "Action": "ecr:*",
        "Resource": "arn:aws:ecr:eu-west-1:222222222222:repository/*",
    }
    policy = granting(SPOKE, theirs=(theirs,))
    limits = Limits(policy_bytes=policy_size(policy) + 10)
    desired = desired_of([link(HUB, SPOKE)], [HUB, SPOKE], limits=limits)
    plan = plan_registries(
        desired, {HUB: seen(HUB), SPOKE: seen(SPOKE, policy=policy)}, [HUB, SPOKE]
    )
    hub, spoke = plan.registries
    assert (len(hub.changes), hub.held) == (1, ())
    assert (spoke.changes, spoke.error) == ((), None)
    assert plan.warnings == (
        Warning(
            kind="no-room",
            message="222222222222/eu-west-1: there is no room in the registry policy for the "
            "grants of its links, and none is needed as long as statements of others give them; "
            "shorten those to have them granted by fleet-repl",
        ),
    )


def test_rules_with_unknown_fields_are_refused_unless_allowed() -> None:
    """They are readable and shown, but only overwritten on request; grants are not concerned."""
    desired = desired_of([link(HUB, SPOKE)], [HUB, SPOKE])
    observation: Observation = {HUB: seen(HUB, flavour="new"), SPOKE: seen(SPOKE)}
    plan = plan_registries(desired, observation, [HUB, SPOKE])
    hub, spoke = plan.registries
    assert (hub.state, set(hub.refused)) == (State.CHANGED, {Resource.REPLICATION_CONFIGURATION})
    assert hub.error is not None
    assert (hub.error.kind, hub.error.operation) == (FaultKind.UNKNOWN_FIELDS, "DescribeRegistry")
    assert len(spoke.changes) == 1
    assert plan.warnings == (
        Warning(
            kind="unknown-fields",
            message="111111111111/eu-west-1 answers with fields that this version does not "
            "know: flavour",
        ),
    )
    hub, _ = plan_registries(
        desired, observation, [HUB, SPOKE], allow=["unknown-fields"]
    ).registries
    assert (hub.refused, hub.error) == ({}, None)


def test_a_grant_of_an_account_nobody_lists_stays_with_a_warning() -> None:
    """Nobody can be asked whether it is still used."""
    stray = AccountId("7" * 12)
    policy = granting(SPOKE, Grant(stray, "", REPLICATE_IMAGE))
    plan = plan_registries(desired_of([], [SPOKE]), {SPOKE: seen(SPOKE, policy=policy)}, [SPOKE])
    assert plan.registries[0].changes == ()
    assert plan.warnings == (
        Warning(
            kind="grant-kept",
            message="222222222222/eu-west-1 grants account 777777777777 what no route asks for, "
            "and the grant stays, because that account is not managed here and nobody knows "
            "whether it is still used; list it under [[accounts]] to have the grant withdrawn, "
            "or take the statement out by hand",
        ),
    )


def test_a_grant_that_a_route_asks_for_is_no_warning() -> None:
    """Its source could not be read this time; what is stale of the same account is told."""
    grants = [Grant(HUB.account, "a/", action) for action in ACTIONS]
    desired = desired_of([link(HUB, SPOKE, "a/")], [HUB, SPOKE])
    observation: Observation = {HUB: DENIED, SPOKE: seen(SPOKE, policy=granting(SPOKE, *grants))}
    plan = plan_registries(desired, observation, [HUB, SPOKE])
    assert (plan.registries[1].changes, plan.warnings) == ((), ())
    grants += [Grant(HUB.account, "old/", action) for action in ACTIONS]
    observation = {HUB: DENIED, SPOKE: seen(SPOKE, policy=granting(SPOKE, *grants))}
    plan = plan_registries(desired, observation, [HUB, SPOKE])
    assert plan.registries[1].changes == ()
    assert [warning.message for warning in plan.warnings] == [
        (
            "222222222222/eu-west-1 grants account 111111111111 what no route asks for, and the "
            "grant stays, because a registry of that account (name-111) could not be read or "
            "keeps its link; if the account is closed, take the statement out by hand"
        )
    ]


def test_what_an_edited_statement_lets_in_is_not_lost() -> None:
    """Somebody added an action to ours. Its source cannot be asked, so the grant is written anew
    and the addition goes; nothing that may be in use is withdrawn."""
    grants = [Grant(HUB.account, "a/", action) for action in ACTIONS]
    document: dict[str, Any] = dict(granting(SPOKE, *grants))
    (good,) = document["Statement"]
    edited = {**good, "Action": [*ACTIONS, "ecr:BatchImportUpstreamImage"]}
    policy: JsonObject = {"Version": "2012-10-17", "Statement": [edited]}
    desired = desired_of([link(HUB, SPOKE, "a/")], [HUB, SPOKE])
    observation: Observation = {HUB: DENIED, SPOKE: seen(SPOKE, policy=policy)}
    _, spoke = plan_registries(desired, observation, [HUB, SPOKE]).registries
    (change,) = spoke.changes
    assert change.after.document == {"Version": "2012-10-17", "Statement": (good,)}


def test_an_edited_statement_of_ours_is_put_right() -> None:
    """Someone added a condition to our statement: it is written again as it must be."""
    grants = [Grant(HUB.account, "", action) for action in ACTIONS]
    document: dict[str, Any] = dict(granting(SPOKE, *grants))
    (good,) = document["Statement"]
    edited = {**good, "Condition": {"Bool": {"aws:SecureTransport": "true"}}}
    observation: Observation = {
        HUB: seen(HUB, {SPOKE: ("",)}),
        SPOKE: seen(SPOKE, policy={"Version": "2012-10-17", "Statement": [edited]}),
    }
    _, spoke = plan_registries(
        desired_of([link(HUB, SPOKE)], [HUB, SPOKE]), observation, [HUB, SPOKE]
    ).registries
    (change,) = spoke.changes
    assert change.phase is Phase.GRANTS
    assert change.after.document == {"Version": "2012-10-17", "Statement": (good,)}
