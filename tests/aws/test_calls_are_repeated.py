"""Calls that repeat the SDK's first request: the same on the wire as what the SDK itself sends.

A release of the SDK that builds, signs or sends requests in another way fails here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final, cast

import anyio
import pytest
from aiohttp import web
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from botocore.session import Session
from botocore.utils import parse_timestamp
from hypothesis import given, strategies as st
from tests.aws.conftest import Edge, Request

from fleet_repl.aws import AwsRegistries
from fleet_repl.aws.clients import Clients
from fleet_repl.aws.repeated_calls import (
    HttpSession,
    RepeatedCall,
    _timestamp,
    repeated_call,
)
from fleet_repl.aws.request import Call
from fleet_repl.aws.sigv4 import Signer
from fleet_repl.runs.doctor import Question
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import CallError, FaultKind
from fleet_repl.values.names import Region, Registry, Secret

OF_ONE_REQUEST: Final = frozenset(
    {"authorization", "x-amz-date", "amz-sdk-invocation-id", "amz-sdk-request"}
)
"""Headers that differ from one request of the SDK to its next, or say how often it has retried."""
NAMES: Final = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=20).map("x-".__add__)
VALUES: Final = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30)


@given(
    st.dictionaries(NAMES, VALUES, max_size=6),
    st.binary(max_size=60),
    st.sampled_from((None, "token+/=")),
)
def test_the_signature_is_the_sdks(extra: dict[str, str], body: bytes, token: str | None) -> None:
    """A request is signed as the SDK's own signer does, whatever is signed."""
    headers = {"Host": "api.ecr.eu-west-1.amazonaws.com", "User-Agent": "fleet-repl", **extra}
    url = "https://api.ecr.eu-west-1.amazonaws.com/"
    keys = ReadOnlyCredentials("AKIAEXAMPLE", "secret", token)
    sdk = AWSRequest("POST", url, data=body, headers=headers)
    now = datetime(2026, 11, 30, 9, tzinfo=UTC)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.auth.get_current_datetime", lambda: now)
        SigV4Auth(keys, "ecr", "eu-west-1").add_auth(sdk)
    signer = Signer(url, headers, "eu-west-1", "ecr", unsigned=frozenset({"user-agent"}))
    assert {**sdk.headers} == {**headers, **signer.sign(body, keys, now)}


def as_sent(request: Request) -> tuple[object, ...]:
    """A request on the wire, but for what no two requests share."""
    http = request.http
    headers = {
        name.lower(): value
        for name, value in http.headers.items()
        if name.lower() not in OF_ONE_REQUEST
    }
    return http.method, http.path_qs, headers, request.parameters


READS: Final[dict[str, Callable[[AwsRegistries, Registry], Awaitable[object]]]] = {
    "DescribeRegistry": lambda registries, registry: registries.describe(registry),
    "GetAccountSetting": lambda registries, registry: registries.account_setting(registry, "A"),
    "DescribeRepositories": lambda registries, registry: registries.describe_repositories(registry),
    "DescribeImageReplicationStatus": lambda registries, registry: registries.replication_statuses(
        registry, "base/go", "sha256:1"
    ),
}


ROLE: Final = "arn:aws:iam::000000000001:role/é"
WRITES: Final[dict[str, Callable[[AwsRegistries, Registry], Awaitable[object]]]] = {
    "PutReplicationConfiguration": lambda registries, registry: registries.put_replication(
        registry, {"rules": [{"destinations": [{"region": "eu-west-1", "registryId": "1" * 12}]}]}
    ),
    "PutRegistryPolicy": lambda registries, registry: registries.put_policy(
        registry, {"Statement": [{"Principal": {"AWS": ROLE}}]}
    ),
    "DeleteRegistryPolicy": lambda registries, registry: registries.delete_policy(registry),
    "CreateRepositoryCreationTemplate": lambda registries, registry: registries.create_template(
        registry, {"prefix": "base", "appliedFor": ["REPLICATION"], "description": "é\u2028"}
    ),
}


@pytest.mark.parametrize("operation", READS | WRITES)
async def test_a_repeated_call_is_the_sdks(edge: Edge, operation: str) -> None:
    """Method, path, headers and body of the second call are those of the first, and what is signed
    is the same."""
    document = {
        "registryId": "000000000001",
        "replicationConfiguration": {"rules": []},
        "repositories": [],
        "repositoryName": "base/go",
        "name": "A",
        "policyText": "{}",
        "repositoryCreationTemplate": {},
    }
    edge.aws.script(operation, *[edge.aws.reply(document)] * 2)
    async with edge.open() as registries:
        for _ in range(2):
            await (READS | WRITES)[operation](registries, edge.registry())
    first, second = edge.aws.calls(operation)
    assert as_sent(first) == as_sent(second)
    signed = [
        request.http.headers["Authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
        for request in (first, second)
    ]
    assert set(signed[0]) - OF_ONE_REQUEST == set(signed[1]) - OF_ONE_REQUEST


QUESTION: Final = Question(
    principal="arn:aws:iam::000000000001:role/fleet",
    resources={"iam:PassRole": ("arn:aws:iam::000000000001:role/a b+c/é",)},
    service="ecr.amazonaws.com",
)


def allowed(name: str) -> web.Response:
    """IAM's answer to QUESTION."""
    result = "<EvalActionName>iam:PassRole</EvalActionName><EvalDecision>allowed</EvalDecision>"
    text = f"<EvaluationResults><member>{result}</member></EvaluationResults>"
    text = f"<{name}Response><{name}Result>{text}</{name}Result></{name}Response>"
    return web.Response(text=text, content_type="text/xml")


async def test_a_repeated_form_is_the_sdks(edge: Edge) -> None:
    """The same for STS and IAM, which take forms: only the role differs, and whatever the
    characters of a form, IAM reads the same."""

    async def decided(request: Request) -> web.Response:
        return allowed(request.operation)

    edge.aws.script("SimulatePrincipalPolicy", decided, decided)
    accounts = [edge.account(number, external_id=Secret(f"a+/:=@{number}")) for number in (1, 2)]
    async with edge.open(edge.inventory(*accounts)) as registries:
        for _ in range(2):
            await registries.access.simulate(edge.registry().account, QUESTION)
        await registries.describe(edge.registry(2))
    for operation, own in (
        ("SimulatePrincipalPolicy", ()),
        ("AssumeRole", ("RoleArn", "ExternalId")),
    ):
        first, second = edge.aws.calls(operation)
        for request in (first, second):
            for name in own:
                assert request.parameters.pop(name)
        lengths = [request.http.headers["Content-Length"] for request in (first, second)]
        assert lengths[0] == lengths[1]
        # Only the SDK itself numbers its requests.
        assert "amz-sdk-invocation-id" not in second.http.headers
        assert as_sent(first) == as_sent(second)


async def test_a_page_in_place_of_a_repeated_form_is_garbage(edge: Edge) -> None:
    """A proxy's page is never a session, and is retried."""
    page = edge.aws.say("<html><body>sign in")
    edge.aws.script("AssumeRole", edge.aws.answer, *[page] * 4)
    async with edge.open(edge.inventory(edge.account(1), edge.account(2))) as registries:
        await registries.describe(edge.registry(1))
        with pytest.raises(CallError) as caught:
            await registries.describe(edge.registry(2))
    assert caught.value.fault.kind is FaultKind.SERVICE
    assert len(edge.aws.calls("AssumeRole")) == 5


TEXTS: Final = st.text(min_size=2, max_size=20)
PARAMETERS: Final = st.fixed_dictionaries(
    {"RoleArn": st.text(min_size=20, max_size=60), "RoleSessionName": TEXTS},
    optional={
        "DurationSeconds": st.integers(900, 43_200),
        "Tags": st.lists(st.fixed_dictionaries({"Key": TEXTS, "Value": TEXTS}), max_size=3),
        "SourceIdentity": TEXTS,
        "Policy": TEXTS,
        "ExternalId": TEXTS,
    },
)


@pytest.fixture(scope="module")
def sts() -> Iterator[tuple[Any, RepeatedCall]]:
    """The SDK's own client of STS, and the call that repeats its AssumeRole."""
    keys = {"aws_access_key_id": "AKIAEXAMPLE", "aws_secret_access_key": "secret"}
    client = Session().create_client("sts", region_name="eu-west-1", **keys)
    first: list[Any] = []

    def keep(request: Any, **_: object) -> None:
        first.append(request)
        raise BodySentError(request.body)

    client.meta.events.register("before-send.sts.AssumeRole", keep)
    with pytest.raises(BodySentError):
        client.assume_role(RoleArn="arn:aws:iam::000000000001:role/fleet", RoleSessionName="any")
    repeated = repeated_call(cast(HttpSession, None), first[0], client, "AssumeRole")
    assert repeated is not None
    yield client, repeated
    client.close()


class BodySentError(Exception):
    """The body of a request, in place of sending it."""


@given(parameters=PARAMETERS)
def test_a_form_is_the_sdks_byte_for_byte(
    sts: tuple[Any, RepeatedCall], parameters: dict[str, object]
) -> None:
    """Tags, source identity, policy and external id of any characters are spelled as by the SDK."""
    client, repeated = sts
    with pytest.raises(BodySentError) as sent:
        client.assume_role(**parameters)
    call = Call(
        service="sts", operation="AssumeRole", region=Region("eu-west-1"), parameters=parameters
    )
    (body,) = sent.value.args
    assert repeated._body(call) == (body.encode() if isinstance(body, str) else body)


@given(
    st.one_of(
        st.datetimes(
            timezones=st.sampled_from((UTC, timezone(timedelta(hours=-5, minutes=30))))
        ).map(datetime.isoformat),
        st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)).map(
            "{:%Y-%m-%dT%H:%M:%SZ}".format
        ),
        st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)).map(
            "{:%a, %d %b %Y %H:%M:%S GMT}".format
        ),
        st.integers(0, 2**32).map(str),
        st.text("0123456789-:TZ+. ", max_size=25),
    )
)
def test_a_time_is_the_sdks(text: str) -> None:
    """However an answer spells a time, it is the instant that the SDK reads."""
    try:
        expected = parse_timestamp(text)
    except Exception:  # noqa: BLE001 - the SDK raises what it likes
        return
    assert cast(datetime, _timestamp(text)) == expected


async def test_each_call_has_its_own_session(edge: Edge) -> None:
    """A repeated call is signed for its own account, with nothing of the account before it."""
    accounts = [edge.account(number) for number in (1, 2, 3)]
    async with edge.open(edge.inventory(*accounts)) as registries:
        for number in (1, 2, 3):
            document = await registries.describe(edge.registry(number))
            assert document["registryId"] == f"{number:012}"
    keys = [request.key for request in edge.aws.calls("DescribeRegistry")]
    assert len({*keys}) == 3
    tokens = [
        request.http.headers["X-Amz-Security-Token"]
        for request in edge.aws.calls("DescribeRegistry")
    ]
    assert tokens == [f"token of {key}" for key in keys]


async def test_an_error_is_the_sdks(edge: Edge) -> None:
    """The error of a repeated call has code, message, kind and request id, as that of a first."""
    refusal = edge.aws.refuse("InvalidParameterException", "not so")
    faults = []
    for earlier in (0, 1):
        edge.aws.script("DescribeRegistry", *[edge.aws.answer] * earlier, refusal)
        async with edge.open() as registries:
            for _ in range(earlier):
                await registries.describe(edge.registry())
            with pytest.raises(CallError) as caught:
                await registries.describe(edge.registry())
            faults.append(caught.value.fault)
    assert all(fault.request_id for fault in faults)
    assert [(fault.kind, fault.code, fault.message, fault.hint) for fault in faults] == [
        (FaultKind.INVALID, "InvalidParameterException", "not so", faults[0].hint)
    ] * 2


ODD: Final[tuple[tuple[int, dict[str, str], bytes], ...]] = (
    (400, {}, b'{"__type":"com.amazonaws.ecr#InvalidParameterException","message":"m"}'),
    (400, {}, b'{"__type":"InvalidParameterException:http://x","Message":"m"}'),
    (400, {"x-amzn-errortype": "ServerException:x"}, b'{"message":"m"}'),
    (400, {"x-amzn-query-error": "Other;Sender"}, b'{"__type":"InvalidParameterException"}'),
    (400, {}, b'{"__type":5,"message":[1]}'),
    (400, {}, b'{"__type":"ExpiredTokenException","message":"expired"}'),
    (400, {}, b'{"__type":"InvalidSignatureException","message":"Signature expired: 2020"}'),
    (302, {"Location": "http://127.0.0.1:1/"}, b""),
    (400, {}, b""),
    (403, {}, b"[]"),
    (400, {}, b"\xff\xfe{"),
    (503, {}, b"<html>"),
    (204, {}, b""),
    (200, {}, b"[1]"),
    (200, {}, b'{"registryId":"000000000002","replicationConfiguration":{"rules":[]}}'),
)
"""Answers that are errors, or none of ECR's: status, headers and body."""


@pytest.mark.parametrize(("status", "headers", "body"), ODD)
async def test_an_odd_answer_is_the_sdks(
    edge: Edge, status: int, headers: dict[str, str], body: bytes
) -> None:
    """Whatever comes back means the same after a repeated call as after a first."""

    async def answer(request: Request) -> web.Response:
        named = {"x-amzn-RequestId": "00000000-0000-0000-0000-000000000001", **headers}
        return web.Response(status=status, headers=named, body=body)

    faults = []
    for earlier in (0, 1):
        edge.aws.scripts.clear()
        edge.aws.script("DescribeRegistry", *[edge.aws.answer] * earlier, *[answer] * 4)
        async with edge.open() as registries:
            for _ in range(earlier):
                await registries.describe(edge.registry())
            with pytest.raises(CallError) as caught:
                await registries.describe(edge.registry())
            faults.append(caught.value.fault)
    assert faults[0] == faults[1]


@pytest.fixture
def by_sdk(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The operations that the SDK itself makes, in order."""
    made: list[str] = []
    send_by_sdk = Clients._send_by_sdk

    async def send(clients: Clients, call: Call, credentials: ReadOnlyCredentials) -> object:
        made.append(call.operation)
        return await send_by_sdk(clients, call, credentials)

    monkeypatch.setattr(Clients, "_send_by_sdk", send)
    return made


async def test_the_sdk_validates_every_write(edge: Edge, by_sdk: list[str]) -> None:
    """A write that is repeated is refused like a first one, and not sent, where it holds what the
    SDK does not know: ECR would drop it."""
    unknown: JsonObject = {"rules": [], "later": 1}
    faults = []
    for earlier in (0, 1):
        async with edge.open() as registries:
            for _ in range(earlier):
                await registries.put_replication(edge.registry(), {"rules": []})
            with pytest.raises(CallError) as caught:
                await registries.put_replication(edge.registry(), unknown)
            faults.append(caught.value.fault)
    assert faults[0] == faults[1]
    assert 'Unknown parameter in replicationConfiguration: "later"' in faults[0].message
    assert by_sdk.count("PutReplicationConfiguration") == 2
    assert len(edge.aws.calls("PutReplicationConfiguration")) == 1


async def test_calls_in_flight_are_repeated(edge: Edge, by_sdk: list[str]) -> None:
    """Of calls that are made at the same time the SDK makes one: the others repeat its request
    while its answer is still to come."""
    accounts = [edge.account(number) for number in range(1, 6)]
    async with (
        edge.open(edge.inventory(*accounts)) as registries,
        anyio.create_task_group() as group,
    ):
        for number in range(1, 6):
            group.start_soon(registries.describe, edge.registry(number))
    assert len(edge.aws.calls("DescribeRegistry")) == 5
    assert sorted(by_sdk) == ["AssumeRole", "DescribeRegistry", "GetCallerIdentity"]


SPELLED: Final[tuple[tuple[dict[str, str], str], ...]] = (
    ({}, "RegistryPolicyNotFoundException"),
    ({}, "com.amazonaws.ecr#RegistryPolicyNotFoundException"),
    ({"x-amzn-query-error": "RegistryPolicyNotFoundException;Sender"}, "Other"),
)


@pytest.mark.parametrize(("headers", "code"), SPELLED)
async def test_no_policy_is_an_answer(edge: Edge, headers: dict[str, str], code: str) -> None:
    """However ECR spells that there is no policy, that is no failure, in a first call and in
    later ones."""

    async def answer(request: Request) -> web.Response:
        body = json.dumps({"__type": code, "message": "none"})
        return web.Response(status=400, headers=headers, text=body)

    edge.aws.script("GetRegistryPolicy", *[answer] * 2)
    async with edge.open() as registries:
        for _ in range(2):
            assert await registries.read_policy(edge.registry()) is None
        assert registries.statistics().calls["ecr", "GetRegistryPolicy", "ok"] == 2


async def test_another_signature_is_left_to_the_sdk(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An SDK that signs in a way nobody knows here makes every call itself: no call fails."""
    monkeypatch.setattr("fleet_repl.aws.repeated_calls._SIGNED", re.compile("never"))
    async with edge.open() as registries:
        for _ in range(3):
            document = await registries.describe(edge.registry())
            assert document["registryId"] == "000000000001"
    invocations = {
        request.http.headers["amz-sdk-invocation-id"]
        for request in edge.aws.calls("DescribeRegistry")
    }
    assert len(invocations) == 3
