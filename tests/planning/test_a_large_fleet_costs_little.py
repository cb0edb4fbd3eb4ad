"""A plan of a large fleet: registries share what is equal, and no policy is composed twice."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from benchmarks.plan_fleet import inventory, observed, planned

from fleet_repl.ecr.policy import Policy, compose, parse_policy
from fleet_repl.ecr.rules import parse_answer
from fleet_repl.inventory import Inventory, parse
from fleet_repl.planning import needed_grants
from fleet_repl.planning.change import Resource
from fleet_repl.planning.desired_state import desired_state
from fleet_repl.values.canonical_json import compact_json, parse_json

COUNT = 1_000


@pytest.fixture
def fleet(tmp_path: Path) -> Inventory:
    """The fleet of the benchmark, in small."""
    path = tmp_path / "bench.toml"
    path.write_text(inventory(COUNT), encoding="utf-8")
    return parse(path, environ={})


@pytest.mark.parametrize("settled", [True, False], ids=["in-place", "nothing-in-place"])
def test_a_registry_takes_four_kilobytes(fleet: Inventory, *, settled: bool) -> None:
    """At the peak of a plan: its links, what it answered, the decisions and its plan."""
    # Once before: tables of the process that grow by then, whoever is first, are nobody's.
    desired, _ = desired_state(fleet)
    planned(fleet, desired, observed(desired, settled=settled))
    fleet = replace(fleet)
    tracemalloc.start()
    try:
        desired, _ = desired_state(fleet)
        plan = planned(fleet, desired, observed(desired, settled=settled))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(plan.registries) == COUNT
    assert peak / COUNT < 4 * 1024


def test_a_policy_is_composed_once(fleet: Inventory, monkeypatch: pytest.MonkeyPatch) -> None:
    """To know its size, to know whether it fits with the rest, and to write it is one policy."""
    desired, _ = desired_state(fleet)
    seen = observed(desired, settled=False)
    composed: list[Policy] = []

    def counted(*arguments: Any) -> Policy:
        composed.append(compose(*arguments))
        return composed[-1]

    monkeypatch.setattr(needed_grants, "compose", counted)
    plan = planned(fleet, desired, seen)
    written = [
        change.after for _, change in plan.changes if change.resource is Resource.REGISTRY_POLICY
    ]
    assert len(written) == COUNT * 19 // 20
    assert list(map(id, written)) == list(map(id, composed))


def test_registries_share_what_is_equal(fleet: Inventory) -> None:
    """The grants to a hub are one set in the policies of all of its leaves, a registry without
    rules is one value, and so are the short texts of all documents."""
    desired, _ = desired_state(fleet)
    plan = planned(fleet, desired, observed(desired, settled=False))
    policies = [
        (registry, compact_json(change.after.document))
        for registry, change in plan.changes
        if change.resource is Resource.REGISTRY_POLICY
    ]
    (first, text), (second, other_text) = policies[0], policies[1]
    document, other_document = parse_json(text), parse_json(other_text)
    assert isinstance(document, dict)
    assert isinstance(other_document, dict)
    grants = parse_policy(document, desired.owner, first).grants
    assert grants is parse_policy(other_document, desired.owner, second).grants
    statement, other_statement = (item["Statement"][0] for item in (document, other_document))
    for key in ("Effect", "Principal", "Action"):
        assert statement[key] == other_statement[key]
    assert statement["Effect"] is other_statement["Effect"]
    assert statement["Principal"]["AWS"] is other_statement["Principal"]["AWS"]
    assert [id(key) for key in statement] == [id(key) for key in other_statement]
    bare, other_bare = (
        parse_answer({"registryId": at.account, "replicationConfiguration": {"rules": []}})
        for at in (first, second)
    )
    assert bare is other_bare
