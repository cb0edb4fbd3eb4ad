"""The law of importing: the inventory that comes out asks for exactly what is there."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given, strategies as st
from tests.planning.importing.conftest import Find

from fleet_repl.ecr.policy import (
    CREATE_REPOSITORY,
    REPLICATE_IMAGE,
    Grant,
    Owner,
    statements_for,
)
from fleet_repl.ecr.rules import deletes_of, parse_document
from fleet_repl.planning.importing import proposals
from fleet_repl.planning.objections import objections
from fleet_repl.planning.plan import State
from fleet_repl.topology import connect
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import AccountId, Partition, Region, Registry

OWNER = Owner(fleet="prod", partition=Partition.AWS)
REGIONS = ("eu-west-1", "us-east-1")
IDS = tuple(digit * 12 for digit in "12345")
STRANGERS = ("6" * 12, "7" * 12, "12", "88888888888x")
PREFIXES = ("base/", "base/os/", "apps/", "prod", "p", "Bad*", "a//b", "x" * 300)
THEIRS: JsonObject = {
    "Sid": "Theirs",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
    "Action": ["ecr:ReplicateImage", "ecr:CreateRepository"],
    "Resource": "*",
}

accounts = st.sampled_from(IDS)
good_prefixes = st.lists(st.sampled_from(PREFIXES[:4]), max_size=3)
good_ends = st.builds(
    lambda account, region: {"registryId": account, "region": region},
    st.sampled_from([*IDS, *STRANGERS[:2]]),
    st.sampled_from(REGIONS),
)
odd_ends = st.builds(
    lambda account, region: {"registryId": account, "region": region},
    st.sampled_from([*IDS, *STRANGERS]),
    st.sampled_from([*REGIONS, "eu-north-1", "cn-north-1", "Mars!\n"]),
)


def _filters(prefixes: list[str]) -> JsonObject:
    if not prefixes:
        return {}
    return {"repositoryFilters": [{"filter": p, "filterType": "PREFIX_MATCH"} for p in prefixes]}


@st.composite
def good_rules(draw: st.DrawFn) -> JsonObject:
    """A rule as ECR has it."""
    rule: dict[str, Any] = {
        "destinations": draw(st.lists(good_ends, min_size=1, max_size=4)),
        **_filters(draw(good_prefixes)),
    }
    if draw(st.integers(0, 3)) == 0:
        rule["deleteReplication"] = {"enabled": draw(st.booleans())}
    return rule


@st.composite
def odd_rules(draw: st.DrawFn) -> JsonObject:
    """A rule that something is odd about."""
    rule: dict[str, Any] = {
        "destinations": draw(st.lists(odd_ends, max_size=4)),
        **_filters(draw(st.lists(st.sampled_from(PREFIXES), max_size=3))),
    }
    match draw(st.integers(0, 6)):
        case 0:
            rule["priority"] = 3
        case 1:
            rule["repositoryFilters"] = [{"filter": "a*", "filterType": "WILDCARD"}]
        case 2:
            rule["deleteReplication"] = {"enabled": True}
        case 3:
            rule["deleteReplication"] = {"enabled": True, "mode": "soft"}
        case _:
            pass
    return rule


@st.composite
def files(draw: st.DrawFn) -> str:
    """A file that lists accounts, in any shape that the format has for it."""
    lines = ["version = 1", 'name = "prod"', "# the platform's own"]
    if draw(st.booleans()):
        lines.append("routes = []")
    lines += ["", "[aws]", 'role = "fleet-replication"', 'external_id = "${FLEET_EXTERNAL_ID}"']
    lines.append('regions = ["eu-west-1", "us-east-1"]')
    for number, account in enumerate(draw(st.lists(accounts, min_size=1, unique=True))):
        lines += ["", "[[accounts]]", f'id = "{account}"']
        if draw(st.booleans()):
            lines.append(f'name = "account-{number}"')
        if draw(st.integers(0, 3)) == 0:
            lines.append('regions = ["eu-west-1"]')
        if draw(st.integers(0, 9)) == 0:
            lines.append('state = "retired"')
        if draw(st.booleans()):
            lines.append('rules = "additive"')
        env, tier = draw(st.sampled_from(["prod", "stage", "${TEAM}"])), draw(st.sampled_from("ab"))
        lines.append(f'labels = {{ env = "{env}", "the tier" = "{tier}" }}')
    if draw(st.integers(0, 3)) == 0:
        lines += ["", "[limits]", "destinations = 2", "rules = 2"]
    ownership = draw(st.sampled_from(["", 'rules = "additive"', 'grants = "off"']))
    if ownership:
        lines += [
            "",
            "[ownership]",
            ownership,
            f"create_repositories = {draw(st.sampled_from(['true', 'false']))}",
        ]
    if draw(st.booleans()):
        lines += [
            "",
            "[[external]]",
            f'id = "{STRANGERS[0]}"',
            'name = "partner"',
            'regions = ["eu-north-1"]',
        ]
    return "\n".join(lines) + "\n"


@st.composite
def policies(draw: st.DrawFn, registry: Registry) -> JsonObject | None:
    """A registry policy: ours, theirs, both, or none."""
    grants = draw(
        st.frozensets(
            st.builds(
                Grant,
                accounts.map(AccountId),
                st.sampled_from(["", "base/"]),
                st.sampled_from([REPLICATE_IMAGE, CREATE_REPOSITORY]),
            ),
            max_size=3,
        )
    )
    statements = [THEIRS] if draw(st.booleans()) else []
    statements += statements_for(grants, OWNER, registry)
    return {"Version": "2012-10-17", "Statement": statements} if statements else None


@st.composite
def fleets(draw: st.DrawFn, find: Any, rules: st.SearchStrategy[JsonObject]) -> Any:
    """A fleet that anything may be in place in."""
    fleet = find(draw(files()))
    for account in IDS:
        for region in REGIONS:
            registry = Registry(AccountId(account), Region(region))
            fleet.rules[registry] = draw(st.lists(rules, max_size=3))
            if draw(st.integers(0, 2)) == 0:
                policy = draw(policies(registry))
                if policy is not None:
                    fleet.policies[registry] = json.loads(json.dumps(policy))
            if draw(st.integers(0, 19)) == 0:
                fleet.answers[registry] = {"newField": 1}
    return fleet


def _asked_for(fleet: Any, text: str) -> dict[Registry, Any]:
    """The links of an inventory by source, as rules would replicate them."""
    links: dict[Registry, Any] = {}
    for link in connect(fleet.load(text)).links:
        outgoing, deleting = links.setdefault(link.source, ({}, {}))
        outgoing[link.destination] = link.prefixes
        if link.scope.deletes:
            deleting[link.destination] = link.scope.deletes
    return links


def check(fleet: Any) -> None:
    """Importing, then planning, is empty; what is not additive is asked for to the letter."""
    result = fleet.imported()
    document = tomllib.loads(result.text)
    assert "s3cr3t" not in result.text
    assert "routes" in document
    planned = fleet.planned(result.text)
    assert [
        registry.registry for registry in planned.registries if registry.changes or registry.error
    ] == []
    assert {registry.state for registry in planned.registries} == {State.UNCHANGED}
    assert [registry.registry for registry in planned.registries if registry.held] == []
    assert objections(planned.registries, {}) == ()
    for entry in result.left_out:
        # What was grouped wrongly would be left out like this, too.
        if "at odds" in entry.because:
            assert parse_document({"rules": fleet.rules[entry.registry]}).unknown
    asked = _asked_for(fleet, result.text)
    inventory = fleet.load(result.text)
    additive = {account.id for account in inventory.accounts if account.rules == "additive"}
    assert additive == {entry.registry.account for entry in result.left_out}
    for plan in planned.registries:
        there = parse_document({"rules": fleet.rules[plan.registry]})
        outgoing, deleting = asked.get(plan.registry, ({}, {}))
        if plan.registry.account in additive:
            assert all(
                set(prefixes) <= set(there.outgoing[end]) for end, prefixes in outgoing.items()
            )
        else:
            assert (outgoing, deleting) == (there.outgoing, deletes_of(there.links))
    assert len(connect(inventory).links) == result.links
    assert len(inventory.routes) == result.routes


@given(st.data())
def test_a_fleet_of_sound_rules(find: Find, data: st.DataObject) -> None:
    """Rules as ECR takes them, with labels, limits and policies of all kinds."""
    check(data.draw(fleets(find, good_rules())))


@given(st.data())
def test_a_fleet_of_odd_rules(find: Find, data: st.DataObject) -> None:
    """Unknown fields, strange destinations, prefixes that no inventory takes, disputes."""
    check(data.draw(fleets(find, st.one_of(good_rules(), odd_rules()))))


@given(st.data())
def test_a_fleet_beyond_the_bound_of_the_search(find: Find, data: st.DataObject) -> None:
    """What is not searched for patterns is asked for by name, and just as exactly."""
    fleet = data.draw(fleets(find, good_rules()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proposals, "SEARCHES", data.draw(st.integers(0, 2)))
        check(fleet)


@given(st.data())
def test_importing_twice_says_the_same(find: Find, data: st.DataObject) -> None:
    """What was imported is a file to import from, and nothing comes out but itself."""
    fleet = data.draw(fleets(find, good_rules()))
    once = fleet.imported()
    fleet.text = once.text
    again = fleet.imported()
    assert tomllib.loads(again.text) == tomllib.loads(once.text)
    fleet.text = again.text
    assert fleet.imported().text == again.text
