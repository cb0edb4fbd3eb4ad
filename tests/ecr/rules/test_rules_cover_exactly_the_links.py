"""Replication rules against what ECR makes of them: which image goes where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from random import Random
from typing import Any

from hypothesis import given, strategies as st
from tests.support.links import rules_for, scopes_of
from tests.support.registries import registry_of

from fleet_repl.ecr.rules import (
    Outgoing,
    Rule,
    compare,
    document_of,
    links_of,
    parse_answer,
    parse_document,
    prefixes_of,
)
from fleet_repl.values import limits, prefixes
from fleet_repl.values.names import AccountId, Region, Registry

NAMES = ["".join(letters) for size in range(1, 5) for letters in product("ab", repeat=size)]
registries = st.builds(
    Registry,
    st.sampled_from([AccountId("1" * 12), AccountId("2" * 12)]),
    st.sampled_from([Region("us-east-1"), Region("eu-west-1"), Region("eu-west-2")]),
)
prefix_sets = st.one_of(
    st.just(prefixes.EVERY_REPOSITORY),
    st.lists(st.text("ab", min_size=2, max_size=4), min_size=1, max_size=5).map(prefixes.reduce),
)
outgoings = st.dictionaries(registries, prefix_sets, max_size=6)


def replicated(document: Mapping[str, Any], name: str) -> set[tuple[str, str]]:
    """Where ECR copies an image of the repository `name`, read off the raw document."""
    return {
        (destination["registryId"], destination["region"])
        for rule in document["rules"]
        if "repositoryFilters" not in rule
        or any(name.startswith(item["filter"]) for item in rule["repositoryFilters"])
        for destination in rule["destinations"]
    }


def outgoing_by(rules: Iterable[Rule]) -> Outgoing:
    """The prefixes that rules replicate to each destination."""
    return prefixes_of(links_of(rules))


@given(outgoings, st.integers(1, 3))
def test_every_name_goes_exactly_where_the_links_say(outgoing: Outgoing, filters: int) -> None:
    """Never a repository or a destination more, and none less, however rules are split."""
    document = document_of(rules_for(outgoing, filters=filters))
    for name in NAMES:
        wanted = {
            destination for destination, some in outgoing.items() if prefixes.covers(some, name)
        }
        assert replicated(document, name) == wanted


@given(outgoings, st.data(), st.integers(1, 3))
def test_deletions_travel_for_exactly_the_links_that_say_so(
    outgoing: Outgoing, data: st.DataObject, filters: int
) -> None:
    """Some prefixes with deletions, some without: each in rules of its own kind, none in both, and
    no more rules than one of each kind for a destination where no limit is in the way."""
    deleting: dict[Registry, prefixes.Prefixes] = {}
    for there, some in outgoing.items():
        chosen = tuple(prefix for prefix in some if data.draw(st.booleans()))
        deleting |= {there: chosen} if chosen else {}
    rules = rules_for(outgoing, deleting, filters=filters)
    assert outgoing_by(rules) == outgoing
    assert outgoing_by(rule for rule in rules if rule.deletes) == deleting
    others = outgoing_by(rule for rule in rules if not rule.deletes)
    assert all(
        not prefixes.touches(others.get(there, ()), prefix)
        for there, some in deleting.items()
        for prefix in some
    )
    assert all(len(rule.prefixes) <= filters for rule in rules)
    assert len(rules_for(outgoing, deleting)) <= len(others) + len(deleting)


@given(outgoings)
def test_rules_to_links_to_rules_is_stable(outgoing: Outgoing) -> None:
    """Reading back what was written gives the same links, and they the same rules."""
    rules = rules_for(outgoing)
    assert outgoing_by(rules) == outgoing
    assert rules_for(parse_document(document_of(rules)).outgoing) == rules


@given(outgoings, st.randoms(use_true_random=False))
def test_order_and_grouping_are_no_difference(outgoing: Outgoing, random: Random) -> None:
    """One rule per destination and prefix, shuffled, means the same."""
    scattered: list[Any] = [
        {
            "destinations": [{"registryId": registry.account, "region": registry.region}],
            **(
                {}
                if prefix == ""
                else {"repositoryFilters": [{"filter": prefix, "filterType": "PREFIX_MATCH"}]}
            ),
        }
        for registry, some in outgoing.items()
        for prefix in some
    ]
    random.shuffle(scattered)
    replication = parse_document({"rules": scattered})
    assert replication.unknown == ()
    assert replication.same_as(parse_document(document_of(rules_for(outgoing))))


@given(outgoings, outgoings)
def test_changes_name_all_that_differs(before: Outgoing, after: Outgoing) -> None:
    """What was added and removed is empty exactly for equal links, and complete."""
    changes = compare(scopes_of(before), scopes_of(after))
    assert (not changes.added and not changes.removed) == (before == after)
    for name, destination in product(NAMES, {*before, *after}):
        had = prefixes.covers(before.get(destination, ()), name)
        has = prefixes.covers(after.get(destination, ()), name)
        if has and not had:
            assert prefixes.covers(changes.added[destination], name)
        if had and not has:
            assert prefixes.covers(changes.removed[destination], name)


def test_destinations_with_equal_prefixes_share_a_rule() -> None:
    """Two destinations of the same prefixes take one rule, a third with others its own."""
    a, b, c = map(registry_of, "123")
    document = document_of(rules_for({c: ("x/",), b: ("",), a: ("",)}))
    assert document == {
        "rules": [
            {
                "destinations": [
                    {"region": "eu-west-1", "registryId": "111111111111"},
                    {"region": "eu-west-1", "registryId": "222222222222"},
                ]
            },
            {
                "destinations": [{"region": "eu-west-1", "registryId": "333333333333"}],
                "repositoryFilters": [{"filter": "x/", "filterType": "PREFIX_MATCH"}],
            },
        ]
    }


def test_more_filters_than_a_rule_takes_go_on_in_another() -> None:
    """150 prefixes to one destination take two rules, none over ECR's number."""
    a = registry_of("1")
    rules = rules_for({a: tuple(f"team{number:03}/" for number in range(150))})
    assert [len(rule.prefixes) for rule in rules] == [limits.FILTERS, 50]


def test_unknown_fields_are_named_wherever_they_are() -> None:
    """A field beside the known ones is reported with its path, at every level."""
    answer: dict[str, Any] = {
        "registryId": "111111111111",
        "mode": "x",
        "replicationConfiguration": {
            "flavour": 1,
            "rules": [
                {
                    "destinations": [{"region": "eu-west-1", "registryId": "2" * 12, "tier": 1}],
                    "repositoryFilters": [
                        {"filter": "a/", "filterType": "PREFIX_MATCH", "negate": True},
                        {"filter": "*", "filterType": "WILDCARD"},
                    ],
                    "deleteReplication": {"enabled": True, "since": 1},
                }
            ],
        },
    }
    replication = parse_answer(answer)
    assert sorted(replication.unknown) == [
        "flavour",
        "mode",
        "rules[0].deleteReplication.since",
        "rules[0].destinations[0].tier",
        "rules[0].repositoryFilters[0].negate",
        "rules[0].repositoryFilters[1].filterType",
    ]
    # A filter of an unknown kind may let through everything, but nothing is sure.
    there = registry_of("2")
    assert replication.outgoing == {there: ("a/",)}
    assert replication.may_use == {there: ("",)}


def test_documents_with_unknown_fields_are_the_same_only_to_the_letter() -> None:
    """Equal links are not enough where something is not understood."""
    rule: dict[str, Any] = {"destinations": [{"region": "eu-west-1", "registryId": "2" * 12}]}
    plain = parse_document({"rules": [rule]})
    on = parse_document({"rules": [{**rule, "deleteReplication": {"enabled": True}}]})
    off = parse_document({"rules": [{**rule, "deleteReplication": {"enabled": False}}]})
    assert plain.outgoing == on.outgoing == off.outgoing
    assert not plain.same_as(on)
    assert not on.same_as(off)
    assert on.same_as(parse_document({"rules": [{**rule, "deleteReplication": {"enabled": True}}]}))


def test_a_document_of_another_shape_is_unknown_not_empty() -> None:
    """Lists and objects that are none are reported; nothing raises."""
    assert parse_document({"rules": "none"}).unknown == ("rules",)
    assert parse_document({"rules": ["x"]}).unknown == ("rules[0]",)
    assert parse_document({"rules": [{"destinations": [{"region": 1}]}]}).unknown == (
        "rules[0].destinations[0]",
    )
    assert parse_answer({"registryId": "1" * 12}).unknown == ("replicationConfiguration",)
