"""The log entry of each event of a run. Pure.

Reads that succeed, and the steps of a backfill, have none.
"""

from __future__ import annotations

from fleet_repl.reports.image_log_entries import image_entry
from fleet_repl.reports.log_entry import LogEntry, fault_fields, place_fields
from fleet_repl.runs.events import (
    BackfillProgressed,
    BackfillsWanted,
    CallRetried,
    Event,
    IdentityNotNarrowed,
    ImageAwaited,
    LockAwaited,
    PlanMade,
    ReadStarted,
    RegistryFinished,
    RegistryRead,
    RunFinished,
    RunStarted,
    WaveFinished,
    WaveStarted,
    WriteSettled,
    WriteStarted,
)
from fleet_repl.runs.outcomes import Outcome, RegistryOutcome
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry
from fleet_repl.values.text import counted, elapsed


def entry_of(event: Event) -> LogEntry | None:
    """Returns the entry of an event; None for an event that the log leaves out."""
    entry: LogEntry | None
    match event:
        case ReadStarted() | BackfillsWanted() | BackfillProgressed() | ImageAwaited():
            return None
        case RunStarted() | PlanMade() | RunFinished():
            entry = _of_run(event)
        case WaveStarted() | WaveFinished():
            entry = _of_wave(event)
        case RegistryRead() | RegistryFinished():
            entry = _of_registry(event)
        case CallRetried() | IdentityNotNarrowed():
            entry = _of_call(event)
        case LockAwaited():
            entry = _awaited(event)
        case WriteStarted() | WriteSettled():
            entry = _of_write(event)
        case _:
            entry = image_entry(event)
    return entry


def _of_run(event: RunStarted | PlanMade | RunFinished) -> LogEntry:
    match event:
        case RunStarted(run_id=run_id, registries=registries, accounts=accounts):
            return LogEntry(
                event="run-started",
                message=f"run {run_id}: {counted(registries, 'registry')} in "
                f"{counted(accounts, 'account')}",
                fields={"run_id": run_id, "registries": registries, "accounts": accounts},
            )
        case PlanMade(plan=plan):
            return LogEntry(
                event="plan-made",
                message=f"plan {plan.digest}: {counted(len(plan.changes), 'change')}",
                fields={"digest": plan.digest, "changes": len(plan.changes)},
            )
        case RunFinished(report=report):
            return LogEntry(
                event="run-finished",
                message=f"run {report.run_id}: {report.status}",
                fields={"run_id": report.run_id, "status": report.status.value},
            )


def _of_wave(event: WaveStarted | WaveFinished) -> LogEntry:
    match event:
        case WaveStarted(wave=wave, registries=registries):
            return LogEntry(
                event="wave-started",
                message=f"wave {wave}: {counted(registries, 'registry')} to write to",
                fields={"wave": wave, "registries": registries},
            )
        case WaveFinished(wave=wave, failed=failed, pause=pause, because=because):
            next_ = f"; the next one in {elapsed(pause)}" if pause else ""
            if because is not None:
                next_ = f"; later ones are skipped: {because}"
            return LogEntry(
                level="warning" if failed or because else "info",
                event="wave-finished",
                message=f"wave {wave}: ended, {counted(failed, 'registry')} failed{next_}",
                fields={"wave": wave, "failed": failed, "pause": pause, "because": because},
            )


def _of_call(event: CallRetried | IdentityNotNarrowed) -> LogEntry:
    fault = event.error
    match event:
        case IdentityNotNarrowed(account=account):
            return LogEntry(
                event="identity-not-narrowed",
                message=f"{account}: the base identity is not narrowed to this run's calls: "
                f"{fault}",
                fields={"account": account, **fault_fields(fault)},
            )
        case CallRetried(attempt=attempt, delay=delay):
            return LogEntry(
                level="warning",
                event="call-retried",
                message=f"{event.account or 'base identity'}: {fault}; attempt {attempt} failed, "
                f"next in {delay:.1f} s",
                fields={
                    "account": event.account,
                    **fault_fields(fault),
                    "operation": event.operation,
                    "attempt": attempt,
                    "delay": round(delay, 3),
                },
            )


def _awaited(event: LockAwaited) -> LogEntry:
    return LogEntry(
        level="warning",
        event="lock-awaited",
        message=f"fleet {event.fleet}: waiting {event.seconds:.0f} s for the lock of "
        f"{event.holder}, which gives no sign of life",
        fields={"fleet": event.fleet, "seconds": round(event.seconds, 3)},
    )


def _of_write(event: WriteStarted | WriteSettled) -> LogEntry:
    where: JsonObject = {**place_fields(event.registry), "resource": event.resource.value}
    match event:
        case WriteStarted(action=action):
            return LogEntry(
                event="write-started",
                message=f"{event.registry}: {action} {event.resource}",
                fields={**where, "action": action.value},
            )
        case WriteSettled(outcome=outcome, error=error):
            why = f": {error}" if error else ""
            return LogEntry(
                level="error" if error else "info",
                event="write-settled",
                message=f"{event.registry}: {event.resource} {outcome}{why}",
                fields={
                    **where,
                    "outcome": outcome.value,
                    **(fault_fields(error) if error else {}),
                },
            )


def _of_registry(event: RegistryRead | RegistryFinished) -> LogEntry | None:
    match event:
        case RegistryRead(registry=registry, error=error, excuse=None):
            return _failed("registry-unreadable", registry, error) if error else None
        case RegistryRead(registry=registry, excuse=excuse):
            fields = place_fields(registry)
            message = f"{registry}: {excuse}"
            return LogEntry(event="registry-joining", message=message, fields=fields)
        case RegistryFinished(outcome=outcome):
            return None if outcome.outcome is Outcome.UNCHANGED else _finished(outcome)


def _finished(outcome: RegistryOutcome) -> LogEntry:
    if outcome.error is not None:
        return _failed("registry-finished", outcome.registry, outcome.error)
    because = f": {outcome.because}" if outcome.because else ""
    return LogEntry(
        event="registry-finished",
        message=f"{outcome.registry}: {outcome.outcome}{because}",
        fields={
            **place_fields(outcome.registry),
            "outcome": outcome.outcome.value,
            "because": outcome.because,
        },
    )


def _failed(event: str, registry: Registry, error: Fault) -> LogEntry:
    return LogEntry(
        level="error",
        event=event,
        message=f"{registry}: {error}",
        fields={**place_fields(registry), **fault_fields(error)},
    )
