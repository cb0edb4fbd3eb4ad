"""No usable base identity: one clear message, before any account is tried."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from fleet_repl.inventory.settings import Aws
from fleet_repl.values.errors import IdentityError
from fleet_repl.values.names import Partition

if TYPE_CHECKING:
    from pathlib import Path

    from tests.aws.conftest import Edge

FIND = (
    "set AWS_PROFILE or [aws] profile, run `aws sso login`, or put credentials in the environment"
)
UNKNOWN = (
    "STS in eu-central-1 does not know the caller's credentials: renew them, and see that they are "
    "of the inventory's partition; where they are good, set [aws] sts_region to a region that the "
    "caller's account has enabled, which an opt-in region is not by itself"
)
RENEW = "renew the base identity's credentials, for instance with `aws sso login`, and run again"


async def refusal(edge: Edge, *, by_environment: bool, profile: str | None = None) -> str:
    """What opening the edge says."""
    inventory = edge.inventory(aws=Aws(profile=profile))
    with pytest.raises(IdentityError) as caught:
        async with edge.open(inventory, by_environment=by_environment):
            pass
    error = caught.value
    assert error.__cause__ is None
    assert error.__context__ is None
    return str(error)


async def test_a_profiles_role_in_a_region_that_is_not_enabled(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No trust policy is at fault there either."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", edge.aws.url)
    edge.config.write_text(
        "[profile user]\naws_access_key_id = AKIABASEBASEBASEBASE\naws_secret_access_key = x\n"
        "[profile ops]\nsource_profile = user\nrole_arn = arn:aws:iam::700000000007:role/ops\n"
    )
    edge.aws.script("AssumeRole", edge.aws.refuse("InvalidClientTokenId", "invalid", 403))
    said = await refusal(edge, by_environment=True, profile="ops")
    assert said.splitlines()[1].strip() == UNKNOWN.replace("in eu-central-1", "there")


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (
            "refuse",
            (
                "An error occurred (AccessDenied) when calling the AssumeRole operation: no "
                "(AccessDenied, request request-1)\n"
                "    see that the profile's role can be assumed: `aws sts get-caller-identity`"
            ),
        ),
        (
            "say",
            (
                "an answer cannot be parsed\n"
                "    something on the way may have answered in AWS's place: check the proxy and "
                "AWS_ENDPOINT_URL"
            ),
        ),
    ],
)
async def test_a_profiles_role_that_is_not_given(
    edge: Edge, monkeypatch: pytest.MonkeyPatch, step: str, said: str
) -> None:
    """The SDK assumes it by itself; what it says of it is told without the body."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", edge.aws.url)
    edge.config.write_text(
        "[profile user]\naws_access_key_id = AKIABASEBASEBASEBASE\naws_secret_access_key = x\n"
        "[profile ops]\nsource_profile = user\nrole_arn = arn:aws:iam::700000000007:role/ops\n"
    )
    edge.aws.script("AssumeRole", getattr(edge.aws, step)("AccessDenied"))
    assert await refusal(edge, by_environment=True, profile="ops") == (
        f"there is no usable base identity: {said}"
    )


async def test_who_it_is_can_be_asked_for(edge: Edge) -> None:
    """For reports and for people."""
    async with edge.open() as registries:
        identity = registries.identity
    assert identity.arn == "arn:aws:iam::999999999999:user/ops"
    assert (identity.account, identity.partition) == ("999999999999", "aws")
    assert len(edge.aws.calls("GetCallerIdentity")) == 1


async def test_no_credentials_anywhere(edge: Edge) -> None:
    """The commonest of all."""
    assert await refusal(edge, by_environment=True) == (
        f"there is no usable base identity: Unable to locate credentials\n    {FIND}"
    )


async def test_half_the_credentials(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key without its secret."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAFULLFULLFULLFULL")
    assert await refusal(edge, by_environment=True) == (
        "there is no usable base identity: Partial credentials found in env, missing: "
        "AWS_SECRET_ACCESS_KEY\n    set what is missing, or use a profile"
    )


async def test_a_profile_that_does_not_exist(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    """Named by the inventory or by the environment."""
    said = (
        "there is no usable base identity: The config profile (ops) could not be found\n"
        "    see `aws configure list-profiles`, and set AWS_PROFILE or [aws] profile"
    )
    assert await refusal(edge, by_environment=True, profile="ops") == said
    monkeypatch.setenv("AWS_PROFILE", "ops")
    assert await refusal(edge, by_environment=True) == said


async def test_a_configuration_file_that_cannot_be_parsed(edge: Edge) -> None:
    """The SDK names the file."""
    edge.config.write_text("[profile\n")
    assert await refusal(edge, by_environment=True) == (
        f"there is no usable base identity: Unable to parse config file: {edge.config}\n"
        "    mend that file"
    )


async def test_a_single_sign_on_that_was_never_made(
    edge: Edge, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is called for it, and what the SDK logs of it is no traceback."""
    edge.config.write_text(
        "[profile ops]\nsso_session = corp\nsso_account_id = 999999999999\nsso_role_name = ops\n"
        "[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://example.awsapps.com\n"
    )
    said = await refusal(edge, by_environment=True, profile="ops")
    assert said.splitlines()[0].startswith("there is no usable base identity: Error loading SSO")
    assert said.splitlines()[1:] == [
        "    sign on again, and run again:",
        "    aws sso login --profile ops",
    ]
    assert "Refreshing" in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            "echo 'key AKIASECRETSECRET1234 refused' >&2; exit 1",
            (
                "Error when retrieving credentials from custom-process: key *** refused\n"
                "    see that the source of the credentials works by itself"
            ),
        ),
        (
            None,
            "[Errno 2] No such file or directory: '{}'\n    see the profile's credential_process",
        ),
    ],
)
async def test_a_credential_process_that_fails(
    edge: Edge, tmp_path: Path, script: str | None, said: str
) -> None:
    """Its own words are kept, its secrets are not."""
    process = tmp_path / "process"
    if script is not None:
        process.write_text(f"#!/bin/sh\n{script}\n")
        process.chmod(stat.S_IRWXU)
    edge.config.write_text(f"[profile ops]\ncredential_process = {process}\n")
    assert await refusal(edge, by_environment=True, profile="ops") == (
        f"there is no usable base identity: {said.format(process)}"
    )


@pytest.mark.parametrize(
    ("code", "status", "said", "remedy"),
    [
        ("InvalidClientTokenId", 403, "access-denied (InvalidClientTokenId)", UNKNOWN),
        (
            "SignatureDoesNotMatch",
            403,
            "access-denied (SignatureDoesNotMatch)",
            (
                "the secret key is wrong, or something on the way alters requests: check the "
                "credentials and the proxy"
            ),
        ),
        ("ExpiredToken", 403, "expired (ExpiredToken)", RENEW),
        (
            "RequestExpired",
            400,
            "expired (RequestExpired)",
            (
                "set this machine's clock, best by NTP; AWS refuses requests that are five minutes "
                "off:\n    timedatectl set-ntp true"
            ),
        ),
        (
            "RegionDisabledException",
            403,
            "region-disabled (RegionDisabledException)",
            "set [aws] sts_region to a region that is enabled",
        ),
    ],
)
async def test_credentials_that_aws_refuses(
    edge: Edge, code: str, status: int, said: str, remedy: str
) -> None:
    """AWS's code and request id are in the message; it is asked once."""
    edge.aws.script("GetCallerIdentity", edge.aws.refuse(code, "It is not valid.", status))
    assert await refusal(edge, by_environment=False) == (
        f"there is no usable base identity: GetCallerIdentity: {said}: It is not valid. "
        f"[request request-1]\n    {remedy}"
    )
    assert len(edge.aws.requests) == 1


async def test_an_sts_that_does_not_answer_is_asked_again(edge: Edge) -> None:
    """And that it did not answer is another thing than a wrong identity."""
    edge.aws.script("GetCallerIdentity", edge.aws.drop, edge.aws.refuse("Throttling"))
    async with edge.open():
        assert len(edge.aws.requests) == 3
    edge.aws.script("GetCallerIdentity", *[edge.aws.refuse("InternalFailure", "Oh.", 500)] * 4)
    assert await refusal(edge, by_environment=False) == (
        "STS could not be asked who the base identity is: GetCallerIdentity: service "
        "(InternalFailure): Oh. [request request-7]\n"
        "    the failure is on AWS's side: run again later"
    )


async def test_an_identity_of_another_partition(edge: Edge) -> None:
    """No role of the inventory could be assumed with it."""
    inventory = edge.inventory(aws=Aws(partition=Partition.CN))
    with pytest.raises(IdentityError) as caught:
        async with edge.open(inventory):
            pass
    assert str(caught.value) == (
        "the base identity arn:aws:iam::999999999999:user/ops is of partition aws, and the "
        "inventory of aws-cn\n"
        "    use credentials of that partition, or set [aws] partition"
    )


async def test_what_happens_inside_is_not_taken_for_an_identity_error(edge: Edge) -> None:
    """The body's own exceptions pass as they are."""
    with pytest.raises(FileNotFoundError, match="mine"):
        async with edge.open():
            raise FileNotFoundError("mine")
