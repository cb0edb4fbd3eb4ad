"""The spans of a run, begun and ended by its events.

The span `run` has the span `plan`, a span for each wave, and one for each registry that was written
to or is not as planned. The spans of writes are in their wave's. A reading that leads to no plan is
a span `read`. No attribute holds the text of a fault: texts are for the reader of a report.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Final

from opentelemetry.trace import StatusCode, set_span_in_context

from fleet_repl.planning.plan import Plan
from fleet_repl.runs.events import (
    BackfillEnded,
    BackfillStarted,
    CallRetried,
    Event,
    LockAwaited,
    PlanMade,
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
from fleet_repl.runs.outcomes import Outcome, RegistryOutcome, Report, Status
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

    Attributes = Mapping[str, str | int | float | bool]

_RUN: Final = "run"
_READ: Final = "read"
_GOOD: Final = (Status.OK, Status.STAGED)


class RunSpans:
    """An event sink that begins and ends the spans of one connection's run."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._open: dict[Hashable, Span] = {}
        self._parent_of_writes: Hashable = _RUN
        self._attempts: dict[Registry, int] = {}
        """The attempts at the present write of each registry that is written to."""
        self.recorded = 0
        """Spans that have ended, without those that a sampler left out."""

    def __call__(self, event: Event) -> None:
        if _RUN not in self._open:
            # Within the span of a program that has one of its own.
            self._open[_RUN] = self._tracer.start_span("run")
        match event:
            case RunStarted() | PlanMade() | RunFinished() | VerifyStarted() | VerifyFinished():
                self._of_run(event)
            case WaveStarted() | WaveFinished():
                self._of_wave(event)
            case WriteStarted() | WriteSettled():
                self._of_write(event)
            case RegistryFinished(outcome=outcome):
                self._finish_registry(outcome)
            case RegistryRead() | CallRetried() | LockAwaited():
                self._note(event)
            case BackfillStarted() | BackfillEnded():
                self._of_backfill(event)
            case _:
                pass

    def close(self, error: BaseException | None = None) -> None:
        """End the spans that are still open: those of an interrupted run, and the run's own."""
        for key in [key for key in self._open if key != _RUN]:
            self._end(key, {"fleet_repl.finished": False})
        if _RUN in self._open:
            if error is not None:
                self._open[_RUN].set_status(StatusCode.ERROR, type(error).__name__)
                self._open[_RUN].set_attribute("error.type", type(error).__name__)
            self._end(_RUN)

    def _of_run(
        self, event: RunStarted | PlanMade | RunFinished | VerifyStarted | VerifyFinished
    ) -> None:
        run = self._open[_RUN]
        match event:
            case RunStarted(run_id=run_id, registries=registries, accounts=accounts):
                scope = {"fleet_repl.registries": registries, "fleet_repl.accounts": accounts}
                run.set_attributes({"fleet_repl.run_id": run_id, **scope})
                self._begin(_READ, "read", scope)
            case PlanMade(plan=plan):
                run.set_attribute("fleet_repl.fleet", plan.fleet)
                if _READ in self._open:
                    self._open[_READ].update_name("plan")
                    self._end(_READ, _plan(plan))
            case VerifyStarted(run_id=run_id, sources=sources):
                run.set_attribute("fleet_repl.run_id", run_id)
                self._begin(_READ, "verify", {"fleet_repl.registries": len(sources)})
            case VerifyFinished(report=verified):
                self._end(_READ, {"fleet_repl.status": str(verified.status)})
            case RunFinished(report=report):
                run.set_attributes(_report(report))
                if report.status not in _GOOD:
                    run.set_status(StatusCode.ERROR, report.status.value)

    def _of_wave(self, event: WaveStarted | WaveFinished) -> None:
        key = ("wave", event.wave)
        match event:
            case WaveStarted(wave=wave, registries=registries):
                self._parent_of_writes = key
                self._begin(
                    key, "wave", {"fleet_repl.wave": wave, "fleet_repl.registries": registries}
                )
            case WaveFinished(failed=failed, because=because):
                self._parent_of_writes = _RUN
                ended: Attributes = {"fleet_repl.failed": failed}
                # Of the library's own making: it names a wave and numbers.
                reason = {} if because is None else {"fleet_repl.because": because}
                self._end(key, {**ended, **reason})

    def _of_write(self, event: WriteStarted | WriteSettled) -> None:
        registry, key = event.registry, (event.registry, event.resource)
        match event:
            case WriteStarted(resource=resource, action=action):
                if registry not in self._open:
                    self._begin(registry, "registry", _place(registry))
                self._attempts[registry] = 1
                write = {"fleet_repl.resource": str(resource), "fleet_repl.action": str(action)}
                place = _place(registry)
                self._begin(key, "write", {**place, **write}, within=self._parent_of_writes)
            case WriteSettled(outcome=outcome, error=error):
                attempts = self._attempts.pop(registry, 1)
                ended: Attributes = {
                    "fleet_repl.outcome": outcome.value,
                    "fleet_repl.attempts": attempts,
                }
                self._end(key, ended, error)

    def _finish_registry(self, ended: RegistryOutcome) -> None:
        as_it_was = ended.outcome is Outcome.UNCHANGED and not (ended.held or ended.error)
        if ended.registry not in self._open:
            if as_it_was:
                return
            self._begin(ended.registry, "registry", _place(ended.registry))
        attributes: Attributes = {
            "fleet_repl.outcome": ended.outcome.value,
            "fleet_repl.attempts": ended.attempts,
            "fleet_repl.held": len(ended.held),
        }
        self._end(ended.registry, attributes, ended.error)

    def _note(self, event: RegistryRead | CallRetried | LockAwaited) -> None:
        """Add an event to the span that it is about."""
        span = self._open.get(_READ) or self._open[_RUN]
        match event:
            case RegistryRead(registry=registry, error=Fault() as fault, excuse=None):
                span.add_event("registry-unreadable", {**_place(registry), **_fault(fault)})
            case LockAwaited(seconds=seconds):
                span.add_event("lock-awaited", {"fleet_repl.seconds": seconds})
            case CallRetried():
                self._note_retry(event, span)
            case _:
                pass

    def _note_retry(self, event: CallRetried, span: Span) -> None:
        if event.account is not None and event.region is not None:
            registry = Registry(event.account, event.region)
            if registry in self._attempts:
                self._attempts[registry] += 1
                span = self._open[registry]
        where = {"cloud.account.id": event.account, "cloud.region": event.region}
        attributes = {key: value for key, value in where.items() if value is not None}
        numbers = {"fleet_repl.attempt": event.attempt, "fleet_repl.delay": event.delay}
        span.add_event("call-retried", {**attributes, **numbers, **_fault(event.error)})

    def _of_backfill(self, event: BackfillStarted | BackfillEnded) -> None:
        match event:
            case BackfillStarted(source=source, backfill=backfill):
                self._backfill(source, backfill.destination)
            case BackfillEnded(outcome=ended):
                key = self._backfill(ended.source, ended.destination)
                self._end(key, {"fleet_repl.outcome": ended.state.value}, ended.error)

    def _backfill(self, source: Registry, destination: Registry) -> Hashable:
        """Begin the span of a backfill, unless it is open. Returns its key."""
        key = ("backfill", source, destination)
        if key not in self._open:
            to = {"fleet_repl.destination": str(destination)}
            self._begin(key, "backfill", {**_place(source), **to})
        return key

    def _begin(
        self, key: Hashable, name: str, attributes: Attributes, *, within: Hashable = _RUN
    ) -> None:
        """Begin a span; an open one of the same key has been overtaken, and ends."""
        self._end(key, {"fleet_repl.finished": False})
        context = set_span_in_context(self._open[within])
        self._open[key] = self._tracer.start_span(name, context, attributes=attributes)

    def _end(
        self, key: Hashable, attributes: Attributes | None = None, error: Fault | None = None
    ) -> None:
        span = self._open.pop(key, None)
        if span is None:
            return
        span.set_attributes({**(attributes or {})})
        if error is not None:
            span.set_attributes(_fault(error))
            span.set_status(StatusCode.ERROR, f"{error.operation}: {error.kind}")
        self.recorded += span.is_recording()
        span.end()


def _place(registry: Registry) -> dict[str, str | int | float | bool]:
    return {"cloud.account.id": registry.account, "cloud.region": registry.region}


def _fault(fault: Fault) -> dict[str, str | int | float | bool]:
    known = {"aws.error.code": fault.code, "aws.request_id": fault.request_id}
    return {
        "error.type": fault.kind.value,
        "fleet_repl.operation": fault.operation,
        **{key: value for key, value in known.items() if value is not None},
    }


def _plan(plan: Plan) -> dict[str, str | int | float | bool]:
    summary = plan.summary
    return {
        "fleet_repl.plan_digest": plan.digest,
        "fleet_repl.changes": len(plan.changes),
        "fleet_repl.links_added": summary.links_added,
        "fleet_repl.links_removed": summary.links_removed,
        "fleet_repl.held": summary.held,
    }


def _report(report: Report) -> dict[str, str | int | float | bool]:
    return {
        "fleet_repl.run_id": report.run_id,
        "fleet_repl.fleet": report.fleet,
        "fleet_repl.status": report.status.value,
        "fleet_repl.applied": report.writes.applied,
        "fleet_repl.failed": report.writes.failed,
        "fleet_repl.held": report.held,
    }
