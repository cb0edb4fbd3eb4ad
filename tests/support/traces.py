"""The spans of runs: kept in memory, as a tree to compare, and received by a small collector."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event as Signal, Thread
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


class KeptSpans:
    """A tracer provider whose spans are kept in memory."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        return tuple(self._exporter.get_finished_spans())

    def named(self, name: str) -> list[dict[str, Any]]:
        """The attributes of the spans of a name."""
        return [dict(span.attributes or {}) for span in self.spans if span.name == name]

    def tree(self) -> str:
        """Every span on a line, within its parent: its account, its outcome, and a failure."""
        children: dict[int | None, list[ReadableSpan]] = {}
        for span in sorted(self.spans, key=lambda span: span.start_time or 0):
            children.setdefault(span.parent.span_id if span.parent else None, []).append(span)

        def lines(parent: int | None, indent: str) -> Iterator[str]:
            for span in children.get(parent, []):
                yield f"{indent}{_line(span)}"
                context = span.context
                assert context is not None
                yield from lines(context.span_id, f"{indent}  ")

        return "\n".join(lines(None, ""))


def _line(span: ReadableSpan) -> str:
    attributes = dict(span.attributes or {})
    shown = [
        str(attributes[name]).lstrip("0")
        for name in (
            "fleet_repl.wave",
            "cloud.account.id",
            "fleet_repl.resource",
            "fleet_repl.outcome",
            "fleet_repl.status",
        )
        if name in attributes
    ]
    if held := attributes.get("fleet_repl.held"):
        shown.append(f"held={held}")
    if not attributes.get("fleet_repl.finished", True):
        shown.append("unfinished")
    if span.status.description:
        shown.append(f"! {span.status.description}")
    return " ".join((span.name, *shown))


class Collector(ThreadingHTTPServer):
    """A collector that speaks OTLP over HTTP, and keeps the spans that it is sent."""

    daemon_threads = True

    def __init__(self, status: int = 200) -> None:
        super().__init__(("127.0.0.1", 0), _Receiving)
        self.status = status
        self.requests: list[ExportTraceServiceRequest] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.released = Signal()
        """Where the status is 0, requests are answered once this is set."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def resource(self) -> dict[str, str]:
        """The attributes of what has sent the first spans."""
        sent = self.requests[0].resource_spans[0].resource.attributes
        return {attribute.key: attribute.value.string_value for attribute in sent}

    def names(self) -> list[str]:
        """The names of the spans that were received, sorted."""
        return sorted(
            span.name
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        )


class _Receiving(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self.server.status:
            self.server.released.wait(30)
            return
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.requests.append(ExportTraceServiceRequest.FromString(body))
        self.server.headers.append(dict(self.headers))
        self.server.paths.append(self.path)
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """Says nothing: stderr is looked at."""


@contextmanager
def collector(status: int = 200) -> Iterator[Collector]:
    """A collector on loopback; with the status 0 it never answers."""
    with Collector(status) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            server.shutdown()
            thread.join()
    # A delivery that was given up says so in the log, which would be that of another test.
    for other in threading.enumerate():
        if other.name.startswith("OtelBatch"):
            other.join(60)
            assert not other.is_alive()


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Fails where the block takes longer."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds
