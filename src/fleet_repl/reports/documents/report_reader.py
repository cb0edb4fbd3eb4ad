"""Report documents read back: every one that can be written gives the report it was made of.

Pure. What is no part of the document is lost: whether a write that failed is in doubt, and what
ECR told of a backfill beyond what the document has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from fleet_repl.ecr.backfills import Backfill, BackfillOutcome, BackfillState
from fleet_repl.planning.plan import Action, Resource
from fleet_repl.reports.documents import reader as members
from fleet_repl.reports.documents.reader import MalformedError, as_object
from fleet_repl.reports.documents.reading_shared import (
    acknowledged,
    expect_schema,
    held_link,
    inventory_reference,
    objection,
    unusable,
    warning,
    write_outcome,
    writes,
)
from fleet_repl.reports.documents.report import REPORT_SCHEMA, summary_document
from fleet_repl.runs.outcomes import (
    ChangeOutcome,
    Outcome,
    RegistryOutcome,
    Report,
    Status,
    WaveOutcome,
    wave_outcomes,
)
from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.errors import FleetError, StateError
from fleet_repl.values.names import Registry

_REPORT: Final = frozenset(
    [
        "schema",
        "run_id",
        "status",
        "started_at",
        "finished_at",
        "fleet",
        "inventory",
        "plan_digest",
        "rolls_back",
        "forced",
        "allowed",
        "objections",
        "warnings",
        "acknowledged",
        "summary",
        "waves",
        "registries",
        "backfills",
    ]
)
_OLDER: Final = frozenset({"acknowledged", "waves"})
"""What documents of earlier versions lack, and those that have nothing to say of it."""
_WAVE: Final = frozenset({"name", "registries", "writes", "because"})
_REGISTRY: Final = frozenset(
    [
        "account",
        "region",
        "name",
        "wave",
        "outcome",
        "attempts",
        "duration_ms",
        "changes",
        "held",
        "error",
        "because",
    ]
)
_CHANGE: Final = frozenset(
    ["resource", "action", "wave", "outcome", "request_id", "before", "after"]
)
_BACKFILL: Final = frozenset(
    [
        "source",
        "destination",
        "state",
        "started",
        "id",
        "status",
        "started_at",
        "ended_at",
        "total",
        "completed",
        "failed",
        "failure_codes",
        "failure_code",
        "error",
        "because",
    ]
)
_MISCOUNTED: Final = "it does not count what is listed"
_END: Final = frozenset({"account", "region", "name"})


def parse_report(content: bytes, where: str, *, error: type[FleetError] = StateError) -> Report:
    """The report in a document, which is named as `where` in what is raised.

    Raises `error` where it is no report of this version.
    """
    try:
        found = members.parsed(content)
        expect_schema(found, REPORT_SCHEMA)
        return _report(found)
    except MalformedError as malformed:
        raise unusable(error, "report", where, malformed) from None


def _report(found: JsonObject) -> Report:
    as_object(found, keys=_REPORT, optional=_OLDER)
    report = Report(
        run_id=members.text(found, "run_id"),
        status=members.choice(found, "status", Status),
        started_at=members.moment(found, "started_at"),
        finished_at=members.moment(found, "finished_at"),
        fleet=members.text(found, "fleet"),
        inventory=members.inner(found, "inventory", inventory_reference),
        plan_digest=members.optional_text(found, "plan_digest"),
        forced=members.truth(found, "forced"),
        allowed=members.texts(found, "allowed"),
        rolls_back=members.optional_text(found, "rolls_back"),
        objections=members.each(found, "objections", objection),
        warnings=members.each(found, "warnings", warning),
        acknowledged=acknowledged(found),
        registries=members.each(found, "registries", _registry),
        backfills=members.each(found, "backfills", _backfill),
    )
    _check_summary(members.mapping(found, "summary"), report)
    if "waves" not in found:
        return replace(report, waves=wave_outcomes(report.registries, ()))
    waves = members.each(found, "waves", _wave)
    counted = wave_outcomes(report.registries, [one.name for one in waves])
    if waves and [replace(one, because=None) for one in waves] != list(counted):
        raise MalformedError("waves", _MISCOUNTED)
    return replace(report, waves=waves)


def _check_summary(found: Mapping[str, Json], report: Report) -> None:
    counts = summary_document(report)
    # Earlier versions did not count writes, and knew no registry that is written in part.
    earlier = {key: counts[key] for key in counts if key not in ("partial", "writes")}
    if found not in (counts, earlier):
        raise MalformedError("summary", _MISCOUNTED)


def _wave(item: Json) -> WaveOutcome:
    found = as_object(item, keys=_WAVE)
    return WaveOutcome(
        name=members.text(found, "name"),
        registries=members.number(found, "registries"),
        writes=members.inner(found, "writes", writes),
        because=members.optional_text(found, "because"),
    )


def _registry(item: Json) -> RegistryOutcome:
    found = as_object(item, keys=_REGISTRY)
    return RegistryOutcome(
        registry=members.registry_of(found),
        name=members.text(found, "name"),
        wave=members.text(found, "wave"),
        outcome=members.choice(found, "outcome", Outcome),
        attempts=members.number(found, "attempts"),
        duration_ms=members.number(found, "duration_ms"),
        changes=members.each(found, "changes", _change),
        held=members.each(found, "held", held_link),
        error=members.optional_inner(found, "error", members.fault),
        because=members.optional_text(found, "because"),
    )


def _change(item: Json) -> ChangeOutcome:
    found = as_object(item, keys=_CHANGE)
    return ChangeOutcome(
        resource=members.choice(found, "resource", Resource),
        action=members.choice(found, "action", Action),
        wave=members.text(found, "wave"),
        outcome=write_outcome(found),
        request_id=members.optional_text(found, "request_id"),
        before=members.document(found, "before"),
        after=members.document(found, "after"),
    )


def _backfill(item: Json) -> BackfillOutcome:
    found = as_object(item, keys=_BACKFILL)
    source, source_name = members.inner(found, "source", _end)
    destination, destination_name = members.inner(found, "destination", _end)
    codes = members.mapping(found, "failure_codes")
    return BackfillOutcome(
        source=source,
        source_name=source_name,
        destination=destination,
        destination_name=destination_name,
        state=members.choice(found, "state", BackfillState),
        started=members.truth(found, "started"),
        backfill=None if found["id"] is None else _last(found, destination),
        failures={code: members.optional_number(codes, code) for code in codes},
        error=members.optional_inner(found, "error", members.fault),
        because=members.optional_text(found, "because"),
    )


def _last(found: JsonObject, destination: Registry) -> Backfill:
    return Backfill(
        id=members.text(found, "id"),
        destination=destination,
        status=members.text(found, "status"),
        started_at=members.moment(found, "started_at"),
        ended_at=members.optional_moment(found, "ended_at"),
        total=members.optional_number(found, "total"),
        completed=members.optional_number(found, "completed") or 0,
        failed=members.optional_number(found, "failed") or 0,
        failure_code=members.optional_text(found, "failure_code"),
    )


def _end(found: JsonObject) -> tuple[Registry, str]:
    as_object(found, keys=_END)
    return members.registry_of(found), members.text(found, "name")
