"""Who may speak at all: keys that were issued here, and requests signed with their secrets."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from tests.support.served import Served

HUB = "1" * 12
DESCRIBE = {"X-Amz-Target": "AmazonEC2ContainerRegistry_V20150921.DescribeRegistry"}
NO_MATCH = (
    "The request signature we calculated does not match the signature you provided. Check your "
    "AWS Secret Access Key and signing method. Consult the service documentation for details."
)
INVALID_TOKEN = "The security token included in the request is invalid."


async def test_a_client_with_another_secret_is_refused(aws: Served) -> None:
    """The key id is known, the secret is not the one that was issued: both services say so."""
    wrong = Credentials(aws.server.access_key_id, "x" * 40)
    async with aws.client("sts", wrong) as sts:
        with pytest.raises(ClientError) as by_sts:
            await sts.get_caller_identity()
    async with aws.client("ecr", wrong) as ecr:
        with pytest.raises(ClientError) as by_ecr:
            await ecr.describe_registry()
    assert error_of(by_sts) == ("SignatureDoesNotMatch", NO_MATCH, 403)
    assert error_of(by_ecr) == ("InvalidSignatureException", NO_MATCH, 400)
    assert aws.world.calls.total() == 0


async def test_a_key_that_was_not_issued_here(aws: Served) -> None:
    """ECR and STS have different codes for it."""
    unknown_key = Credentials("AKIAAAAAAAAAAAAAAAAA", "x" * 40)
    async with aws.client("sts", unknown_key) as sts:
        with pytest.raises(ClientError) as by_sts:
            await sts.get_caller_identity()
    async with aws.client("ecr", unknown_key) as ecr:
        with pytest.raises(ClientError) as by_ecr:
            await ecr.describe_registry()
    assert error_of(by_sts) == ("InvalidClientTokenId", INVALID_TOKEN, 403)
    assert error_of(by_ecr) == ("UnrecognizedClientException", INVALID_TOKEN, 400)


async def test_the_session_token_belongs_to_its_key(aws: Served) -> None:
    """Another session's token, or none, makes a session's key worthless."""
    mine, other = await aws.session(HUB), await aws.session(HUB)
    for token in (other.token, None):
        mixed = Credentials(mine.access_key, mine.secret_key, token)
        answer = await aws.ecr("DescribeRegistry", key=mixed)
        assert answer.error == ("UnrecognizedClientException", INVALID_TOKEN)


async def test_a_body_changed_on_the_way_is_noticed(aws: Served) -> None:
    """The signature covers the body."""
    headers = aws.signed("ecr", b"{}", DESCRIBE, await aws.session(HUB), "us-east-1")
    answer = await aws.send(b"{ }", headers)
    assert answer.error == ("InvalidSignatureException", NO_MATCH)
    assert (await aws.send(b"{}", headers)).status == 200


async def test_a_target_changed_on_the_way_is_noticed(aws: Served) -> None:
    """The signature covers the headers that were signed."""
    headers = aws.signed("ecr", b"{}", DESCRIBE, await aws.session(HUB), "us-east-1")
    headers["X-Amz-Target"] = headers["X-Amz-Target"].replace("DescribeRegistry", "PutImage")
    assert (await aws.send(b"{}", headers)).error == ("InvalidSignatureException", NO_MATCH)


async def test_a_query_that_was_not_signed_is_noticed(aws: Served) -> None:
    """The signature covers the query string."""
    headers = aws.signed("ecr", b"{}", DESCRIBE, await aws.session(HUB), "us-east-1")
    answer = await aws.send(b"{}", headers, path="/?x=1")
    assert answer.error == ("InvalidSignatureException", NO_MATCH)


async def test_no_signature_at_all(aws: Served) -> None:
    """The target header tells in which protocol to say so."""
    message = "Request is missing Authentication Token"
    by_ecr, by_sts = await aws.send(b"{}", DESCRIBE), await aws.send(b"", {})
    assert (by_ecr.status, by_ecr.error) == (400, ("MissingAuthenticationTokenException", message))
    assert (by_sts.status, by_sts.error) == (403, ("MissingAuthenticationToken", message))


async def test_an_authorization_that_cannot_be_read(aws: Served) -> None:
    """A header that is no SigV4 is not guessed at."""
    answer = await aws.send(b"{}", {**DESCRIBE, "Authorization": "Basic eDp5"})
    assert answer.error == ("IncompleteSignatureException", "The request signature is incomplete.")


async def test_the_scope_is_of_the_day_of_signing(aws: Served) -> None:
    """A credential scope of another day is refused in AWS's words."""
    headers = aws.signed("ecr", b"{}", DESCRIBE, await aws.session(HUB), "us-east-1")
    headers["X-Amz-Date"] = "20010101T000000Z"
    code, message = (await aws.send(b"{}", headers)).error
    assert code == "InvalidSignatureException"
    assert message.startswith("Date in Credential scope does not match YYYYMMDD from ISO-8601")
    assert message.endswith(" != '20010101'.")


@pytest.mark.parametrize("header", ["host", "x-amz-date", "x-amz-security-token"])
async def test_what_has_to_be_signed(aws: Served, header: str) -> None:
    """Host, date and token are worth nothing where the signature leaves them out."""
    headers = aws.signed("ecr", b"{}", DESCRIBE, await aws.session(HUB), "us-east-1")
    text = headers["Authorization"]
    headers["Authorization"] = text.replace(f"{header};", "").replace(f";{header}", "")
    assert headers["Authorization"] != text
    answer = await aws.send(b"{}", headers)
    message = f"'{header}' must be a 'SignedHeader' in the AWS Authorization."
    assert answer.error == ("InvalidSignatureException", message)


async def test_a_service_that_is_not_here(aws: Served) -> None:
    """A good signature for another service gets a plain answer."""
    answer = await aws.send(b"{}", aws.signed("s3", b"{}", {}, aws.base, "us-east-1"))
    message = (
        "The sandbox speaks account, cloudformation, cloudtrail, ec2, ecr, ecs, iam, lambda, "
        "organizations, sqs, sts, not s3"
    )
    assert answer.error == ("UnknownOperationException", message)


def error_of(caught: Any) -> tuple[str, str, int]:
    response = caught.value.response
    error = response["Error"]
    return error["Code"], error["Message"], response["ResponseMetadata"]["HTTPStatusCode"]
