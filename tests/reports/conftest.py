"""Arbitrary plans and reports for laws, and two small ones for what people read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from tests.support.changes import change_of, ended_change
from tests.support.clock import NOON
from tests.support.registries import registry_of

from fleet_repl.ecr.backfills import Backfill, BackfillOutcome, BackfillState
from fleet_repl.inventory.model import InventoryRef
from fleet_repl.planning.attribution import Attribution, Moved, Mover, RecordedCall
from fleet_repl.planning.change import Action, HeldLink, LinkEnd, Phase, Resource
from fleet_repl.planning.ownership import Applied
from fleet_repl.planning.plan import Objection, Plan, RegistryPlan, State, Summary, Vouched, Warning
from fleet_repl.reports.documents.member_types import OBJECTIONS
from fleet_repl.reports.documents.plan import plan_digest
from fleet_repl.runs.outcomes import (
    BackfillMode,
    BackfillReport,
    Outcome,
    RegistryOutcome,
    Report,
    Status,
    wave_outcomes,
)
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import AccountId, Region, Registry
from fleet_repl.values.prefixes import reduce

# Few characters, but those that JSON, XML, markup and terminals each take for something else.
HOSTILE = "aé東💡 \t\n\x00\x1b\x7f\x9b\u202e\u2028\ufffe[]<&\"'\\"
texts = st.text(HOSTILE, max_size=8)
kinds = st.sampled_from(["grant-kept", "not-transitive", "unknown-fields"])
moments = st.datetimes(
    min_value=datetime(2020, 1, 1),
    max_value=datetime(2100, 1, 1),
    timezones=st.just(UTC),
)
digests = st.sampled_from(["sha256:" + digit * 64 for digit in "09af"])
registries_ = st.builds(
    Registry,
    st.sampled_from([AccountId(digit * 12) for digit in "0123456789"]),
    st.sampled_from([Region("us-east-1"), Region("eu-west-1"), Region("us-gov-west-1")]),
)
prefixes = st.one_of(
    st.just(("",)),
    st.lists(st.sampled_from(["a", "ab", "base/", "base/x", "z"]), min_size=1).map(reduce),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
documents = st.none() | st.dictionaries(texts, json_values, max_size=2)
faults = st.builds(
    Fault,
    kind=st.sampled_from(FaultKind),
    operation=st.sampled_from(["AssumeRole", "DescribeRegistry", "PutRegistryPolicy"]),
    message=texts,
    code=st.none() | texts,
    request_id=st.none() | texts,
    hint=st.none() | texts,
)
routes = st.lists(texts, max_size=2, unique=True).map(tuple)
ends = st.builds(LinkEnd, registry=registries_, prefixes=prefixes, routes=routes)
held = st.lists(
    st.builds(
        HeldLink, destination=registries_, prefixes=prefixes, because=texts, joining=st.booleans()
    ),
    max_size=2,
).map(tuple)
_WRITTEN_AMONG = {
    Resource.CREATION_TEMPLATE: [Phase.TEMPLATES],
    Resource.REGISTRY_POLICY: [Phase.GRANTS, Phase.WITHDRAWALS],
    Resource.REPLICATION_CONFIGURATION: [Phase.RULES],
}
changes = st.builds(
    lambda written, **rest: change_of(resource=written[0], phase=written[1], **rest),
    written=st.sampled_from(
        [(resource, phase) for resource, some in _WRITTEN_AMONG.items() for phase in some]
    ),
    action=st.sampled_from(Action),
    wave=texts,
    before=documents,
    after=documents,
    links_added=st.lists(ends, max_size=2).map(tuple),
    links_removed=st.lists(ends, max_size=2).map(tuple),
    deletes_started=st.lists(ends, max_size=2).map(tuple),
    deletes_stopped=st.lists(ends, max_size=2).map(tuple),
    needs=st.frozensets(registries_, max_size=2),
)
run_ids = st.sampled_from(["20261123T081500Z-ab12cd", "20261124T081500Z-00ffee"])
cells = st.lists(st.sampled_from(["", "a", "ab", "z/"]), min_size=1, unique=True).map(
    lambda listed: tuple(sorted(listed))
)
owned = st.builds(
    Applied,
    links=st.dictionaries(registries_, cells, max_size=2),
    templates=st.lists(texts, max_size=2, unique=True).map(lambda listed: tuple(sorted(listed))),
)
calls = st.builds(
    RecordedCall,
    operation=st.sampled_from(["PutRegistryPolicy", "PutReplicationConfiguration"]),
    at=moments,
    event_id=texts,
    issuer=st.none() | texts,
    session=st.none() | texts,
    source_identity=st.none() | texts,
    tool=st.none() | texts,
)
attributions = st.builds(
    Attribution, calls=st.lists(calls, max_size=2).map(tuple), unknown=st.none() | texts
)
moves = st.none() | st.builds(
    Moved,
    by=st.sampled_from(Mover),
    run_id=st.none() | run_ids,
    at=st.none() | moments,
    attribution=st.none() | attributions,
)
inventories = st.builds(InventoryRef, path=texts, digest=digests)
labels_ = st.dictionaries(
    st.sampled_from([AccountId(digit * 12) for digit in "0123456789"]),
    st.dictionaries(texts, texts, min_size=1, max_size=2),
    max_size=2,
)
objections_ = st.lists(
    st.builds(Objection, kind=st.sampled_from(OBJECTIONS), message=texts), max_size=2
).map(tuple)
warnings_ = st.lists(st.builds(Warning, kind=kinds, message=texts), max_size=2).map(tuple)


def _planned(state: State) -> SearchStrategy[RegistryPlan]:
    changes_by_state = {
        State.CHANGED: st.lists(changes, min_size=1, max_size=2).map(tuple),
        State.UNCHANGED: st.just(()),
        State.UNREADABLE: st.just(()),
    }
    refused = st.dictionaries(st.sampled_from(Resource), faults)
    planned = st.builds(
        RegistryPlan,
        registry=registries_,
        name=texts,
        wave=texts,
        state=st.just(state),
        changes=changes_by_state[state],
        held=st.just(()) if state is State.UNREADABLE else held,
        error=faults if state is State.UNREADABLE else st.none() | faults,
        refused=st.just({}) if state is State.UNREADABLE else refused,
        owned=owned,
        retired=st.booleans(),
        gone=st.booleans(),
        joining=st.none() | texts.filter(bool),
        moved=moves if state is State.CHANGED else st.none(),
    )
    return planned.map(_explained)


def _explained(plan: RegistryPlan) -> RegistryPlan:
    """The error of a registry with refused resources is that of one of them."""
    if not plan.refused:
        return plan
    return replace(plan, error=next(iter(plan.refused.values())))


EMPTY = Summary(
    registries=0, changed=0, unchanged=0, unreadable=0, held=0, links_added=0, links_removed=0
)


def _digested(plan: Plan) -> Plan:
    states = [registry.state for registry in plan.registries]
    rules = [
        change
        for _, change in plan.changes
        if change.resource is Resource.REPLICATION_CONFIGURATION
    ]
    summary = Summary(
        registries=len(states),
        changed=states.count(State.CHANGED),
        unchanged=states.count(State.UNCHANGED),
        unreadable=states.count(State.UNREADABLE),
        held=sum(len(registry.held) for registry in plan.registries),
        links_added=sum(len(change.links_added) for change in rules),
        links_removed=sum(len(change.links_removed) for change in rules),
    )
    plan = replace(plan, summary=summary)
    return replace(plan, digest=plan_digest(plan))


_PLANS = st.builds(
    Plan,
    digest=st.just(""),
    created_at=moments,
    fleet=texts,
    inventory=inventories,
    summary=st.just(EMPTY),
    registries=st.lists(
        st.sampled_from(State).flatmap(_planned), max_size=3, unique_by=lambda entry: entry.registry
    ).map(tuple),
    objections=objections_,
    warnings=warnings_,
    vouched=st.lists(
        st.builds(Vouched, registry=registries_, sid=texts), max_size=2, unique_by=lambda item: item
    ).map(tuple),
    labels=labels_,
    rolls_back=st.none() | run_ids,
).map(_digested)

_CHANGE_OUTCOMES = st.builds(
    ended_change,
    resource=st.sampled_from(Resource),
    action=st.sampled_from(Action),
    wave=texts,
    outcome=st.sampled_from([item for item in Outcome if item is not Outcome.PARTIAL]),
    because=st.none() | texts,
    request_id=st.none() | texts,
    before=documents,
    after=documents,
)
_OUTCOMES = st.builds(
    RegistryOutcome,
    registry=registries_,
    name=texts,
    wave=texts,
    outcome=st.sampled_from(Outcome),
    attempts=st.integers(0, 99),
    duration_ms=st.integers(0, 10**7),
    changes=st.lists(_CHANGE_OUTCOMES, max_size=2).map(tuple),
    held=held,
    error=st.none() | faults,
    because=st.none() | texts,
    moved=moves,
)
_COUNTS = st.integers(0, 10**6)
_BACKFILLS = st.lists(
    st.builds(
        BackfillOutcome,
        source=registries_,
        source_name=texts,
        destination=registries_,
        destination_name=texts,
        state=st.sampled_from(BackfillState),
        started=st.booleans(),
        backfill=st.none()
        | st.builds(
            Backfill,
            id=texts,
            destination=registries_,
            status=texts,
            started_at=moments,
            ended_at=st.none() | moments,
            total=st.none() | _COUNTS,
            completed=_COUNTS,
            failed=_COUNTS,
            failure_code=st.none() | texts,
        ),
        failures=st.dictionaries(texts, st.none() | _COUNTS, max_size=2),
        error=st.none() | faults,
        because=st.none() | texts,
    ),
    max_size=3,
).map(tuple)
_BACKFILL_REPORTS = st.builds(
    BackfillReport,
    run_id=texts,
    status=st.sampled_from([statu for statu in Status if statu is not Status.STAGED]),
    started_at=moments,
    finished_at=moments,
    fleet=texts,
    inventory=inventories,
    route=st.none() | texts,
    mode=st.sampled_from(BackfillMode),
    backfills=_BACKFILLS,
)
_REPORTS = st.builds(
    Report,
    run_id=texts,
    status=st.sampled_from(Status),
    started_at=moments,
    finished_at=moments,
    fleet=texts,
    inventory=inventories,
    plan_digest=st.none() | digests,
    forced=st.booleans(),
    allowed=st.sampled_from([(), ("protected",), ("protected", "unknown-fields")]),
    rolls_back=st.none() | run_ids,
    objections=objections_,
    warnings=warnings_,
    labels=labels_,
    registries=st.lists(_OUTCOMES, max_size=3, unique_by=lambda entry: entry.registry).map(tuple),
    backfills=_BACKFILLS,
).flatmap(
    lambda report: st.lists(texts, min_size=1, max_size=2, unique=True).map(
        lambda names: replace(report, waves=wave_outcomes(report.registries, names))
    )
)


@pytest.fixture(scope="session")
def backfill_reports() -> SearchStrategy[BackfillReport]:
    """Reports of backfills of every shape."""
    return _BACKFILL_REPORTS


@pytest.fixture(scope="session")
def plans() -> SearchStrategy[Plan]:
    """Plans of every shape, each with its own digest."""
    return _PLANS


@pytest.fixture(scope="session")
def reports() -> SearchStrategy[Report]:
    """Reports of every shape."""
    return _REPORTS


BUILD = registry_of("1", "us-east-1")
SPOKE, DARK, OLD, PLAIN = map(registry_of, "2345")

DENIED = Fault(
    kind=FaultKind.ACCESS_DENIED,
    operation="AssumeRole",
    code="AccessDenied",
    message="not authorized to assume arn:aws:iam::333333333333:role/fleet-replication",
    request_id="7a1c",
    hint="check that the role exists and trusts the base identity",
)
HELD = HeldLink(
    destination=DARK,
    prefixes=("base/", "golden/"),
    because="333333333333/eu-west-1 could not be read (access-denied)",
)
REFERENCE = InventoryRef(path="inventories/prod.toml", digest="sha256:" + "1" * 64)


@pytest.fixture
def plan() -> Plan:
    """A hub that changes, a spoke that gets a grant, a dark one, one that is fine."""
    rules = change_of(
        resource=Resource.REPLICATION_CONFIGURATION,
        action=Action.UPDATE,
        phase=Phase.RULES,
        before={"rules": []},
        after={"rules": ["…"]},
        links_added=(LinkEnd(registry=SPOKE, prefixes=("base/", "golden/"), routes=("golden",)),),
        links_removed=(LinkEnd(registry=OLD, prefixes=("",)),),
    )
    policy = change_of(
        resource=Resource.REGISTRY_POLICY,
        action=Action.CREATE,
        phase=Phase.GRANTS,
        before=None,
        after={"Version": "2012-10-17"},
        links_added=(
            LinkEnd(registry=BUILD, prefixes=("base/", "golden/"), routes=("golden", "dr")),
        ),
    )
    return _digested(
        Plan(
            digest="",
            created_at=NOON,
            fleet="prod",
            inventory=REFERENCE,
            summary=EMPTY,
            registries=(
                RegistryPlan(
                    registry=BUILD,
                    name="build",
                    state=State.CHANGED,
                    changes=(rules,),
                    held=(HELD,),
                ),
                RegistryPlan(registry=SPOKE, name="spoke", state=State.CHANGED, changes=(policy,)),
                RegistryPlan(registry=DARK, name="dark", state=State.UNREADABLE, error=DENIED),
                RegistryPlan(registry=PLAIN, name="555555555555", state=State.UNCHANGED),
            ),
            objections=(Objection(kind="foreign-rules", message="1 link would be removed"),),
            warnings=(Warning(kind="not-transitive", message="spoke only receives base/"),),
        )
    )


@pytest.fixture
def report(plan: Plan) -> Report:
    """What became of that plan when it was forced."""
    return Report(
        run_id="20261123T120000Z-a1b2c3",
        status=Status.PARTIAL,
        started_at=NOON,
        finished_at=NOON + timedelta(seconds=12, milliseconds=430),
        fleet="prod",
        inventory=REFERENCE,
        plan_digest=plan.digest,
        forced=True,
        objections=plan.objections,
        warnings=plan.warnings,
        registries=(
            RegistryOutcome(
                registry=BUILD,
                name="build",
                outcome=Outcome.APPLIED,
                attempts=5,
                duration_ms=212,
                changes=(
                    ended_change(
                        resource=Resource.REPLICATION_CONFIGURATION,
                        action=Action.UPDATE,
                        outcome=Outcome.APPLIED,
                        request_id="9f",
                        before={"rules": []},
                        after={"rules": ["…"]},
                    ),
                ),
                held=(HELD,),
            ),
            RegistryOutcome(
                registry=SPOKE,
                name="spoke",
                outcome=Outcome.FAILED,
                attempts=9,
                duration_ms=4000,
                changes=(
                    ended_change(
                        resource=Resource.REGISTRY_POLICY,
                        action=Action.CREATE,
                        outcome=Outcome.APPLIED,
                        request_id="a0",
                        before=None,
                        after={"Version": "2012-10-17"},
                    ),
                    ended_change(
                        resource=Resource.REPLICATION_CONFIGURATION,
                        action=Action.UPDATE,
                        outcome=Outcome.FAILED,
                        before={"rules": []},
                        after={"rules": []},
                    ),
                ),
                error=Fault(
                    kind=FaultKind.CONFLICT,
                    operation="PutReplicationConfiguration",
                    message="the rules were changed since the plan was made",
                ),
            ),
            RegistryOutcome(
                registry=DARK,
                name="dark",
                outcome=Outcome.FAILED,
                attempts=1,
                error=DENIED,
            ),
            RegistryOutcome(
                registry=OLD,
                name="old",
                outcome=Outcome.SKIPPED,
                because="the run's deadline of 7200 s had passed",
            ),
            RegistryOutcome(
                registry=PLAIN,
                name="555555555555",
                outcome=Outcome.UNCHANGED,
                attempts=2,
                duration_ms=90,
            ),
        ),
    )


@pytest.fixture
def denied() -> Fault:
    """A role that must not be assumed."""
    return DENIED
