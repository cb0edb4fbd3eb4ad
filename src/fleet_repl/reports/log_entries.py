"""Events as log entries: which are worth a line, and what the line says.

Pure. An entry has words for people and fields for machines; reads that succeed are no news.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, assert_never

from fleet_repl.runs.events import (
    BackfillEnded,
    BackfillProgressed,
    BackfillStarted,
    BackfillsWanted,
    CallRetried,
    Event,
    LockAwaited,
    PlanMade,
    ReadStarted,
    RegistryFinished,
    RegistryRead,
    RunFinished,
    RunStarted,
    VerifyFinished,
    VerifyStarted,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    level: Literal["info", "warning", "error"] = "info"
    event: str
    message: str
    fields: JsonObject = field(default_factory=dict)


def entry_of(event: Event) -> Entry | None:
    """The entry of an event, or None for one that is not worth a line."""
    entry: Entry | None
    match event:
        case ReadStarted() | BackfillsWanted() | BackfillProgressed():
            return None
        case RunStarted() | PlanMade() | RunFinished():
            entry = _of_run(event)
        case WaveStarted() | WaveFinished():
            entry = _of_wave(event)
        case RegistryRead() | RegistryFinished():
            entry = _of_registry(event)
        case CallRetried():
            entry = _retried(event)
        case LockAwaited():
            entry = _awaited(event)
        case WriteStarted() | WriteSettled():
            entry = _of_write(event)
        case BackfillStarted() | BackfillEnded():
            entry = _of_backfill(event)
        case VerifyStarted() | VerifyFinished():
            entry = _of_verify(event)
        case _:
            assert_never(event)
    return entry


def _of_run(event: RunStarted | PlanMade | RunFinished) -> Entry:
    match event:
        case RunStarted(run_id=run_id, registries=registries, accounts=accounts):
            return Entry(
                event="run-started",
                message=f"run {run_id}: {counted(registries, 'registry')} in "
                f"{counted(accounts, 'account')}",
                fields={"run_id": run_id, "registries": registries, "accounts": accounts},
            )
        case PlanMade(plan=plan):
            return Entry(
                event="plan-made",
                message=f"plan {plan.digest}: {counted(len(plan.changes), 'change')}",
                fields={"digest": plan.digest, "changes": len(plan.changes)},
            )
        case RunFinished(report=report):
            return Entry(
                event="run-finished",
                message=f"run {report.run_id}: {report.status}",
                fields={"run_id": report.run_id, "status": report.status.value},
            )


def _of_wave(event: WaveStarted | WaveFinished) -> Entry:
    match event:
        case WaveStarted(wave=wave, registries=registries):
            return Entry(
                event="wave-started",
                message=f"wave {wave}: {counted(registries, 'registry')} to write to",
                fields={"wave": wave, "registries": registries},
            )
        case WaveFinished(wave=wave, failed=failed, pause=pause, because=because):
            next_ = f"; the next one in {elapsed(pause)}" if pause else ""
            if because is not None:
                next_ = f"; later ones are skipped: {because}"
            return Entry(
                level="warning" if failed or because else "info",
                event="wave-finished",
                message=f"wave {wave}: ended, {counted(failed, 'registry')} failed{next_}",
                fields={"wave": wave, "failed": failed, "pause": pause, "because": because},
            )


def _of_backfill(event: BackfillStarted | BackfillEnded) -> Entry:
    match event:
        case BackfillStarted(source=source, backfill=backfill):
            return Entry(
                event="backfill-started",
                message=f"{source}: backfill to {backfill.destination} started",
                fields={**_between(source, backfill.destination), "id": backfill.id},
            )
        case BackfillEnded(outcome=one):
            error = one.error
            why = f": {error or one.because}" if error or one.because else ""
            failed = one.backfill is not None and one.backfill.failed > 0
            return Entry(
                level="error" if error else "warning" if failed or one.because else "info",
                event="backfill-ended",
                message=f"{one.source}: backfill to {one.destination} {one.state}{why}",
                fields={
                    **_between(one.source, one.destination),
                    "state": one.state.value,
                    **(_fault(error) if error else {}),
                },
            )


def _between(source: Registry, destination: Registry) -> JsonObject:
    return {
        **_place(source),
        "to_account": destination.account,
        "to_region": destination.region,
    }


def _of_verify(event: VerifyStarted | VerifyFinished) -> Entry:
    match event:
        case VerifyStarted(run_id=run_id, sources=sources):
            return Entry(
                event="verify-started",
                message=f"run {run_id}: images of {counted(len(sources), 'registry')}",
                fields={"run_id": run_id, "sources": len(sources)},
            )
        case VerifyFinished(report=report):
            return Entry(
                event="verify-finished",
                message=f"run {report.run_id}: {report.status}",
                fields={"run_id": report.run_id, "status": report.status},
            )


def _retried(event: CallRetried) -> Entry:
    account = event.account or "base identity"
    fault = event.error
    return Entry(
        level="warning",
        event="call-retried",
        message=f"{account}: {fault}; attempt {event.attempt} failed, next in {event.delay:.1f} s",
        fields={
            "account": event.account,
            **_fault(fault),
            "operation": event.operation,
            "attempt": event.attempt,
            "delay": round(event.delay, 3),
        },
    )


def _awaited(event: LockAwaited) -> Entry:
    return Entry(
        level="warning",
        event="lock-awaited",
        message=f"fleet {event.fleet}: waiting {event.seconds:.0f} s for the lock of "
        f"{event.holder}, which gives no sign of life",
        fields={"fleet": event.fleet, "seconds": round(event.seconds, 3)},
    )


def _of_write(event: WriteStarted | WriteSettled) -> Entry:
    what: JsonObject = {**_place(event.registry), "resource": event.resource.value}
    match event:
        case WriteStarted(action=action):
            return Entry(
                event="write-started",
                message=f"{event.registry}: {action} {event.resource}",
                fields={**what, "action": action.value},
            )
        case WriteSettled(outcome=outcome, error=error):
            why = f": {error}" if error else ""
            return Entry(
                level="error" if error else "info",
                event="write-settled",
                message=f"{event.registry}: {event.resource} {outcome}{why}",
                fields={**what, "outcome": outcome.value, **(_fault(error) if error else {})},
            )


def _of_registry(event: RegistryRead | RegistryFinished) -> Entry | None:
    match event:
        case RegistryRead(registry=registry, error=error):
            return _failed("registry-unreadable", registry, error) if error else None
        case RegistryFinished(outcome=outcome):
            return None if outcome.outcome is Outcome.UNCHANGED else _finished(outcome)


def _finished(one: RegistryOutcome) -> Entry:
    if one.error is not None:
        return _failed("registry-finished", one.registry, one.error)
    because = f": {one.because}" if one.because else ""
    return Entry(
        event="registry-finished",
        message=f"{one.registry}: {one.outcome}{because}",
        fields={**_place(one.registry), "outcome": one.outcome.value, "because": one.because},
    )


def _failed(event: str, registry: Registry, error: Fault) -> Entry:
    return Entry(
        level="error",
        event=event,
        message=f"{registry}: {error}",
        fields={**_place(registry), **_fault(error)},
    )


def _place(registry: Registry) -> JsonObject:
    return {"account": registry.account, "region": registry.region}


def _fault(fault: Fault) -> JsonObject:
    return {
        "kind": fault.kind.value,
        "operation": fault.operation,
        "code": fault.code,
        "request_id": fault.request_id,
    }
