"""A 200 whose body is not the answer: tried again, and never taken for "nothing there"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from fleet_repl.values.errors import CallError, FaultKind, IdentityError

if TYPE_CHECKING:
    from tests.aws.conftest import Edge, Request

WHOLE = '"registryId": "000000000001"'
NO_RULES = "the answer holds no replicationConfiguration.rules"
NO_TEXT = "the answer's policyText is no JSON object"
NO_STATEMENT = "the answer's policyText holds a statement that is no object"
RULES = '"rules": []'
CONFIGURATION = f'"replicationConfiguration": {{{RULES}}}'


def twice(key: str, what: str = "the answer") -> str:
    """What is said of a text that names a key twice: one of the two would be lost."""
    return f'{what} has no one meaning: an object names the key "{key}" twice'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the answer is no JSON object"),
        ("<html>ok</html>", "the answer is no JSON object"),
        ("[]", "the answer is no JSON object"),
        ('{"registryId": "0000', "the answer is no JSON object"),
        ("[" * 100_000, "the answer is no JSON object"),
        ("{}", "the answer holds no registryId"),
        ('{"replicationConfiguration": {"rules": []}}', "the answer holds no registryId"),
        ("{" + WHOLE + "}", NO_RULES),
        ("{" + WHOLE + ', "replicationConfiguration": null}', NO_RULES),
        ("{" + WHOLE + ', "replicationConfiguration": {}}', NO_RULES),
        ("{" + WHOLE + ', "replicationConfiguration": {"rules": null}}', NO_RULES),
        ("{" + WHOLE + f', "replicationConfiguration": {{{RULES}, {RULES}}}}}', twice("rules")),
        ("{" + WHOLE + ', "replicationConfiguration": {"rules": [{}, "x"]}}', NO_RULES),
        (
            "{" + WHOLE + f", {CONFIGURATION}, {CONFIGURATION}}}",
            twice("replicationConfiguration"),
        ),
        (
            "{" + WHOLE + ', "replicationConfiguration": {"rules": [{"destinations": [{'
            '"region": "eu-west-1", "region": "us-east-1"}]}]}}',
            twice("region"),
        ),
    ],
)
async def test_a_registry_is_never_read_from_half_an_answer(
    edge: Edge, text: str, message: str
) -> None:
    """Once is retried; for good is a fault of the service."""
    edge.aws.script("DescribeRegistry", edge.aws.say(text))
    async with edge.open() as registries:
        assert (await registries.describe(edge.registry()))["registryId"] == "000000000001"
        edge.aws.script("DescribeRegistry", *[edge.aws.say(text)] * 4)
        with pytest.raises(CallError) as caught:
            await registries.describe(edge.registry())
    fault = caught.value.fault
    assert (fault.kind, fault.message) == (FaultKind.SERVICE, message)
    assert fault.hint == (
        "something on the way may have answered in AWS's place: check the proxy and "
        "AWS_ENDPOINT_URL"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "the answer holds no registryId"),
        ("{" + WHOLE + "}", "the answer holds no policyText"),
        ("{" + WHOLE + ', "policyText": {}}', "the answer holds no policyText"),
        ('{"policyText": "{}"}', "the answer holds no registryId"),
        ("{" + WHOLE + ', "policyText": ""}', NO_TEXT),
        ("{" + WHOLE + ', "policyText": "[]"}', NO_TEXT),
        ("{" + WHOLE + ', "policyText": "{"}', NO_TEXT),
        ("{" + WHOLE + r', "policyText": "{\"Statement\": [{}, 1]}"}', NO_STATEMENT),
        ("{" + WHOLE + r', "policyText": "{\"Statement\": \"x\"}"}', NO_STATEMENT),
        ("{" + WHOLE + ', "policyText": "{}", "policyText": "{}"}', twice("policyText")),
        (
            "{" + WHOLE + r', "policyText": "{\"Statement\": [], \"Statement\": []}"}',
            twice("Statement", "the answer's policyText"),
        ),
        (
            "{" + WHOLE + r', "policyText": "{\"Statement\": [{\"Sid\": \"a\", \"Sid\": \"b\"}]}"}',
            twice("Sid", "the answer's policyText"),
        ),
    ],
)
async def test_a_policy_is_never_read_from_half_an_answer(
    edge: Edge, text: str, message: str
) -> None:
    """An empty answer would read as "no policy", and foreign statements be overwritten."""
    edge.aws.script("GetRegistryPolicy", *[edge.aws.say(text)] * 4)
    async with edge.open() as registries:
        with pytest.raises(CallError) as caught:
            await registries.read_policy(edge.registry())
    assert (caught.value.fault.kind, caught.value.fault.message) == (FaultKind.SERVICE, message)
    assert len(edge.aws.calls("GetRegistryPolicy")) == 4


@pytest.mark.parametrize("text", ["", "{}", "nothing of the kind"])
@pytest.mark.parametrize(
    ("operation", "write", "document"),
    [
        ("PutReplicationConfiguration", "put_replication", {"rules": []}),
        ("PutRegistryPolicy", "put_policy", {"Statement": []}),
        ("DeleteRegistryPolicy", "delete_policy", None),
    ],
)
async def test_a_write_may_have_happened(
    edge: Edge, operation: str, write: str, document: object, text: str
) -> None:
    """Only a read can tell, so the failure says so and the caller settles it."""
    edge.aws.script(operation, edge.aws.say(text))
    arguments = [edge.registry()] if document is None else [edge.registry(), document]
    async with edge.open() as registries:
        with pytest.raises(CallError) as caught:
            await getattr(registries, write)(*arguments)
    assert caught.value.fault.kind is FaultKind.SERVICE
    assert (caught.value.transient, caught.value.uncertain) == (True, True)
    assert len(edge.aws.calls(operation)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "<html><body>sign in to the guest network</body></html>",
        "<AssumeRoleResponse/>",
        "<AssumeRoleResponse><AssumeRoleResult/></AssumeRoleResponse>",
        (
            "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA1</AccessKeyId>"
            "<Expiration>soon</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
        ),
        (
            "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA1</AccessKeyId>"
            "<SecretAccessKey/><SessionToken>t</SessionToken><Expiration>2026-11-23T09:00:00Z"
            "</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
        ),
    ],
)
async def test_a_session_needs_all_its_parts(edge: Edge, text: str) -> None:
    """AssumeRole is asked again until it gives one, and then the registry is read."""
    edge.aws.script("AssumeRole", edge.aws.say(text))
    async with edge.open() as registries:
        await registries.describe(edge.registry())
    assert len(edge.aws.calls("AssumeRole")) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<html/>", "the answer cannot be parsed"),
        (
            (
                "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>me</Arn>"
                "</GetCallerIdentityResult></GetCallerIdentityResponse>"
            ),
            "the answer holds no identity's ARN",
        ),
    ],
)
async def test_an_identity_needs_an_arn(edge: Edge, text: str, message: str) -> None:
    """Whatever answers in STS's place is not AWS."""
    edge.aws.script("GetCallerIdentity", *[edge.aws.say(text)] * 4)
    with pytest.raises(IdentityError) as caught:
        async with edge.open():
            pass
    assert str(caught.value) == (
        f"STS could not be asked who the base identity is: GetCallerIdentity: service: {message}\n"
        "    something on the way may have answered in AWS's place: check the proxy and "
        "AWS_ENDPOINT_URL"
    )


@pytest.mark.parametrize(
    ("status", "text", "kind", "code"),
    [
        (403, "<html>forbidden</html>", FaultKind.ACCESS_DENIED, "403"),
        (403, "", FaultKind.ACCESS_DENIED, "403"),
        (404, "not here", FaultKind.INVALID, "404"),
        (502, "<html>bad gateway</html>", FaultKind.SERVICE, "502"),
        (503, "[]", FaultKind.SERVICE, None),
    ],
)
async def test_a_proxys_error_page_is_judged_by_its_status(
    edge: Edge, status: int, text: str, kind: FaultKind, code: str | None
) -> None:
    """It has none of AWS's codes, so it is no answer of AWS's: it is tried again."""
    edge.aws.script("DescribeRegistry", *[edge.aws.say(text, status)] * 4)
    async with edge.open() as registries:
        with pytest.raises(CallError) as caught:
            await registries.describe(edge.registry())
    assert (caught.value.fault.kind, caught.value.fault.code) == (kind, code)
    assert not caught.value.transient
    assert len(edge.aws.calls("DescribeRegistry")) == 4


async def test_a_page_in_answer_to_a_write_tells_nothing_of_it(edge: Edge) -> None:
    """The write may have happened before something on the way answered."""
    edge.aws.script("PutReplicationConfiguration", edge.aws.say("<html>no</html>", 403))
    async with edge.open() as registries:
        with pytest.raises(CallError) as caught:
            await registries.put_replication(edge.registry(), {"rules": []})
    assert (caught.value.transient, caught.value.uncertain) == (True, True)


@pytest.mark.parametrize("status", [200, 400])
async def test_an_answer_is_bounded(edge: Edge, status: int) -> None:
    """What is larger than any answer is not read to its end, and is no answer."""
    sent: list[int] = []

    async def endless(request: Request) -> Any:
        response = web.StreamResponse(status=status)
        await response.prepare(request.http)
        piece = b" " * 1024**2
        try:
            for number in range(200):
                await response.write(piece)
                sent.append(number)
        except ConnectionError:
            pass
        return response

    edge.aws.script("DescribeRegistry", *[endless] * 4)
    async with edge.open() as registries:
        with pytest.raises(CallError) as caught:
            await registries.describe(edge.registry())
    assert caught.value.fault.message == "the answer is larger than 8,388,608 bytes"
    assert len(sent) < 4 * 60
