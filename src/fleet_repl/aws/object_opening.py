"""Open a location such as `s3://bucket/prefix`: a session and clients of its own, closed after.

The base identity reads and writes it, and no role of the fleet's accounts.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fleet_repl.aws.caller import Caller
from fleet_repl.aws.clients import open_clients
from fleet_repl.aws.configuration import Endpoint, client_config, sts_region
from fleet_repl.aws.identity import open_session, usable
from fleet_repl.aws.logs import quieten_sdk
from fleet_repl.aws.quotas import Quotas
from fleet_repl.aws.s3 import BucketObjects
from fleet_repl.engine.ports import EventSink
from fleet_repl.engine.retry import Pace
from fleet_repl.inventory.settings import Aws
from fleet_repl.runs.events import Event
from fleet_repl.values.errors import StateError
from fleet_repl.values.limits import BUCKET_PATTERN

_LOCATION: Final = re.compile(rf"s3://(?P<bucket>{BUCKET_PATTERN.pattern})(?:/(?P<prefix>.*))?")
_CONCURRENCY: Final = 32


def _unheard(event: Event) -> None:
    """Where events go that nobody asked for."""


@asynccontextmanager
async def open_objects(
    aws: Aws,
    location: str,
    *,
    pace: Pace,
    endpoint: Endpoint | None = None,
    on_event: EventSink = _unheard,
) -> AsyncIterator[BucketObjects]:
    """The objects at a location on S3, or on a simulated AWS at `endpoint`.

    Nothing is called yet. A lock may be kept there: a few of the attempts that `pace` allows for
    have to fit into its lease, and the last calls are made after a run's own deadline.

    Raises StateError for what is no location, and IdentityError where there is no base identity or
    the SDK's settings cannot be used.
    """
    bucket, prefix = _place(location)
    quieten_sdk()
    session, base = await open_session(aws, endpoint, pace)
    region = sts_region(session, aws, endpoint)
    config = client_config(session, endpoint, concurrency=_CONCURRENCY, timeout=pace.timeout)
    async with open_clients(session, config, endpoint) as clients:
        await usable(clients.prepare("s3", region))
        caller = Caller(clients, pace, Quotas(pace.clock), on_event)
        yield BucketObjects(caller, base, region, bucket=bucket, prefix=prefix)


def _place(location: str) -> tuple[str, str]:
    """Bucket and prefix; a prefix that is not empty ends in a slash."""
    match = _LOCATION.fullmatch(location)
    if match is None or not location.isprintable():
        raise StateError(
            f"the fleet's state cannot be kept in {location!r}\n    write s3://bucket/prefix"
        )
    prefix = (match["prefix"] or "").strip("/")
    return match["bucket"], f"{prefix}/" if prefix else ""
