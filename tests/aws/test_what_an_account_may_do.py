"""What IAM says that an account's identity may do, and what shows of the base identity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from fleet_repl.aws.configuration import make_session
from fleet_repl.aws.endpoints import way_to_aws
from fleet_repl.inventory.settings import Aws
from fleet_repl.runs.doctor import CheckState, Question, Way
from fleet_repl.values.errors import CallError, FaultKind
from fleet_repl.values.names import AccountId, Partition, Region

if TYPE_CHECKING:
    from tests.aws.conftest import Edge, Request

ONE = AccountId("000000000001")
QUESTION = Question(
    principal="arn:aws:iam::000000000001:role/fleet",
    resources={
        "ecr:PutRegistryPolicy": ("*",),
        "iam:CreateServiceLinkedRole": ("arn:aws:iam::000000000001:role/x",),
    },
    service="ecr.amazonaws.com",
)


def evaluation(
    action: str,
    resource: str,
    decision: str,
    missing: str = "",
    specific: Sequence[tuple[str, str, str]] = (),
) -> str:
    """A result of a simulation: action, resource, decision, and a context key that was missing.

    IAM's answer to a question about several resources is one result for each action, with the
    decision about each resource in it: resource, decision and missing key.
    """
    inner = "".join(
        f"<member>{_decision('EvalResourceDecision', *resource)}</member>" for resource in specific
    )
    return (
        f"<member><EvalActionName>{action}</EvalActionName>"
        f"{_decision('EvalDecision', resource, decision, missing)}"
        f"<ResourceSpecificResults>{inner}</ResourceSpecificResults></member>"
    )


def _decision(member: str, resource: str, decision: str, missing: str) -> str:
    key = f"<member>{missing}</member>" if missing else ""
    return (
        f"<EvalResourceName>{resource}</EvalResourceName><{member}>{decision}</{member}>"
        f"<MissingContextValues>{key}</MissingContextValues>"
    )


def answering(edge: Edge, evaluations: str) -> None:
    results = f"<EvaluationResults>{evaluations}</EvaluationResults>"

    async def step(request: Request) -> web.Response:
        name = request.operation
        text = f"<{name}Response><{name}Result>{results}</{name}Result></{name}Response>"
        return web.Response(text=text, content_type="text/xml")

    edge.aws.script("SimulatePrincipalPolicy", step)


async def test_the_accounts_own_session_asks(edge: Edge) -> None:
    """IAM is called in the partition's first region, with every action, resource and the key."""
    answering(edge, evaluation("ecr:PutRegistryPolicy", "*", "allowed"))
    async with edge.open() as registries:
        answers = await registries.access.simulate(ONE, QUESTION)
    assert answers == {"ecr:PutRegistryPolicy": CheckState.OK}
    (call,) = edge.aws.calls("SimulatePrincipalPolicy")
    assert (call.service, call.region) == ("iam", "us-east-1")
    assert edge.aws.identities[call.key].split(":")[4] == ONE
    assert call.parameters == {
        "Action": "SimulatePrincipalPolicy",
        "Version": "2010-05-08",
        "PolicySourceArn": QUESTION.principal,
        "ActionNames.member.1": "ecr:PutRegistryPolicy",
        "ActionNames.member.2": "iam:CreateServiceLinkedRole",
        "ResourceArns.member.1": "*",
        "ResourceArns.member.2": "arn:aws:iam::000000000001:role/x",
        "ContextEntries.member.1.ContextKeyName": "iam:AWSServiceName",
        "ContextEntries.member.1.ContextKeyValues.member.1": "ecr.amazonaws.com",
        "ContextEntries.member.1.ContextKeyType": "string",
    }


@pytest.mark.parametrize("specific", [True, False])
@pytest.mark.parametrize(
    ("decisions", "state"),
    [
        (["allowed"], "ok"),
        (["implicitDeny"], "failed"),
        (["explicitDeny"], "failed"),
        (["implicitDeny of aws:RequestedRegion"], "unknown"),
        (["explicitDeny of aws:RequestedRegion"], "unknown"),
        (["allowed of aws:RequestedRegion"], "ok"),
        (["allowed", "implicitDeny"], "failed"),
        (["implicitDeny", "allowed"], "failed"),
        (["allowed", "implicitDeny of aws:RequestedRegion"], "unknown"),
        (["implicitDeny", "implicitDeny of aws:RequestedRegion"], "failed"),
    ],
)
async def test_what_decisions_mean(
    edge: Edge, decisions: list[str], state: str, specific: bool
) -> None:
    """The worst of an action's resources counts, and a decision without a key that it depends on
    is none. What IAM says of other resources, on which another action is made, does not count."""
    own = tuple(f"arn:aws:iam::{ONE}:role/r{number}" for number in range(len(decisions)))
    question = replace(QUESTION, resources={"ecr:X": own, "ecr:Y": ("*",)})
    members = [decision.partition(" of ") for decision in decisions]
    said = [(name, decision, key) for name, (decision, _, key) in zip(own, members, strict=True)]
    if specific:
        everywhere = ("implicitDeny", "")
        text = evaluation("ecr:X", "*", *everywhere, [*said, ("*", *everywhere)])
    else:
        text = "".join(evaluation("ecr:X", *decision) for decision in said)
        text += evaluation("ecr:X", "*", "implicitDeny")
    answering(edge, text)
    async with edge.open() as registries:
        assert await registries.access.simulate(ONE, question) == {"ecr:X": state}


async def test_a_proxys_page_is_no_decision(edge: Edge) -> None:
    """It is retried like any garbage, and never counts as allowed."""
    page = edge.aws.say("<html><body>sign in</body></html>")
    edge.aws.script("SimulatePrincipalPolicy", *[page] * 4)
    async with edge.open() as registries:
        with pytest.raises(CallError) as caught:
            await registries.access.simulate(ONE, QUESTION)
    assert caught.value.fault.kind is FaultKind.SERVICE
    assert len(edge.aws.calls("SimulatePrincipalPolicy")) == 4


async def test_a_denial_names_the_action(edge: Edge) -> None:
    """With a hint for the reader."""
    edge.aws.script("SimulatePrincipalPolicy", *[edge.aws.refuse("AccessDenied", status=403)] * 9)
    async with edge.open() as registries:
        await registries.describe(edge.registry())
        with pytest.raises(CallError) as caught:
            await registries.access.simulate(ONE, QUESTION)
    assert caught.value.fault.hint == (
        "add this to a policy of arn:aws:iam::000000000001:role/fleet, and see that no SCP, RCP or "
        "permissions boundary denies it:\n"
        '{"Effect":"Allow","Action":"iam:SimulatePrincipalPolicy",'
        '"Resource":"arn:aws:iam::*:role/*"}'
    )


@pytest.mark.parametrize("seconds", [-400, 0, 90])
async def test_the_clock_against_that_of_sts(edge: Edge, seconds: int) -> None:
    """By the date of GetCallerIdentity's answer."""

    async def dated(request: Request) -> web.Response:
        answer = await edge.aws.answer(request)
        answer.headers["Date"] = format_datetime(
            edge.clock.now() - timedelta(seconds=seconds), usegmt=True
        )
        return answer

    edge.aws.script("GetCallerIdentity", dated)
    async with edge.open() as registries:
        assert registries.access.base_identity().clock_ahead == seconds


async def test_an_answer_without_a_date(edge: Edge) -> None:
    """Nothing is known then."""

    async def undated(request: Request) -> web.Response:
        answer = await edge.aws.answer(request)
        answer.headers["Date"] = "yesterday"
        return answer

    edge.aws.script("GetCallerIdentity", undated)
    async with edge.open() as registries:
        base = registries.access.base_identity()
    assert base.clock_ahead is None
    assert (base.account, base.seconds_left) == ("999999999999", None)


async def test_the_time_that_credentials_have_left(edge: Edge) -> None:
    """As their source says, on this run's clock."""
    ends = edge.clock.now() + timedelta(minutes=40)
    script = edge.config.parent / "helper"
    script.write_text(
        '#!/bin/sh\necho \'{"Version": 1, "AccessKeyId": "AKIABASEBASEBASEBASE", '
        '"SecretAccessKey": "x", "SessionToken": "y", '
        f'"Expiration": "{ends:%Y-%m-%dT%H:%M:%SZ}"}}\'\n'
    )
    script.chmod(0o700)
    edge.config.write_text(
        f"[default]\ncredential_process = {script}\nendpoint_url = {edge.aws.url}\n"
    )
    async with edge.open(by_environment=True) as registries:
        edge.clock.seconds += 600
        base = registries.access.base_identity()
    assert base.seconds_left == pytest.approx(1800, abs=2)
    assert base.way == Way(endpoints=(edge.aws.url,))


async def test_roles_are_counted_by_the_second(edge: Edge) -> None:
    """For the quota of STS."""
    two = edge.inventory(edge.account(1), edge.account(2))
    async with edge.open(two) as registries:
        assert registries.access.busiest_second() == 0
        await registries.describe(edge.registry(1))
        edge.clock.seconds += 5
        await registries.describe(edge.registry(2))
        assert registries.access.busiest_second() == 1


def test_the_way_that_settings_lay_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy without its password, and dual-stack endpoints."""
    aws, region = Aws(), Region("eu-west-1")
    assert way_to_aws(make_session(aws, None), region, None) == Way()
    monkeypatch.setenv("HTTPS_PROXY", "http://ann:s3cr3t@proxy.example.test:3128/x")
    monkeypatch.setenv("AWS_USE_DUALSTACK_ENDPOINT", "true")
    assert way_to_aws(make_session(aws, None), region, None) == Way(
        proxy="http://proxy.example.test:3128", dual_stack=True
    )
    monkeypatch.setenv("HTTPS_PROXY", "http://[s3cr3t")
    assert way_to_aws(make_session(aws, None), region, None).proxy == "(no URL)"
    monkeypatch.setenv("HTTPS_PROXY", "proxy.example.test:3128")
    monkeypatch.setenv("NO_PROXY", ".amazonaws.com")
    assert way_to_aws(make_session(aws, None), region, None).proxy is None
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://ann:s3cr3t@aws.example.test/path")
    assert way_to_aws(make_session(aws, None), region, None) == Way(
        endpoints=("https://aws.example.test",),
        proxy="http://proxy.example.test:3128",
        dual_stack=True,
    )


@pytest.mark.parametrize(
    ("partition", "url", "signed"),
    [
        (Partition.AWS, "https://iam.amazonaws.com", "us-east-1"),
        (Partition.US_GOV, "https://iam.us-gov.amazonaws.com", "us-gov-west-1"),
        (Partition.CN, "https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        (Partition.ISO, "https://iam.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"),
        (Partition.ISO_B, "https://iam.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"),
    ],
)
async def test_iam_is_one_endpoint_of_a_partition(
    partition: Partition, url: str, signed: str
) -> None:
    """The SDK finds it from the partition's first region, and signs for the region it lies in."""
    session = make_session(Aws(partition=partition), None)
    async with session.create_client(
        "iam",
        region_name=partition.first_region,
        aws_access_key_id="AKIABASEBASEBASEBASE",
        aws_secret_access_key="secret",
    ) as client:
        assert client.meta.endpoint_url == url
        endpoint = client._ruleset_resolver
        resolved = await endpoint.construct_endpoint(
            client.meta.service_model.operation_model("SimulatePrincipalPolicy"), {}, {}
        )
    (scheme, *_) = resolved.properties["authSchemes"]
    assert scheme["signingRegion"] == signed
