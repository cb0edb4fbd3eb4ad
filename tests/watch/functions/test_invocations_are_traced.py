"""The trace of an invocation, which a collector has before Lambda freezes the process."""

from __future__ import annotations

import pytest
from tests.support.traces import collector
from tests.watch.functions.conftest import Deployed


def test_an_invocation_is_a_trace(fixing: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Delivered before the handler returns: afterwards Lambda freezes the process."""
    with collector() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        monkeypatch.setenv("OTEL_SERVICE_NAME", "replication")
        assert fixing.invoke({})["verdict"] == "corrected"
        assert receiver.names() == ["plan", "registry", "registry", "run", "write", "write"]
        assert receiver.resource["service.name"] == "replication"


def test_a_broken_collector_is_a_log_line(
    fixing: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the round is as good as any."""
    with collector(503) as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        assert fixing.invoke({})["verdict"] == "corrected"
    (line,) = [line for line in fixing.lines if line["event"] == "trace-incomplete"]
    assert line["level"] == "warning"
    assert line["message"] == "6 spans of the run's trace could not be delivered"
