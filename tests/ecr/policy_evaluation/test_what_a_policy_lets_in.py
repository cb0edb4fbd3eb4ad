"""Whether a grant is in force: ours, foreign Allows, Denies, conditions, wildcards."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import pytest
from hypothesis import given, strategies as st
from tests.support.registries import registry_of

from fleet_repl.ecr.policy import CREATE_REPOSITORY, REPLICATE_IMAGE, Grant
from fleet_repl.ecr.policy.evaluate import Permissions
from fleet_repl.values.names import AccountId, Partition

SOURCE = AccountId("1" * 12)
HERE = registry_of("9")
BASE = "arn:aws:ecr:eu-west-1:999999999999:repository/"
ROOT = "arn:aws:iam::111111111111:root"
SERVICE_ROLE = (
    "arn:aws:iam::111111111111:role/aws-service-role/"
    "replication.ecr.amazonaws.com/AWSServiceRoleForECRReplication"
)
BOTH = (REPLICATE_IMAGE, CREATE_REPOSITORY)


def lacks(
    *statements: dict[str, Any],
    grants: frozenset[Grant] = frozenset(),
    prefix: str = "a/",
    trusted: frozenset[str] = frozenset(),
) -> str | None:
    """What the source lacks for `prefix` under these statements."""
    permissions = Permissions(
        registry=HERE,
        partition=Partition.AWS,
        grants=grants,
        statements=statements,
        trusted=trusted,
    )
    return permissions.lacks(SOURCE, prefix, BOTH)


def allow(**edits: Any) -> dict[str, Any]:
    """A foreign statement that allows all that is needed, with edits."""
    return {
        "Sid": "Theirs",
        "Effect": "Allow",
        "Principal": {"AWS": ROOT},
        "Action": list(BOTH),
        "Resource": f"{BASE}*",
        **edits,
    }


OURS = frozenset({Grant(SOURCE, "a/", action) for action in BOTH})


def test_our_own_grant_is_in_force() -> None:
    """A grant of the prefix or of a shorter one lets the link in."""
    assert lacks(grants=OURS) is None
    assert lacks(grants=OURS, prefix="a/b/") is None


def test_what_is_missing_is_named() -> None:
    """Nothing, another prefix, or one action only: the text says what is not granted."""
    neither = "its registry policy does not grant ecr:ReplicateImage and ecr:CreateRepository"
    assert lacks() == neither
    assert lacks(grants=OURS, prefix="b/") == neither
    assert lacks(grants=OURS, prefix="") == neither
    assert (
        lacks(grants=frozenset({Grant(SOURCE, "a/", REPLICATE_IMAGE)}))
        == "its registry policy does not grant ecr:CreateRepository"
    )


@pytest.mark.parametrize(
    "edits",
    [
        {},
        {"Principal": "*"},
        {"Principal": {"AWS": "*"}},
        {"Principal": {"AWS": [f"arn:aws:iam::{'2' * 12}:root", "1" * 12]}},
        {"Action": "*"},
        {"Action": "ecr:*"},
        {"Action": ["ECR:Replicate*", "ecr:createrepositor?"]},
        {"Resource": "*"},
        {"Resource": [f"{BASE}b/*", f"{BASE}a*"]},
        {"Condition": {}},
        {"Condition": {"StringEquals": {"aws:PrincipalAccount": ["2" * 12, SOURCE]}}},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {"Condition": {"StringEqualsIfExists": {"aws:SourceAccount": "2" * 12}}},
    ],
)
def test_a_foreign_allow_counts(edits: dict[str, Any]) -> None:
    """Whoever wrote it, however it is spelled: an Allow that covers the link, without a condition
    or under one that is surely met."""
    assert lacks(allow(**edits)) is None


@pytest.mark.parametrize(
    "edits",
    [
        {"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}},
        {"Condition": {"StringEquals": {"aws:PrincipalAccount": "2" * 12}}},
        {"Condition": {"StringEquals": {"aws:SourceAccount": SOURCE}}},
        {"Resource": f"{BASE}${{aws:PrincipalAccount}}*"},
        {"Principal": {"AWS": f"arn:aws:iam::{'2' * 12}:root"}},
        {"Principal": {"AWS": "arn:aws-cn:iam::111111111111:root"}},
        {"Principal": {"AWS": "arn:aws:iam::111111111111:role/pusher"}},
        {"Principal": {"Service": "ecr.amazonaws.com"}},
        {"Resource": f"{BASE}a/"},
        {"Resource": f"{BASE}a/b*"},
        {"Resource": "arn:aws:ecr:eu-west-2:999999999999:repository/*"},
        {"Action": "ecr:BatchGetImage"},
    ],
)
def test_an_allow_that_may_not_apply_does_not_count(edits: dict[str, Any]) -> None:
    """A condition, another principal, or less than the prefix."""
    assert lacks(allow(**edits)) is not None


@pytest.mark.parametrize(
    "edits",
    [
        {},
        {"Principal": "*"},
        {"Action": "ecr:ReplicateImage"},
        {"Action": "ecr:CreateRepository"},
        {"Resource": f"{BASE}a/secret/*"},
        {"Resource": f"{BASE}*/secret"},
        {"Resource": f"{BASE}a/exact"},
        {"Condition": {"StringNotEquals": {"aws:PrincipalAccount": "2" * 12}}},
        {"Condition": {"StringNotEquals": {"aws:SourceAccount": SOURCE}}},
        {"Principal": {"AWS": SERVICE_ROLE}},
    ],
)
def test_a_deny_that_applies_counts(edits: dict[str, Any]) -> None:
    """Part of the prefix, one of the actions, a condition that is met: somebody is refused, and
    nobody can vouch that it is not so."""
    deny = allow(Effect="Deny", Sid="Lockdown", **edits)
    because = "statement Lockdown of its registry policy denies it"
    assert lacks(deny, grants=OURS) == because
    assert lacks(deny, grants=OURS, trusted=frozenset({"Lockdown"})) == because


@pytest.mark.parametrize(
    ("edits", "keys"),
    [
        ({"Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}}, "aws:PrincipalOrgID"),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}, "aws:SourceIp"),
        ({"Condition": {"ArnNotEquals": {"aws:PrincipalArn": ROOT}}}, "aws:PrincipalArn"),
        ({"Condition": "nonsense"}, "something unknown"),
        ({"Resource": f"{BASE}${{aws:PrincipalTag/team}}/*"}, "the variable in its resource"),
        (
            {
                "Resource": f"{BASE}a/${{aws:PrincipalTag/team}}",
                "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "${aws:ResourceOrgID}"}},
            },
            "aws:PrincipalOrgID and the variable in its resource",
        ),
    ],
)
def test_a_deny_that_may_apply_holds_until_somebody_vouches(
    edits: dict[str, Any], keys: str
) -> None:
    """What nobody can tell is told as that; who knows better says so by its Sid."""
    deny = allow(Effect="Deny", Sid="Lockdown", **edits)
    assert lacks(deny, grants=OURS) == (
        f"statement Lockdown of its registry policy may deny it, depending on {keys}"
    )
    assert lacks(deny, grants=OURS, trusted=frozenset({"Lockdown"})) is None
    assert lacks({**deny, "Sid": ["Lockdown"]}, grants=OURS, trusted=frozenset({"Lockdown"}))


def test_what_a_variable_exempts_is_unknown() -> None:
    """A NotResource with a variable may or may not leave the link alone."""
    deny = allow(Effect="Deny", Principal="*")
    del deny["Resource"]
    exempting = {**deny, "NotResource": f"{BASE}${{aws:PrincipalTag/team}}*"}
    assert str(lacks(exempting, grants=OURS)).endswith(
        "may deny it, depending on the variable in its resource"
    )
    elsewhere = f"{BASE}b/${{aws:PrincipalTag/team}}"
    assert str(lacks({**deny, "NotResource": elsewhere}, grants=OURS)).endswith(" denies it")
    assert lacks({**deny, "Resource": elsewhere}, grants=OURS) is None


@pytest.mark.parametrize(
    "edits",
    [
        {"Principal": {"AWS": f"arn:aws:iam::{'2' * 12}:root"}},
        {"Principal": {"AWS": "arn:aws:iam::111111111111:role/pusher"}},
        {"Action": "ecr:BatchImportUpstreamImage"},
        {"Resource": f"{BASE}b/*"},
        {"Resource": f"{BASE}a"},
        {"Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        {"Condition": {"StringNotEquals": {"aws:PrincipalAccount": SOURCE}}},
        {
            "Condition": {
                "StringNotEquals": {"aws:PrincipalOrgID": "o-1", "aws:PrincipalAccount": SOURCE}
            }
        },
    ],
)
def test_a_deny_of_something_else_does_not_count(edits: dict[str, Any]) -> None:
    """Other accounts, actions or repositories, or a condition that is surely not met."""
    assert lacks(allow(Effect="Deny", **edits), grants=OURS) is None


def test_what_a_deny_leaves_out_is_read_the_other_way_round() -> None:
    """NotPrincipal, NotAction and NotResource deny everything but what they name."""
    deny: dict[str, Any] = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    because = "a statement without Sid of its registry policy denies it"
    both = {"AWS": [ROOT, SERVICE_ROLE]}
    assert lacks({**deny, "NotPrincipal": both}, grants=OURS) is None
    assert lacks({**deny, "NotPrincipal": {"AWS": ROOT}}, grants=OURS) == because
    assert lacks({**deny, "NotPrincipal": {"AWS": "2" * 12}}, grants=OURS) == because
    everyone = {"Effect": "Deny", "Principal": "*"}
    assert lacks({**everyone, "NotAction": "ecr:*", "Resource": "*"}, grants=OURS) is None
    assert lacks({**everyone, "NotAction": "s3:*", "Resource": "*"}, grants=OURS) == because
    assert lacks({**everyone, "Action": "*", "NotResource": f"{BASE}a*"}, grants=OURS) is None
    assert lacks({**everyone, "Action": "*", "NotResource": f"{BASE}b*"}, grants=OURS) == because


@given(st.text("ab*?", max_size=6), st.text("ab", max_size=5))
def test_patterns_mean_what_their_regular_expressions_mean(pattern: str, text: str) -> None:
    """The matcher against Python's own, for whole texts and for their beginnings."""
    expression = "".join({"*": ".*", "?": "."}.get(letter, letter) for letter in pattern)
    longer = ["".join(rest) for size in range(7) for rest in product("ab", repeat=size)]
    deny = {"Effect": "Deny", "Principal": "*", "Action": pattern, "Resource": "*"}
    permissions = Permissions(
        registry=HERE,
        partition=Partition.AWS,
        grants=frozenset({Grant(SOURCE, "", text)}),
        statements=(deny,),
    )
    assert (permissions.lacks(SOURCE, "", [text]) is not None) == bool(
        re.fullmatch(expression, text)
    )
    denied = allow(Effect="Deny", Resource=BASE + pattern)
    hit = any(re.fullmatch(expression, text + rest) for rest in longer)
    assert (
        lacks(denied, grants=frozenset(Grant(SOURCE, "", item) for item in BOTH), prefix=text)
        is not None
    ) == hit


def test_no_pattern_takes_long_to_decide() -> None:
    """Stars upon stars are one pass over the text, not one for each way to divide it."""
    deny = allow(Effect="Deny", Resource="*?" * 500 + "x" * 500)
    assert lacks(deny, grants=OURS, prefix="a/" * 100) is not None
