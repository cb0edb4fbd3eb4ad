"""A bench of registries that are written to, and a small fleet."""

from __future__ import annotations

import pytest
from tests.support.clock import VirtualClock
from tests.support.engine import HERE, OWNER, Bench, OneRegistry, OpenGate, SmallFleet

from fleet_repl.engine.registry_documents import DocumentWriter
from fleet_repl.engine.retry import Pace
from fleet_repl.engine.stop import Stop
from fleet_repl.inventory import Limits
from fleet_repl.runs.events import Event


@pytest.fixture
def bench() -> Bench:
    clock = VirtualClock()
    aws = OneRegistry(clock)
    stop = Stop(clock, 7200, 7200)
    events: list[Event] = []
    gate = OpenGate()
    pace = Pace(attempts=5, timeout=30, deadline=7200, clock=clock, uniform=lambda low, high: high)
    writing = DocumentWriter(
        reader=aws,
        writer=aws,
        owner=OWNER,
        pace=pace,
        stop=stop,
        guard=gate,
        on_event=events.append,
        limits=Limits(),
    )
    return Bench(
        registry=HERE,
        aws=aws,
        clock=clock,
        stop=stop,
        writing=writing,
        gate=gate,
        events=events,
    )


@pytest.fixture
def fleet() -> SmallFleet:
    return SmallFleet()
