"""A later write of a policy, after an earlier one that left something else than was planned."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st
from tests.support.registries import registry_of

from fleet_repl.ecr.policy import (
    REPLICATE_IMAGE,
    Grant,
    GrantIndex,
    Owner,
    Policy,
    compose,
    parse_policy,
    reduced,
)
from fleet_repl.planning.change import Action, Change, Phase, Resource
from fleet_repl.planning.revocations import has_granted, rebased, withhold
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import Partition, Registry

OWNER = Owner(fleet="prod", partition=Partition.AWS)
HUB, A, B = map(registry_of, "123")
THEIRS: JsonObject = {
    "Sid": "Theirs",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::888888888888:root"},
    "Action": "ecr:BatchImportUpstreamImage",
    "Resource": "*",
}


def grants(*pairs: tuple[Registry, str]) -> frozenset[Grant]:
    return frozenset(Grant(registry.account, prefix, REPLICATE_IMAGE) for registry, prefix in pairs)


def policy(*pairs: tuple[Registry, str], theirs: tuple[JsonObject, ...] = ()) -> Policy:
    base: JsonObject = {"Version": "2012-10-17", "Statement": theirs}
    return compose(parse_policy(base, OWNER, HUB), grants(*pairs), OWNER, HUB)


NOTHING = Policy(document=None)


def write(before: Policy, after: Policy) -> Change:
    return Change(
        resource=Resource.REGISTRY_POLICY,
        action=Action.DELETE if after is NOTHING else Action.UPDATE,
        phase=Phase.WITHDRAWALS,
        before=before,
        after=after,
    )


def left_by(change: Change) -> frozenset[Grant]:
    return parse_policy(change.after.document, OWNER, HUB).grants


def test_what_stays_stays_and_the_rest_is_as_planned() -> None:
    """A's grant was to be gone by now; B's comes and its old one goes."""
    planned = write(policy((B, "old/")), policy((B, "new/")))
    change = rebased(planned, policy((A, ""), (B, "old/")), OWNER, HUB)
    assert left_by(change) == grants((A, ""), (B, "new/"))
    assert change.before == policy((A, ""), (B, "old/"))
    assert (change.phase, change.wave, change.needs) == (
        planned.phase,
        planned.wave,
        planned.needs,
    )


def test_a_policy_that_was_to_go_altogether_is_kept_for_what_stays() -> None:
    """A deletion becomes a change."""
    change = rebased(write(policy((B, "a/")), NOTHING), policy((A, ""), (B, "a/")), OWNER, HUB)
    assert (change.action, left_by(change)) == (Action.UPDATE, grants((A, "")))


def test_a_policy_that_was_to_be_made_anew_is_still_there() -> None:
    """A creation becomes a change, too."""
    planned = Change(
        resource=Resource.REGISTRY_POLICY,
        action=Action.CREATE,
        phase=Phase.GRANTS,
        before=NOTHING,
        after=policy((B, "a/")),
    )
    change = rebased(planned, policy((A, "")), OWNER, HUB)
    assert (change.action, left_by(change)) == (Action.UPDATE, grants((A, ""), (B, "a/")))


def test_a_withdrawal_that_is_withheld_no_longer_deletes() -> None:
    """What the report says was done is what was done."""
    change = withhold(write(policy((A, "a/"), (B, "b/")), NOTHING), frozenset({A}), OWNER, HUB)
    assert (change.action, left_by(change)) == (Action.UPDATE, grants((A, "a/")))


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        (((A, "a/"), (B, "b/")), True),
        (((A, ""), (B, "b/")), True),
        (((A, "a/"),), True),
        (((A, "a/b/"), (B, "b/")), False),
        (((B, "a/"),), False),
    ],
)
def test_whether_a_policy_holds_what_a_write_was_to_add(
    present: tuple[tuple[Registry, str], ...], expected: bool
) -> None:
    """A's grant is what it adds; B's was there before and may have gone since."""
    change = write(policy((B, "b/")), policy((A, "a/"), (B, "b/")))
    assert has_granted(change, policy(*present)) is expected


pairs = st.frozensets(
    st.tuples(st.sampled_from([A, B]), st.sampled_from(["", "a/", "a/b/", "c/"])), max_size=4
)


@given(before=pairs, after=pairs, stayed=pairs)
def test_nothing_that_was_to_stay_is_lost(
    before: frozenset[tuple[Registry, str]],
    after: frozenset[tuple[Registry, str]],
    stayed: frozenset[tuple[Registry, str]],
) -> None:
    """Whatever was left beyond the plan is there still, so is what the write was to leave, and
    nothing else; others' statements are in their place."""
    planned = write(policy(*before, theirs=(THEIRS,)), policy(*after, theirs=(THEIRS,)))
    left = policy(*(before | stayed), theirs=(THEIRS,))
    change = rebased(planned, left, OWNER, HUB)
    there = GrantIndex(grants(*before))
    extra = [grant for grant in grants(*stayed) if not there.covers(grant)]
    assert left_by(change) == reduced([*grants(*after), *extra])
    assert parse_policy(change.after.document, OWNER, HUB).foreign == (THEIRS,)
