"""How documents spell times and prefixes. Without msgspec, which takes long to load."""

from __future__ import annotations

from datetime import UTC, datetime

from fleet_repl.values.canonical_json import Json
from fleet_repl.values.prefixes import EVERY_REPOSITORY, Prefixes


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return f"{_told(moment, 'seconds')}Z"


def instant(moment: datetime) -> str:
    """RFC 3339 in UTC, to the millisecond."""
    return f"{_told(moment, 'milliseconds')}Z"


def prefix_list(prefixes: Prefixes) -> Prefixes | None:
    """A list of prefixes; None for every repository."""
    return None if prefixes == EVERY_REPOSITORY else prefixes


def prefixes_document(prefixes: Prefixes) -> Json:
    """The same as JSON has it."""
    return None if prefixes == EVERY_REPOSITORY else list(prefixes)


def acknowledged_document(number: int) -> dict[str, Json]:
    """How many warnings are known and not listed: no member where there are none, as documents
    from before there were any have to be read back as they are."""
    return {"acknowledged": number} if number else {}


def _told(moment: datetime, precision: str) -> str:
    # Not by a format: some systems write years before 1000 with fewer than four digits.
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=precision)
