"""Asking CloudTrail takes no run down, and not longer than it may."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

import anyio
import pytest
from tests.support.clock import VirtualClock
from tests.support.registries import registry_of

from fleet_repl.engine import attribution
from fleet_repl.engine.attribution import OutsideChange, attribute
from fleet_repl.engine.stop import Stop
from fleet_repl.planning.attribution import Attribution
from fleet_repl.planning.change import Resource
from fleet_repl.runs.cloudtrail import Lookup
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import Registry

FIRST, SECOND = registry_of("1"), registry_of("2")
RULES: Final = Lookup(
    operation="PutReplicationConfiguration", resource=Resource.REPLICATION_CONFIGURATION
)
CHANGE: Final = OutsideChange(
    since=datetime(2026, 11, 23, tzinfo=UTC), lookups=(RULES,), is_own=lambda call: False
)


class Trail:
    """Answers as it is told to, by registry."""

    def __init__(self, answers: dict[Registry, Callable[[], object]]) -> None:
        self.answers = answers

    async def recorded_calls(
        self, registry: Registry, operation: str, since: datetime
    ) -> Sequence[JsonObject]:
        answer = self.answers[registry]()
        if answer is None:
            await anyio.sleep_forever()
        return ()


def stop_of(clock: VirtualClock) -> Stop:
    return Stop(clock, 1e9, 60)


async def test_a_defect_is_a_value() -> None:
    """Of the registry that it happens with; the others have their answers."""

    def broken() -> object:
        raise ZeroDivisionError

    trail = Trail({FIRST: broken, SECOND: tuple})
    answers = await attribute(
        {FIRST: CHANGE, SECOND: CHANGE}, trail, concurrency=2, stop=stop_of(VirtualClock())
    )
    fault = answers[FIRST]
    assert isinstance(fault, Fault)
    assert fault.kind is FaultKind.INTERNAL
    assert answers[SECOND] == Attribution()


async def test_an_answer_that_does_not_come_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After some seconds the plan goes on without it."""
    monkeypatch.setattr(attribution, "_PATIENCE", 0)
    trail = Trail({FIRST: lambda: None})
    answers = await attribute({FIRST: CHANGE}, trail, concurrency=2, stop=stop_of(VirtualClock()))
    fault = answers[FIRST]
    assert isinstance(fault, Fault)
    assert (fault.kind, fault.message) == (FaultKind.TIMEOUT, "no answer within 0 s")


async def test_after_an_interruption_nobody_is_asked() -> None:
    """Nor does it wait for those that were."""
    stop = stop_of(VirtualClock())
    stop.interrupt()
    answers = await attribute({FIRST: CHANGE}, Trail({}), concurrency=2, stop=stop)
    fault = answers[FIRST]
    assert isinstance(fault, Fault)
    assert "interrupted" in fault.message
