"""What a run remembers of the policies it writes several times."""

from __future__ import annotations

from itertools import pairwise

from tests.support.registries import registry_of

from fleet_repl.ecr.policy import (
    REPLICATE_IMAGE,
    Grant,
    Owner,
    Policy,
    compose,
)
from fleet_repl.engine.document_write import WriteResult
from fleet_repl.engine.earlier_writes import PolicyWrites
from fleet_repl.planning.change import Action, Change, Phase, Resource
from fleet_repl.planning.plan import RegistryPlan, State
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.values.names import AccountId, Partition

OWNER = Owner(fleet="prod", partition=Partition.AWS)
HUB = registry_of("1")
NOTHING = Policy(document=None)
A, B = AccountId("2" * 12), AccountId("3" * 12)


def policy(*pairs: tuple[AccountId, str]) -> Policy:
    grants = [Grant(account, prefix, REPLICATE_IMAGE) for account, prefix in pairs]
    return compose(Policy(document=None), grants, OWNER, HUB)


def writes(*policies: Policy) -> RegistryPlan:
    """A plan that leaves one policy after the other."""
    return RegistryPlan(
        registry=HUB,
        name="hub",
        state=State.CHANGED,
        changes=tuple(
            Change(
                resource=Resource.REGISTRY_POLICY,
                action=Action.UPDATE,
                phase=Phase.GRANTS,
                before=before,
                after=after,
            )
            for before, after in pairwise(policies)
        ),
    )


def result_of(policy: Policy, outcome: Outcome = Outcome.APPLIED) -> WriteResult[Policy]:
    return WriteResult(outcome=outcome, found=policy)


def test_only_what_holds_the_new_grants_is_ahead() -> None:
    """A policy of a later write that has taken them away again is one that nobody may count on."""
    with_a, with_both, with_b = policy((A, "")), policy((A, ""), (B, "")), policy((B, ""))
    plan = writes(NOTHING, with_a, with_both, with_b)
    policies = PolicyWrites(OWNER)
    first, second, third = plan.changes
    assert policies.ahead(plan, first) == (with_a, with_both)
    assert policies.ahead(plan, second) == (with_both, with_b)
    assert policies.ahead(plan, third) == (with_b,)


def test_what_was_left_beyond_the_plan_counts_until_it_is_as_planned() -> None:
    """The second write leaves what it was to leave after all, so the third is made as planned."""
    old, gone = policy((A, "a/")), policy((B, "b/"))
    whole, last = policy((A, ""), (B, "b/")), policy((A, ""))
    plan = writes(old, gone, whole, last)
    first, second, third = plan.changes
    policies = PolicyWrites(OWNER)
    policies.withheld(HUB, first)
    due = policies.due(HUB, second)
    assert (due.before, due.after) == (old, whole)
    policies.written(HUB, second, due, result_of(whole))
    assert policies.due(HUB, third) == third
    assert policies.replaced(HUB) == (old,)


def test_a_write_that_found_itself_behind_leaves_nothing_to_rebase() -> None:
    """Another run has made the later writes of the same plan already."""
    last = policy((A, ""), (B, ""))
    plan = writes(NOTHING, policy((A, "")), last)
    first, second = plan.changes
    policies = PolicyWrites(OWNER)
    policies.written(HUB, first, first, result_of(last, Outcome.UNCHANGED))
    assert policies.due(HUB, second) == second
    assert policies.replaced(HUB) == ()


def test_the_first_failure_is_remembered() -> None:
    """Whatever comes after it is not sent."""
    (change,) = writes(NOTHING, policy((A, ""))).changes
    policies = PolicyWrites(OWNER)
    assert policies.failed(HUB) is None
    policies.written(HUB, change, change, result_of(NOTHING, Outcome.FAILED))
    assert policies.failed(HUB) is Phase.GRANTS
