"""What counts as a run's doing: by its report, and by its journal where it died."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.support.changes import change_of, ended_change
from tests.support.links import rules_for
from tests.support.registries import registry_of
from tests.support.rollbacks import Fleet, Simulation

from fleet_repl.ecr.policy import PolicyDocument
from fleet_repl.ecr.rules import NO_RULES, document_of
from fleet_repl.planning.change import Action, Change, Phase, Resource
from fleet_repl.planning.plan import Objection, RegistryPlan
from fleet_repl.runs.history import PastRun
from fleet_repl.runs.outcomes import ChangeOutcome, Outcome, RegistryOutcome, Report, Status
from fleet_repl.runs.rollback import needed_observation, targets
from fleet_repl.values.names import Region, Registry

HUB, SHOP, CLUB = (registry_of(digit) for digit in ("1", "2", "3"))
POLICY = Resource.REGISTRY_POLICY
RUN = "20261123T120002Z-abcdef"
MakeReport = Callable[..., Report]


@pytest.fixture
def fleet(simulation: Simulation) -> Fleet:
    """A hub that replicates to the shop, and a plan to replicate to the club instead."""
    fleet = simulation.applied({(HUB, SHOP): ("",)})
    fleet.wanted = fleet.desired({(HUB, CLUB): ("",)})
    fleet.plans = fleet.plan(fleet.wanted)
    return fleet


@pytest.fixture
def report_of(simulation: Simulation) -> MakeReport:
    def make(
        plans: tuple[RegistryPlan, ...], become: Callable[[Change], tuple[Outcome, bool]]
    ) -> Report:
        plan = simulation.plan_of(plans)
        return Report(
            run_id=RUN,
            status=Status.PARTIAL,
            started_at=simulation.noon,
            finished_at=simulation.noon,
            fleet="prod",
            inventory=plan.inventory,
            plan_digest=plan.digest,
            registries=tuple(
                RegistryOutcome(
                    registry=plan.registry,
                    name=plan.name,
                    outcome=Outcome.APPLIED,
                    changes=tuple(outcome_of(change, *become(change)) for change in plan.changes),
                )
                for plan in plans
            ),
        )

    return make


def outcome_of(change: Change, outcome: Outcome, in_doubt: bool) -> ChangeOutcome:
    return ended_change(
        resource=change.resource,
        action=change.action,
        outcome=outcome,
        before=change.before,
        after=change.after,
        in_doubt=in_doubt,
    )


def run_of(simulation: Simulation, fleet: Fleet, **others: Any) -> PastRun:
    past: PastRun = simulation.past_of(RUN, simulation.plan_of(fleet.plans), [])
    return replace(past, **others)


@pytest.mark.parametrize(
    ("outcome", "counts"),
    [
        (Outcome.APPLIED, True),
        (Outcome.UNCHANGED, False),
        (Outcome.FAILED, False),
        (Outcome.SKIPPED, False),
        (Outcome.CANCELLED, False),
    ],
)
def test_only_what_was_applied_counts(
    simulation: Simulation, fleet: Fleet, report_of: MakeReport, outcome: Outcome, counts: bool
) -> None:
    """By the report; the registries are those with a write that was applied."""
    report = report_of(fleet.plans, lambda change: (outcome, False))
    changed = targets(run_of(simulation, fleet, report=report))
    assert [entry.registry for entry in changed] == ([HUB, SHOP, CLUB] if counts else [])


def test_what_the_journal_leaves_in_doubt_counts_too(
    simulation: Simulation, fleet: Fleet, report_of: MakeReport
) -> None:
    """The report's document does not tell it; the journal does: an answer that was lost, or a
    line that was never written."""
    report = report_of(fleet.plans, lambda change: (Outcome.FAILED, False))
    (first, change), (other, second), *_ = simulation.writes_of(fleet.plans)
    lost = simulation.lines(first, change, simulation.noon, Outcome.FAILED, in_doubt=True)
    open_ = simulation.lines(other, second, simulation.noon, None, in_doubt=False)
    changed = targets(run_of(simulation, fleet, report=report, journal=(*lost, *open_)))
    assert {entry.registry for entry in changed} == {first, other}
    (rewritten,) = next(entry for entry in changed if entry.registry == first).documents.values()
    assert rewritten.left == (change.before.document, change.after.document)


def test_a_line_that_says_it_twice_is_one_write(simulation: Simulation, fleet: Fleet) -> None:
    """Another attempt may be announced once more."""
    (first, change), *_ = simulation.writes_of(fleet.plans)
    sending, ended = simulation.lines(
        first, change, simulation.noon, Outcome.APPLIED, in_doubt=False
    )
    (target,) = targets(run_of(simulation, fleet, journal=(sending, sending, ended)))
    assert next(iter(target.documents.values())).left == (change.after.document,)


def test_several_writes_of_one_policy_are_one_change(simulation: Simulation, fleet: Fleet) -> None:
    """From before the first to after the last that is sure, and what may have followed."""
    documents: list[Any] = [
        {"Version": "2012-10-17", "Id": str(number), "Statement": []} for number in range(4)
    ]
    journal: list[Any] = []
    for number, outcome in enumerate([Outcome.APPLIED, Outcome.APPLIED, None]):
        change = replace(
            next(change for _, change in simulation.writes_of(fleet.plans)),
            resource=POLICY,
            phase=Phase.GRANTS,
            wave=f"wave-{number}",
            before=PolicyDocument(document=documents[number]),
            after=PolicyDocument(document=documents[number + 1]),
        )
        journal += simulation.lines(SHOP, change, simulation.noon, outcome, in_doubt=False)
    (target,) = targets(run_of(simulation, fleet, journal=tuple(journal)))
    assert target.documents[POLICY].before == documents[0]
    assert target.documents[POLICY].left == (documents[2], documents[3])


def test_whose_the_links_were_is_known_only_where_all_were_on_record(
    simulation: Simulation, fleet: Fleet
) -> None:
    """A plan that was objected to for foreign rules took others' links too."""
    past = fleet.carry_out(fleet.plans)
    hub = next(target for target in targets(past) if target.registry == HUB)
    assert hub.lost == {SHOP: ("",)}
    objection = Objection(kind="foreign-rules", message="1 link would be removed")
    past = replace(past, plan=replace(past.plan, objections=(objection,)))
    hub = next(target for target in targets(past) if target.registry == HUB)
    assert hub.lost == {}


def test_what_a_wider_link_covered_is_nobodys_for_certain(simulation: Simulation) -> None:
    """A stranger may have listed it, and an apply does not say so."""
    fleet = simulation.applied({(HUB, SHOP): ("aa/",)})
    past = fleet.carry_out(fleet.plan(fleet.desired({(HUB, SHOP): ("",)})))
    assert targets(past)[0].lost == {}
    rollback = replace(past, plan=replace(past.plan, rolls_back=RUN))
    assert targets(rollback)[0].lost == {SHOP: ("aa/",)}


def test_what_has_to_be_read_beside_it(simulation: Simulation, fleet: Fleet) -> None:
    """Where links come back to, and every registry of the accounts whose grants go."""
    (target,) = [
        target for target in targets(fleet.carry_out(fleet.plans)) if target.registry == HUB
    ]
    assert needed_observation([target], fleet.wanted) == {SHOP}


def test_accounts_whose_grants_go_are_asked(simulation: Simulation, fleet: Fleet) -> None:
    """All their registries that are listed, whether they were part of the run or not."""
    (target,) = [
        target for target in targets(fleet.carry_out(fleet.plans)) if target.registry == CLUB
    ]
    needed = needed_observation([target], fleet.wanted)
    assert needed == {HUB, Registry(HUB.account, Region("us-east-1"))}


def test_rules_that_were_none_are_none_again(simulation: Simulation) -> None:
    """An empty list of rules is how a configuration is emptied."""
    fleet = simulation.fleet()
    desired = fleet.desired({(HUB, CLUB): ("aa/",)})
    past = fleet.carry_out(fleet.plan(desired))
    assert fleet.aws.rules[HUB] == document_of(rules_for({CLUB: ("aa/",)}))
    planned = fleet.take_back(past, desired)
    assert planned.registries[0].changes[0].after.document == NO_RULES


def test_the_last_look_of_a_run_puts_a_write_in_doubt(simulation: Simulation, fleet: Fleet) -> None:
    """It was applied, and then overwritten by somebody else: either may be in place."""
    (first, change), *_ = simulation.writes_of(fleet.plans)
    lines = simulation.lines(first, change, simulation.noon, Outcome.APPLIED, in_doubt=False)
    _, again = simulation.lines(first, change, simulation.noon, Outcome.FAILED, in_doubt=True)
    (target,) = targets(run_of(simulation, fleet, journal=(*lines, again)))
    (rewritten,) = target.documents.values()
    assert rewritten.left == (change.before.document, change.after.document)


def test_what_others_made_between_two_writes_is_met(simulation: Simulation, fleet: Fleet) -> None:
    """A write that was made on top of it says what it was; a mere spelling says nothing."""
    spelled: Any = {"Version": "2012-10-17", "Statement": [{"Sid": "A", "Action": "x"}]}
    other: Any = {"Version": "2012-10-17", "Statement": [{"Sid": "A", "Action": ["x"]}]}
    theirs: Any = {"Version": "2012-10-17", "Statement": [{"Sid": "B", "Action": "x"}]}
    for between, met in ((spelled, None), (other, None), (theirs, theirs)):
        journal: list[Any] = []
        for number, (before, after) in enumerate([(None, spelled), (between, None)]):
            change = change_of(
                resource=POLICY,
                action=Action.UPDATE,
                phase=[Phase.GRANTS, Phase.WITHDRAWALS][number],
                before=before,
                after=after,
            )
            journal += simulation.lines(
                SHOP, change, simulation.noon, Outcome.APPLIED, in_doubt=False
            )
        (target,) = targets(run_of(simulation, fleet, journal=tuple(journal)))
        assert target.documents[POLICY].met == met
