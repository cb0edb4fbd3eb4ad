"""A run as an OpenTelemetry trace: the exact spans, and that a trace never fails a run."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import Any

import pytest
from tests.support.inventories import fleet_text
from tests.support.simulated import ENVIRONMENT, Simulated, simulate
from tests.support.traces import KeptSpans, at_most, collector

from fleet_repl import (
    Event,
    Interrupted,
    Report,
    RunStarted,
    Status,
    WriteSettled,
    WriteStarted,
    traced,
)
from fleet_repl.sandbox import FaultRule, Mishap, Scenario

LINKS = ("1>4 team1/", "2>3 team2/")
WAVES = {"canary": ("1",)}
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
CLOSED = "http://127.0.0.1:9"
"""Where nobody listens."""


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have a collector."""
    for name in (ENDPOINT, "OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"):
        monkeypatch.delenv(name, raising=False)


async def applied(aws: Simulated, **how: Any) -> Report:
    """A whole run whose events go through `traced`."""
    async with traced(aws.events.append, **how) as sink, aws.connected(on_event=sink) as fleet:
        return await fleet.apply(await fleet.plan())


async def test_a_failed_and_a_held_registry() -> None:
    """Every write is within its wave. Every registry that is not as it was has a span of its own:
    with its fault the third, and the second, whose link is held for it."""
    kept = KeptSpans()
    async with simulate(fleet_text(*LINKS, accounts=5, waves=WAVES)) as aws:
        aws.deny(3, "ecr:PutRegistryPolicy")
        report = await applied(aws, provider=kept.provider)
    assert report.status is Status.PARTIAL
    assert kept.tree().splitlines() == [
        "run partial held=1 ! partial",
        "  plan",
        "  wave canary",
        "    write 4 registry-policy applied",
        "    write 1 replication-configuration applied",
        "  registry 4 applied",
        "  registry 1 applied",
        "  wave rest",
        "    write 3 registry-policy failed ! PutRegistryPolicy: access-denied",
        "  registry 3 failed ! PutRegistryPolicy: access-denied",
        "  registry 2 unchanged held=1",
    ]
    (run,) = kept.named("run")
    assert run == {
        "fleet_repl.run_id": report.run_id,
        "fleet_repl.fleet": "prod",
        "fleet_repl.registries": 5,
        "fleet_repl.accounts": 5,
        "fleet_repl.status": "partial",
        "fleet_repl.applied": 2,
        "fleet_repl.failed": 1,
        "fleet_repl.held": 1,
    }


async def test_the_attributes_of_a_write() -> None:
    """A write that was throttled once took two attempts; AWS's own names are used for the place."""
    kept = KeptSpans()
    throttled = FaultRule(
        kind=Mishap.THROTTLED, first=1, operations=("PutReplicationConfiguration",)
    )
    text = fleet_text("1>2 base/")
    async with simulate(text, Scenario(faults=(throttled,))) as aws:
        report = await applied(aws, provider=kept.provider)
    assert report.status is Status.OK
    rules, policy = sorted(
        kept.named("write"), key=lambda span: str(span["fleet_repl.resource"]), reverse=True
    )
    assert rules == {
        "cloud.account.id": "000000000001",
        "cloud.region": "eu-west-1",
        "fleet_repl.resource": "replication-configuration",
        "fleet_repl.action": "update",
        "fleet_repl.outcome": "applied",
        "fleet_repl.attempts": 2,
    }
    assert policy["fleet_repl.attempts"] == 1
    (retry,) = [event for span in kept.spans for event in span.events]
    assert retry.name == "call-retried"
    attributes = dict(retry.attributes or {})
    assert attributes["fleet_repl.operation"] == "PutReplicationConfiguration"
    assert attributes["error.type"] == "throttled"
    assert attributes["fleet_repl.attempt"] == 1


async def test_an_interrupted_run() -> None:
    """The write that was made is there, registries that were left out are cancelled."""
    kept = KeptSpans()
    async with simulate(fleet_text(*LINKS, accounts=5, waves=WAVES)) as aws:

        def stop_after_first(event: Event) -> None:
            if isinstance(event, WriteSettled):
                fleet.stop()

        async with (
            traced(stop_after_first, provider=kept.provider) as sink,
            aws.connected(on_event=sink) as fleet,
        ):
            report = await fleet.apply(await fleet.plan())
    assert report.status is Status.INTERRUPTED
    assert kept.tree().splitlines() == [
        "run interrupted ! interrupted",
        "  plan",
        "  wave canary",
        "    write 4 registry-policy applied",
        "  registry 4 applied",
        "  registry 1 cancelled",
        "  registry 2 cancelled",
        "  registry 3 cancelled",
    ]


async def test_interrupted_before_there_was_a_plan() -> None:
    """The reading is no plan; the run ends by the exception that ended it."""
    kept = KeptSpans()
    async with simulate(fleet_text(*LINKS)) as aws:

        async def stopped() -> None:
            async with (
                traced(provider=kept.provider) as sink,
                aws.connected(on_event=sink) as fleet,
            ):
                fleet.stop()
                await fleet.plan()

        with pytest.raises(Interrupted):
            await stopped()
    assert kept.tree() == "run ! Interrupted\n  read unfinished"


async def test_a_plan_alone() -> None:
    """A registry that could not be read is an event of the plan, with AWS's code and request."""
    kept = KeptSpans()
    async with simulate(fleet_text(*LINKS)) as aws:
        aws.deny(4)
        async with (
            traced(provider=kept.provider) as sink,
            aws.connected(on_event=sink, purpose=None) as fleet,
        ):
            await fleet.plan()
    assert kept.tree() == "run\n  plan held=1"
    (plan,) = (span for span in kept.spans if span.name == "plan")
    (unreadable,) = plan.events
    assert unreadable.name == "registry-unreadable"
    attributes = dict(unreadable.attributes or {})
    assert attributes.pop("aws.request_id")
    assert attributes == {
        "cloud.account.id": "000000000004",
        "cloud.region": "eu-west-1",
        "error.type": "access-denied",
        "fleet_repl.operation": "AssumeRole",
        "aws.error.code": "AccessDenied",
    }


async def test_no_secret_and_no_hint_is_in_a_trace() -> None:
    """Not where a role is refused that asks for an external id, either."""
    kept = KeptSpans()
    text = fleet_text(*LINKS).replace("[aws]\n", '[aws]\nexternal_id = "${EXTERNAL_ID}"\n')
    async with simulate(text) as aws:
        aws.deny(4)
        report = await applied(aws, provider=kept.provider)
    hints = [outcome.error.hint for outcome in report.registries if outcome.error]
    assert len(hints) == 1
    written = "".join(span.to_json() for span in kept.spans)
    assert "000000000004" in written
    for secret in (*ENVIRONMENT.values(), *hints, aws.endpoint.secret_access_key.reveal()):
        assert secret
        assert secret not in written


async def test_a_collector_receives_the_trace_over_http(monkeypatch: pytest.MonkeyPatch) -> None:
    """Configured by the standard variables; all of it is there when the run has ended."""
    said: list[str] = []
    async with simulate(fleet_text(*LINKS, accounts=5, waves=WAVES)) as aws:
        with collector() as receiver:
            environ = {
                ENDPOINT: receiver.url,
                "OTEL_EXPORTER_OTLP_HEADERS": "api-key=of-the-collector",
                "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=prod",
            }
            for name, value in environ.items():
                monkeypatch.setenv(name, value)
            await applied(aws, environ=environ, on_problem=said.append)
        assert said == []
        writes, registries, waves = ["write"] * 4, ["registry"] * 4, ["wave"] * 2
        assert receiver.names() == ["plan", *registries, "run", *waves, *writes]
        assert set(receiver.paths) == {"/v1/traces"}
        assert receiver.headers[0]["api-key"] == "of-the-collector"
        assert receiver.resource["service.name"] == "fleet-repl"
        assert receiver.resource["deployment.environment.name"] == "prod"


async def test_the_service_has_the_name_that_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """OTEL_SERVICE_NAME counts before our own."""
    with collector() as receiver:
        monkeypatch.setenv(ENDPOINT, receiver.url)
        monkeypatch.setenv("OTEL_SERVICE_NAME", "replication-prod")
        async with simulate(fleet_text()) as aws:
            await applied(aws, environ={ENDPOINT: receiver.url})
    assert receiver.resource["service.name"] == "replication-prod"


async def test_attempts_to_deliver_end_with_their_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """They would go on for a minute, and log amid whatever the process does next."""
    # So that the time for a delivery does not end them.
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "3600")
    with collector(503) as receiver:
        monkeypatch.setenv(ENDPOINT, receiver.url)
        before = set(threading.enumerate())
        environ, said = {ENDPOINT: receiver.url}, list[str]()
        async with simulate(fleet_text()) as aws:
            await applied(aws, environ=environ, on_problem=said.append, flush_seconds=0.01)
        new = [thread for thread in threading.enumerate() if thread not in before]
        deliveries = [thread for thread in new if thread.name.startswith("OtelBatch")]
        for thread in deliveries:
            thread.join(20)
        assert not any(thread.is_alive() for thread in deliveries)
    assert len(said) == 1


@pytest.mark.parametrize("status", [503, 401, 0])
async def test_a_broken_collector_is_one_warning(
    status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that refuses, and one that never answers: the run is as quick and as good as any."""
    said: list[str] = []
    with collector(status) as receiver:
        monkeypatch.setenv(ENDPOINT, receiver.url)
        async with simulate(fleet_text(*LINKS)) as aws:
            with at_most(20):
                report = await applied(
                    aws,
                    environ={ENDPOINT: receiver.url},
                    on_problem=said.append,
                    flush_seconds=0.2,
                )
    assert report.status is Status.OK
    assert said == ["10 spans of the run's trace could not be delivered"]
    assert capsys.readouterr().err == ""


async def test_rounds_leave_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """A watch makes a trace each round, for months: neither threads nor log handlers add up."""
    logger = logging.getLogger("opentelemetry")
    handlers = []
    with collector() as receiver:
        monkeypatch.setenv(ENDPOINT, receiver.url)
        # Deliveries that other tests have left hanging end by themselves.
        before = set(threading.enumerate())
        for _ in range(3):
            async with traced(environ={ENDPOINT: receiver.url}) as sink:
                sink(RunStarted(run_id="run", registries=1, accounts=1))
            handlers.append(len(logger.handlers))
        new = {thread.name for thread in set(threading.enumerate()) - before}
    assert not any(name.startswith("Otel") for name in new)
    assert handlers == [handlers[0]] * 3


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({}, None),
        ({ENDPOINT: ""}, None),
        ({ENDPOINT: CLOSED, "OTEL_SDK_DISABLED": "TRUE"}, None),
        ({ENDPOINT: CLOSED, "OTEL_TRACES_EXPORTER": "none"}, None),
        (
            {ENDPOINT: CLOSED, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "the run is not traced: only the OTLP protocol http/protobuf can be spoken",
        ),
        (
            {ENDPOINT: CLOSED, "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "many"},
            "the run is not traced: an OTEL_ variable cannot be used: unforeseen ValueError",
        ),
    ],
)
async def test_what_turns_traces_off(
    environ: Mapping[str, str], message: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The events go straight to their sink."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    said: list[str] = []
    events: list[Event] = []
    async with traced(events.append, environ=environ, on_problem=said.append) as sink:
        sink(WriteStarted.__new__(WriteStarted))
    assert len(events) == 1
    assert said == ([] if message is None else [message])


@pytest.mark.parametrize("extra", [True, False])
def test_nothing_is_imported_that_is_not_wanted(*, extra: bool) -> None:
    """Not without the variables; and without the extra the variables count for nothing."""
    variables = {} if extra else {ENDPOINT: CLOSED}
    missing = "" if extra else "sys.modules['opentelemetry.sdk'] = None"
    script = f"""
import anyio, sys
{missing}
from fleet_repl import traced

async def main():
    async with traced(environ={variables!r}) as sink:
        pass

anyio.run(main)
loaded = [name for name, module in sys.modules.items() if module is not None]
print([name for name in loaded if name.startswith(("opentelemetry.trace", "opentelemetry.sdk"))])
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


async def test_a_listener_that_raises_gets_no_more_events_and_the_trace_is_whole() -> None:
    """As with `connect` itself."""
    kept = KeptSpans()

    def listener(event: Event) -> None:
        raise OSError("the listener's own trouble")

    async with (
        simulate(fleet_text(*LINKS)) as aws,
        traced(listener, provider=kept.provider) as sink,
        aws.connected(on_event=sink, purpose=None) as fleet,
    ):
        await fleet.plan()
    assert kept.tree() == "run\n  plan"
