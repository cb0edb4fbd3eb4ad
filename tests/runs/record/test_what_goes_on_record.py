"""The record before and after a run: what may become ours, and what did."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.support.changes import change_of, ended_change
from tests.support.links import rules_for
from tests.support.plans import plan_of
from tests.support.registries import registry_of

from fleet_repl.ecr.rules import Outgoing, document_of
from fleet_repl.planning.change import Action, Change, Phase, Resource
from fleet_repl.planning.ownership import Applied, Record
from fleet_repl.planning.plan import Basis, Plan, RegistryPlan, State
from fleet_repl.runs.outcomes import Outcome, RegistryOutcome
from fleet_repl.runs.record import backfilled, claim, commit
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import Fault, FaultKind

HUB, END, OTHER = map(registry_of, "123")
OLD: Outgoing = {END: ("old/",)}
NEW: Outgoing = {END: ("new/",), OTHER: ("new/",)}
NO = Fault(kind=FaultKind.ACCESS_DENIED, operation="PutReplicationConfiguration", message="no")


def change(after: Outgoing) -> Change:
    return change_of(
        resource=Resource.REPLICATION_CONFIGURATION,
        action=Action.UPDATE,
        phase=Phase.RULES,
        before=document_of(rules_for(OLD)),
        after=document_of(rules_for(after)),
    )


def hub_plan(**more: Any) -> Plan:
    """A plan of one registry whose links become NEW."""
    given: dict[str, Any] = {
        "registry": HUB,
        "name": "hub",
        "state": State.CHANGED,
        "changes": (change(NEW),),
        "owned": Applied(links=NEW),
    }
    plan = RegistryPlan(**{**given, **more})
    return plan_of(plan)


def ended(
    outcome: Outcome, after: JsonObject | None = None, *, in_doubt: bool = False
) -> RegistryOutcome:
    """What became of that one change."""
    planned = change(NEW)
    return RegistryOutcome(
        registry=HUB,
        name="hub",
        outcome=outcome,
        changes=(
            ended_change(
                resource=planned.resource,
                action=planned.action,
                outcome=outcome,
                before=planned.before,
                after=after or planned.after,
                in_doubt=in_doubt,
            ),
        ),
    )


def record_after(outcome: RegistryOutcome, plan: Plan | None = None) -> Record:
    before = {HUB: Applied(links=OLD)}
    plan = plan or hub_plan()
    return commit(claim(before, plan, {}), before, plan, [outcome], {})


def test_before_the_first_write_both_count_as_ours() -> None:
    """What is there and what may come: whenever the run dies, nothing of it is a stranger's."""
    record = claim({HUB: Applied(links=OLD), END: Applied(links=OLD)}, hub_plan(), {})
    assert record == {
        HUB: Applied(links={END: ("new/", "old/"), OTHER: ("new/",)}),
        END: Applied(links=OLD),
    }


def test_a_plan_without_rules_announces_nothing() -> None:
    """Policies tell whose they are by themselves."""
    record = {HUB: Applied(links=OLD)}
    policy = change_of(
        resource=Resource.REGISTRY_POLICY,
        action=Action.CREATE,
        phase=Phase.GRANTS,
        before=None,
        after={},
    )
    assert claim(record, hub_plan(changes=(policy,)), {}) is record


@pytest.mark.parametrize("outcome", [Outcome.APPLIED, Outcome.UNCHANGED])
def test_what_is_in_place_is_ours(outcome: Outcome) -> None:
    """Exactly that, and what was taken away no more."""
    assert record_after(ended(outcome)) == {HUB: Applied(links=NEW)}


def test_a_link_that_was_held_in_the_end_is_not_ours() -> None:
    """The document that was written decides, not the one that was planned."""
    narrower = document_of(rules_for({END: ("new/",)}))
    record = record_after(ended(Outcome.APPLIED, narrower))
    assert record == {HUB: Applied(links={END: ("new/",)})}


def test_a_write_in_doubt_keeps_both() -> None:
    """Nobody knows whether it has happened."""
    record = record_after(ended(Outcome.FAILED, in_doubt=True))
    assert record == {HUB: Applied(links={END: ("new/", "old/"), OTHER: ("new/",)})}


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.SKIPPED, Outcome.CANCELLED])
def test_what_was_never_written_changes_nothing(outcome: Outcome) -> None:
    """The announcement is taken back."""
    assert record_after(ended(outcome)) == {HUB: Applied(links=OLD)}


def test_what_must_not_be_written_changes_nothing() -> None:
    """A refused change never reaches AWS."""
    plan = hub_plan(refused={Resource.REPLICATION_CONFIGURATION: NO}, error=NO)
    assert record_after(ended(Outcome.FAILED), plan) == {HUB: Applied(links=OLD)}


def test_rules_that_are_refused_outright_change_nothing() -> None:
    """Nothing was planned for them, because it could not be written: what the plan would own is
    not what is in place."""
    plan = hub_plan(refused={Resource.REPLICATION_CONFIGURATION: NO}, error=NO, changes=())
    outcome = replace(ended(Outcome.FAILED), changes=())
    assert record_after(outcome, plan) == {HUB: Applied(links=OLD)}


def test_an_unreadable_registry_keeps_its_record() -> None:
    """Nothing is known of it."""
    plan = hub_plan(state=State.UNREADABLE, changes=(), error=NO, owned=Applied())
    unread = RegistryOutcome(registry=HUB, name="hub", outcome=Outcome.FAILED, error=NO)
    assert record_after(unread, plan) == {HUB: Applied(links=OLD)}


def test_what_others_have_removed_is_ours_no_longer() -> None:
    """Nothing is to be written: a link that is on record and in no rule was taken away by
    somebody. Made again, it would be somebody else's."""
    before = {HUB: Applied(links={**OLD, OTHER: ("new/",)})}
    plan = hub_plan(state=State.UNCHANGED, changes=(), owned=Applied(links=OLD))
    plan = replace(plan, basis=Basis(runs=frozenset(), record=before))
    outcome = replace(ended(Outcome.UNCHANGED), changes=())
    assert commit(before, before, plan, [outcome], {}) == {HUB: Applied(links=OLD)}


def test_a_kept_plan_says_nothing_of_registries_that_it_does_not_write() -> None:
    """Insisted on after a later run, it neither forgets what that run has made nor puts back what
    that run has taken away: nobody has looked at the registry since."""
    later = {HUB: Applied(links=NEW)}
    plan = hub_plan(state=State.UNCHANGED, changes=(), owned=Applied(links=OLD))
    outcome = replace(ended(Outcome.UNCHANGED), changes=())
    assert commit(later, later, plan, [outcome], {}) == later


def test_a_registry_with_nothing_of_ours_leaves_the_record() -> None:
    """It is as if it had never been ours."""
    plan = hub_plan(changes=(change({}),), owned=Applied())
    gone = ended(Outcome.APPLIED, document_of(()))
    assert record_after(gone, plan) == {}


@pytest.mark.parametrize("gone", [True, False])
def test_only_a_retired_account_that_is_gone_is_given_up(gone: bool) -> None:
    """What it had stays on record. One that merely fails is as it was before."""
    plan = hub_plan(
        state=State.UNREADABLE, changes=(), error=NO, owned=Applied(), retired=True, gone=gone
    )
    outcome = RegistryOutcome(
        registry=HUB, name="hub", outcome=Outcome.UNCHANGED if gone else Outcome.FAILED
    )
    assert record_after(outcome, plan) == {HUB: Applied(links=OLD, given_up=gone)}


def test_wider_and_narrower_are_both_announced() -> None:
    """A prefix that a shorter one covers is announced too: whose a rule is, its letters tell."""
    plan = hub_plan(owned=Applied(links={END: ("",)}))
    record = claim({HUB: Applied(links={END: ("old/",)})}, plan, {})
    assert record == {HUB: Applied(links={END: ("", "old/")})}


SINCE = datetime(2026, 1, 1, 8, tzinfo=UTC)


def test_new_links_are_owed_their_backfills() -> None:
    """From before the first write until one is started, whatever becomes of the run."""
    owed = {HUB: {OTHER: SINCE}}
    before = {HUB: Applied(links=OLD)}
    plan = hub_plan()
    coming = claim(before, plan, owed)
    assert coming[HUB].due == {OTHER: SINCE}
    made = commit(coming, before, plan, [ended(Outcome.APPLIED)], owed)
    assert made == {HUB: Applied(links=NEW, due={OTHER: SINCE})}
    assert backfilled(made, {HUB: [END]}) == made
    assert backfilled(made, {HUB: [OTHER]}) == {HUB: Applied(links=NEW)}


def test_a_link_that_was_not_made_is_owed_nothing() -> None:
    """It was held in the end, or never written; what was owed before stays owed."""
    owed = {HUB: {OTHER: SINCE}}
    before = {HUB: Applied(links=OLD, due={END: SINCE})}
    plan = hub_plan()
    narrower = document_of(rules_for({END: ("new/",)}))
    for outcome in (ended(Outcome.APPLIED, narrower), ended(Outcome.SKIPPED)):
        (applied,) = commit(before, before, plan, [outcome], owed).values()
        assert applied.due == {END: SINCE}


@pytest.mark.parametrize(
    ("outcome", "kept"),
    [
        (Outcome.APPLIED, ("new",)),
        (Outcome.UNCHANGED, ("new",)),
        (Outcome.FAILED, ("new", "old")),
        (Outcome.SKIPPED, ("new", "old")),
        (Outcome.CANCELLED, ("new", "old")),
    ],
)
def test_a_template_is_ours_until_it_is_gone(outcome: Outcome, kept: tuple[str, ...]) -> None:
    """One that was not removed after all stays on record, or nobody would remove it again."""
    removal = change_of(
        resource=Resource.CREATION_TEMPLATE,
        action=Action.DELETE,
        phase=Phase.TEMPLATES,
        before={"prefix": "old"},
        after=None,
    )
    plan = hub_plan(changes=(removal,), owned=Applied(links=OLD, templates=("new",)))
    before = {HUB: Applied(links=OLD, templates=("old",))}
    done = ended_change(
        resource=removal.resource,
        action=removal.action,
        outcome=outcome,
        before=removal.before,
        after=None,
    )
    ending = RegistryOutcome(registry=HUB, name="hub", outcome=outcome, changes=(done,))
    record = commit(claim(before, plan, {}), before, plan, [ending], {})
    assert record == {HUB: Applied(links=OLD, templates=kept)}


FIRST: Outgoing = {END: ("old/",), OTHER: ("new/",)}
"""What the first of two writes leaves: the old link to END stays until the second."""


def in_two_waves(
    first: Outcome, second: Outcome, *, in_doubt: bool = False, between: Outgoing = FIRST
) -> tuple[Plan, RegistryOutcome]:
    """The rules become NEW in two writes; the second one may have failed in doubt."""
    first_change = replace(change(between), wave="canary")
    second_change = replace(change(NEW), before=first_change.after)
    ends = [
        ended_change(
            resource=planned.resource,
            action=planned.action,
            wave=planned.wave,
            outcome=outcome,
            before=planned.before,
            after=planned.after,
            in_doubt=in_doubt and planned is second_change,
        )
        for planned, outcome in ((first_change, first), (second_change, second))
    ]
    ended_registry = replace(ended(second), changes=tuple(ends))
    return hub_plan(changes=(first_change, second_change)), ended_registry


@pytest.mark.parametrize(
    ("first", "second", "in_doubt", "links"),
    [
        (Outcome.APPLIED, Outcome.APPLIED, False, NEW),
        (Outcome.APPLIED, Outcome.SKIPPED, False, FIRST),
        (Outcome.APPLIED, Outcome.CANCELLED, False, FIRST),
        (Outcome.APPLIED, Outcome.FAILED, False, FIRST),
        (Outcome.APPLIED, Outcome.FAILED, True, {**NEW, END: ("new/", "old/")}),
        (Outcome.FAILED, Outcome.SKIPPED, False, OLD),
        (Outcome.UNCHANGED, Outcome.SKIPPED, False, FIRST),
        (Outcome.UNCHANGED, Outcome.APPLIED, False, NEW),
        (Outcome.SKIPPED, Outcome.SKIPPED, False, OLD),
    ],
)
def test_the_record_is_as_the_last_write_has_left_it(
    first: Outcome, second: Outcome, in_doubt: bool, links: Outgoing
) -> None:
    """What later writes were to change stays ours if it was, and what they were to add does not
    become ours."""
    plan, outcome = in_two_waves(first, second, in_doubt=in_doubt)
    assert record_after(outcome, plan)[HUB].links == links


@pytest.mark.parametrize(("in_doubt", "links"), [(False, {OTHER: ("new/",)}), (True, NEW)])
def test_a_link_that_an_early_wave_removed_is_ours_no_longer(
    in_doubt: bool, links: Outgoing
) -> None:
    """Also where a later write fails: no write was to bring the link back."""
    plan, outcome = in_two_waves(
        Outcome.APPLIED, Outcome.FAILED, in_doubt=in_doubt, between={OTHER: ("new/",)}
    )
    assert record_after(outcome, plan)[HUB].links == links


def test_what_was_somebody_elses_stays_so_until_its_wave() -> None:
    """The link that the second write takes away is on nobody's record, and does not come on ours
    because the first write has left it there."""
    plan, outcome = in_two_waves(Outcome.APPLIED, Outcome.SKIPPED)
    before: Record = {}
    record = commit(claim(before, plan, {}), before, plan, [outcome], {})
    assert record[HUB].links == {OTHER: ("new/",)}


def test_an_old_run_of_the_same_plan_is_not_forgotten() -> None:
    """All of the plan was carried out before; then it is carried out up to its first wave, whose
    write finds that it is behind what is in place."""
    plan, outcome = in_two_waves(Outcome.UNCHANGED, Outcome.SKIPPED)
    before = {HUB: Applied(links=NEW)}
    record = commit(claim(before, plan, {}), before, plan, [outcome], {})
    assert record[HUB].links == NEW
