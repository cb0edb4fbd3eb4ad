"""A function's log: which events of a run have a line there, and the fields of that line."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from tests.support.registries import registry_of

from fleet_repl.runs.events import Event, RegistryRead, WaveFinished, WaveStarted
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.watch.aws_lambda import event_sink, stdout_log

REGISTRY = registry_of("1")


@dataclass(frozen=True)
class Invocation:
    """What Lambda says of an invocation."""

    aws_request_id: str = "lambda-1"

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


def lines(capsys: pytest.CaptureFixture[str], *events: Event) -> list[JsonObject]:
    """The lines that events leave in the log."""
    listen = event_sink(stdout_log(Invocation()))
    for event in events:
        listen(event)
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_failed_call_has_both_request_ids(capsys: pytest.CaptureFixture[str]) -> None:
    """The id of Lambda's own lines is on every line, and that of the call beside it."""
    fault = Fault(
        kind=FaultKind.ACCESS_DENIED,
        operation="DescribeRegistry",
        message="not allowed",
        code="AccessDeniedException",
        request_id="aws-1",
    )
    (line,) = lines(capsys, RegistryRead(registry=REGISTRY, error=fault))
    assert (line["event"], line["level"]) == ("registry-unreadable", "error")
    assert (line["request_id"], line["aws_request_id"]) == ("lambda-1", "aws-1")
    assert (line["account"], line["region"]) == ("111111111111", "eu-west-1")


def test_only_what_keeps_a_person_busy_has_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Reads and waves that succeed have none; that later waves are skipped is an error."""
    line, *others = lines(
        capsys,
        RegistryRead(registry=REGISTRY),
        WaveStarted(wave="canary", registries=1),
        WaveFinished(wave="canary", failed=0),
        WaveFinished(wave="canary", failed=1, because="1 of 1 registry failed"),
    )
    assert others == []
    assert line["level"] == "error"
    assert line["message"] == (
        "wave canary: ended, 1 registry failed; later ones are skipped: 1 of 1 registry failed"
    )
