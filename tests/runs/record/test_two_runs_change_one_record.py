"""Two runs of a fleet change one record, their steps in any order: a property."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import given, settings, strategies as st
from tests.support.changes import change_of, ended_change
from tests.support.links import rules_for
from tests.support.plans import plan_of
from tests.support.registries import registry_of

from fleet_repl.ecr.rules import NO_RULES, document_of, parse_document
from fleet_repl.planning.change import Action, Phase, Resource
from fleet_repl.planning.ownership import Applied, Cells, Record, without
from fleet_repl.planning.plan import Basis, Plan, RegistryPlan, State
from fleet_repl.runs.outcomes import Outcome, RegistryOutcome
from fleet_repl.runs.record import claim, commit
from fleet_repl.values.errors import Fault, FaultKind

HUB, END, OTHER = map(registry_of, "123")
RULES = Resource.REPLICATION_CONFIGURATION
DENIED = Fault(kind=FaultKind.ACCESS_DENIED, operation="PutReplicationConfiguration", message="no")

# Few, so that two runs often want the same link.
cells = st.sampled_from([{}, {END: ("a/",)}, {END: ("a/", "b/")}, {OTHER: ("a/",)}])


@dataclass
class Fleet:
    """What is in place, what is on record, and which runs have begun and ended."""

    place: Cells
    record: Record
    begun: set[int] = field(default_factory=set)
    over: set[int] = field(default_factory=set)


@dataclass
class Run:
    """One run, step by step. It wants `wanted`, and AWS may refuse it."""

    fleet: Fleet
    wanted: Cells
    outcome: Outcome
    in_doubt: bool
    plan: Plan | None = None
    before: Record = field(default_factory=dict)
    seen: frozenset[int] = frozenset()
    done: RegistryOutcome | None = None
    made: Cells | None = None
    """What this run has put in place."""

    def look(self) -> None:
        """Plan by what is in place and on record."""
        self.seen = frozenset(self.fleet.over)
        before, after = (document_of(rules_for(item)) for item in (self.fleet.place, self.wanted))
        change = change_of(
            resource=RULES, action=Action.UPDATE, phase=Phase.RULES, before=before, after=after
        )
        differs = self.fleet.place != self.wanted
        self.plan = plan_of(
            RegistryPlan(
                registry=HUB,
                name="hub",
                state=State.CHANGED if differs else State.UNCHANGED,
                changes=(change,) if differs else (),
                owned=Applied(links=self.wanted),
            ),
            basis=Basis(runs=frozenset(), record=self.fleet.record),
        )

    def announce(self) -> None:
        """Claim what may be made."""
        assert self.plan is not None
        self.before = self.fleet.record
        if self.plan.changes:
            self.fleet.begun.add(id(self))
        self.fleet.record = claim(self.fleet.record, self.plan, {})

    def write(self) -> None:
        """As the engine does: not over what has changed since the plan."""
        assert self.plan is not None
        outcomes = []
        for change in self.plan.registries[0].changes:
            now = document_of(rules_for(self.fleet.place))
            outcome, doubt = self.outcome, False
            if parse_document(now).same_as(parse_document(change.after.document or NO_RULES)):
                outcome = Outcome.UNCHANGED
            elif not parse_document(now).same_as(
                parse_document(change.before.document or NO_RULES)
            ):
                outcome = Outcome.FAILED
            elif outcome is Outcome.APPLIED or (outcome is Outcome.FAILED and self.in_doubt):
                self.fleet.place = self.made = self.wanted
                doubt = outcome is Outcome.FAILED
            ended = ended_change(
                resource=RULES,
                action=change.action,
                outcome=outcome,
                before=change.before,
                after=change.after,
                in_doubt=doubt,
            )
            outcomes.append(ended)
        worst = outcomes[0].outcome if outcomes else Outcome.UNCHANGED
        self.done = RegistryOutcome(
            registry=HUB, name="hub", outcome=worst, changes=tuple(outcomes)
        )

    def conclude(self) -> None:
        """Commit what was made."""
        assert self.plan is not None
        assert self.done is not None
        self.fleet.record = commit(
            self.fleet.record,
            self.before,
            self.plan,
            [self.done],
            {},
            latest=self.fleet.begun <= self.seen | {id(self)},
        )
        self.fleet.over.add(id(self))


runs = st.tuples(
    cells, st.sampled_from([Outcome.APPLIED, Outcome.FAILED, Outcome.SKIPPED]), st.booleans()
)


@settings(max_examples=500)
@given(
    place=cells,
    first=runs,
    second=runs,
    order=st.permutations([0] * 4 + [1] * 4),
    dies=st.integers(0, 4),
)
def test_nothing_in_place_is_forgotten(
    place: Cells,
    first: tuple[Cells, Outcome, bool],
    second: tuple[Cells, Outcome, bool],
    order: list[int],
    dies: int,
) -> None:
    """Whatever the order of their steps, and whenever the second one dies: what either has put in
    place, and what was the fleet's before, is on record as long as it is in place."""
    fleet = Fleet(place=place, record={HUB: Applied(links=place)})
    both = [Run(fleet, *first), Run(fleet, *second)]
    steps = [[item.look, item.announce, item.write, item.conclude] for item in both]
    steps[1] = steps[1][:dies]
    for turn in order:
        if steps[turn]:
            steps[turn].pop(0)()
            known = fleet.record.get(HUB, Applied()).links
            assert without(fleet.place, known) == {}


@given(place=cells, run=runs)
def test_a_run_by_itself_records_exactly_what_is_in_place(
    place: Cells, run: tuple[Cells, Outcome, bool]
) -> None:
    """It takes back what it announced in vain, and forgets what it has taken away."""
    fleet = Fleet(place=place, record={HUB: Applied(links=place)} if place else {})
    run_ = Run(fleet, *run)
    for step in (run_.look, run_.announce, run_.write, run_.conclude):
        step()
    known = fleet.record.get(HUB, Applied()).links
    doubtful = run_.done is not None and any(change.in_doubt for change in run_.done.changes)
    assert doubtful or known == fleet.place


@given(old=cells, late=cells, wanted=cells)
def test_what_came_after_the_plan_stays(old: Cells, late: Cells, wanted: Cells) -> None:
    """A plan without a write knows nothing of what others put on record since it looked."""
    fleet = Fleet(place=wanted, record={HUB: Applied(links=old)})
    run = Run(fleet, wanted, Outcome.APPLIED, in_doubt=False)
    run.look()
    fleet.record = run.before = {HUB: replace(fleet.record[HUB], links=late)}
    run.write()
    run.conclude()
    known = fleet.record.get(HUB, Applied()).links
    assert without(without(late, old), known) == {}
    assert without(known, late) == without(wanted, late)
