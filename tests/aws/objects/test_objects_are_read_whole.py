"""What is read from S3 is all of it, or an error: never a part, and never somebody's page."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import anyio
import pytest
from aiohttp import web

from fleet_repl.aws.bounded import LARGEST_ANSWER
from fleet_repl.values.errors import StateError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.aws.objects.conftest import Bucket, FakeS3


async def test_an_object_has_the_age_that_s3_gives_it(bucket: Bucket, s3: FakeS3) -> None:
    """By S3's clock alone: this machine's may be anything."""
    s3.objects["fleets/prod/lock.json"] = (b"{}", '"one"')
    async with bucket.open() as objects:
        assert str(objects) == "s3://state/fleets"
        stored = await objects.get("prod/lock.json")
        assert stored is not None
        assert (stored.content, stored.version, stored.age) == (b"{}", '"one"', 42.0)
        assert await objects.get("prod/other.json") is None


async def test_every_page_of_a_list_is_read(bucket: Bucket, s3: FakeS3) -> None:
    """Keys are told without the location's own prefix, and of nothing beside it."""
    for number in range(5):
        s3.objects[f"fleets/prod/runs/{number}"] = (b"", '""')
    s3.objects["fleets-of-others/prod/runs/9"] = (b"", '""')
    async with bucket.open() as objects:
        keys = await objects.keys("prod/runs/")
        assert keys == tuple(f"prod/runs/{number}" for number in range(5))
        assert await objects.keys("dev/") == ()
    assert len(s3.requests) == 4


@pytest.mark.parametrize("location", ["s3://state", "s3://state/"])
async def test_a_location_may_be_a_whole_bucket(bucket: Bucket, s3: FakeS3, location: str) -> None:
    """Then keys begin with nothing before them."""
    async with bucket.open(location) as objects:
        assert str(objects) == "s3://state"
        await objects.put("prod/run.json", b"{}")
        assert set(s3.objects) == {"prod/run.json"}
        assert await objects.keys("prod/") == ("prod/run.json",)


@pytest.mark.parametrize(
    "location", ["s3://", "s3://x", "s3://State/prod", "s3://a_b/c", "s3://arn:aws:s3:::b", "s3:/b"]
)
async def test_what_is_no_location_is_refused(bucket: Bucket, location: str) -> None:
    """Before anything is opened."""
    with pytest.raises(StateError) as caught:
        async with bucket.open(location):
            pytest.fail("opened")
    assert str(caught.value) == (
        f"the fleet's state cannot be kept in {location!r}\n    write s3://bucket/prefix"
    )


def page() -> web.Response:
    return web.Response(text="<html>please log in</html>", content_type="text/html")


def short() -> web.Response:
    return web.Response(
        body=b"{}",
        headers={
            "ETag": '"x"',
            "Last-Modified": "Mon, 23 Nov 2026 07:59:18 GMT",
            "x-amz-checksum-crc32": "AAAAAA==",
        },
    )


@pytest.mark.parametrize("garbage", [page, short])
async def test_garbage_is_tried_again(
    bucket: Bucket, s3: FakeS3, garbage: Callable[[], web.Response]
) -> None:
    """A page of somebody's on the way, or content that its checksum does not fit."""
    async with bucket.open() as objects:
        s3.objects["fleets/prod/lock.json"] = (b"whole", '"one"')
        s3.script.append(s3.say(garbage))
        stored = await objects.get("prod/lock.json")
        assert stored is not None
        assert stored.content == b"whole"
        s3.script.extend([s3.say(garbage)] * 4)
        with pytest.raises(StateError, match=r"prod/lock.json: GetObject: service: the answer"):
            await objects.get("prod/lock.json")


@pytest.mark.parametrize("call", ["put", "delete", "keys"])
async def test_a_page_is_no_answer_to_anything(bucket: Bucket, s3: FakeS3, call: str) -> None:
    """What is written counts only if S3 itself says so."""
    async with bucket.open() as objects:
        s3.script.extend([s3.say(page)] * 4)
        arguments = ("a", b"") if call == "put" else ("a",)
        with pytest.raises(StateError, match="something on the way may have answered in AWS's"):
            await getattr(objects, call)(*arguments)


async def test_a_body_that_breaks_off_is_no_object(bucket: Bucket, s3: FakeS3) -> None:
    """The headers have come, and then the connection goes."""

    async def half(request: web.Request) -> web.Response:
        response = web.StreamResponse(headers={"ETag": '"x"', "Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"only this")
        return await s3.drop(request)

    async with bucket.open() as objects:
        s3.objects["fleets/prod/lock.json"] = (b"whole", '"one"')
        s3.script.append(half)
        stored = await objects.get("prod/lock.json")
        assert stored is not None
        assert stored.content == b"whole"


async def test_the_bucket_is_found_in_its_region(bucket: Bucket, s3: FakeS3) -> None:
    """S3 says where it is, and the call is signed for there."""
    async with bucket.open() as objects:
        s3.script.append(s3.refuse("PermanentRedirect", 301, x_amz_bucket_region="eu-west-3"))
        await objects.put("prod/run.json", b"{}")
        await objects.put("prod/run.json", b"{}")
    assert s3.regions == ["us-east-1", "eu-west-3", "eu-west-3"]
    assert bucket.events == []


async def test_the_environment_says_where_s3_is(
    bucket: Bucket, s3: FakeS3, monkeypatch: pytest.MonkeyPatch, config: Path
) -> None:
    """As for every other program that goes by the SDK: endpoint, region, profile."""
    profile = "[profile ops]\naws_access_key_id = AKIAX\naws_secret_access_key = y\n"
    await anyio.Path(config).write_text(profile)
    monkeypatch.setenv("AWS_PROFILE", "ops")
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.url)
    async with bucket.open(by_environment=True) as objects:
        await objects.put("prod/run.json", b"{}")
    assert s3.regions == ["eu-north-1"]
    assert s3.objects["fleets/prod/run.json"][0] == b"{}"


CONTENT = b'{"schema": "fleet-repl/applied/1"}'
MD5 = f'"{hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()}"'


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT.replace(b"1", b"2"), b""])
async def test_a_content_that_is_not_its_etags_is_read_again(
    bucket: Bucket, s3: FakeS3, content: bytes
) -> None:
    """It was cut or altered on the way, and its length tells nothing."""
    s3.objects["fleets/key"] = (CONTENT, MD5)
    s3.script.append(s3.say(lambda: web.Response(body=content, headers=s3.headers(MD5))))
    async with bucket.open() as objects:
        stored = await objects.get("key")
    assert stored is not None
    assert (stored.content, len(s3.requests)) == (CONTENT, 2)


@pytest.mark.parametrize(
    ("etag", "more", "requests"),
    [
        ('"0123456789abcdef0123456789abcdef-2"', {}, 1),
        (
            '"0123456789abcdef0123456789abcdef"',
            {"x-amz-server-side-encryption": "aws:kms"},
            1,
        ),
        (
            '"0123456789abcdef0123456789abcdef"',
            {"x-amz-server-side-encryption-customer-algorithm": "AES256"},
            1,
        ),
        ('"0123456789abcdef0123456789abcdef"', {}, 2),
        ('"0123456789abcdef0123456789abcdef"', {"x-amz-server-side-encryption": "AES256"}, 2),
    ],
)
async def test_other_etags_are_no_digests(
    bucket: Bucket, s3: FakeS3, etag: str, more: dict[str, str], requests: int
) -> None:
    """Of parts and with keys of the customer's own; one that is just unlike is read twice."""
    plain = s3.say(lambda: web.Response(body=CONTENT, headers={**s3.headers(etag), **more}))
    s3.script.extend([plain, plain])
    async with bucket.open() as objects:
        stored = await objects.get("key")
    assert stored is not None
    assert (stored.content, len(s3.requests)) == (CONTENT, requests)


@pytest.mark.parametrize("text", ["", "<Error><Code>NoSuch", "<html>not here</html>", "<Error/>"])
async def test_a_404_that_is_not_s3s_is_no_absence(bucket: Bucket, s3: FakeS3, text: str) -> None:
    """A body that was cut, or a proxy's page: taken for nothing there, a record would be lost."""
    s3.objects["fleets/key"] = (CONTENT, MD5)
    s3.script.append(s3.say(lambda: web.Response(text=text, status=404)))
    async with bucket.open() as objects:
        stored = await objects.get("key")
        assert stored is not None
        s3.script.extend([s3.say(lambda: web.Response(text=text, status=404))] * 4)
        with pytest.raises(StateError, match="404"):
            await objects.get("key")
    assert len(s3.requests) == 6


async def test_a_404_whose_connection_breaks_is_no_absence(bucket: Bucket, s3: FakeS3) -> None:
    """Its code was read, and the rest never came: nobody knows what it was to say."""

    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=404, headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"<Error><Code>NoSuchKey</Code>")
        assert request.transport is not None
        request.transport.close()
        return response

    s3.objects["fleets/key"] = (CONTENT, MD5)
    s3.script.append(cut)
    async with bucket.open() as objects:
        stored = await objects.get("key")
    assert stored is not None
    assert (stored.content, len(s3.requests)) == (CONTENT, 2)


async def test_an_error_is_bounded(bucket: Bucket, s3: FakeS3) -> None:
    """A page that does not end is not read to its end."""
    pages = [s3.say(lambda: web.Response(body=b"x" * (LARGEST_ANSWER + 1), status=403))] * 4
    s3.script.extend(pages)
    async with bucket.open() as objects:
        with pytest.raises(StateError, match="the answer is larger than 8,388,608 bytes"):
            await objects.get("key")


async def test_an_object_is_bounded_too(
    bucket: Bucket, s3: FakeS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what a plan of the largest fleet may take."""
    monkeypatch.setattr("fleet_repl.aws.bounded.LARGEST_OBJECT", 10)
    s3.objects["fleets/key"] = (CONTENT, MD5)
    async with bucket.open() as objects:
        with pytest.raises(StateError, match="the answer is larger than 10 bytes"):
            await objects.get("key")
