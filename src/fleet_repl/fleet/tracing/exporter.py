"""Where spans go: a collector that speaks OTLP over HTTP, by the standard OTEL_ variables.

A thread of its own delivers; its queue is bounded, and drops spans rather than to wait.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from threading import Thread
from typing import TYPE_CHECKING, Final, cast

import anyio
import anyio.to_thread
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult

from fleet_repl._version import __version__

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter

_TALKATIVE: Final = ("opentelemetry", "urllib3")
_SILENCE: Final = logging.NullHandler()
_SERVICE: Final = "service.name"


class Delivery:
    """A tracer provider of its own, and the delivery of its spans."""

    def __init__(self) -> None:
        """Raises ValueError for variables that OpenTelemetry cannot use."""
        for name in _TALKATIVE:
            # They log each failed attempt, and without a handler that would go to stderr.
            logging.getLogger(name).addHandler(_SILENCE)
        self._exporter = _CountingExporter(OTLPSpanExporter())
        named = OTELResourceDetector().detect().attributes.get(_SERVICE, "fleet-repl")
        resource = Resource.create({_SERVICE: named, "service.version": __version__})
        self.provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        exporter = cast("SpanExporter", self._exporter)
        self.provider.add_span_processor(BatchSpanProcessor(exporter))

    async def flush(self, seconds: float) -> int:
        """Deliver what is left, within so many seconds. Returns the number of spans delivered."""
        # A daemon, which an exit of the program does not wait for.
        flushing = Thread(target=self.provider.shutdown, daemon=True)
        flushing.start()
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(flushing.join, seconds)
        # Ends the attempts of a delivery that has not come about: they would go on beside what
        # the program does next.
        self._exporter.shutdown()
        return self._exporter.delivered


class _CountingExporter:
    """An exporter that counts the spans that the collector has taken."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._is_shut_down = False
        self.delivered = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            self.delivered += len(spans)
        return result

    def shutdown(self) -> None:
        if not self._is_shut_down:
            self._is_shut_down = True
            self._exporter.shutdown()
