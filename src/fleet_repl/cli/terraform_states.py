"""The Terraform states that flags name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import typer

_BUCKET: Final = "s3://"


def check_states(tfstate: Sequence[str], *, sandbox: bool) -> None:
    """Raises typer.BadParameter for a state in a bucket of a simulated AWS, which has none, and
    for a bucket without a key."""
    for location in tfstate:
        if not location.startswith(_BUCKET):
            continue
        if sandbox:
            raise typer.BadParameter("--sandbox has no buckets: name a file with --tfstate")
        bucket, _, key = location.removeprefix(_BUCKET).partition("/")
        if not bucket or not key or key.endswith("/"):
            raise typer.BadParameter(f"{location} names no object: write s3://bucket/key")


def local_states(tfstate: Sequence[str]) -> tuple[Path, ...]:
    """The Terraform states that are files."""
    return tuple(Path(location) for location in tfstate if not location.startswith(_BUCKET))
