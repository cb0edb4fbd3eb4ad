"""A state on S3 that cannot be used: where, what S3 said, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fleet_repl.values.errors import IdentityError, StateError

if TYPE_CHECKING:
    from tests.aws.objects.conftest import Bucket, FakeS3

ALLOW = (
    "allow the base identity {}, and see that neither an SCP nor the bucket's policy denies it; "
    "this is all that a state takes:"
    '\n    {{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:DeleteObject"],'
    '"Resource":"arn:aws:s3:::state/fleets/*"}},'
    '\n    {{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::state"}}'
)
MISSING = "s3:GetObject and, so that a missing object can be told from a denied one, s3:ListBucket"


@pytest.mark.parametrize(
    ("call", "operation", "action"),
    [
        ("get", "GetObject", MISSING),
        ("put", "PutObject", "s3:PutObject"),
        ("put_if", "PutObject", "s3:PutObject"),
        ("keys", "ListObjectsV2", "s3:ListBucket"),
        ("delete", "DeleteObject", "s3:DeleteObject"),
    ],
)
async def test_denied(bucket: Bucket, s3: FakeS3, call: str, operation: str, action: str) -> None:
    """Which permission, for whom. A denied read is never "not there"."""
    arguments: dict[str, tuple[Any, ...]] = {"put": (b"",), "put_if": (b"", None)}
    async with bucket.open() as objects:
        s3.script.append(s3.refuse("AccessDenied", 403, "Access Denied"))
        with pytest.raises(StateError) as caught:
            await getattr(objects, call)("prod/lock.json", *arguments.get(call, ()))
    what = "read" if call in ("get", "keys") else "written"
    assert str(caught.value) == (
        f"the fleet's state cannot be {what}: s3://state/fleets/prod/lock.json: {operation}: "
        f"access-denied (AccessDenied): Access Denied [request request-1]\n    "
        + ALLOW.format(action)
    )
    assert len(s3.requests) == 1


@pytest.mark.parametrize(
    ("code", "status", "said", "hint"),
    [
        ("NoSuchBucket", 404, "invalid (NoSuchBucket)", "make the bucket, or name another place"),
        ("ExpiredToken", 400, "expired (ExpiredToken)", "renew the base identity's credentials"),
        ("RequestTimeTooSkewed", 403, "expired (RequestTimeTooSkewed)", "set this machine's clock"),
        ("SignatureDoesNotMatch", 403, "access-denied", "the secret key is wrong, or something"),
        ("InvalidAccessKeyId", 403, "access-denied", "these credentials are unknown to S3 there"),
        ("SlowDown", 503, "throttled (SlowDown)", "S3 asks for fewer requests to this bucket"),
        ("PermanentRedirect", 301, "invalid", "the bucket is in another region: name that one in"),
    ],
)
async def test_what_to_do(
    bucket: Bucket, s3: FakeS3, code: str, status: int, said: str, hint: str
) -> None:
    """Each in its own words, with AWS's code and request id."""
    async with bucket.open() as objects:
        s3.script.extend([s3.refuse(code, status)] * 5)
        with pytest.raises(StateError) as caught:
            await objects.get("prod/lock.json")
    first, second, *_ = str(caught.value).splitlines()
    assert first.startswith("the fleet's state cannot be read: s3://state/fleets/prod/lock.json: ")
    assert said in first
    assert code in first
    assert "[request request-" in first
    assert second.strip().startswith(hint)


async def test_a_key_of_kms_that_is_denied_is_named(bucket: Bucket, s3: FakeS3) -> None:
    """S3 says which action of another service is missing."""
    said = "User: x is not authorized to perform: kms:GenerateDataKey on resource: y"
    async with bucket.open() as objects:
        s3.script.append(s3.refuse("AccessDenied", 403, said))
        with pytest.raises(StateError, match='"Action":"kms:GenerateDataKey"'):
            await objects.put("prod/lock.json", b"")


async def test_what_passes_is_tried_again(bucket: Bucket, s3: FakeS3) -> None:
    """And told, as every retry is."""
    async with bucket.open() as objects:
        # The HTTP client repeats a broken PUT once by itself.
        broken = [s3.drop, s3.drop]
        s3.script.extend([s3.refuse("SlowDown", 503), *broken, s3.refuse("InternalError", 500)])
        await objects.put("prod/report.json", b"{}")
    assert s3.objects["fleets/prod/report.json"][0] == b"{}"
    assert len(bucket.events) == 3


async def test_nothing_secret_shows(bucket: Bucket, s3: FakeS3) -> None:
    """Neither in what is raised nor in what hangs on it."""
    async with bucket.open() as objects:
        s3.script.append(s3.refuse("AccessDenied", 403, "AKIABASEBASEBASEBASE is denied"))
        with pytest.raises(StateError) as caught:
            await objects.get("prod/lock.json")
        error: BaseException | None = caught.value
        while error is not None:
            assert "AKIABASE" not in repr(error)
            assert type(error).__module__.startswith("fleet_repl")
            error = error.__cause__ or error.__context__


async def test_without_a_base_identity(bucket: Bucket) -> None:
    """As everywhere: what is missing, and where it can come from."""
    with pytest.raises(IdentityError, match="there is no usable base identity"):
        async with bucket.open(by_environment=True):
            pytest.fail("opened")
