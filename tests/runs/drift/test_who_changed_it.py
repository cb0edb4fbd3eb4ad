"""What CloudTrail's records say about who changed a registry, and what they cannot say."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from hypothesis import given, strategies as st

from fleet_repl.planning.attribution import Attribution, RecordedCall
from fleet_repl.planning.change import Resource
from fleet_repl.runs.cloudtrail import (
    TOOLS,
    Lookup,
    last_call,
    newest_by_resource,
    recorded_call,
)
from fleet_repl.runs.drift import NOT_YET, call_sentences, issuer_words
from fleet_repl.runs.session_names import is_session_of, session_name

ROLE: Final = "arn:aws:iam::111111111111:role/ci/deploy"
RECORD: Final[dict[str, Any]] = {
    "eventVersion": "1.11",
    "userIdentity": {
        "type": "AssumedRole",
        "principalId": "AROAEXAMPLE:jenkins-42",
        "arn": "arn:aws:sts::111111111111:assumed-role/deploy/jenkins-42",
        "accountId": "111111111111",
        "sessionContext": {
            "sessionIssuer": {"type": "Role", "arn": ROLE, "userName": "deploy"},
            "sourceIdentity": "alice@example.com",
        },
    },
    "eventTime": "2026-11-23T08:15:43Z",
    "eventSource": "ecr.amazonaws.com",
    "eventName": "PutReplicationConfiguration",
    "userAgent": "APN/1.0 HashiCorp/1.0 Terraform/1.9.8 (+https://www.terraform.io) "
    "terraform-provider-aws/5.80.0 (+https://registry.terraform.io/providers/hashicorp/aws) "
    "aws-sdk-go-v2/1.32.6 ua/2.1 os/linux lang/go#1.23.3 api/ecr#1.36.7",
    "eventID": "5f6ec62b-0000-4000-8000-9ed1b7e6cd10",
}
"""A record as AWS writes them, without what nobody looks at."""
RULES: Final = Lookup(
    operation="PutReplicationConfiguration", resource=Resource.REPLICATION_CONFIGURATION
)


def record(**members: Any) -> dict[str, Any]:
    """A record with some members changed."""
    return {**RECORD, **members}


def by(agent: str) -> str | None:
    """The tool of a user agent."""
    call = recorded_call(record(userAgent=agent))
    assert call is not None
    return call.tool


def nobody(_: RecordedCall) -> bool:
    return False


def test_a_record_names_everything() -> None:
    """The role with its session, whom the chain of roles began with, and the tool."""
    assert recorded_call(RECORD) == RecordedCall(
        operation="PutReplicationConfiguration",
        at=datetime(2026, 11, 23, 8, 15, 43, tzinfo=UTC),
        event_id="5f6ec62b-0000-4000-8000-9ed1b7e6cd10",
        issuer=ROLE,
        session="jenkins-42",
        source_identity="alice@example.com",
        tool="Terraform",
    )


@pytest.mark.parametrize(
    ("agent", "tool"),
    [
        ("aws-cli/2.22.4 md/awscrt#0.22.0 ua/2.0 os/linux#6.8 lang/python#3.12.6", "AWS CLI"),
        ("[aws-cli/1.36.0 md/Botocore#1.35.70 lang/python#3.11]", "AWS CLI"),
        ("Boto3/1.35.70 md/Botocore#1.35.70 ua/2.0 os/linux", "AWS SDK for Python"),
        ("aiobotocore/2.15.2 md/Botocore#1.35.36", "AWS SDK for Python"),
        ("fleet-repl/1.0 python/3.11.7 aiobotocore/3.10.0", "fleet-repl"),
        ("APN/1.0 Pulumi/1.0 PulumiAWS/6.0 aws-sdk-go-v2/1.32", "Pulumi"),
        ("OpenTofu/1.8.5 (+https://opentofu.org) aws-sdk-go-v2/1.32", "OpenTofu"),
        ("aws-sdk-go/1.55.5 (go1.22; linux; amd64)", "AWS SDK for Go"),
        ("aws-sdk-js/3.699.0 ua/2.1 os/linux lang/js", "AWS SDK for JavaScript"),
        ("aws-sdk-java/2.29.20 Linux/6.8", "AWS SDK for Java"),
        ("cloudformation.amazonaws.com", "CloudFormation"),
        ("console.amazonaws.com", "AWS console"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36", "AWS console"),
        ("curl/8.5.0", None),
        ("", None),
    ],
)
def test_a_user_agent_gives_the_tool_away(agent: str, tool: str | None) -> None:
    """A tool comes before the SDK that it is built on; nothing is guessed of an unknown one."""
    assert by(agent) == tool


def test_a_service_that_calls_for_somebody_is_the_tool() -> None:
    """CloudFormation signs with the role of whoever updates the stack."""
    identity = {**RECORD["userIdentity"], "invokedBy": "cloudformation.amazonaws.com"}
    call = recorded_call(record(userIdentity=identity, userAgent="cloudformation.amazonaws.com"))
    assert call is not None
    assert (call.tool, call.issuer) == ("CloudFormation", ROLE)
    console = recorded_call(record(sessionCredentialFromConsole="true", userAgent="AWS Internal"))
    assert console is not None
    assert console.tool == "AWS console"


@pytest.mark.parametrize(
    ("identity", "words"),
    [
        ({"type": "Root", "arn": "arn:aws:iam::111111111111:root"}, "the root user"),
        ({"type": "IAMUser", "arn": "arn:aws:iam::111111111111:user/ops/bob"}, "user bob"),
        ({"type": "AWSService", "invokedBy": "ecr.amazonaws.com"}, "ecr.amazonaws.com"),
        (RECORD["userIdentity"], "role deploy"),
        ({}, "somebody"),
    ],
)
def test_whoever_calls_has_a_name(identity: dict[str, Any], words: str) -> None:
    """Of a role and a user without the path; a record may name nobody."""
    call = recorded_call(record(userIdentity=identity))
    assert call is not None
    assert issuer_words(call.issuer) == words


@pytest.mark.parametrize(
    "members",
    [
        {"errorCode": "AccessDenied"},
        {"eventSource": "s3.amazonaws.com"},
        {"eventName": "DescribeRegistry"},
        {"eventName": None},
        {"eventID": "1; drop table"},
        {"eventTime": "yesterday"},
        {"eventTime": "2026-99-23T08:15:43Z"},
    ],
)
def test_other_records_are_no_writes(members: dict[str, Any]) -> None:
    """A call that failed has changed nothing, and a record without an id or a time proves none."""
    assert recorded_call(record(**members)) is None


@given(
    text=st.text(min_size=1)
    | st.sampled_from(["\x1b[31mrole", "<script>alert(1)</script>", "a|b", "[x](http://x)", "a\nb"])
)
def test_nothing_gets_through_that_iam_would_not_allow(text: str) -> None:
    """Texts of a record are IAM's names, of printable ASCII without markup, or they are missing."""
    call = recorded_call(
        record(
            userAgent=text,
            userIdentity={
                "arn": f"arn:aws:sts::111111111111:assumed-role/deploy/{text}",
                "invokedBy": text,
                "sessionContext": {
                    "sessionIssuer": {"arn": f"arn:aws:iam::111111111111:role/{text}"},
                    "sourceIdentity": text,
                },
            },
        )
    )
    assert call is not None
    assert call.tool is None or call.tool in TOOLS
    for name in (call.issuer, call.session, call.source_identity):
        assert name is None or (name.isascii() and name.isprintable())
        assert not set(name or "") & set("<>&\"'`|[]()*\\ \n")


@given(value=st.recursive(st.none() | st.text() | st.integers(), st.lists, max_leaves=3))
def test_a_record_of_another_shape_is_no_crash(value: object) -> None:
    """Whatever a member holds."""
    for name in RECORD:
        recorded_call(record(**{name: value}))
    recorded_call(record(userIdentity={"sessionContext": value, "arn": value}))


def test_the_last_call_counts_unless_it_is_the_fleets_own() -> None:
    """What others did before the fleet wrote again is no longer in place."""
    newer = record(eventID="5f6ec62b-0000-4000-8000-9ed1b7e6cd11")
    failed = record(eventID="5f6ec62b-0000-4000-8000-9ed1b7e6cd12", errorCode="ServerException")
    call = last_call([failed, newer, RECORD], RULES, nobody)
    assert call is not None
    assert call.event_id.endswith("11")
    assert last_call([newer, RECORD], RULES, lambda call: call.event_id.endswith("11")) is None
    assert last_call([], RULES, nobody) is None


def test_of_a_template_the_call_with_its_prefix_counts() -> None:
    """Each template is written by calls of its own, by one of two names."""
    records = [
        record(eventName="UpdateRepositoryCreationTemplate", requestParameters={"prefix": prefix})
        for prefix in ("team", "base")
    ]
    lookups = [
        Lookup(operation=name, resource=Resource.CREATION_TEMPLATE, prefix="base")
        for name in ("CreateRepositoryCreationTemplate", "UpdateRepositoryCreationTemplate")
    ]
    created, updated = (last_call(records, lookup, nobody) for lookup in lookups)
    assert created is None
    assert updated == recorded_call(records[1])
    earlier = recorded_call(record(eventTime="2026-11-23T08:00:00Z"))
    assert updated is not None
    assert earlier is not None
    assert newest_by_resource([(lookups[0], earlier), (lookups[1], updated)]) == (updated,)


def test_people_read_who_it_was() -> None:
    """A sentence for each resource; or that CloudTrail has nothing yet, or does not tell."""
    call = recorded_call(RECORD)
    assert call is not None
    assert call_sentences(None) == ()
    assert call_sentences(Attribution()) == (NOT_YET,)
    (sentence,) = call_sentences(Attribution(calls=(call,)))
    assert sentence == (
        "changed by role deploy, session jenkins-42, source identity alice@example.com "
        "(Terraform): PutReplicationConfiguration on 2026-11-23 at 08:15 UTC"
    )
    assert call_sentences(Attribution(unknown="LookupEvents: access-denied: no")) == (
        "who changed it is not known: LookupEvents: access-denied: no",
    )


@given(fleet=st.text("abcxyz-", min_size=1, max_size=60), other=st.text("abc", min_size=1))
def test_a_fleet_knows_its_sessions(fleet: str, other: str) -> None:
    """By the whole name, and not those of another fleet."""
    name = session_name(fleet, "20261123T081500Z-3f9c1a")
    assert is_session_of(name, [fleet])
    assert not is_session_of(name.removesuffix("a"), [fleet])
    assert not is_session_of("jenkins-42", [fleet])
    if not fleet.startswith(other[:10]):
        assert not is_session_of(name, [other])


def test_the_record_is_json() -> None:
    """As it comes in LookupEvents' answer: a text within JSON."""
    assert recorded_call(json.loads(json.dumps(RECORD))) == recorded_call(RECORD)
