"""Conditions, against every request that a replication request may be."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import pytest
from hypothesis import given, strategies as st

from fleet_repl.ecr.policy.evaluate import (
    Truth,
    all_of,
    any_of,
    condition_met,
    not_true,
    replication_requests,
    undecided_keys,
)
from fleet_repl.values.canonical_json import Json
from fleet_repl.values.names import AccountId, Partition

ONE, TWO = AccountId("1" * 12), AccountId("2" * 12)
ROOT = f"arn:aws:iam::{ONE}:root"
ROLE = (
    f"arn:aws:iam::{ONE}:role/aws-service-role/"
    "replication.ecr.amazonaws.com/AWSServiceRoleForECRReplication"
)
REQUESTS = replication_requests(ONE, Partition.AWS)
YES, NO, UNKNOWN = Truth

ACCOUNT, ARN, ORG = "aws:PrincipalAccount", "aws:PrincipalArn", "aws:PrincipalOrgID"
SOURCE, TLS = "aws:SourceAccount", "aws:SecureTransport"


def met(condition: Json) -> Truth:
    return condition_met(condition, REQUESTS)


@pytest.mark.parametrize(
    ("condition", "answer"),
    [
        (None, YES),
        ({}, YES),
        ("nonsense", UNKNOWN),
        ({"StringEquals": {}}, UNKNOWN),
        ({"StringEquals": {ACCOUNT: []}}, UNKNOWN),
        ({"StringEquals": {ACCOUNT: ONE}}, YES),
        ({"StringEquals": {"AWS:principalACCOUNT": [TWO, ONE]}}, YES),
        ({"StringNotEquals": {ACCOUNT: [TWO, ONE]}}, NO),
        ({"StringNotEquals": {ACCOUNT: TWO}}, YES),
        ({"StringNotEqualsIfExists": {ACCOUNT: TWO}}, YES),
        ({"StringNotLike": {ACCOUNT: "1*"}}, NO),
        ({"StringLike": {ACCOUNT: "??1111111111"}}, YES),
        ({"StringEqualsIgnoreCase": {ACCOUNT: ONE}}, YES),
        ({"StringEquals": {ACCOUNT: "${aws:SourceAccount}"}}, UNKNOWN),
        ({"StringEquals": {ACCOUNT: ["${aws:SourceAccount}", ONE]}}, YES),
        ({"NumericEquals": {ACCOUNT: ONE}}, UNKNOWN),
        ({"ArnLike": {ACCOUNT: ONE}}, UNKNOWN),
        ({"ArnLike": {ARN: "arn:aws:iam::111111111111:*"}}, YES),
        ({"ArnNotLike": {ARN: "arn:aws:iam::111111111111:*"}}, NO),
        ({"ArnNotLike": {ARN: "arn:aws:iam::*:role/fleet-replication"}}, YES),
        ({"ArnEquals": {ARN: ROOT}}, UNKNOWN),
        ({"ArnEquals": {ARN: [ROOT, ROLE]}}, YES),
        ({"ArnLike": {ARN: "*"}}, UNKNOWN),
        ({"StringLike": {ARN: "*"}}, YES),
        ({"StringEquals": {SOURCE: ONE}}, NO),
        ({"StringNotEquals": {SOURCE: ONE}}, YES),
        ({"StringEqualsIfExists": {SOURCE: TWO}}, YES),
        ({"Null": {SOURCE: "true"}}, YES),
        ({"Null": {"aws:SourceArn": True}}, YES),
        ({"Null": {SOURCE: "false"}}, NO),
        ({"Null": {ACCOUNT: "false"}}, YES),
        ({"Null": {ACCOUNT: "perhaps"}}, UNKNOWN),
        ({"NullIfExists": {ACCOUNT: "false"}}, UNKNOWN),
        ({"Null": {ORG: "false"}}, UNKNOWN),
        ({"Bool": {TLS: "false"}}, NO),
        ({"Bool": {TLS: False}}, NO),
        ({"BoolIfExists": {TLS: "true"}}, YES),
        ({"Bool": {TLS: "maybe"}}, UNKNOWN),
        ({"ForAnyValue:StringEquals": {ACCOUNT: ONE}}, YES),
        ({"ForAllValues:StringNotEquals": {ACCOUNT: ONE}}, NO),
        ({"ForAnyValue:StringEquals": {SOURCE: ONE}}, NO),
        ({"ForAllValues:StringEquals": {SOURCE: TWO}}, YES),
        ({"ForAnyValue:Null": {SOURCE: "true"}}, UNKNOWN),
        ({"StringNotEquals": {ORG: "o-1"}}, UNKNOWN),
        ({"StringEquals": {ACCOUNT: TWO}, "StringNotEquals": {ORG: "o-1"}}, NO),
        ({"StringEquals": {ACCOUNT: ONE, ORG: "o-1"}}, UNKNOWN),
    ],
)
def test_what_conditions_come_to(condition: Json, answer: Truth) -> None:
    """Operators, absent keys, wildcards, variables, and parts that nobody can decide."""
    assert met(condition) is answer


def test_what_is_undecided_is_named() -> None:
    """The keys as they are written, without those that are decided."""
    condition = {"StringNotEquals": {ACCOUNT: TWO, ORG: "o-1"}, "ArnEquals": {ARN: ROOT}}
    assert undecided_keys(condition, REQUESTS) == (ORG, ARN)
    assert undecided_keys("nonsense", REQUESTS) == ("something unknown",)


truths = st.lists(st.sampled_from(list(Truth)), max_size=4)


@given(truths)
def test_the_logic_is_that_of_all_possible_worlds(parts: list[Truth]) -> None:
    """Yes or no where every way to settle what is unknown agrees."""
    worlds = list(product(*([YES, NO] if part is UNKNOWN else [part] for part in parts)))
    for combine, plainly in ((all_of, all), (any_of, any)):
        answers = {plainly(item is YES for item in world) for world in worlds}
        assert combine(parts) is (UNKNOWN if len(answers) == 2 else YES if True in answers else NO)
    for truth in Truth:
        assert not_true(not_true(truth)) is truth


Request = Mapping[str, str | None]
"""A request of which everything is known."""


def plainly_met(condition: Mapping[str, Any], request: Request, variable: bool) -> bool:
    """IAM's semantics word by word, for a request of which everything is known. `variable`:
    whether a policy variable stands for what matches."""
    return all(
        one_met(operator, request[key], values, variable)
        for operator, keys in condition.items()
        for key, values in keys.items()
    )


def one_met(operator: str, value: str | None, wanted: Sequence[str], variable: bool) -> bool:
    several, _, name = operator.rpartition(":")
    plain = name.removesuffix("IfExists")
    if plain == "Null":
        return any((item == "true") is (value is None) for item in wanted)
    if value is None:
        if plain != name:
            return True
        return several == "ForAllValues" if several else "Not" in plain
    met = any(
        variable if "${" in item else same(plain.replace("Not", ""), value, item) for item in wanted
    )
    return not met if "Not" in plain else met


def same(operator: str, value: str, wanted: str) -> bool:
    if operator in ("StringEquals", "Bool"):
        return value == wanted
    expression = re.escape(wanted).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, value) is not None


OPERATORS = ["StringEquals", "StringNotEquals", "StringLike", "StringNotLike"]
names = st.builds(
    lambda several, name, suffix: several + name + suffix,
    st.sampled_from(["", "", "ForAnyValue:", "ForAllValues:"]),
    st.sampled_from(OPERATORS),
    st.sampled_from(["", "", "IfExists"]),
)
VALUES = [ONE, TWO, "*", "1*", ROOT, ROLE, "arn:aws:iam::1*", "true", "false", "o-1"]


def conditions(keys: list[str], values: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    lists = st.lists(st.sampled_from(values), min_size=1, max_size=2)
    nulls = st.lists(st.sampled_from(["true", "false"]), min_size=1, max_size=2)
    plain = st.dictionaries(
        names, st.dictionaries(st.sampled_from(keys), lists, min_size=1, max_size=2), max_size=2
    )
    null = st.dictionaries(
        st.just("Null"), st.dictionaries(st.sampled_from(keys), nulls, min_size=1), max_size=1
    )
    return st.builds(lambda item, two: {**item, **two}, plain, null)


def worlds() -> list[Request]:
    """Every request that may be, the organisation unknown."""
    return [
        {ACCOUNT: ONE, SOURCE: None, TLS: "true", ARN: arn, ORG: org}
        for arn in (ROOT, ROLE)
        for org in (None, "o-1", "o-2", ONE, "*")
    ]


@given(conditions([ACCOUNT, ARN, SOURCE, TLS, ORG], [*VALUES, "${aws:username}"]))
def test_a_sure_answer_holds_in_every_world(condition: dict[str, Any]) -> None:
    """Whatever the unknown parts are, a yes is met and a no is not."""
    answers = {
        plainly_met(condition, world, variable) for world in worlds() for variable in (True, False)
    }
    answer = met(condition)
    assert answer is not YES or answers == {True}
    assert answer is not NO or answers == {False}


@given(conditions([ACCOUNT, ARN, SOURCE, TLS], VALUES))
def test_what_can_be_decided_is(condition: dict[str, Any]) -> None:
    """With known keys only, the answer is unknown just where the principal makes the difference."""
    answers = {plainly_met(condition, world, variable=False) for world in worlds()}
    assert met(condition) is (UNKNOWN if len(answers) == 2 else YES if True in answers else NO)
