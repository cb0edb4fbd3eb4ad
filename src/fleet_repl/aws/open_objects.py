"""Open a bucket, such as that of a fleet's state: a client and the base identity, closed after."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fleet_repl.aws.configuration import Endpoint
from fleet_repl.aws.identity import open_service
from fleet_repl.aws.s3 import STATE, BucketObjects
from fleet_repl.engine.ports import EventSink
from fleet_repl.engine.retry import Pace
from fleet_repl.inventory.settings import Aws
from fleet_repl.values.errors import StateError
from fleet_repl.values.limits import BUCKET_PATTERN

_LOCATION: Final = re.compile(rf"s3://(?P<bucket>{BUCKET_PATTERN.pattern})(?:/(?P<prefix>.*))?")
_CONCURRENCY: Final = 32


@asynccontextmanager
async def open_objects(
    aws: Aws,
    location: str,
    *,
    pace: Pace,
    endpoint: Endpoint | None = None,
    on_event: EventSink = lambda _: None,
    subject: str = STATE,
) -> AsyncIterator[BucketObjects]:
    """The objects at a location such as `s3://bucket/prefix`, or on the simulated AWS at
    `endpoint`. Nothing is called yet.

    `subject`: the content, for messages. A lock may be kept there: a few of the attempts that
    `pace` allows for must fit into its lease, and its last calls come after the deadline of the
    run.

    Raises StateError for a text that is no location, and IdentityError for a base identity or
    settings of the SDK that cannot be used.
    """
    bucket, prefix = _bucket_and_prefix(location)
    async with open_service(
        aws, "s3", pace=pace, endpoint=endpoint, on_event=on_event, concurrency=_CONCURRENCY
    ) as (caller, base, region):
        yield BucketObjects(caller, base, region, bucket=bucket, prefix=prefix, subject=subject)


def _bucket_and_prefix(location: str) -> tuple[str, str]:
    """Bucket and prefix; a prefix that is not empty ends in a slash."""
    match = _LOCATION.fullmatch(location)
    if match is None or not location.isprintable():
        raise StateError(
            f"the fleet's state cannot be kept in {location!r}\n    write s3://bucket/prefix"
        )
    prefix = (match["prefix"] or "").strip("/")
    return match["bucket"], f"{prefix}/" if prefix else ""
