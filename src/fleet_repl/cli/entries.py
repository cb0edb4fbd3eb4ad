"""Events as log entries: which are worth a line, and what the line says.

Pure. An entry has words for people and fields for machines; reads that succeed are no news.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, assert_never

from fleet_repl.canonical import JsonObject
from fleet_repl.errors import Fault
from fleet_repl.names import Registry
from fleet_repl.outcomes import (
    CallRetried,
    Event,
    Outcome,
    PlanMade,
    ReadStarted,
    RegistryFinished,
    RegistryOutcome,
    RegistryRead,
    RunFinished,
    RunStarted,
    WriteSettled,
    WriteStarted,
)
from fleet_repl.reports.text.wording import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    level: Literal["info", "warning", "error"] = "info"
    event: str
    message: str
    fields: JsonObject = field(default_factory=dict)


def entry_of(event: Event) -> Entry | None:
    """The entry of an event, or None for one that is not worth a line."""
    match event:
        case ReadStarted():
            return None
        case RunStarted() | PlanMade() | RunFinished():
            return _of_run(event)
        case RegistryRead() | RegistryFinished():
            return _of_registry(event)
        case CallRetried():
            return _retried(event)
        case WriteStarted() | WriteSettled():
            return _of_write(event)
        case _:
            assert_never(event)


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
