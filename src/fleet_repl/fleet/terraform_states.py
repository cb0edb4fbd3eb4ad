"""Reads Terraform states from files and buckets, for what Terraform holds of a fleet."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import anyio.to_thread

from fleet_repl.engine.retry import Pace
from fleet_repl.inventory import Aws
from fleet_repl.inventory.regular_files import GIB, read_regular
from fleet_repl.planning.elsewhere import HeldResource, StateFileError, parse_terraform_state
from fleet_repl.values.clock import SYSTEM, Clock

LARGEST: Final = GIB // 4
"""Bytes of a state: the largest that are heard of have 100 MB."""
_BUCKET: Final = "s3://"
_ATTEMPTS: Final = 4
_TIMEOUT: Final = 60.0
_DEADLINE: Final = 300.0


async def read_terraform_states(
    locations: Sequence[str], *, aws: Aws | None = None, clock: Clock = SYSTEM
) -> tuple[HeldResource, ...]:
    """Returns what the states hold of registries.

    A location is a file, or `s3://bucket/key`, which the base identity reads. Raises StateFileError
    for a state that cannot be read or used, StateError for a bucket, and IdentityError.
    """
    held: list[HeldResource] = []
    for location in locations:
        if location.startswith(_BUCKET):
            content = await _object(location, aws or Aws(), clock)
        else:
            content = await anyio.to_thread.run_sync(_file, location)
        # In a thread: a large state takes seconds.
        held += await anyio.to_thread.run_sync(parse_terraform_state, content, location)
    return tuple(held)


def _file(path: str) -> bytes:
    try:
        return read_regular(Path(path), most=LARGEST)
    except OSError as error:
        raise StateFileError(f"{path}: the state cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise StateFileError(f"{path}: the state cannot be read: {error}") from None


async def _object(location: str, aws: Aws, clock: Clock) -> bytes:
    # Importing the library loads no AWS code.
    from fleet_repl.aws.open_objects import open_objects  # noqa: PLC0415

    bucket, _, key = location.removeprefix(_BUCKET).partition("/")
    if not key or key.endswith("/"):
        raise StateFileError(f"{location}: names no object\n    write s3://bucket/key")
    pace = Pace(
        attempts=_ATTEMPTS,
        timeout=_TIMEOUT,
        deadline=clock.monotonic() + _DEADLINE,
        clock=clock,
        uniform=random.uniform,
    )
    opening = open_objects(aws, _BUCKET + bucket, pace=pace, subject="the Terraform state")
    async with opening as objects:
        stored = await objects.get(key)
    if stored is None:
        raise StateFileError(f"{location}: there is no such object")
    if len(stored.content) > LARGEST:
        raise StateFileError(f"{location}: the state cannot be read: it is larger than 256 MiB")
    return stored.content
