"""Reports as JSON documents. Pure; the keys are a promise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

from fleet_repl.ecr.backfills import BackfillOutcome
from fleet_repl.reports.documents.shared import (
    acknowledged_document,
    held_document,
    inventory_document,
    notes_document,
)
from fleet_repl.reports.documents.writer import compact_pieces, fault_document, timestamp
from fleet_repl.runs.outcomes import (
    ChangeOutcome,
    Outcome,
    RegistryOutcome,
    Report,
    WaveOutcome,
    Writes,
)
from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.names import Registry

REPORT_SCHEMA: Final = "fleet-repl/report/1"

_Members: TypeAlias = dict[str, Json]


def report_document(report: Report) -> JsonObject:
    """The document `fleet-repl/report/1` of a report."""
    return {**_frame(report), "registries": list(_registries(report))}


def report_content(report: Report) -> bytes:
    """The document as it is kept: without any white space."""
    return b"".join(compact_pieces(_frame(report), "registries", _registries(report)))


def writes_document(writes: Writes) -> JsonObject:
    """How many writes had which outcome."""
    return {outcome.value: number for outcome, number in writes.counts.items()}


def summary_document(report: Report) -> JsonObject:
    """Registries by outcome, links held, and writes by outcome."""
    counts: _Members = {outcome.value: report.count(outcome) for outcome in Outcome}
    return {**counts, "held": report.held, "writes": writes_document(report.writes)}


def backfill_document(one: BackfillOutcome) -> JsonObject:
    """One source and destination, in the report of an apply and in that of a backfill."""
    last = one.backfill
    counted = last is not None and last.total is not None
    return {
        "source": _end(one.source, one.source_name),
        "destination": _end(one.destination, one.destination_name),
        "state": one.state.value,
        "started": one.started,
        "id": last.id if last else None,
        "status": last.status if last else None,
        "started_at": timestamp(last.started_at) if last else None,
        "ended_at": timestamp(last.ended_at) if last and last.ended_at else None,
        "total": last.total if last else None,
        "completed": last.completed if last and counted else None,
        "failed": last.failed if last and counted else None,
        "failure_codes": dict(sorted(one.failures.items())),
        "failure_code": last.failure_code if last else None,
        "error": fault_document(one.error),
        "because": one.because,
    }


def _frame(report: Report) -> _Members:
    return {
        "schema": REPORT_SCHEMA,
        "run_id": report.run_id,
        "status": report.status.value,
        "started_at": timestamp(report.started_at),
        "finished_at": timestamp(report.finished_at),
        "fleet": report.fleet,
        "inventory": inventory_document(report.inventory),
        "plan_digest": report.plan_digest,
        "rolls_back": report.rolls_back,
        "forced": report.forced,
        "allowed": list(report.allowed),
        "objections": notes_document(report.objections),
        "warnings": notes_document(report.warnings),
        **acknowledged_document(report.acknowledged),
        "summary": summary_document(report),
        "waves": [_wave(one) for one in report.waves],
        "backfills": [backfill_document(one) for one in report.backfills],
    }


def _registries(report: Report) -> Iterator[Json]:
    return map(_registry, report.registries)


def _wave(one: WaveOutcome) -> Json:
    return {
        "name": one.name,
        "registries": one.registries,
        "writes": writes_document(one.writes),
        "because": one.because,
    }


def _registry(one: RegistryOutcome) -> Json:
    return {
        "account": one.registry.account,
        "region": one.registry.region,
        "name": one.name,
        "wave": one.wave,
        "outcome": one.outcome.value,
        "attempts": one.attempts,
        "duration_ms": one.duration_ms,
        "changes": [_change(change) for change in one.changes],
        "held": held_document(one.held),
        "error": fault_document(one.error),
        "because": one.because,
    }


def _change(change: ChangeOutcome) -> JsonObject:
    return {
        "resource": change.resource.value,
        "action": change.action.value,
        "wave": change.wave,
        "outcome": change.outcome.value,
        "request_id": change.request_id,
        "before": change.before,
        "after": change.after,
    }


def _end(registry: Registry, name: str) -> JsonObject:
    return {"account": registry.account, "region": registry.region, "name": name}
