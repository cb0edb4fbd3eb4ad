"""Objects of an S3 bucket, read and written as the base identity, also conditionally.

After a refused conditional write the object is read, to find out whether the write has happened.
The meaning of the objects' contents is up to the caller.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final, Literal, TypeVar

from fleet_repl.aws.answers import date_of
from fleet_repl.aws.caller import Caller
from fleet_repl.aws.credentials import Source
from fleet_repl.aws.error_codes import DENIED, NO_OBJECT, PRECONDITION
from fleet_repl.aws.faults import garbage
from fleet_repl.aws.request import Answer, Call
from fleet_repl.ecr.permissions import state_statements
from fleet_repl.engine.stores import Stored
from fleet_repl.runs.remedies import pasteable
from fleet_repl.values.errors import CallError, Fault, FaultKind, StateError
from fleet_repl.values.names import Region, partition_of
from fleet_repl.values.text import below

T = TypeVar("T")

STATE: Final = "the fleet's state"
_MOST_PAGES: Final = 10_000
"""Ten million keys, at a thousand a page: a longer list is taken to be endless."""
_SLOWEST: Final = 250_000
"""Bytes per second: a large fleet's plan is 100 MB and more, and is put in one request."""
_MD5: Final = re.compile(r'"?([0-9a-f]{32})"?')
_READING_SECONDS: Final = 600.0
"""Seconds for reading a content of unknown length; the SDK gives up much earlier."""


class BucketObjects:
    """The `ObjectStore` of a prefix of a bucket. Made by `open_objects`. Every method raises
    StateError where the bucket cannot be used. A version is an ETag."""

    def __init__(
        self,
        caller: Caller,
        base: Source,
        region: Region,
        *,
        bucket: str,
        prefix: str,
        subject: str = STATE,
    ) -> None:
        """`prefix` is empty or ends in a slash. `region`: the region of the first request; S3 then
        names the bucket's own. `subject`: the content, for messages."""
        self._caller = caller
        self._base = base
        self._region = region
        self._bucket = bucket
        self._prefix = prefix
        self._subject = subject

    def __str__(self) -> str:
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    async def get(self, key: str) -> Stored | None:
        call = self._call("GetObject", _READING_SECONDS, Key=self._prefix + key)
        altered: set[bytes] = set()
        try:
            return await self._persist(call, lambda answer, call: _stored(answer, call, altered))
        except CallError as error:
            fault = error.fault
        if fault.code == NO_OBJECT:
            return None
        raise self._unusable("read", key, fault)

    async def put(self, key: str, content: bytes) -> str:
        call = self._put(key, content)
        try:
            return await self._persist(call, _etag)
        except CallError as error:
            fault = error.fault
        raise self._unusable("written", key, fault)

    async def put_if(self, key: str, content: bytes, expected: str | None) -> str | None:
        # S3 also refuses the repetition of a PUT that has already happened, and the HTTP client
        # silently repeats a PUT whose connection breaks. So after a refusal the object is read: if
        # it has the content of this put, the put has happened.
        condition = {"IfNoneMatch": "*"} if expected is None else {"IfMatch": expected}
        call = self._put(key, content, **condition)
        try:
            return await self._persist(call, _etag)
        except CallError as error:
            fault = error.fault
        if fault.code not in (PRECONDITION, NO_OBJECT):
            raise self._unusable("written", key, fault)
        existing = await self.get(key)
        return existing.version if existing is not None and existing.content == content else None

    async def keys(self, prefix: str) -> tuple[str, ...]:
        call = self._call("ListObjectsV2", Prefix=self._prefix + prefix)
        try:
            names = await self._every_page(call)
        except CallError as error:
            fault = error.fault
        else:
            return tuple(sorted({key.removeprefix(self._prefix) for key in names}))
        raise self._unusable("read", prefix, fault)

    async def delete(self, key: str) -> None:
        call = self._call("DeleteObject", Key=self._prefix + key)
        try:
            return await self._persist(call, _deleted)
        except CallError as error:
            fault = error.fault
        raise self._unusable("written", key, fault)

    def _put(self, key: str, content: bytes, **condition: str) -> Call:
        seconds = len(content) / _SLOWEST
        return self._call("PutObject", seconds, Key=self._prefix + key, Body=content, **condition)

    def _call(self, operation: str, patience: float = 0.0, /, **parameters: object) -> Call:
        return Call(
            service="s3",
            operation=operation,
            region=self._region,
            parameters={"Bucket": self._bucket, **parameters},
            patience=patience,
        )

    async def _persist(self, call: Call, read: Callable[[Answer, Call], T]) -> T:
        return await self._caller.persist(call, lambda: self._caller.once(call, self._base, read))

    async def _every_page(self, call: Call) -> list[str]:
        names: list[str] = []
        page_call = call
        for _ in range(_MOST_PAGES):
            keys, token = await self._persist(page_call, _page)
            names += keys
            if token is None:
                return names
            page_call = replace(call, parameters={**call.parameters, "ContinuationToken": token})
        raise garbage(call, "the list does not end")

    def _unusable(self, verb: Literal["read", "written"], key: str, fault: Fault) -> StateError:
        location, hint = f"{self._bucket}/{self._prefix}", fault.hint
        is_denied = fault.kind is FaultKind.ACCESS_DENIED and fault.code in DENIED
        if hint is not None and is_denied and self._subject == STATE:
            partition = partition_of(self._region)
            statements = state_statements(location)
            needed = pasteable(item.document(partition=partition) for item in statements)
            hint = f"{hint}; this is all that a state takes:\n{needed}"
        said = f"{self._subject} cannot be {verb}: s3://{location}{key}: {fault}"
        return StateError(f"{said}{below(hint)}")


def _stored(answer: Answer, call: Call, altered: set[bytes]) -> Stored:
    """The object in an answer. `altered`: digests of earlier contents that did not fit their ETag.

    A content that comes twice is taken as it is: its ETag is then of a kind that is no MD5.
    """
    actual, expected = hashlib.md5(answer.body, usedforsecurity=False), _digest(answer)
    if expected not in (None, actual.hexdigest()) and actual.digest() not in altered:
        altered.add(actual.digest())
        raise garbage(call, "the content was altered on the way", answer.request_id)
    modified = answer.parsed.get("LastModified")
    if not isinstance(modified, datetime):
        raise garbage(call, "the answer says nothing of when it was written", answer.request_id)
    age = (_date(answer, call) - modified).total_seconds()
    return Stored(content=answer.body, version=_etag(answer, call), age=max(0.0, age))


def _digest(answer: Answer) -> str | None:
    """The MD5 of the content, if the ETag is one: not for an object that was put in parts or
    encrypted with a customer's key (S3 user guide, "Checking object integrity")."""
    parsed = answer.parsed
    etag = _MD5.fullmatch(str(parsed.get("ETag")))
    encrypted = parsed.get("ServerSideEncryption", "AES256") != "AES256"
    return None if etag is None or encrypted or "SSECustomerAlgorithm" in parsed else etag[1]


def _date(answer: Answer, call: Call) -> datetime:
    """The time of the answer by the server's own clock."""
    if (date := date_of(answer)) is None:
        raise garbage(call, "the answer has no date", answer.request_id)
    return date


def _etag(answer: Answer, call: Call) -> str:
    etag = answer.parsed.get("ETag")
    if not isinstance(etag, str) or not etag:
        raise garbage(call, "the answer holds no ETag", answer.request_id)
    return etag


def _deleted(answer: Answer, call: Call) -> None:
    # S3 answers a deletion with 204 and nothing else (API reference, DeleteObject).
    match answer.parsed.get("ResponseMetadata"):
        case {"HTTPStatusCode": 204}:
            return
        case _:
            raise garbage(call, "the answer is none to a deletion", answer.request_id)


def _page(answer: Answer, call: Call) -> tuple[tuple[str, ...], str | None]:
    """The keys of a page, and the token for the next page; None in the last page."""
    parsed = answer.parsed
    if not isinstance(parsed.get("Name"), str):
        raise garbage(call, "the answer is no list of a bucket", answer.request_id)
    contents = parsed.get("Contents", ())
    entries = contents if isinstance(contents, list) else ()
    keys = tuple(
        str(entry["Key"]) for entry in entries if isinstance(entry, Mapping) and "Key" in entry
    )
    token = parsed.get("NextContinuationToken")
    if parsed.get("IsTruncated") and not isinstance(token, str):
        raise garbage(call, "the list is cut off", answer.request_id)
    return keys, token if isinstance(token, str) else None
