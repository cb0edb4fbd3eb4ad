"""How every document spells itself: its times, its prefixes, its faults, and its text.

In ASCII, so that no encoding and no terminal makes anything else of a name in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Final, TypeVar

from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.errors import Fault
from fleet_repl.values.prefixes import EVERY_REPOSITORY, Prefixes

_BATCH: Final = 256
"""Items that are spelled at a time: none of a long list's text is ever held twice."""

_T = TypeVar("_T")


def json_text(document: Json) -> str:
    """Any document as text that people may open: indented, ending with a newline."""
    # DEL is the one control character that JSON leaves as it is.
    return json.dumps(document, indent=2).replace("\x7f", "\\u007f") + "\n"


def compact(document: Json) -> bytes:
    """Any document as it is kept: the shortest text with the keys in the order given."""
    return json.dumps(document, separators=(",", ":")).encode("ascii")


def compact_pieces(frame: JsonObject, key: str, items: Iterable[Json]) -> Iterator[bytes]:
    """`compact` of `frame` with a long list as its last member, piece by piece."""
    yield compact(frame)[:-1] + f',"{key}":['.encode("ascii")
    for nth, batch in enumerate(batches(items)):
        yield (b"," if nth else b"") + compact(batch)[1:-1]
    yield b"]}\n"


def compact_members(
    frame: JsonObject, key: str, items: Iterable[tuple[str, Json]]
) -> Iterator[bytes]:
    """The same with a large object as its last member."""
    yield compact(frame)[:-1] + f',"{key}":{{'.encode("ascii")
    for nth, batch in enumerate(batches(items)):
        yield (b"," if nth else b"") + compact(dict(batch))[1:-1]
    yield b"}}\n"


def batches(items: Iterable[_T]) -> Iterator[list[_T]]:
    """A long list in parts that are handled at a time."""
    rest = iter(items)
    while batch := list(islice(rest, _BATCH)):
        yield batch


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return f"{_spelled(moment, 'seconds')}Z"


def instant(moment: datetime) -> str:
    """RFC 3339 in UTC, to the millisecond."""
    return f"{_spelled(moment, 'milliseconds')}Z"


def _spelled(moment: datetime, precision: str) -> str:
    # Not by a format: some systems write years before 1000 with fewer than four digits.
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=precision)


def prefixes_document(prefixes: Prefixes) -> Json:
    """A list of prefixes; null for every repository."""
    return None if prefixes == EVERY_REPOSITORY else list(prefixes)


def fault_document(fault: Fault | None) -> Json:
    """A failed call as an object; null for none."""
    if fault is None:
        return None
    return {
        "kind": fault.kind.value,
        "operation": fault.operation,
        "code": fault.code,
        "message": fault.message,
        "request_id": fault.request_id,
        "hint": fault.hint,
    }
