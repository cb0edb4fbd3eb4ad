"""Laws of rolling back, on a fleet in memory whose writes are carried out one by one.

Runs end wherever they end: whole, after any of their writes, or without knowing how the last one
ended.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

from hypothesis import assume, given, strategies as st
from tests.support.registries import registry_of
from tests.support.rollbacks import Simulation

from fleet_repl.ecr.policy import CREATE_REPOSITORY, REPLICATE_IMAGE, Grant
from fleet_repl.ecr.rules import rules_of
from fleet_repl.planning.change import Resource
from fleet_repl.planning.plan import State
from fleet_repl.runs.rollback import targets
from fleet_repl.values.errors import FaultKind
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.prefixes import EVERY_REPOSITORY, Prefixes, reduce

Links: TypeAlias = Mapping[tuple[Registry, Registry], Prefixes]
"""The prefixes of links, by source and destination."""

REGISTRIES = tuple(
    registry_of(digit, region) for digit in "1234" for region in ("eu-west-1", "us-east-1")
)
registries = st.sampled_from(REGISTRIES)
prefix_sets = st.one_of(
    st.just(EVERY_REPOSITORY),
    st.lists(st.sampled_from(["aa/", "aa/b/", "cc/"]), min_size=1, max_size=2).map(reduce),
)
link_sets = st.dictionaries(
    st.tuples(registries, registries).filter(lambda pair: pair[0] != pair[1]),
    prefix_sets,
    max_size=7,
)
untidy_links = st.dictionaries(
    st.tuples(registries, registries).filter(lambda pair: pair[0] != pair[1]),
    st.tuples(prefix_sets, st.booleans()),
    max_size=7,
)
untidy_grants = st.dictionaries(
    registries,
    st.frozensets(
        st.builds(
            Grant,
            st.sampled_from([*(registry.account for registry in REGISTRIES), AccountId("7" * 12)]),
            st.sampled_from(["", "aa/", "cc/"]),
            st.sampled_from([REPLICATE_IMAGE, CREATE_REPOSITORY]),
        ),
        max_size=3,
    ),
)


def run_of(
    data: st.DataObject, simulation: Simulation, first: Links, second: Links
) -> tuple[Any, ...]:
    """A fleet that was settled, and then a run that ended somewhere: fleet, how it was before,
    what the run wanted, and the run."""
    fleet = simulation.applied(
        first, additive=data.draw(st.booleans()), strangers=data.draw(st.frozensets(registries))
    )
    before = fleet.aws.copy()
    desired = fleet.desired(second)
    plans = fleet.plan(desired)
    most = data.draw(st.integers(0, len(simulation.writes_of(plans))))
    past = fleet.carry_out(
        plans, most=most, last=data.draw(st.sampled_from(["told", "made", "lost"]))
    )
    return fleet, before, desired, past


@given(data=st.data(), first=link_sets, second=link_sets)
def test_every_document_is_as_it_was(
    simulation: Simulation, data: st.DataObject, first: Links, second: Links
) -> None:
    """All that the run changed means what it did, nothing is refused, the rest is not touched."""
    fleet, before, desired, past = run_of(data, simulation, first, second)
    changed = {target.registry for target in targets(past)}
    after = fleet.aws.copy()
    planned = fleet.take_back(past, desired)
    assert {registry.registry for registry in planned.registries} == changed
    assert [registry.error for registry in planned.registries if registry.error] == []
    fleet.carry_out(planned.registries)
    for registry in REGISTRIES:
        assert fleet.aws.means_the_same(before, registry)
        if registry not in changed:
            assert fleet.aws.rules.get(registry) == after.rules.get(registry)
            assert fleet.aws.policies[registry] == after.policies[registry]
    assert [
        registry.changes
        for registry in fleet.take_back(past, desired).registries
        if registry.changes
    ] == []


@given(data=st.data(), first=link_sets, second=link_sets)
def test_no_rule_is_ever_without_its_grant(
    simulation: Simulation, data: st.DataObject, first: Links, second: Links
) -> None:
    """After each single write of the rollback every link between accounts is let in."""
    fleet, _, desired, past = run_of(data, simulation, first, second)
    planned = fleet.take_back(past, desired)

    def check() -> None:
        assert simulation.let_in(fleet.aws, fleet.aws.crossing())

    check()
    fleet.carry_out(planned.registries, check=check)


@given(data=st.data(), first=link_sets, second=link_sets)
def test_a_rollback_can_be_rolled_back(
    simulation: Simulation, data: st.DataObject, first: Links, second: Links
) -> None:
    """Then all is as the run left it."""
    fleet, _, desired, past = run_of(data, simulation, first, second)
    after = fleet.aws.copy()
    planned = fleet.take_back(past, desired)
    back = fleet.carry_out(
        planned.registries, warnings=planned.warnings, rolls_back=past.meta.run_id
    )
    again = fleet.take_back(back, desired)
    assert [registry.error for registry in again.registries if registry.error] == []
    fleet.carry_out(again.registries)
    assert all(fleet.aws.means_the_same(after, registry) for registry in REGISTRIES)


@given(data=st.data(), first=link_sets, second=link_sets)
def test_what_comes_back_is_whose_it_was(
    simulation: Simulation, data: st.DataObject, first: Links, second: Links
) -> None:
    """After a rollback the record shows the fleet's own links as it did before the run, but for
    what a wider link had covered, and after the rollback of that as it did after the run. What is
    a stranger's never is on it."""
    fleet = simulation.applied(
        first, additive=data.draw(st.booleans()), strangers=data.draw(st.frozensets(registries))
    )
    before, desired = fleet.record, fleet.desired(second)
    plans = fleet.plan(desired)
    past = fleet.carry_out(plans)
    fleet.conclude(plans)
    after = fleet.record
    back = fleet.take_back(past, desired)
    past = fleet.carry_out(back.registries, warnings=back.warnings, rolls_back=past.meta.run_id)
    fleet.conclude(back.registries)
    for registry in REGISTRIES:
        then, now, wider = (
            cells(record.get(registry), registry) for record in (before, fleet.record, after)
        )
        assert now <= then
        for _, end, prefix in then - now:
            assert any(end == other and prefix.startswith(cover) for _, other, cover in wider)
    again = fleet.take_back(past, desired)
    fleet.conclude(again.registries)
    assert fleet.record == after


def cells(applied: Any, at: Registry) -> set[tuple[Registry, Registry, str]]:
    """What is on record of a registry, link by link."""
    links = applied.links if applied is not None else {}
    return {(at, end, prefix) for end, prefixes in links.items() for prefix in prefixes}


@given(data=st.data(), first=link_sets, second=link_sets)
def test_what_somebody_else_changed_since_stays(
    simulation: Simulation, data: st.DataObject, first: Links, second: Links
) -> None:
    """A registry that was edited since is refused as a whole and left to the letter; what others
    need of it is refused too, so that no rule loses its grant."""
    fleet, before, desired, past = run_of(data, simulation, first, second)
    changed = targets(past)
    assume(changed)
    target = data.draw(st.sampled_from(changed))
    edited = target.registry
    aws = fleet.aws
    if Resource.REGISTRY_POLICY in target.documents:
        policy = aws.policies[edited] or {"Version": "2012-10-17", "Statement": []}
        extra = {**simulation.theirs, "Sid": "SinceThen"}
        aws.policies[edited] = {**policy, "Statement": [*policy["Statement"], extra]}
    else:
        rule = {"destinations": [{"region": "eu-west-2", "registryId": edited.account}]}
        aws.rules[edited] = {"rules": [*rules_of(aws.rules.get(edited, {"rules": []})), rule]}
    letters = json.dumps([aws.rules.get(edited), aws.policies[edited]])
    planned = fleet.take_back(past, desired)
    plan = next(registry for registry in planned.registries if registry.registry == edited)
    assert plan.state is State.CHANGED
    assert {change.resource for change in plan.changes} == plan.refused.keys()
    assert {fault.kind for fault in plan.refused.values()} == {FaultKind.CONFLICT}
    assert "changed by someone else" in next(iter(plan.refused.values())).message

    def check() -> None:
        assert simulation.let_in(aws, aws.crossing())

    fleet.carry_out(planned.registries, check=check)
    assert json.dumps([aws.rules.get(edited), aws.policies[edited]]) == letters
    for other in planned.registries:
        if not other.refused:
            assert aws.means_the_same(before, other.registry)


@given(data=st.data(), first=link_sets, second=link_sets)
def test_who_does_not_answer_loses_nothing(
    simulation: Simulation, data: st.DataObject, first: Links, second: Links
) -> None:
    """Registries that cannot be read keep their rules, and those their grants, at every instant;
    whoever insists takes no grant from the fleet's own rules either."""
    fleet, _, desired, past = run_of(data, simulation, first, second)
    aws = fleet.aws
    aws.silent = data.draw(st.frozensets(registries, max_size=4))
    planned = fleet.take_back(past, desired, force=data.draw(st.booleans()))
    silent = {
        registry.registry for registry in planned.registries if registry.state is State.UNREADABLE
    }
    assert silent == {target.registry for target in targets(past)} & aws.silent
    there = aws.crossing()

    def check() -> None:
        # What is in place all along; what comes back without a grant was insisted on.
        assert simulation.let_in(aws, there & aws.crossing())

    fleet.carry_out(planned.registries, check=check)


@given(data=st.data(), links=untidy_links, grants=untidy_grants, wanted=link_sets)
def test_what_is_let_in_stays_let_in(
    simulation: Simulation, data: st.DataObject, links: Links, grants: Links, wanted: Links
) -> None:
    """Whatever the fleet was like before the run: a link that is in place all along and let in
    when the rollback begins is let in at every instant, and one that comes back is let in as well.
    """
    fleet = simulation.untidy(links, grants)
    desired = fleet.desired(wanted)
    plans = fleet.plan(desired)
    most = data.draw(st.integers(0, len(simulation.writes_of(plans))))
    past = fleet.carry_out(plans, most=most)
    planned = fleet.take_back(past, desired)
    aws = fleet.aws
    shut = {link for link in aws.crossing() if not aws.lets_in(*link)}

    def check() -> None:
        assert simulation.let_in(aws, aws.crossing() - shut)

    fleet.carry_out(planned.registries, check=check)


@given(data=st.data(), links=untidy_links, grants=untidy_grants, wanted=link_sets)
def test_force_leaves_the_fleets_own_rules_their_grants(
    simulation: Simulation, data: st.DataObject, links: Links, grants: Links, wanted: Links
) -> None:
    """The same with force, for the links that the record shows to be its own."""
    fleet = simulation.untidy(links, grants)
    desired = fleet.desired(wanted)
    plans = fleet.plan(desired)
    past = fleet.carry_out(plans, most=data.draw(st.integers(0, len(simulation.writes_of(plans)))))
    planned = fleet.take_back(past, desired, force=True)
    aws = fleet.aws
    owned = {registry.registry: registry.owned for registry in planned.registries}
    own = {
        link
        for source in REGISTRIES
        for link in cells(owned.get(source, fleet.record.get(source)), source)
    }
    granted = {link for link in own & aws.crossing() if aws.lets_in(*link)}

    def check() -> None:
        assert simulation.let_in(aws, granted & aws.crossing())

    fleet.carry_out(planned.registries, check=check)
