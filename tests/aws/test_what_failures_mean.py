"""From what the SDK raises to a fault for a reader: kind, hint, and whether it can pass."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from botocore import exceptions as sdk
from botocore.exceptions import ClientError

from fleet_repl.aws.error_codes import kind_of
from fleet_repl.aws.faults import translate, unissued
from fleet_repl.aws.redact import clean
from fleet_repl.aws.request import Call, UnparsedAnswerError
from fleet_repl.values.errors import FaultKind
from fleet_repl.values.names import AccountId, Partition, Region, RoleArn

ROLE = RoleArn(partition=Partition.AWS, account=AccountId("111111111111"), path="fleet")
ADD = (
    f"add this to a policy of {ROLE}, and see that no SCP, RCP or permissions boundary denies it:\n"
)
URL = "https://api.ecr.eu-west-1.amazonaws.com/"


def call(operation: str = "DescribeRegistry") -> Call:
    return Call(
        service="sts" if operation == "AssumeRole" else "ecr",
        operation=operation,
        region=Region("eu-west-1"),
        account=AccountId("111111111111"),
        role=ROLE,
    )


def refusal(code: str, message: str = "No.", status: int = 400) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status, "RequestId": "r-1"},
    }
    return ClientError(answer, "DescribeRegistry")


@pytest.mark.parametrize(
    ("code", "status", "kind", "transient", "uncertain"),
    [
        ("AccessDenied", 403, FaultKind.ACCESS_DENIED, False, False),
        ("AccessDeniedException", 400, FaultKind.ACCESS_DENIED, False, False),
        ("UnauthorizedOperation", 403, FaultKind.ACCESS_DENIED, False, False),
        ("InvalidSignatureException", 400, FaultKind.ACCESS_DENIED, False, False),
        ("Throttling", 400, FaultKind.THROTTLED, True, False),
        ("ThrottlingException", 400, FaultKind.THROTTLED, True, False),
        ("TooManyRequestsException", 429, FaultKind.THROTTLED, True, False),
        ("RequestLimitExceeded", 503, FaultKind.THROTTLED, True, False),
        ("SlowDown", 503, FaultKind.THROTTLED, True, False),
        ("Unheard", 429, FaultKind.THROTTLED, True, False),
        ("UnrecognizedClientException", 400, FaultKind.REGION_DISABLED, False, False),
        ("InvalidClientTokenId", 403, FaultKind.REGION_DISABLED, False, False),
        ("RegionDisabledException", 403, FaultKind.REGION_DISABLED, False, False),
        ("OptInRequired", 403, FaultKind.REGION_DISABLED, False, False),
        ("ExpiredToken", 403, FaultKind.EXPIRED, True, False),
        ("ExpiredTokenException", 400, FaultKind.EXPIRED, True, False),
        ("RequestExpired", 400, FaultKind.EXPIRED, False, False),
        ("InvalidParameterException", 400, FaultKind.INVALID, False, False),
        ("ValidationException", 400, FaultKind.INVALID, False, False),
        ("MalformedPolicyDocument", 400, FaultKind.INVALID, False, False),
        ("PackedPolicyTooLarge", 400, FaultKind.INVALID, False, False),
        ("LimitExceededException", 400, FaultKind.INVALID, False, False),
        ("Unheard", 400, FaultKind.INVALID, False, False),
        ("Unheard", 403, FaultKind.ACCESS_DENIED, False, False),
        ("404", 404, FaultKind.INVALID, True, False),
        ("403", 403, FaultKind.ACCESS_DENIED, True, False),
        ("ServerException", 500, FaultKind.SERVICE, True, True),
        ("InternalFailure", 500, FaultKind.SERVICE, True, True),
        ("ServiceUnavailable", 503, FaultKind.SERVICE, True, True),
        ("502", 502, FaultKind.SERVICE, True, True),
        ("RequestTimeout", 408, FaultKind.TIMEOUT, True, True),
        ("Unheard", 408, FaultKind.TIMEOUT, True, True),
    ],
)
def test_error_answers(
    code: str, status: int, kind: FaultKind, transient: bool, uncertain: bool
) -> None:
    """AWS's codes, and the HTTP status where the code says nothing."""
    error = translate(refusal(code, status=status), call())
    assert (error.fault.kind, error.transient, error.uncertain) == (kind, transient, uncertain)
    assert (error.fault.code, error.fault.request_id) == (code, "r-1")
    assert error.fault.message == "No."


def test_a_rate_is_reported_by_the_message_too() -> None:
    """ECR throttles with "Rate exceeded" under more than one code."""
    assert kind_of("ClientException", 400, "Rate exceeded", "ecr") is FaultKind.THROTTLED
    assert kind_of("ClientException", 400, "rate exceeded.", "ecr") is FaultKind.THROTTLED
    assert kind_of("RequestThrottledByProxy", 400, "", "ecr") is FaultKind.THROTTLED


def test_unknown_credentials_mean_another_thing_to_sts() -> None:
    """STS knows every key; ECR in a disabled region knows none."""
    assert kind_of("InvalidClientTokenId", 403, "", "sts") is FaultKind.ACCESS_DENIED


KEY = aiohttp.client_reqrep.ConnectionKey("ecr", 443, True, True, None, None, None)
REFUSED = aiohttp.ClientConnectorError(KEY, ConnectionRefusedError(111, "refused"))


def test_a_region_that_is_misspelt() -> None:
    """Nobody knows the name of its endpoint, which may also be the fault of the way there."""
    unknown = aiohttp.ClientConnectorDNSError(KEY, OSError(-2, "Name or service not known"))
    error = sdk.EndpointConnectionError(endpoint_url=URL, error=unknown)
    fault = translate(error, replace(call(), region=Region("eu-wset-1"))).fault
    way = "check the way to AWS: name resolution, proxy, AWS_ENDPOINT_URL"
    assert (fault.kind, fault.hint) == (
        FaultKind.NETWORK,
        f"{way}; and see that there is a region eu-wset-1",
    )
    refused = sdk.EndpointConnectionError(endpoint_url=URL, error=REFUSED)
    assert translate(refused, call()).fault.hint == way


@pytest.mark.parametrize(
    ("error", "kind", "transient", "uncertain"),
    [
        (sdk.ConnectTimeoutError(endpoint_url=URL), FaultKind.TIMEOUT, True, False),
        (sdk.ReadTimeoutError(endpoint_url=URL), FaultKind.TIMEOUT, True, True),
        (sdk.ConnectionClosedError(endpoint_url=URL), FaultKind.NETWORK, True, True),
        (
            sdk.EndpointConnectionError(endpoint_url=URL, error=REFUSED),
            FaultKind.NETWORK,
            True,
            False,
        ),
        (
            sdk.EndpointConnectionError(
                endpoint_url=URL, error=aiohttp.ClientOSError(104, "Connection reset by peer")
            ),
            FaultKind.NETWORK,
            True,
            True,
        ),
        (
            sdk.ProxyConnectionError(proxy_url="http://proxy", error=OSError("x")),
            FaultKind.NETWORK,
            True,
            False,
        ),
        (sdk.HTTPClientError(error=RuntimeError("x")), FaultKind.NETWORK, True, True),
        (sdk.HTTPClientError(error=FileNotFoundError("x")), FaultKind.NETWORK, False, False),
        (sdk.HTTPClientError(error=aiohttp.InvalidURL("x")), FaultKind.INVALID, False, False),
        (sdk.ParamValidationError(report="r"), FaultKind.INVALID, False, False),
        (UnparsedAnswerError(200), FaultKind.SERVICE, True, False),
        (ZeroDivisionError("x"), FaultKind.INTERNAL, False, False),
    ],
)
def test_everything_else_the_sdk_raises(
    error: Exception, kind: FaultKind, transient: bool, uncertain: bool
) -> None:
    """What was surely not sent is certain; nothing leaves as it came."""
    fault = translate(error, call())
    assert (fault.fault.kind, fault.transient, fault.uncertain) == (kind, transient, uncertain)


@pytest.mark.parametrize(
    "error",
    [
        sdk.CredentialRetrievalError(provider="p", error_msg="m"),
        sdk.UnauthorizedSSOTokenError(),
        RuntimeError("Credentials were refreshed, but the refreshed ones are still expired."),
        ValueError(),
    ],
)
def test_credentials_that_their_source_does_not_give(error: Exception) -> None:
    """Whatever it raises, it is the source that has to be looked after."""
    fault = unissued(error, call())
    assert (fault.fault.kind, fault.transient, fault.uncertain) == (FaultKind.EXPIRED, False, False)
    assert fault.fault.message.startswith("the base identity's credentials cannot be had: ")


@pytest.mark.parametrize(
    ("operation", "code", "hint"),
    [
        (
            "DescribeRegistry",
            "AccessDeniedException",
            f'{ADD}{{"Effect":"Allow","Action":"ecr:DescribeRegistry","Resource":"*"}}',
        ),
        (
            "PutReplicationConfiguration",
            "AccessDeniedException",
            (
                f'{ADD}{{"Effect":"Allow","Action":"ecr:PutReplicationConfiguration",'
                '"Resource":"*"},\n'
                '{"Effect":"Allow","Action":"iam:CreateServiceLinkedRole","Resource":'
                '"arn:aws:iam::*:role/aws-service-role/replication.ecr.amazonaws.com/*",'
                '"Condition":{"StringEquals":{"iam:AWSServiceName":'
                '"replication.ecr.amazonaws.com"}}}'
            ),
        ),
        (
            "DescribeRegistry",
            "UnrecognizedClientException",
            (
                "enable it, or take it out of the account's regions:\n"
                "aws account enable-region --account-id 111111111111 --region-name eu-west-1"
            ),
        ),
        (
            "DescribeRegistry",
            "ThrottlingException",
            (
                "others use up this quota of the account: run again when they are done, or raise "
                "[apply] deadline"
            ),
        ),
        (
            "AssumeRole",
            "Throttling",
            (
                "others use up this quota of STS: run again when they are done, or raise [apply] "
                "deadline"
            ),
        ),
        (
            "AssumeRole",
            "InvalidClientTokenId",
            (
                "STS in eu-west-1 does not know the caller's credentials: renew them, and see that "
                "they are of the inventory's partition; where they are good, set [aws] sts_region "
                "to a region that the caller's account has enabled, which an opt-in region is not "
                "by itself"
            ),
        ),
        (
            "AssumeRole",
            "AccessDenied",
            (
                "see that arn:aws:iam::111111111111:role/fleet exists and trusts whoever assumes "
                "it without an external id (the inventory has none), that the latter may "
                "sts:AssumeRole it, and that no SCP or RCP denies it; this prints what makes the "
                "role:\nfleet-repl bootstrap INVENTORY"
            ),
        ),
        (
            "AssumeRole",
            "RegionDisabledException",
            "set [aws] sts_region to a region that is enabled",
        ),
        (
            "DescribeRegistry",
            "InvalidSignatureException",
            (
                "the secret key is wrong, or something on the way alters requests: check the "
                "credentials and the proxy"
            ),
        ),
        ("DescribeRegistry", "ServerException", "the failure is on AWS's side: run again later"),
    ],
)
def test_hints(operation: str, code: str, hint: str) -> None:
    """What to do, with the names it takes."""
    assert translate(refusal(code), call(operation)).fault.hint == hint


DENIED = "User: arn:aws:sts::1:assumed-role/fleet/x is not authorized to perform: "
TEMPLATE_ROLE = "arn:aws:iam::111111111111:role/templates"


@pytest.mark.parametrize(
    ("operation", "code", "said", "hint"),
    [
        (
            "StartReplicationBackfill",
            "UnknownOperationException",
            "",
            (
                "the ECR API of eu-west-1 does not offer this call yet: images there can be pushed "
                "again instead; run this again once AWS has brought the call to eu-west-1"
            ),
        ),
        (
            "DescribeRepositoryCreationTemplates",
            "UnknownOperationException",
            "",
            (
                "the ECR API of eu-west-1 does not offer this call yet: run this again once AWS "
                "has brought the call to eu-west-1"
            ),
        ),
        (
            "StartReplicationBackfill",
            "LimitExceededException",
            "",
            "a registry has 10 backfills in progress at the most: wait until one has ended",
        ),
        (
            "CreateRepositoryCreationTemplate",
            "LimitExceededException",
            "",
            (
                "the registry has as many creation templates as its quota allows: delete some, or "
                "have it raised"
            ),
        ),
        (
            "StartReplicationBackfill",
            "ReplicationBackfillInProgressException",
            "",
            "one backfill at a time runs into a destination region: wait until that one has ended",
        ),
        (
            "DescribeReplicationBackfillResults",
            "ReplicationBackfillNotFoundException",
            "",
            "ECR forgets a backfill 90 days after it has ended",
        ),
        (
            "CreateRepositoryCreationTemplate",
            "TemplateAlreadyExistsException",
            "",
            "somebody has made a template of this prefix since it was read: plan again",
        ),
        (
            "UpdateRepositoryCreationTemplate",
            "TemplateNotFoundException",
            "",
            "somebody has deleted the template since it was read: plan again",
        ),
        (
            "DescribeImageReplicationStatus",
            "ImageNotFoundException",
            "",
            "the image has gone since it was listed: run again",
        ),
        (
            "DescribeImages",
            "RepositoryNotFoundException",
            "",
            "the repository has gone since it was listed: run again",
        ),
        ("DescribeImages", "LimitExceededException", "", None),
        (
            "CreateRepositoryCreationTemplate",
            "AccessDeniedException",
            "No.",
            (
                f'{ADD}{{"Effect":"Allow","Action":"ecr:CreateRepositoryCreationTemplate",'
                '"Resource":"*"},\n'
                f'{{"Effect":"Allow","Action":"iam:PassRole","Resource":"{TEMPLATE_ROLE}"}}'
            ),
        ),
        (
            "UpdateRepositoryCreationTemplate",
            "AccessDeniedException",
            f"{DENIED}iam:PassRole on resource: {TEMPLATE_ROLE}",
            f'{ADD}{{"Effect":"Allow","Action":"iam:PassRole","Resource":"{TEMPLATE_ROLE}"}}',
        ),
        (
            "UpdateRepositoryCreationTemplate",
            "InvalidParameterException",
            f"{DENIED}ecr:PutLifecyclePolicy on resource: *",
            f'{ADD}{{"Effect":"Allow","Action":"ecr:PutLifecyclePolicy","Resource":"*"}}',
        ),
        (
            "DescribeImages",
            "AccessDeniedException",
            f"{DENIED}ecr:DescribeImages on resource: x",
            f'{ADD}{{"Effect":"Allow","Action":"ecr:DescribeImages","Resource":"*"}}',
        ),
    ],
)
def test_hints_for_what_aws_itself_says(
    operation: str, code: str, said: str, hint: str | None
) -> None:
    """Its codes, and the action that it names where that is not the call's own."""
    made = call(operation)
    if operation.endswith("CreationTemplate"):
        made = replace(made, parameters={"prefix": "a", "customRoleArn": TEMPLATE_ROLE})
    fault = translate(refusal(code, said), made).fault
    assert (fault.code, fault.hint) == (code, hint)


@pytest.mark.parametrize(
    ("operation", "writes"),
    [
        ("DescribeRegistry", False),
        ("GetAccountSetting", False),
        ("ListReplicationBackfills", False),
        ("AssumeRole", False),
        ("PutRegistryPolicy", True),
        ("DeleteRepositoryCreationTemplate", True),
        ("CreateRepositoryCreationTemplate", True),
        ("UpdateRepositoryCreationTemplate", True),
        ("StartReplicationBackfill", True),
        ("StopReplicationBackfill", True),
    ],
)
def test_what_a_garbled_answer_leaves_open(operation: str, writes: bool) -> None:
    """A write may have happened all the same; a read has not changed anything."""
    error = translate(UnparsedAnswerError(200), call(operation))
    assert (error.transient, error.uncertain) == (True, writes)


@pytest.mark.parametrize(
    "said",
    [
        "Signature expired: it is late",
        "Signature not yet current: x",
        "the signature expired",
        "Check your system clock",
    ],
)
def test_a_wrong_clock_is_reported_as_one(said: str) -> None:
    """AWS tells it as a signature that does not match."""
    fault = translate(refusal("SignatureDoesNotMatch", said, 403), call()).fault
    assert fault.hint == (
        "set this machine's clock, best by NTP; AWS refuses requests that are five minutes off:\n"
        "timedatectl set-ntp true"
    )


def test_a_field_that_the_sdk_cannot_send() -> None:
    """It is younger than the installed SDK."""
    fault = translate(sdk.ParamValidationError(report="Unknown\nparameter: x"), call()).fault
    assert fault.message == "Parameter validation failed: Unknown parameter: x"
    assert fault.hint == "the installed AWS SDK does not know that: upgrade aiobotocore"


def test_a_defect_is_reported_as_one() -> None:
    """Without its text, which may hold anything."""
    fault = translate(KeyError("secret"), call()).fault
    assert fault.message == "unforeseen KeyError"
    assert fault.hint == "this is a defect of fleet-repl; please report it"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("two\nlines\tand \x1b[31mred\x07 \u202eback", "two lines and [31mred back"),
        ("x" * 99 + " " + "y" * 300, "x" * 99 + " ***"),
        ("word " * 200, ("word " * 100)[:499].rstrip() + "…"),
        ("key ASIAABCDEFGHIJKLMNOP used", "key *** used"),
        ("token IQoJb3Jp" + "aB3/+=" * 30 + " end", "token *** end"),
        ("SecretAccessKey>abcdefghijklmnopqrstuvwxyz/+ABCDEFGHIJKL<", "SecretAccessKey>***<"),
        ("Signature=" + "0f" * 32, "Signature=***"),
        ("my-external-id and key/of+mine", "*** and ***"),
        ("not-my-external-id-either", "not-***-either"),
        ("an id of ab, no cab", "an id of ***, no cab"),
    ],
)
def test_texts_from_outside_are_made_harmless(text: str, shown: str) -> None:
    """On one line, not too long, and without what nobody may see."""
    assert clean(text, ("my-external-id", "key/of+mine", "ab", "")) == shown
