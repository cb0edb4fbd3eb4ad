"""Recovery: a dead run's journal and a look at the fleet say what it had done, truthfully."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st
from tests.support.changes import change_of
from tests.support.plans import plan_of
from tests.support.registries import registry_of

from fleet_repl.ecr.policy import Owner, PolicyDocument, parse_policy
from fleet_repl.ecr.rules import parse_document, rules_of
from fleet_repl.planning.change import Action, Change, Phase, Resource
from fleet_repl.planning.observed import Observed, Unreadable
from fleet_repl.planning.ownership import NO_RECORD
from fleet_repl.planning.plan import RegistryPlan, State
from fleet_repl.runs.history import Holder, JournalEntry, Moment, PastRun, Purpose, RunMeta
from fleet_repl.runs.outcomes import Outcome, RegistryOutcome, Report, Status, Writes
from fleet_repl.runs.overwritten import each_before, prefix_of
from fleet_repl.runs.recovery import Aftermath, aftermath, still_open
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import Partition, Registry

RUN = "20261123T081500Z-ab12cd"
START = datetime(2026, 11, 23, 8, 15, tzinfo=UTC)
OWNER = Owner(fleet="prod", partition=Partition.AWS)
HUB, SPOKE, DARK = map(registry_of, "123")
NO_RULES: JsonObject = {"rules": []}
RULES: JsonObject = {"rules": [{"destinations": [{"region": "eu-west-1", "registryId": SPOKE[0]}]}]}
FOREIGN: JsonObject = {
    "rules": [{"destinations": [{"region": "eu-west-1", "registryId": DARK[0]}]}]
}
STATEMENT: JsonObject = {
    "Sid": "Theirs",
    "Effect": "Allow",
    "Principal": "*",
    "Action": "ecr:*",
    "Resource": "*",
}
POLICY: JsonObject = {"Version": "2012-10-17", "Statement": [STATEMENT]}
TEMPLATE: JsonObject = {"prefix": "base", "description": "ours", "appliedFor": ["REPLICATION"]}
DENIED = Fault(kind=FaultKind.ACCESS_DENIED, operation="AssumeRole", message="no", hint="trust it")

RULES_CHANGE = change_of(
    resource=Resource.REPLICATION_CONFIGURATION,
    action=Action.UPDATE,
    phase=Phase.RULES,
    before=NO_RULES,
    after=RULES,
)
TEMPLATE_CHANGE = change_of(
    resource=Resource.CREATION_TEMPLATE,
    action=Action.CREATE,
    phase=Phase.TEMPLATES,
    before=None,
    after=TEMPLATE,
)
POLICY_CHANGE = change_of(
    resource=Resource.REGISTRY_POLICY,
    action=Action.CREATE,
    phase=Phase.GRANTS,
    before=None,
    after=POLICY,
)
LAST_CHANGE = change_of(
    resource=Resource.REGISTRY_POLICY,
    action=Action.DELETE,
    phase=Phase.WITHDRAWALS,
    before=POLICY,
    after=None,
)


def changing(registry: Registry, *changes: Change) -> RegistryPlan:
    return RegistryPlan(
        registry=registry, name="x", wave="canary", state=State.CHANGED, changes=changes
    )


PLANNED = (
    changing(HUB, TEMPLATE_CHANGE, RULES_CHANGE),
    changing(SPOKE, POLICY_CHANGE, LAST_CHANGE),
    RegistryPlan(registry=DARK, name="dark", state=State.UNREADABLE, error=DENIED),
)


def died(*journal: JournalEntry, planned: tuple[RegistryPlan, ...] = PLANNED) -> PastRun:
    """A run that ended without a report."""
    plan = plan_of(*planned, digest="sha256:1")
    meta = RunMeta(
        run_id=RUN,
        fleet="prod",
        purpose=Purpose.APPLY,
        holder=Holder(
            run_id=RUN, purpose=Purpose.APPLY, user="ann", host="build-1", pid=4711, process=""
        ),
        started_at=START,
        inventory=plan.inventory,
        plan_digest=plan.digest,
        forced=True,
        changes=len(plan.changes),
    )
    return PastRun(
        meta=meta,
        plan=plan,
        before=dict(each_before(plan, NO_RECORD)),
        journal=journal,
        report=None,
    )


def sending(registry: Registry, change: Change, seconds: int = 1) -> JournalEntry:
    return JournalEntry(
        moment=Moment.SENDING,
        at=START + timedelta(seconds=seconds),
        registry=registry,
        resource=change.resource,
        action=change.action,
        phase=change.phase,
        wave=change.wave,
        prefix=prefix_of(change),
        before=change.before.document,
        after=change.after.document,
    )


def ended_line(
    registry: Registry, change: Change, outcome: Outcome, seconds: int = 2
) -> JournalEntry:
    entry = sending(registry, change, seconds)
    return replace(
        entry,
        moment=Moment.ENDED,
        before=None,
        after=None,
        outcome=outcome,
        request_id="9f",
        in_doubt=outcome is Outcome.FAILED,
    )


def seen(
    rules: JsonObject = NO_RULES,
    policy: JsonObject | None = None,
    templates: tuple[JsonObject, ...] | None = (),
) -> Observed:
    return Observed(
        replication=parse_document(rules),
        policy=parse_policy(policy, OWNER, SPOKE),
        templates=templates,
    )


def looked(
    run: PastRun, observation: Mapping[Registry, Observed | Unreadable] | None = None
) -> Aftermath:
    return aftermath(run, observation or {}, OWNER)


def of(aftermath: Aftermath, registry: Registry) -> RegistryOutcome:
    return next(item for item in aftermath.report.registries if item.registry == registry)


def test_a_run_that_sent_nothing() -> None:
    """Every write is as if it had been interrupted; what could not be read has failed."""
    aftermath = looked(died())
    assert aftermath.message == (
        "apply 20261123T081500Z-ab12cd of ann@build-1 (process 4711) ended without a report: "
        "0 of its 4 writes were done"
    )
    assert aftermath.report.status is Status.INTERRUPTED
    assert (aftermath.report.started_at, aftermath.report.finished_at) == (START, START)
    assert aftermath.report.forced
    assert [registry.outcome for registry in aftermath.report.registries] == [
        Outcome.CANCELLED,
        Outcome.CANCELLED,
        Outcome.FAILED,
    ]
    because = "the run ended without a report (process 4711 on host build-1)"
    assert of(aftermath, HUB).because == because
    assert aftermath.report.writes == Writes(cancelled=4)
    assert {(wave.writes.cancelled > 0, wave.because) for wave in aftermath.report.waves} <= {
        (True, because),
        (False, None),
    }
    assert of(aftermath, HUB).wave == "canary"
    assert of(aftermath, DARK).error == DENIED


def test_what_the_journal_tells_is_so() -> None:
    """Writes whose end it tells need no look."""
    run = died(
        sending(HUB, TEMPLATE_CHANGE),
        sending(SPOKE, POLICY_CHANGE),
        ended_line(HUB, TEMPLATE_CHANGE, Outcome.APPLIED),
        ended_line(SPOKE, POLICY_CHANGE, Outcome.FAILED),
        sending(HUB, RULES_CHANGE, 3),
        ended_line(HUB, RULES_CHANGE, Outcome.UNCHANGED, 4),
    )
    assert still_open(run) == frozenset()
    aftermath = looked(run)
    assert (aftermath.done, aftermath.failed, aftermath.under_way) == (2, 1, 0)
    assert aftermath.message.endswith(": 2 of its 4 writes were done, 1 had failed")
    hub, spoke = of(aftermath, HUB), of(aftermath, SPOKE)
    assert (hub.outcome, hub.because) == (Outcome.APPLIED, None)
    assert [change.outcome for change in hub.changes] == [Outcome.APPLIED, Outcome.UNCHANGED]
    assert hub.changes[0].request_id == "9f"
    assert spoke.outcome is Outcome.FAILED
    assert [change.outcome for change in spoke.changes] == [Outcome.FAILED, Outcome.CANCELLED]
    assert spoke.changes[0].in_doubt
    assert aftermath.report.finished_at == START + timedelta(seconds=4)


@pytest.mark.parametrize(
    ("registry", "change", "before", "after", "other"),
    [
        (HUB, RULES_CHANGE, seen(), seen(RULES), seen(FOREIGN)),
        (SPOKE, POLICY_CHANGE, seen(), seen(policy=POLICY), seen(policy={"Statement": []})),
        (
            HUB,
            TEMPLATE_CHANGE,
            seen(),
            seen(templates=({**TEMPLATE, "createdAt": 1},)),
            seen(templates=({"prefix": "base/", "description": "theirs"},)),
        ),
    ],
)
def test_a_look_decides_what_was_under_way(
    registry: Registry, change: Change, before: Observed, after: Observed, other: Observed
) -> None:
    """In place as it was to be: written. As before: not written. Anything else is in doubt."""
    run = died(sending(registry, change))
    assert still_open(run) == {registry}
    counts = []
    aftermath = looked(run)
    for state, outcome, doubt in (
        (after, Outcome.APPLIED, False),
        (before, Outcome.CANCELLED, False),
        (other, Outcome.FAILED, True),
    ):
        aftermath = looked(run, {registry: state})
        [ended] = [
            item
            for item in of(aftermath, registry).changes
            if (item.resource, item.after.document) == (change.resource, change.after.document)
        ]
        assert (ended.outcome, ended.in_doubt) == (outcome, doubt)
        counts.append((aftermath.under_way, aftermath.in_place, aftermath.in_doubt))
    assert counts == [(1, 1, 0), (1, 0, 0), (1, 0, 1)]
    assert aftermath.message.endswith("0 of its 4 writes were done, 1 was under way: 1 is in doubt")
    error = of(aftermath, registry).error
    assert error is not None
    assert error.kind is FaultKind.CONFLICT
    assert error.message == (
        "the run ended when it was to be written, and what is in place is neither what was there "
        "before nor what was to be written"
    )


def test_a_deletion_is_in_place_when_nothing_is() -> None:
    """The policy that was to go is gone."""
    run = died(sending(SPOKE, LAST_CHANGE))
    aftermath = looked(run, {SPOKE: seen()})
    assert of(aftermath, SPOKE).changes[1].outcome is Outcome.APPLIED


@pytest.mark.parametrize(
    ("change", "state", "message"),
    [
        (
            RULES_CHANGE,
            Unreadable(error=DENIED),
            (
                "the run ended when it was to be written, and it cannot be read: "
                "AssumeRole: access-denied: no"
            ),
        ),
        (
            RULES_CHANGE,
            None,
            "the run ended when it was to be written, and whether it was nobody has seen",
        ),
        (
            POLICY_CHANGE,
            replace(seen(), policy=None),
            "the run ended when it was to be written, and whether it was nobody has seen",
        ),
        (
            TEMPLATE_CHANGE,
            seen(templates=None),
            "the run ended when it was to be written, and whether it was nobody has seen",
        ),
    ],
)
def test_what_nobody_can_see_stays_in_doubt(
    change: Change, state: Observed | Unreadable | None, message: str
) -> None:
    """A read that failed, or was never made, is never taken for an answer."""
    planned = (changing(HUB, change),)
    run = died(sending(HUB, change), planned=planned)
    aftermath = looked(run, {HUB: state} if state is not None else {})
    ended = of(aftermath, HUB)
    assert (ended.outcome, ended.changes[0].in_doubt) == (Outcome.FAILED, True)
    assert ended.error is not None
    assert ended.error.message == message
    assert aftermath.message.endswith("0 of its 1 write was done, 1 was under way: 1 is in doubt")


def test_several_ends_are_one_sentence() -> None:
    """Each count where it is not zero."""
    run = died(
        sending(HUB, TEMPLATE_CHANGE), sending(HUB, RULES_CHANGE), sending(SPOKE, POLICY_CHANGE)
    )
    aftermath = looked(run, {HUB: seen(RULES), SPOKE: Unreadable(error=DENIED)})
    assert aftermath.message.endswith(
        "0 of its 4 writes were done, 3 were under way: 1 is in place, 1 was not made and 1 is in "
        "doubt"
    )


def test_what_was_sent_counts_not_what_was_planned() -> None:
    """A run may leave a link out of what was planned: its journal says what it wrote."""
    narrowed = replace(RULES_CHANGE, after=parse_document(FOREIGN))
    aftermath = looked(died(sending(HUB, narrowed)), {HUB: seen(FOREIGN)})
    ended = of(aftermath, HUB).changes[1]
    assert (ended.outcome, ended.after.document) == (Outcome.APPLIED, FOREIGN)


def test_a_refused_change_is_reported_as_such() -> None:
    """It would not have been written anyway."""
    refused = replace(
        changing(HUB, RULES_CHANGE),
        error=DENIED,
        refused={Resource.REPLICATION_CONFIGURATION: DENIED},
    )
    ended = of(looked(died(planned=(refused,))), HUB)
    assert (ended.outcome, ended.error) == (Outcome.FAILED, DENIED)
    assert ended.changes[0].outcome is Outcome.FAILED


def test_one_policy_in_two_waves_is_two_writes() -> None:
    """The end of one says nothing of the other."""
    first = replace(POLICY_CHANGE, wave="canary")
    second = replace(
        POLICY_CHANGE,
        wave="rest",
        before=PolicyDocument(document=POLICY),
        after=PolicyDocument(document={"Statement": []}),
    )
    planned = (changing(SPOKE, first, second),)
    run = died(
        sending(SPOKE, first),
        ended_line(SPOKE, first, Outcome.APPLIED),
        sending(SPOKE, second),
        planned=planned,
    )
    assert still_open(run) == {SPOKE}
    aftermath = looked(run, {SPOKE: seen(policy=POLICY)})
    assert [change.outcome for change in of(aftermath, SPOKE).changes] == [
        Outcome.APPLIED,
        Outcome.CANCELLED,
    ]


def test_a_report_that_was_written_is_the_report() -> None:
    """A process that died between its report and the end of its run had done everything."""
    run = died(sending(HUB, RULES_CHANGE))
    report = Report(
        run_id=RUN,
        status=Status.OK,
        started_at=START,
        finished_at=START,
        fleet="prod",
        inventory=run.meta.inventory,
        plan_digest=None,
        registries=(),
    )
    aftermath = looked(replace(run, report=report))
    assert aftermath.report == report
    assert still_open(replace(run, report=report)) == frozenset()
    assert aftermath.message == (
        "apply 20261123T081500Z-ab12cd of ann@build-1 (process 4711) ended right after its "
        "report: ok"
    )


LINES = (
    sending(HUB, TEMPLATE_CHANGE),
    ended_line(HUB, TEMPLATE_CHANGE, Outcome.APPLIED),
    sending(SPOKE, POLICY_CHANGE),
    sending(HUB, RULES_CHANGE),
    ended_line(SPOKE, POLICY_CHANGE, Outcome.APPLIED),
    ended_line(HUB, RULES_CHANGE, Outcome.APPLIED),
    sending(SPOKE, LAST_CHANGE),
    ended_line(SPOKE, LAST_CHANGE, Outcome.APPLIED),
)


@given(cut=st.integers(0, len(LINES)), late=st.frozensets(st.sampled_from([HUB, SPOKE])))
def test_every_registry_once_whenever_it_died(cut: int, late: frozenset[Registry]) -> None:
    """However far the journal came: nothing is left out, nothing counts twice, and what is in
    place is told as written."""
    run = died(*LINES[:cut])
    sent = [line for line in LINES[:cut] if line.moment is Moment.SENDING]
    done = {(line.registry, line.phase) for line in LINES[:cut] if line.moment is Moment.ENDED}

    def state(registry: Registry) -> Observed:
        there: dict[Resource, JsonObject | None] = {}
        for line in sent:
            if line.registry == registry and ((registry, line.phase) in done or registry in late):
                there[line.resource] = line.after
        template = there.get(Resource.CREATION_TEMPLATE)
        return seen(
            there.get(Resource.REPLICATION_CONFIGURATION) or NO_RULES,
            there.get(Resource.REGISTRY_POLICY),
            (template,) if template is not None else (),
        )

    aftermath = looked(run, {registry: state(registry) for registry in (HUB, SPOKE)})
    assert [registry.registry for registry in aftermath.report.registries] == [HUB, SPOKE, DARK]
    assert aftermath.in_doubt == aftermath.failed == 0
    assert aftermath.done + aftermath.under_way == len(sent)
    written = [
        change
        for registry in aftermath.report.registries
        for change in registry.changes
        if change.outcome is Outcome.APPLIED
    ]
    assert len(written) == aftermath.done + aftermath.in_place


def test_a_write_that_was_announced_once_more_is_under_way_again() -> None:
    """It was made anew on top of what others had made meanwhile: the documents sent last count,
    whatever the end of the first try was."""
    both: JsonObject = {"rules": [*rules_of(FOREIGN), *rules_of(RULES)]}
    merged = replace(RULES_CHANGE, before=parse_document(FOREIGN), after=parse_document(both))
    first = sending(HUB, RULES_CHANGE), ended_line(HUB, RULES_CHANGE, Outcome.FAILED)
    run = died(*first, sending(HUB, merged, 3))
    assert still_open(run) == {HUB}
    for there, outcome in ((merged.after.document, Outcome.APPLIED), (FOREIGN, Outcome.CANCELLED)):
        aftermath = looked(run, {HUB: seen(rules=there or NO_RULES)})
        change = next(
            change
            for change in of(aftermath, HUB).changes
            if change.resource is RULES_CHANGE.resource
        )
        assert (change.outcome, change.before.document, change.after.document) == (
            outcome,
            FOREIGN,
            merged.after.document,
        )
        assert (aftermath.done, aftermath.failed, aftermath.under_way) == (0, 0, 1)


def test_the_last_look_tells_how_a_write_has_ended() -> None:
    """It was applied, and overwritten before its wave had ended."""
    run = died(
        sending(HUB, RULES_CHANGE),
        ended_line(HUB, RULES_CHANGE, Outcome.APPLIED),
        ended_line(HUB, RULES_CHANGE, Outcome.FAILED, 3),
    )
    aftermath = looked(run)
    assert (still_open(run), aftermath.done, aftermath.failed) == (frozenset(), 0, 1)
    (change,) = (
        change for change in of(aftermath, HUB).changes if change.resource is RULES_CHANGE.resource
    )
    assert (change.outcome, change.in_doubt) == (Outcome.FAILED, True)


def test_a_write_that_was_announced_and_not_needed_is_done() -> None:
    """The look after its line in the journal found it in place."""
    run = died(sending(HUB, RULES_CHANGE), ended_line(HUB, RULES_CHANGE, Outcome.UNCHANGED))
    aftermath = looked(run)
    assert (still_open(run), aftermath.done) == (frozenset(), 1)
