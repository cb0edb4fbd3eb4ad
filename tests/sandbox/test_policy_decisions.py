"""What a registry policy allows: statements against one principal, action and resource."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, strategies as st

from fleet_repl.sandbox.policy import Access, allows, holds_without_keys, matches
from fleet_repl.values.canonical_json import Json
from fleet_repl.values.names import AccountId, Partition

SOURCE, ELSE = AccountId("1" * 12), "3" * 12
ROOT = f"arn:aws:iam::{SOURCE}:root"
SERVICE_ROLE = (
    f"arn:aws:iam::{SOURCE}:role/aws-service-role/replication.ecr.amazonaws.com/"
    "AWSServiceRoleForECRReplication"
)
REPOSITORY = "arn:aws:ecr:eu-west-1:222222222222:repository/base/python"


def decide(*statements: dict[str, Any], action: str = "ecr:ReplicateImage") -> bool:
    access = Access(partition=Partition.AWS, account=SOURCE, action=action, resource=REPOSITORY)
    return allows({"Version": "2012-10-17", "Statement": list(statements)}, access)


def statement(**changes: Any) -> dict[str, Any]:
    whole = {
        "Effect": "Allow",
        "Principal": {"AWS": ROOT},
        "Action": "ecr:ReplicateImage",
        "Resource": REPOSITORY,
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not None}


def test_nothing_allows_nothing() -> None:
    """No policy, or one without a fitting statement."""
    access = Access(
        partition=Partition.AWS, account=SOURCE, action="ecr:ReplicateImage", resource=REPOSITORY
    )
    assert not allows(None, access)
    assert not decide()


def test_a_single_statement_needs_no_list() -> None:
    """`Statement` may be an object."""
    access = Access(
        partition=Partition.AWS, account=SOURCE, action="ecr:ReplicateImage", resource=REPOSITORY
    )
    assert allows({"Statement": statement()}, access)


@pytest.mark.parametrize(
    ("principal", "fits"),
    [
        ("*", True),
        ({"AWS": "*"}, True),
        ({"AWS": ROOT}, True),
        ({"AWS": str(SOURCE)}, True),
        ({"AWS": [f"arn:aws:iam::{ELSE}:root", ROOT]}, True),
        ({"AWS": SERVICE_ROLE}, True),
        ({"AWS": f"arn:aws:iam::{ELSE}:root"}, False),
        ({"AWS": f"arn:aws:iam::{SOURCE}:role/other"}, False),
        ({"AWS": f"arn:aws-cn:iam::{SOURCE}:root"}, False),
        ({"Service": "replication.ecr.amazonaws.com"}, False),
        (str(SOURCE), False),
    ],
)
def test_who_is_meant(principal: Json, fits: bool) -> None:
    """The account, its root, everyone, or ECR's own role there; and the opposite."""
    assert decide(statement(Principal=principal)) is fits
    assert decide(statement(Principal=None, NotPrincipal=principal)) is not fits


@pytest.mark.parametrize(
    ("action", "fits"),
    [
        ("ecr:ReplicateImage", True),
        ("ECR:replicateimage", True),
        ("ecr:Replicate*", True),
        ("ecr:?????????????", False),
        ("ecr:?????????Image", True),
        ("ecr:*", True),
        ("*", True),
        (["ecr:CreateRepository", "ecr:ReplicateImage"], True),
        ("ecr:CreateRepository", False),
        ("ecr:ReplicateImages", False),
        ([], False),
    ],
)
def test_which_action(action: Json, fits: bool) -> None:
    """Wildcards, lists, and letter case that does not matter; and the opposite."""
    assert decide(statement(Action=action)) is fits
    assert decide(statement(Action=None, NotAction=action)) is not fits


@pytest.mark.parametrize(
    ("resource", "fits"),
    [
        (REPOSITORY, True),
        ("*", True),
        ("arn:aws:ecr:eu-west-1:222222222222:repository/*", True),
        ("arn:aws:ecr:eu-west-1:222222222222:repository/base/*", True),
        ("arn:aws:ecr:*:*:repository/bas?/*", True),
        (["arn:aws:ecr:eu-west-1:222222222222:repository/x*", REPOSITORY], True),
        ("arn:aws:ecr:eu-west-1:222222222222:repository/base", False),
        ("arn:aws:ecr:eu-west-1:222222222222:repository/Base/*", False),
        ("arn:aws:ecr:us-east-1:222222222222:repository/*", False),
        ("arn:aws:ecr:eu-west-1:333333333333:repository/*", False),
        ("arn:aws:eu-west-1:222222222222:repository/*", False),
    ],
)
def test_which_repositories(resource: Json, fits: bool) -> None:
    """Wildcards and lists; region, account and letter case matter; and the opposite."""
    assert decide(statement(Resource=resource)) is fits
    assert decide(statement(Resource=None, NotResource=resource)) is not fits


def test_a_deny_wins() -> None:
    """Wherever it stands, if it fits."""
    deny = statement(Effect="Deny", Principal="*", Resource="*")
    assert not decide(statement(), deny)
    assert not decide(deny, statement())
    assert decide(statement(), {**deny, "Action": "ecr:CreateRepository"})


CONDITIONS = [
    ({"StringEquals": {"aws:SourceAccount": str(SOURCE)}}, False),
    ({"ArnLike": {"aws:SourceArn": "arn:aws:ecr:*"}}, False),
    ({"StringNotEquals": {"aws:SourceAccount": ELSE}}, True),
    ({"ArnNotLike": {"aws:SourceArn": "arn:aws:ecr:*"}}, True),
    ({"StringEqualsIfExists": {"aws:SourceAccount": ELSE}}, True),
    ({"Null": {"aws:SourceAccount": "true"}}, True),
    ({"Null": {"aws:SourceAccount": [True]}}, True),
    ({"Null": {"aws:SourceAccount": "false"}}, False),
    ({"ForAllValues:StringEquals": {"aws:TagKeys": ["x"]}}, True),
    ({"ForAnyValue:StringNotEquals": {"aws:TagKeys": ["x"]}}, False),
    ({"Bool": {"aws:SecureTransport": "false"}}, False),
    ({"StringNotEquals": {"a:b": "x"}, "StringEquals": {"a:b": "x"}}, False),
    ("no condition at all", True),
]


@pytest.mark.parametrize(("condition", "holds"), CONDITIONS)
def test_conditions(condition: Json, holds: bool) -> None:
    """An Allow under any condition does not allow; a Deny denies where an absent key meets it."""
    assert holds_without_keys(condition) is holds
    assert not decide(statement(Condition=condition))
    denies = statement(Effect="Deny", Condition=condition)
    assert decide(statement(), denies) is not holds


def test_an_empty_condition_is_none() -> None:
    """`{}` asks for nothing."""
    assert decide(statement(Condition={}))
    assert not decide(statement(), statement(Effect="Deny", Condition={}))


@given(st.text(alphabet="ab.?*/", max_size=8), st.text(alphabet="ab.?*/", max_size=8))
def test_wildcards_are_the_only_magic(text: str, rest: str) -> None:
    """A text fits itself with wildcards put in, and nothing else is special."""
    plain = text.replace("*", "x").replace("?", "y")
    assert matches(plain, plain)
    assert matches(plain + "*", plain + rest)
    assert matches("?" * len(rest), rest)
    assert not matches("?" * len(rest) + "?", rest)
    if "*" not in text and "?" not in text:
        assert matches(text, rest) is (text == rest)


@given(st.text(alphabet="ab*?", max_size=10), st.text(alphabet="ab", max_size=10))
def test_wildcards_match_as_regular_expressions_do(pattern: str, text: str) -> None:
    """A second opinion for the matcher."""
    expression = pattern.replace("*", ".*").replace("?", ".")
    assert matches(pattern, text) is (re.fullmatch(expression, text) is not None)


def test_no_pattern_takes_forever() -> None:
    """Stars that all might match anything; a matcher that tries every way never ends."""
    assert not matches("*a" * 100 + "b", "a" * 2000)
    assert matches("*a" * 100, "a" * 2000)
