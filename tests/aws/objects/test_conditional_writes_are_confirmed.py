"""A conditional put says for sure whether it happened, whatever becomes of its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fleet_repl.runs.events import CallRetried
from fleet_repl.values.errors import StateError

if TYPE_CHECKING:
    from tests.aws.objects.conftest import Bucket, FakeS3

KEY = "fleets/prod/lock.json"


async def test_conditions_go_to_s3(bucket: Bucket, s3: FakeS3) -> None:
    """Absence and ETag are left to S3 to judge; the version is the ETag."""
    async with bucket.open() as objects:
        first = await objects.put_if("prod/lock.json", b"one", None)
        assert first == '"etag-1"'
        assert await objects.put_if("prod/lock.json", b"two", None) is None
        assert await objects.put_if("prod/lock.json", b"two", first) == '"etag-2"'
        assert await objects.put_if("prod/lock.json", b"three", first) is None
        assert await objects.put("prod/lock.json", b"three") == '"etag-3"'
        await objects.delete("prod/lock.json")
        # Gone is something else than what was expected, too.
        assert await objects.put_if("prod/lock.json", b"four", '"etag-3"') is None
    path = f"/state/{KEY}"
    assert s3.requests == [
        f"PUT {path} *",
        f"PUT {path} *",
        f"GET {path}",
        f'PUT {path} "etag-1"',
        f'PUT {path} "etag-1"',
        f"GET {path}",
        f"PUT {path}",
        f"DELETE {path}",
        f'PUT {path} "etag-3"',
        f"GET {path}",
    ]


async def test_a_lost_answer_is_found_to_be_our_own(bucket: Bucket, s3: FakeS3) -> None:
    """The retry runs into what the first attempt wrote: that counts as written."""
    async with bucket.open() as objects:
        s3.script.extend([s3.lose, s3.drop])
        version = await objects.put_if("prod/lock.json", b"one", None)
        assert version == s3.objects[KEY][1] == '"etag-1"'
    assert s3.written == 1
    (event,) = bucket.events
    assert isinstance(event, CallRetried)
    assert (event.operation, event.error.kind) == ("PutObject", "network")


async def test_so_is_one_that_only_the_http_client_knows_of(bucket: Bucket, s3: FakeS3) -> None:
    """It repeats a PUT whose connection broke, and nothing tells that it did."""
    async with bucket.open() as objects:
        version = await objects.put("prod/lock.json", b"one")
        s3.script.append(s3.lose)
        assert await objects.put_if("prod/lock.json", b"two", version) == '"etag-2"'
    assert s3.written == 2
    assert bucket.events == []


async def test_after_a_server_error_too(bucket: Bucket, s3: FakeS3) -> None:
    """A 500 says nothing of whether it was done."""
    async with bucket.open() as objects:

        async def do_and_fail(request: object) -> object:
            await s3.answer(request)  # type: ignore[arg-type]
            return await s3.refuse("InternalError", 500)(request)  # type: ignore[arg-type]

        s3.script.append(do_and_fail)  # type: ignore[arg-type]
        assert await objects.put_if("prod/lock.json", b"one", None) == '"etag-1"'


async def test_what_somebody_else_wrote_meanwhile_is_not_ours(bucket: Bucket, s3: FakeS3) -> None:
    """Between a lost attempt and the retry, somebody was quicker."""
    async with bucket.open() as objects:

        async def overtaken(request: object) -> object:
            s3.objects[KEY] = (b"theirs", '"theirs"')
            return await s3.drop(request)  # type: ignore[arg-type]

        s3.script.extend([overtaken, s3.drop])  # type: ignore[list-item]
        assert await objects.put_if("prod/lock.json", b"ours", None) is None
    assert s3.objects[KEY] == (b"theirs", '"theirs"')


async def test_a_race_is_looked_at_again(bucket: Bucket, s3: FakeS3) -> None:
    """S3 does neither of two writes at once: the next attempt finds out how that has ended."""
    async with bucket.open() as objects:
        race = s3.refuse("ConditionalRequestConflict", 409)
        s3.script.extend([race, race])
        assert await objects.put_if("prod/lock.json", b"one", None) == '"etag-1"'
        s3.script.extend([race] * 4)
        with pytest.raises(StateError) as caught:
            await objects.put_if("prod/lock.json", b"two", '"etag-1"')
    assert str(caught.value) == (
        "the fleet's state cannot be written: s3://state/fleets/prod/lock.json: PutObject: "
        "conflict (ConditionalRequestConflict): no [request request-7]"
    )


async def test_a_missing_bucket_is_no_lost_race(bucket: Bucket, s3: FakeS3) -> None:
    """Nothing can be written there, and that is said."""
    async with bucket.open() as objects:
        s3.script.append(s3.refuse("NoSuchBucket", 404, "The specified bucket does not exist"))
        with pytest.raises(StateError) as caught:
            await objects.put_if("prod/lock.json", b"one", None)
    assert str(caught.value) == (
        "the fleet's state cannot be written: s3://state/fleets/prod/lock.json: PutObject: invalid "
        "(NoSuchBucket): The specified bucket does not exist [request request-1]\n"
        "    make the bucket, or name another place with --state or in [state]:\n"
        "    aws s3 mb s3://state"
    )
