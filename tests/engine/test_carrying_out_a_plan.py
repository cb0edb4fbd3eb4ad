"""Whole plans carried out on a fleet in memory that denies, throttles, drops and breaks."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest
from hypothesis import given, strategies as st
from tests.support.clock import VirtualClock
from tests.support.desired import desired_of
from tests.support.links import make_link, rules_for
from tests.support.registries import registry_of

from fleet_repl.ecr.policy import (
    Grant,
    Owner,
    actions_for,
    grants_for,
    parse_policy,
    policy_size,
    statements_for,
)
from fleet_repl.ecr.policy.evaluate import in_force
from fleet_repl.ecr.rules import Outgoing, document_of, parse_answer, parse_document
from fleet_repl.engine.apply import ApplyContext, apply_plan
from fleet_repl.engine.registry_documents import DocumentWriter
from fleet_repl.engine.retry import Pace
from fleet_repl.engine.stop import Stop
from fleet_repl.inventory import Amount, Limits, Selector, Template, Wave
from fleet_repl.inventory.model import InventoryRef
from fleet_repl.planning.change import Change, Resource
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.observed import Observed, Unreadable
from fleet_repl.planning.plan import Plan
from fleet_repl.planning.planner import plan_registries
from fleet_repl.planning.registry_plan import summarize
from fleet_repl.runs.events import Event, WriteSettled, WriteStarted
from fleet_repl.runs.outcomes import ChangeOutcome, Outcome, RegistryOutcome
from fleet_repl.topology import REST, Link, Waves
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import CallError, Fault, FaultKind
from fleet_repl.values.names import AccountId, Partition, Region, Registry
from fleet_repl.values.prefixes import EVERY_REPOSITORY, covers, reduce

OWNER = Owner(fleet="prod", partition=Partition.AWS)
ACTIONS = actions_for(create_repositories=True)
REGISTRIES = tuple(
    registry_of(digit, region) for digit in "1234" for region in ("eu-west-1", "us-east-1")
)
FOREIGN: tuple[JsonObject, ...] = (
    {
        "Sid": "Theirs",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::888888888888:root"},
        "Action": "ecr:BatchImportUpstreamImage",
        "Resource": "*",
    },
    {"Sid": "Open", "Effect": "Allow", "Principal": "*", "Action": "ecr:*", "Resource": "*"},
    {
        "Sid": "Shut",
        "Effect": "Deny",
        "Principal": {"AWS": "111111111111"},
        "Action": "ecr:*",
        "Resource": "*",
    },
)
FAILURES = {
    "denied": (FaultKind.ACCESS_DENIED, False, False),
    "throttled": (FaultKind.THROTTLED, True, False),
    "dropped": (FaultKind.NETWORK, True, True),
}

registries = st.sampled_from(REGISTRIES)
prefix_sets = st.one_of(
    st.just(EVERY_REPOSITORY),
    st.lists(st.sampled_from(["aa/", "aa/b/", "cc/"]), min_size=1, max_size=2).map(reduce),
)
wanted_links = st.dictionaries(
    st.tuples(registries, registries).filter(lambda pair: pair[0] != pair[1]),
    prefix_sets,
    max_size=8,
)
mishaps = st.dictionaries(
    st.tuples(st.sampled_from(["rules", "policy"]), registries),
    st.sampled_from([*FAILURES, "broken"]),
    max_size=4,
)


NO_LIMITS: Mapping[str, Wave] = {}


class Turnstile:
    """A gate that admits everything, and knows what is under way."""

    def __init__(self) -> None:
        self.under_way: list[tuple[Registry, Change]] = []

    def turn(self, registry: Registry) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    async def admit(self, registry: Registry, change: Change) -> None:
        self.under_way.append((registry, change))

    async def admit_again(self) -> None:
        assert self.under_way

    @property
    def is_open(self) -> bool:
        return True

    def note_end(self, registry: Registry, change: Change, outcome: ChangeOutcome) -> None:
        assert (outcome.wave, outcome.after.document) == (change.wave, change.after.document)
        self.under_way.remove((registry, change))


@dataclass
class Aws:
    """Registries in memory behind both ports."""

    rules: dict[Registry, JsonObject] = field(default_factory=dict)
    policies: dict[Registry, JsonObject | None] = field(default_factory=dict)
    templates: dict[Registry, dict[str, JsonObject]] = field(default_factory=dict)
    silent: frozenset[Registry] = frozenset()
    mishaps: Mapping[tuple[str, Registry], str] = field(default_factory=dict)
    writes: list[Registry] = field(default_factory=list)
    calls: Counter[Registry] = field(default_factory=Counter)

    def attempts(self, registry: Registry) -> int:
        return self.calls[registry]

    async def describe(self, registry: Registry) -> JsonObject:
        await self._call(registry)
        return self.answer(registry)

    async def read_policy(self, registry: Registry) -> JsonObject | None:
        await self._call(registry)
        return self.policies.get(registry)

    async def read_templates(self, registry: Registry) -> tuple[JsonObject, ...]:
        await self._call(registry)
        return tuple(self.templates.get(registry, {}).values())

    async def account_setting(self, registry: Registry, name: str) -> str | None:
        await self._call(registry)
        return None

    async def create_template(self, registry: Registry, document: JsonObject) -> str | None:
        await self._call(registry, "template")
        self.templates.setdefault(registry, {})[str(document["prefix"])] = document
        return "request"

    async def update_template(self, registry: Registry, document: JsonObject) -> str | None:
        await self._call(registry, "template")
        now = self.templates[registry][str(document["prefix"])]
        self.templates[registry][str(document["prefix"])] = {**now, **document}
        return "request"

    async def delete_template(self, registry: Registry, prefix: str) -> str | None:
        await self._call(registry, "template")
        del self.templates[registry][prefix]
        return "request"

    async def prepare(self, registry: Registry) -> None:
        pass

    async def put_replication(self, registry: Registry, document: JsonObject) -> str | None:
        await self._call(registry, "rules")
        self.rules[registry] = document
        return "request"

    async def put_policy(self, registry: Registry, document: JsonObject) -> str | None:
        await self._call(registry, "policy")
        stored = json.loads(json.dumps(document))
        sids = [item["Sid"] for item in stored["Statement"]]
        assert len(sids) == len(set(sids)), "IAM takes a Sid only once"
        self.policies[registry] = stored
        return "request"

    async def delete_policy(self, registry: Registry) -> str | None:
        await self._call(registry, "policy")
        self.policies[registry] = None
        return "request"

    async def _call(self, registry: Registry, document: str | None = None) -> None:
        self.calls[registry] += 1
        await anyio.lowlevel.checkpoint()
        mishap = None
        if document is not None:
            self.writes.append(registry)
            mishap = self.mishaps.get((document, registry))
        if mishap == "broken":
            raise KeyError("nobody foresaw this")
        if mishap is not None:
            kind, transient, uncertain = FAILURES[mishap]
            fault = Fault(kind=kind, operation="Put", message=mishap)
            raise CallError(fault, transient=transient, uncertain=uncertain)

    def answer(self, registry: Registry) -> JsonObject:
        rules = self.rules.get(registry, {"rules": []})
        return {"registryId": registry.account, "replicationConfiguration": rules}

    def observe(self) -> dict[Registry, Observed | Unreadable]:
        denied = Fault(kind=FaultKind.ACCESS_DENIED, operation="AssumeRole", message="no")
        return {
            registry: Unreadable(error=denied)
            if registry in self.silent
            else Observed(
                replication=parse_answer(self.answer(registry)),
                policy=parse_policy(self.policies.get(registry), OWNER, registry),
                templates=tuple(self.templates.get(registry, {}).values()),
            )
            for registry in REGISTRIES
        }

    def outgoing(self, source: Registry) -> Outgoing:
        return parse_document(self.rules.get(source, {"rules": []})).outgoing

    def lets_in(self, source: Registry, destination: Registry, prefix: str) -> bool:
        policy = parse_policy(self.policies.get(destination), OWNER, destination)
        grants = in_force(policy, destination, Partition.AWS)
        return grants.lacks(source.account, prefix, ACTIONS) is None

    def links(self) -> set[tuple[Registry, Registry, str]]:
        """Every cross-account link and prefix that rules make."""
        return {
            (source, destination, prefix)
            for source in REGISTRIES
            for destination, prefixes in self.outgoing(source).items()
            for prefix in prefixes
            if source.account != destination.account
        }


@st.composite
def fleets(draw: st.DrawFn) -> Aws:
    """Any state: stray rules, stale and edited grants, statements of others."""
    aws = Aws()
    for registry in REGISTRIES:
        elsewhere = registries.filter(registry.__ne__)
        aws.rules[registry] = document_of(
            rules_for(draw(st.dictionaries(elsewhere, prefix_sets, max_size=2)))
        )
        grants = draw(
            st.frozensets(
                st.builds(
                    Grant,
                    st.sampled_from([AccountId(digit * 12) for digit in "12347"]),
                    st.sampled_from(["", "aa/", "cc/"]),
                    st.sampled_from(ACTIONS),
                ),
                max_size=4,
            )
        )
        ours: list[dict[str, Any]] = [
            dict(statement) for statement in statements_for(grants, OWNER, registry)
        ]
        edited = draw(st.booleans())
        if ours and edited:
            ours[0]["Action"] = [*ACTIONS, "ecr:BatchImportUpstreamImage"]
        theirs = draw(st.lists(st.sampled_from(FOREIGN), max_size=1))
        document: Any = {"Version": "2012-10-17", "Statement": [*theirs, *ours]}
        aws.policies[registry] = document if document["Statement"] else None
    return aws


def plan_of(desired: Desired, aws: Aws, scope: frozenset[Registry]) -> Plan:
    planned = plan_registries(desired, aws.observe(), scope)
    return Plan(
        digest="sha256:0",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        fleet="prod",
        inventory=InventoryRef(path="prod.toml", digest="sha256:0"),
        summary=summarize(planned.registries),
        registries=planned.registries,
    )


def carry_out(
    plan: Plan,
    desired: Desired,
    aws: Aws,
    stop_at: int | None,
    check: Any,
    waves: Mapping[str, Wave] = NO_LIMITS,
) -> Any:
    """Apply a plan, checking at every event and stopping at one of the writes."""
    clock = VirtualClock()
    stop = Stop(clock, 7200, 7200)
    events: list[Event] = []

    def sink(event: Event) -> None:
        events.append(event)
        check()
        if sum(isinstance(event, WriteStarted) for event in events) == stop_at:
            stop.interrupt()

    pace = Pace(attempts=3, timeout=30, deadline=7200, clock=clock, uniform=lambda _, high: high)
    gate = Turnstile()
    writing = DocumentWriter(
        reader=aws,
        writer=aws,
        owner=OWNER,
        pace=pace,
        stop=stop,
        guard=gate,
        on_event=sink,
        limits=desired.limits,
    )
    how = ApplyContext(desired=desired, documents=writing, concurrency=4, waves=waves)
    outcomes = anyio.run(apply_plan, plan, how)
    started = [event for event in events if isinstance(event, WriteStarted)]
    ended = [event for event in events if isinstance(event, WriteSettled)]
    assert len(started) == len(ended)
    assert gate.under_way == []
    return outcomes


@given(
    data=st.data(),
    pairs=wanted_links,
    aws=fleets(),
    wrong=mishaps,
    silent=st.frozensets(registries, max_size=2),
    stop_at=st.none() | st.integers(1, 6),
    turns=st.just({}) | st.dictionaries(registries, st.integers(0, 2)),
    tolerated=st.sampled_from([0, 9]),
)
def test_whatever_fails_no_link_is_left_without_its_grant(
    data: st.DataObject,
    pairs: dict[tuple[Registry, Registry], tuple[str, ...]],
    aws: Aws,
    wrong: dict[tuple[str, Registry], str],
    silent: frozenset[Registry],
    stop_at: int | None,
    turns: dict[Registry, int],
    tolerated: int,
) -> None:
    """At every instant and under every failure, with waves and without: no new rule before its
    grant, no grant gone before its rule, nobody else's statement lost, nothing written outside
    the scope; and the outcomes are true."""
    links = [
        make_link(source=source, destination=destination, prefixes=prefixes, routes=("route",))
        for (source, destination), prefixes in pairs.items()
    ]
    waves = Waves(names=("canary", "early", REST), by_registry=turns) if turns else Waves()
    desired = replace(desired_of(links, REGISTRIES), waves=waves)
    limits = {
        name: Wave(name=name, select=Selector(), max_failures=Amount(count=tolerated))
        for name in waves.names[:-1]
    }
    scope = data.draw(st.just(frozenset(REGISTRIES)) | st.frozensets(registries, min_size=1))
    aws.silent, aws.mishaps = silent, wrong
    start = {registry: aws.outgoing(registry) for registry in REGISTRIES}
    foreign = {
        registry: parse_policy(aws.policies[registry], OWNER, registry).foreign
        for registry in REGISTRIES
    }
    granted = {link for link in aws.links() if aws.lets_in(*link)}

    def check() -> None:
        for source, destination, prefix in aws.links():
            old = covers(start[source].get(destination, ()), prefix)
            if not old or (source, destination, prefix) in granted:
                assert aws.lets_in(source, destination, prefix)
        for registry in REGISTRIES:
            assert (
                parse_policy(aws.policies[registry], OWNER, registry).foreign == foreign[registry]
            )

    plan = plan_of(desired, aws, scope)
    outcomes = carry_out(plan, desired, aws, stop_at, check, limits)
    check()
    assert [outcome.registry for outcome in outcomes] == sorted(scope)
    assert set(aws.writes) <= scope
    for outcome, planned in zip(outcomes, plan.registries, strict=True):
        assert len(outcome.changes) == len(planned.changes)
        _outcome_is_true(outcome, aws, links, silent)


def _outcome_is_true(
    outcome: RegistryOutcome, aws: Aws, links: list[Link], silent: frozenset[Registry]
) -> None:
    """What counts as applied is in place; what is not in force is held, and named once."""
    written = [
        change.after.document
        for change in outcome.changes
        if change.outcome is Outcome.APPLIED
        and change.resource is Resource.REPLICATION_CONFIGURATION
    ]
    if written:
        # Of several writes of the rules, the last one that was made.
        assert written[-1] is not None
        assert parse_document(written[-1]).outgoing == aws.outgoing(outcome.registry)
    if outcome.outcome not in (Outcome.APPLIED, Outcome.UNCHANGED):
        return
    named = [(held.destination, prefix) for held in outcome.held for prefix in held.prefixes]
    assert len(named) == len(set(named))
    assert all(held.prefixes for held in outcome.held)
    for link in links:
        if link.source != outcome.registry:
            continue
        for prefix in link.prefixes:
            there = covers(aws.outgoing(link.source).get(link.destination, ()), prefix)
            let_in = not link.crosses_accounts or (
                link.destination not in silent
                and aws.lets_in(link.source, link.destination, prefix)
            )
            # Where nobody knows what a policy is like now, nobody counts on it.
            if aws.mishaps.get(("policy", link.destination)) != "broken" or not let_in:
                assert (there and let_in) != ((link.destination, prefix) in named)


A, B, C = map(registry_of, "123")


def link(source: Registry, destination: Registry, prefixes: tuple[str, ...] = ("",)) -> Link:
    return make_link(source=source, destination=destination, prefixes=prefixes, routes=("route",))


def policy_for(at: Registry, *sources: Registry, theirs: tuple[JsonObject, ...] = ()) -> JsonObject:
    """A policy that grants everything to the accounts of `sources`."""
    grants = frozenset[Grant]().union(
        *(grants_for(source.account, EVERY_REPOSITORY, ACTIONS) for source in sources)
    )
    return {"Version": "2012-10-17", "Statement": [*theirs, *statements_for(grants, OWNER, at)]}


def sources_granted(aws: Aws, at: Registry) -> set[str]:
    return {grant.source for grant in parse_policy(aws.policies.get(at), OWNER, at).grants}


def outcomes_of(desired: Desired, aws: Aws) -> dict[Registry, RegistryOutcome]:
    plan = plan_of(desired, aws, frozenset({A, B, C}))
    return {entry.registry: entry for entry in carry_out(plan, desired, aws, None, lambda: None)}


def test_only_the_grant_of_the_source_that_failed_stays() -> None:
    """Two sources lose their link; the rules of one cannot be written."""
    aws = Aws(
        rules={registry: document_of(rules_for({C: ("",)})) for registry in (A, B)},
        policies={C: policy_for(C, A, B)},
        mishaps={("rules", A): "denied"},
    )
    outcomes = outcomes_of(desired_of([], [A, B, C]), aws)
    assert sources_granted(aws, C) == {A.account}
    assert (outcomes[A].outcome, outcomes[B].outcome) == (Outcome.FAILED, Outcome.APPLIED)
    assert (outcomes[C].outcome, outcomes[C].because) == (
        Outcome.APPLIED,
        f"the rules of {A} were not written and may still use its grants",
    )


def test_nothing_is_withdrawn_from_a_policy_whose_first_write_failed() -> None:
    """C gains B and loses A; it refuses to be written at all, so its second write is skipped."""
    aws = Aws(
        rules={A: document_of(rules_for({C: ("",)}))},
        policies={C: policy_for(C, A)},
        mishaps={("policy", C): "denied"},
    )
    outcomes = outcomes_of(desired_of([link(B, C)], [A, B, C]), aws)
    assert [change.outcome for change in outcomes[C].changes] == [Outcome.FAILED, Outcome.SKIPPED]
    assert aws.writes.count(C) == 1
    assert sources_granted(aws, C) == {A.account}
    assert (outcomes[A].outcome, outcomes[B].outcome) == (Outcome.APPLIED, Outcome.UNCHANGED)
    assert [item.because for item in outcomes[B].held] == [
        f"{C}: its registry policy was not written (access-denied)"
    ]


def test_a_foreign_grant_is_enough_where_ours_cannot_be_written() -> None:
    """The destination lets everybody in already: the link is made although our grant failed."""
    open_policy: JsonObject = {"Version": "2012-10-17", "Statement": [FOREIGN[1]]}
    aws = Aws(policies={C: open_policy}, mishaps={("policy", C): "denied"})
    outcomes = outcomes_of(desired_of([link(A, C)], [A, B, C]), aws)
    assert (outcomes[A].outcome, outcomes[A].held) == (Outcome.APPLIED, ())
    assert outcomes[C].outcome is Outcome.FAILED
    assert aws.outgoing(A) == {C: EVERY_REPOSITORY}


def test_a_policy_that_must_not_be_written_still_counts_as_it_is() -> None:
    """Foreign statements leave no room for ours, but they let one of two links in."""
    for_a = {**FOREIGN[1], "Principal": {"AWS": f"arn:aws:iam::{A.account}:root"}}
    policy: JsonObject = {"Version": "2012-10-17", "Statement": [for_a]}
    aws = Aws(policies={C: policy})
    limits = Limits(policy_bytes=policy_size(policy) + 10)
    links = [link(A, C), link(B, C)]
    outcomes = outcomes_of(desired_of(links, [A, B, C], limits=limits), aws)
    assert (outcomes[A].outcome, outcomes[A].held) == (Outcome.APPLIED, ())
    assert (outcomes[B].outcome, len(outcomes[B].held)) == (Outcome.UNCHANGED, 1)
    assert (outcomes[C].outcome, aws.policies[C]) == (Outcome.FAILED, policy)


def test_a_link_in_place_whose_grant_fails_is_named() -> None:
    """Somebody took the grant away and nobody may put it back: the rule stays, and it is told."""
    aws = Aws(rules={A: document_of(rules_for({C: ("",)}))}, mishaps={("policy", C): "denied"})
    outcomes = outcomes_of(desired_of([link(A, C)], [A, B, C]), aws)
    assert outcomes[A].outcome is Outcome.UNCHANGED
    assert [item.because for item in outcomes[A].held] == [
        f"{C}: its registry policy was not written (access-denied); its rule is in place and stays"
    ]


TEMPLATES = tuple(
    Template(name=name, prefix=name, select=Selector(), tag_mutability="immutable")
    for name in ("base", "golden", "team")
)


@pytest.mark.parametrize("stop_at", range(1, 6))
def test_templates_come_first_and_one_by_one(stop_at: int) -> None:
    """Wherever the run is stopped: templates in their order, then the rules, all accounted for."""
    aws = Aws()
    same = Registry(A.account, Region("us-east-1"))
    desired = replace(desired_of([link(A, same)], [A, same]), templates={A: TEMPLATES})
    plan = plan_of(desired, aws, frozenset([A]))
    (outcome,) = carry_out(plan, desired, aws, stop_at, lambda: None)
    done = [change.outcome for change in outcome.changes]
    assert [change.resource for change in outcome.changes] == [
        *[Resource.CREATION_TEMPLATE] * 3,
        Resource.REPLICATION_CONFIGURATION,
    ]
    # The write that was under way when the stop came had not been sent yet.
    written = min(stop_at - 1, 4)
    assert done == [Outcome.APPLIED] * written + [Outcome.CANCELLED] * (4 - written)
    assert list(aws.templates.get(A, {})) == ["base", "golden", "team"][:written]


def test_a_template_that_fails_stops_no_other() -> None:
    """The registry has failed and says why; its rules are written all the same."""
    aws = Aws(mishaps={("template", A): "denied"})
    same = Registry(A.account, Region("us-east-1"))
    desired = replace(desired_of([link(A, same)], [A, same]), templates={A: TEMPLATES[:1]})
    plan = plan_of(desired, aws, frozenset([A]))
    (outcome,) = carry_out(plan, desired, aws, None, lambda: None)
    assert (outcome.outcome, outcome.error.kind) == (Outcome.FAILED, FaultKind.ACCESS_DENIED)
    assert aws.outgoing(A) == {same: ("",)}
