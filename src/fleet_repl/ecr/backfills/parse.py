"""A backfill read from ECR's answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from fleet_repl.ecr.backfills.model import Backfill
from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.names import Registry


class MalformedBackfillError(ValueError):
    """An answer about a backfill lacks a member that every backfill has."""


def parse_backfill(document: JsonObject, destination: Registry | None = None) -> Backfill:
    """Reads a backfill from a list, or from a start's answer, which may lack the `destination`.

    Raises MalformedBackfillError for a missing member: it must not seem that there is no backfill.
    """
    progress = document.get("progress")
    counts: JsonObject = progress if isinstance(progress, Mapping) else {}
    codes = counts.get("failureCodes")
    listed = codes if isinstance(codes, Sequence) and not isinstance(codes, str) else ()
    return Backfill(
        id=_text(document, "replicationBackfillId"),
        destination=_destination(document.get("destination"), destination),
        status=_text(document, "status"),
        started_at=_moment(document, "startedAt"),
        ended_at=_moment(document, "endedAt") if document.get("endedAt") is not None else None,
        total=_count(counts, "totalReplicationCount") if counts else None,
        completed=_count(counts, "completedReplicationCount"),
        failed=_count(counts, "failedReplicationCount"),
        failure_codes=tuple(sorted({code for code in listed if isinstance(code, str)})),
        failure_code=_optional_text(document, "failureCode"),
    )


def _destination(place: Json, otherwise: Registry | None) -> Registry:
    if isinstance(place, Mapping):
        destination = Registry.of(place.get("registryId"), place.get("region"))
        if destination is not None:
            return destination
    if otherwise is None:
        raise MalformedBackfillError("destination")
    return otherwise


def _text(document: JsonObject, key: str) -> str:
    value = document.get(key)
    if not isinstance(value, str):
        raise MalformedBackfillError(key)
    return value


def _optional_text(document: JsonObject, key: str) -> str | None:
    value = document.get(key)
    return value if isinstance(value, str) else None


def _moment(document: JsonObject, key: str) -> datetime:
    value = document.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MalformedBackfillError(key)
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise MalformedBackfillError(key) from error


def _count(counts: JsonObject, key: str) -> int:
    value = counts.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
