"""What planning looks at grows with what there is, not with its square: counted, not timed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest
from tests.support.changes import change_of
from tests.support.desired import desired_of
from tests.support.links import make_link, rules_for
from tests.support.registries import registry_of

from fleet_repl.ecr.policy import Owner, compose, grants_for, parse_policy
from fleet_repl.ecr.rules import document_of, parse_document
from fleet_repl.planning.change import Action, Phase, Resource
from fleet_repl.planning.observed import Observed
from fleet_repl.planning.planner import plan_registries
from fleet_repl.planning.revocations import has_granted, rebased, withhold
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import Partition
from fleet_repl.values.repositories import lists

OWNER = Owner(fleet="prod", partition=Partition.AWS)
HERE = registry_of("9")
BASE = "arn:aws:ecr:eu-west-1:999999999999:repository/"
SOURCES = tuple(registry_of(number) for number in range(100))
PREFIXES = tuple(f"p{number:03d}/" for number in range(100))
ACTIONS = ("ecr:ReplicateImage", "ecr:CreateRepository")
GRANTS = len(SOURCES) * len(PREFIXES) * len(ACTIONS)
"""Of one statement that names so many sources and prefixes, which fits in a policy."""


@contextmanager
def counted() -> Iterator[list[int]]:
    """How many calls are made, those of built-in functions and turns of generators included."""
    calls = [0]

    def see(_: FrameType, event: str, __: Any) -> None:
        if event in ("call", "c_call"):
            calls[0] += 1

    before = sys.getprofile()
    sys.setprofile(see)
    try:
        yield calls
    finally:
        sys.setprofile(before)


def statement(sid: str, **edits: Any) -> JsonObject:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": [f"arn:aws:iam::{source.account}:root" for source in SOURCES]},
        "Action": list(ACTIONS),
        "Resource": [f"{BASE}{prefix}*" for prefix in PREFIXES],
        **edits,
    }


OURS = f"{OWNER.sid_prefix}00000000"
OTHERS = [f"{BASE}x{prefix}*" for prefix in PREFIXES]


@pytest.mark.parametrize(
    ("statements", "needed"),
    [
        ([statement(OURS)], 1),
        ([statement(OURS)], 50),
        ([statement(OURS, Condition={"StringEquals": {"a": "b"}})], 50),
        ([statement(f"Theirs{number}", Resource=OTHERS) for number in range(3)], 100),
        (
            [statement(f"Theirs{number}", Resource=OTHERS, Effect="Deny") for number in range(3)],
            100,
        ),
    ],
    ids=["ours", "ours-half-needed", "ours-edited", "foreign-allows", "foreign-denies"],
)
def test_a_statement_of_a_hundred_by_a_hundred(statements: list[JsonObject], needed: int) -> None:
    """Of ours that somebody edited, and of others: each grant meets a few things, not all."""
    links = [
        make_link(source=source, destination=HERE, prefixes=PREFIXES[:needed], routes=("route",))
        for source in SOURCES[:needed]
    ]
    desired = desired_of(links, [HERE, *SOURCES])
    policy: JsonObject = {"Version": "2012-10-17", "Statement": statements}
    nothing = parse_policy(None, OWNER, HERE)
    seen = {
        source: Observed(replication=parse_document({"rules": []}), policy=nothing)
        for source in SOURCES
    }
    for link in links:
        rules = document_of(rules_for({HERE: (*link.prefixes, "zz/")}))
        seen[link.source] = Observed(replication=parse_document(rules), policy=nothing)
    seen[HERE] = Observed(
        replication=parse_document({"rules": []}), policy=parse_policy(policy, OWNER, HERE)
    )
    with counted() as calls:
        plan_registries(desired, seen, [HERE, *SOURCES])
    assert calls[0] < 300 * GRANTS


def test_writes_that_build_on_such_a_policy() -> None:
    """While a plan is carried out, too."""
    grants = frozenset(
        grant for source in SOURCES for grant in grants_for(source.account, PREFIXES, ACTIONS)
    )
    none = parse_policy(None, OWNER, HERE)
    before = compose(none, grants, OWNER, HERE)
    after = compose(
        none, [grant for grant in grants if grant.source > SOURCES[50].account], OWNER, HERE
    )
    change = change_of(
        resource=Resource.REGISTRY_POLICY,
        action=Action.UPDATE,
        phase=Phase.GRANTS,
        before=after,
        after=before,
    )
    with counted() as calls:
        assert has_granted(change, before)
        assert rebased(change, before, OWNER, HERE).after == before
        withhold(change, frozenset(SOURCES[:3]), OWNER, HERE)
    assert calls[0] < 200 * GRANTS


def test_a_list_of_repositories_is_taken_apart_once() -> None:
    """However many repositories are compared with it: a source may have 100,000, and `exclude` of
    a route hundreds of entries."""
    entries = tuple(f"base/team{number}" for number in range(500))
    repositories = [f"base/team{number}/app" for number in range(1000)]
    with counted() as calls:
        named = [repository for repository in repositories if lists(entries, repository)]
    assert len(named) == len(entries)
    assert calls[0] < 5 * (len(entries) + len(repositories))
