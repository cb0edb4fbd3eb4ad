"""Laws of planning, on a fleet in memory whose writes are carried out in the plan's order.

All of them hold with and without waves, in whatever order registries have their turn.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TypeAlias

from hypothesis import given, strategies as st
from tests.support.desired import desired_of
from tests.support.links import make_link, rules_for
from tests.support.registries import registry_of

from fleet_repl.ecr.policy import REPLICATE_IMAGE, Grant, Owner, parse_policy, statements_for
from fleet_repl.ecr.policy.evaluate import Permissions
from fleet_repl.ecr.rules import Outgoing, document_of, parse_document, prefixes_of
from fleet_repl.planning.change import Change, Phase, Resource
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.observed import Observation, Observed, Unreadable
from fleet_repl.planning.plan import RegistryPlan, State
from fleet_repl.planning.planner import plan_registries
from fleet_repl.topology import REST, Link, Waves
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import AccountId, Partition, Registry
from fleet_repl.values.prefixes import EVERY_REPOSITORY, covers, reduce

OWNER = Owner(fleet="prod", partition=Partition.AWS)
REGISTRIES = tuple(
    registry_of(digit, region) for digit in "1234" for region in ("eu-west-1", "us-east-1")
)
UNLISTED = AccountId("7" * 12)
DENIED = Fault(kind=FaultKind.ACCESS_DENIED, operation="AssumeRole", message="no")
THEIRS: JsonObject = {
    "Sid": "Theirs",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::888888888888:root"},
    "Action": "ecr:BatchImportUpstreamImage",
    "Resource": "*",
}

NO_WAVES = Waves()

registries = st.sampled_from(REGISTRIES)
prefix_sets = st.one_of(
    st.just(EVERY_REPOSITORY),
    st.lists(st.sampled_from(["aa/", "aa/b/", "cc/"]), min_size=1, max_size=2).map(reduce),
)
link_sets = st.dictionaries(
    st.tuples(registries, registries).filter(lambda pair: pair[0] != pair[1]),
    prefix_sets,
    max_size=8,
)
wave_sets = st.one_of(
    st.just(Waves()),
    st.dictionaries(registries, st.integers(0, 2)).map(
        lambda by_registry: Waves(names=("canary", "early", REST), by_registry=by_registry)
    ),
)
Pairs: TypeAlias = Mapping[tuple[Registry, Registry], tuple[str, ...]]
"""The prefixes of links, by source and destination."""


@dataclass
class Aws:
    """Registries in memory: their documents, and which of them do not answer."""

    rules: dict[Registry, JsonObject] = field(default_factory=dict)
    policies: dict[Registry, JsonObject | None] = field(default_factory=dict)
    silent: frozenset[Registry] = frozenset()

    def observe(self) -> Observation:
        return {
            registry: Unreadable(error=DENIED)
            if registry in self.silent
            else Observed(
                replication=parse_document(self.rules.get(registry, {"rules": []})),
                policy=parse_policy(self.policies.get(registry), OWNER, registry),
            )
            for registry in REGISTRIES
        }

    def outgoing(self, source: Registry) -> Outgoing:
        return parse_document(self.rules.get(source, {"rules": []})).outgoing

    def grants(self, source: Registry, destination: Registry, prefix: str) -> bool:
        """Whether an image under `prefix` would be let in, judged by the whole policy."""
        policy = parse_policy(self.policies.get(destination), OWNER, destination)
        permissions = Permissions(
            registry=destination,
            partition=Partition.AWS,
            grants=policy.grants,
            statements=policy.foreign,
        )
        return permissions.lacks(source.account, prefix, [REPLICATE_IMAGE]) is None

    def links(self) -> Iterator[tuple[Registry, Registry, str]]:
        """Every link and prefix between accounts that rules make."""
        for source in REGISTRIES:
            for destination, prefixes in self.outgoing(source).items():
                for prefix in prefixes if source.account != destination.account else ():
                    yield source, destination, prefix

    def links_granted(self) -> Iterator[tuple[Registry, Registry, str]]:
        return (link for link in self.links() if self.grants(*link))

    def carry_out(
        self,
        plans: Sequence[RegistryPlan],
        waves: Waves = NO_WAVES,
        check: Callable[[], None] = lambda: None,
        *,
        until: str | None = None,
    ) -> None:
        """Write every change in order of waves and phases, checking after each write. Every
        write finds what it expects, and differs from it."""
        for wave in waves.names:
            for phase in Phase:
                for plan in plans:
                    for change in plan.changes:
                        if (change.wave, change.phase) == (wave, phase):
                            self._write(plan, change)
                            check()
            if wave == until:
                return

    def _write(self, plan: RegistryPlan, change: Change) -> None:
        if change.resource in plan.refused:
            return
        if change.resource is Resource.REPLICATION_CONFIGURATION:
            assert change.before.document is not None
            assert change.after.document is not None
            there = parse_document(self.rules.get(plan.registry, {"rules": []}))
            assert there.same_as(parse_document(change.before.document))
            assert not there.same_as(parse_document(change.after.document))
            self.rules[plan.registry] = change.after.document
            return
        now = parse_policy(self.policies.get(plan.registry), OWNER, plan.registry)
        assert now.same_as(parse_policy(change.before.document, OWNER, plan.registry))
        assert not now.same_as(parse_policy(change.after.document, OWNER, plan.registry))
        self.policies[plan.registry] = json.loads(json.dumps(change.after.document))


@st.composite
def fleets(draw: st.DrawFn) -> Aws:
    """A fleet in any state: stray rules, stale grants, other people's statements."""
    aws = Aws()
    for source in REGISTRIES:
        links = draw(st.dictionaries(registries.filter(source.__ne__), prefix_sets, max_size=2))
        aws.rules[source] = document_of(rules_for(links))
    for destination in REGISTRIES:
        grants = draw(
            st.frozensets(
                st.builds(
                    Grant,
                    st.sampled_from([*(registry.account for registry in REGISTRIES), UNLISTED]),
                    st.sampled_from(["", "aa/", "cc/"]),
                    st.just(REPLICATE_IMAGE),
                ),
                max_size=3,
            )
        )
        statements = [THEIRS] if draw(st.booleans()) else []
        statements += statements_for(grants, OWNER, destination)
        document: JsonObject = {"Version": "2012-10-17", "Statement": statements}
        aws.policies[destination] = document if statements else None
    return aws


def links_of(pairs: Pairs) -> list[Link]:
    return [
        make_link(source=source, destination=destination, prefixes=prefixes, routes=("route",))
        for (source, destination), prefixes in pairs.items()
    ]


def plan_of(desired: Desired, aws: Aws) -> tuple[RegistryPlan, ...]:
    return plan_registries(desired, aws.observe(), REGISTRIES).registries


@given(data=st.data(), pairs=link_sets, aws=fleets(), waves=wave_sets)
def test_carrying_out_a_plan_makes_the_next_one_empty(
    data: st.DataObject, pairs: Pairs, aws: Aws, waves: Waves
) -> None:
    """From any state, readable or not in part: one run settles what can be settled."""
    aws.silent = data.draw(st.frozensets(registries, max_size=3))
    desired = replace(desired_of(links_of(pairs), REGISTRIES), waves=waves)
    silent = {item: (aws.rules[item], aws.policies[item]) for item in aws.silent}
    start = {registry: aws.outgoing(registry) for registry in REGISTRIES}
    aws.carry_out(plan_of(desired, aws), waves)
    again = plan_of(desired, aws)
    assert [outcome.registry for outcome in again if outcome.changes] == []
    assert {item: (aws.rules[item], aws.policies[item]) for item in aws.silent} == silent
    assert {entry.registry for entry in again if entry.state is State.UNREADABLE} == aws.silent
    for (source, destination), prefixes in pairs.items():
        if source in aws.silent:
            continue
        crosses = source.account != destination.account
        held = {
            prefix
            for entry in again
            if entry.registry == source
            for link in entry.held
            if link.destination == destination
            for prefix in link.prefixes
        }
        # Exactly the links into destinations that do not answer are held.
        assert held == (set(prefixes) if crosses and destination in aws.silent else set())
        for prefix in held:
            had = covers(start[source].get(destination, ()), prefix)
            assert covers(aws.outgoing(source).get(destination, ()), prefix) == had
        if not held:
            assert aws.outgoing(source)[destination] == prefixes


@given(data=st.data(), pairs=link_sets, aws=fleets(), waves=wave_sets)
def test_no_rule_is_ever_new_before_its_grant(
    data: st.DataObject, pairs: Pairs, aws: Aws, waves: Waves
) -> None:
    """After each single write: every link that this run made is granted."""
    desired = replace(desired_of(links_of(pairs), REGISTRIES), waves=waves)
    start = {registry: aws.outgoing(registry) for registry in REGISTRIES}

    def check() -> None:
        for source, destination, prefix in aws.links():
            if prefix not in start[source].get(destination, ()):
                assert aws.grants(source, destination, prefix)

    aws.carry_out(data.draw(st.permutations(plan_of(desired, aws))), waves, check)


@given(data=st.data(), pairs=link_sets, aws=fleets(), waves=wave_sets)
def test_no_grant_goes_while_a_rule_uses_it(
    data: st.DataObject, pairs: Pairs, aws: Aws, waves: Waves
) -> None:
    """After each single write: a link that was granted before is gone or granted still."""
    desired = replace(desired_of(links_of(pairs), REGISTRIES), waves=waves)
    granted = set(aws.links_granted())

    def check() -> None:
        for source, destination, prefix in granted:
            if prefix in aws.outgoing(source).get(destination, ()):
                assert aws.grants(source, destination, prefix)

    aws.carry_out(data.draw(st.permutations(plan_of(desired, aws))), waves, check)


@given(data=st.data(), pairs=link_sets, aws=fleets(), waves=wave_sets)
def test_foreign_statements_and_unlisted_grants_stay(
    data: st.DataObject, pairs: Pairs, aws: Aws, waves: Waves
) -> None:
    """Nothing of anybody else is lost, and no grant of an account that cannot be asked."""
    aws.silent = data.draw(st.frozensets(registries, max_size=3))
    silent_accounts = {item.account for item in aws.silent} | {UNLISTED}
    start = {
        registry: parse_policy(aws.policies[registry], OWNER, registry) for registry in REGISTRIES
    }
    desired = replace(desired_of(links_of(pairs), REGISTRIES), waves=waves)
    aws.carry_out(plan_of(desired, aws), waves)
    for registry in REGISTRIES:
        policy = parse_policy(aws.policies[registry], OWNER, registry)
        assert policy.foreign == start[registry].foreign
        for grant in start[registry].grants:
            if grant.source in silent_accounts:
                assert any(
                    grant.prefix.startswith(kept.prefix)
                    for kept in policy.grants
                    if (kept.source, kept.action) == (grant.source, grant.action)
                )


@given(data=st.data(), pairs=link_sets, aws=fleets(), waves=wave_sets)
def test_a_source_that_does_not_answer_gets_no_new_grant(
    data: st.DataObject, pairs: Pairs, aws: Aws, waves: Waves
) -> None:
    """An account that may not exist must not make a destination's whole policy invalid."""
    account = data.draw(st.sampled_from(sorted({registry.account for registry in REGISTRIES})))
    aws.silent = frozenset(registry for registry in REGISTRIES if registry.account == account)
    start = {
        registry: parse_policy(aws.policies[registry], OWNER, registry) for registry in REGISTRIES
    }
    desired = replace(desired_of(links_of(pairs), REGISTRIES), waves=waves)
    aws.carry_out(plan_of(desired, aws), waves)
    for registry in REGISTRIES:
        policy = parse_policy(aws.policies[registry], OWNER, registry)
        mine = {grant for grant in policy.grants if grant.source == account}
        assert mine <= start[registry].grants


@given(pairs=link_sets, waves=wave_sets)
def test_a_fleet_that_is_as_desired_needs_nothing(pairs: Pairs, waves: Waves) -> None:
    """plan(x, x) is empty: no change, no held link."""
    desired = replace(desired_of(links_of(pairs), REGISTRIES), waves=waves)
    aws = Aws()
    aws.carry_out(plan_of(desired, aws), waves)
    for plan in plan_of(desired, aws):
        assert (plan.state, plan.changes, plan.held) == (State.UNCHANGED, (), ())


@given(data=st.data(), pairs=link_sets, aws=fleets(), waves=wave_sets)
def test_a_narrowed_plan_changes_nothing_outside_its_scope(
    data: st.DataObject, pairs: Pairs, aws: Aws, waves: Waves
) -> None:
    """Only the selected registries are planned, and a link that needs another's grant is held."""
    scope = data.draw(st.frozensets(registries, min_size=1, max_size=4))
    desired = replace(desired_of(links_of(pairs), REGISTRIES), waves=waves)
    plans = plan_registries(desired, aws.observe(), scope).registries
    assert [plan.registry for plan in plans] == sorted(scope)
    aws.carry_out(plans, waves)
    for source, destination in pairs:
        if source in scope and source.account != destination.account:
            for prefix in aws.outgoing(source).get(destination, ()):
                start_or_granted = aws.grants(source, destination, prefix)
                held = [
                    link
                    for plan in plans
                    if plan.registry == source
                    for link in plan.held
                    if link.destination == destination and covers(link.prefixes, prefix)
                ]
                assert start_or_granted or held


@given(data=st.data(), pairs=link_sets, aws=fleets(), waves=wave_sets)
def test_a_run_may_end_after_any_wave(
    data: st.DataObject, pairs: Pairs, aws: Aws, waves: Waves
) -> None:
    """What is in place then is granted, and a new plan does the rest."""
    desired = replace(desired_of(links_of(pairs), REGISTRIES), waves=waves)
    start = {registry: aws.outgoing(registry) for registry in REGISTRIES}
    ours = set(aws.links_granted())

    def check() -> None:
        for source, destination, prefix in aws.links():
            old = covers(start[source].get(destination, ()), prefix)
            if not old or (source, destination, prefix) in ours:
                assert aws.grants(source, destination, prefix)

    until = data.draw(st.sampled_from(waves.names))
    aws.carry_out(data.draw(st.permutations(plan_of(desired, aws))), waves, check, until=until)
    # A link belongs to the first wave that has either of its ends.
    for source, end in product(REGISTRIES, REGISTRIES):
        turn = min(waves.position(source), waves.position(end))
        done = (
            prefixes_of(desired.links_out(source))
            if turn <= waves.names.index(until)
            else start[source]
        )
        assert aws.outgoing(source).get(end) == done.get(end)
    aws.carry_out(plan_of(desired, aws), waves, check)
    assert [item for item in plan_of(desired, aws) if item.changes or item.held] == []
    assert {registry: aws.outgoing(registry) for registry in REGISTRIES} == {
        registry: prefixes_of(desired.links_out(registry)) for registry in REGISTRIES
    }


@given(pairs=link_sets, aws=fleets(), waves=wave_sets)
def test_waves_lead_where_one_wave_leads(pairs: Pairs, aws: Aws, waves: Waves) -> None:
    """The same rules, and policies that mean the same to the letter of every grant."""
    plain = desired_of(links_of(pairs), REGISTRIES)
    other = replace(aws, rules=dict(aws.rules), policies=dict(aws.policies))
    aws.carry_out(plan_of(replace(plain, waves=waves), aws), waves)
    other.carry_out(plan_of(plain, other))
    for registry in REGISTRIES:
        assert aws.outgoing(registry) == other.outgoing(registry)
        staged, plainly = (fleet.policies[registry] for fleet in (aws, other))
        assert parse_policy(staged, OWNER, registry).same_as(parse_policy(plainly, OWNER, registry))
