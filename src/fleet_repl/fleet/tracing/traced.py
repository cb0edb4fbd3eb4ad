"""Whether a run is traced, and the sink that its events go through."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from fleet_repl.engine.ports import EventSink
from fleet_repl.fleet.event_sinks import both, guarded, ignored
from fleet_repl.values.errors import reason_of
from fleet_repl.values.text import counted

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

    from fleet_repl.fleet.tracing.exporter import Delivery

_LOG: Final = logging.getLogger("fleet_repl")
_FLUSH_SECONDS: Final = 2.0
"""Seconds that the end of a run waits for its last spans to be delivered."""
_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_HTTP: Final = "http/protobuf"


@asynccontextmanager
async def traced(
    on_event: EventSink | None = None,
    *,
    provider: TracerProvider | None = None,
    on_problem: Callable[[str], object] = _LOG.warning,
    environ: Mapping[str, str] = os.environ,
    flush_seconds: float = _FLUSH_SECONDS,
) -> AsyncIterator[EventSink]:
    """Gives a sink for the events of one connection, which makes a trace of its run.

    Every event goes to `on_event` too. With a `provider` the spans are its own, and flushing it is
    its owner's task. Without one they go where OpenTelemetry's standard variables say, which is
    nowhere unless an endpoint is set and the extra `otel` is installed. `on_problem` gets a
    sentence where spans could not be delivered. A trace never fails a run, and waits
    `flush_seconds` at the most for its last spans.
    """
    sink = ignored if on_event is None else guarded(on_event)
    if provider is not None:
        async with _spans(sink, provider) as (spans, _):
            yield spans
        return
    delivery = _delivery(environ, on_problem)
    if delivery is None:
        yield sink
        return
    recorded: Callable[[], int] = int
    try:
        async with _spans(sink, delivery.provider) as (spans, recorded):
            yield spans
    finally:
        lost = recorded() - await delivery.flush(flush_seconds)
        if lost > 0:
            on_problem(f"{counted(lost, 'span')} of the run's trace could not be delivered")


@asynccontextmanager
async def _spans(
    sink: EventSink, provider: TracerProvider
) -> AsyncIterator[tuple[EventSink, Callable[[], int]]]:
    """Gives the sink, and the number of spans that were recorded."""
    from fleet_repl.fleet.tracing.spans import RunSpans  # noqa: PLC0415 - only where wanted

    spans = RunSpans(provider.get_tracer("fleet-repl"))
    try:
        yield both(sink, spans), lambda: spans.recorded
    except BaseException as error:
        spans.close(error)
        raise
    spans.close()


def _delivery(environ: Mapping[str, str], on_problem: Callable[[str], object]) -> Delivery | None:
    if not _is_wanted(environ):
        return None
    protocol = _first(environ, _PROTOCOLS) or _HTTP
    if protocol != _HTTP:
        on_problem(f"the run is not traced: only the OTLP protocol {_HTTP} can be spoken")
        return None
    try:
        from fleet_repl.fleet.tracing.exporter import Delivery  # noqa: PLC0415 - takes time
    except ImportError:
        # Whole clusters have the variables set, for programs of all kinds.
        return None
    try:
        return Delivery()
    except Exception as error:  # noqa: BLE001 - a variable that cannot be used fails no run
        on_problem(f"the run is not traced: an OTEL_ variable cannot be used: {reason_of(error)}")
        return None


def _is_wanted(environ: Mapping[str, str]) -> bool:
    """Returns whether the variables ask for traces: an endpoint is set, and nothing says no."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporter = environ.get("OTEL_TRACES_EXPORTER", "").strip() or "otlp"
    return exporter == "otlp" and _first(environ, _ENDPOINTS) is not None


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((environ[name].strip() for name in names if environ.get(name, "").strip()), None)
