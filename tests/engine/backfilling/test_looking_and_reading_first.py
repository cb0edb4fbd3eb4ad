"""A look at backfills that starts none, and the reading of rules before any."""

from __future__ import annotations

from typing import Any

from tests.support.backfilling import Scene
from tests.support.registries import registry_of

from fleet_repl.ecr.backfills import BackfillState
from fleet_repl.engine.backfill.run import look
from fleet_repl.engine.observe import ObserveContext, read_rules
from fleet_repl.runs.events import RegistryRead
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import CallError, Fault, FaultKind
from fleet_repl.values.names import Registry

HUB, A, B = map(registry_of, "123")
FAR = registry_of("2", "us-east-1")


def refusal(
    code: str, *, kind: FaultKind = FaultKind.INVALID, operation: str = "Start"
) -> CallError:
    return CallError(Fault(kind=kind, operation=operation, message=f"no: {code}", code=code))


async def test_looking_starts_nothing(scene: Scene) -> None:
    """The latest backfill to each destination, and why its copies failed."""
    scene.ecr.failing = {A: {"OTHER": 2}}
    scene.ecr.put(A, ago=900)
    scene.ecr.put(A, ago=500)
    scene.ecr.put(FAR, ago=50)
    outcomes = await look({HUB: [A, B, FAR]}, scene.how)
    by_destination = {outcome.destination: outcome for outcome in outcomes}
    assert {item: by_destination[item].state for item in by_destination} == {
        A: BackfillState.COMPLETE,
        B: BackfillState.NONE,
        FAR: BackfillState.IN_PROGRESS,
    }
    last = by_destination[A].backfill
    assert last is not None
    assert (last.id, by_destination[A].failures) == ("id-1", {"OTHER": 2})
    assert (by_destination[B].falls_short, by_destination[FAR].falls_short) == (False, False)
    assert scene.ecr.started() == []


async def test_looking_where_nobody_answers(scene: Scene) -> None:
    """It is not known, which is not the same as none."""
    scene.ecr.listing = [refusal("AccessDeniedException", operation="List")]
    (outcome,) = await look({HUB: [A]}, scene.how)
    assert (outcome.state, outcome.falls_short) == (BackfillState.UNKNOWN, True)


async def test_a_mistake_of_ours_while_looking(scene: Scene) -> None:
    """It is the registry's, and an interruption names what was not looked at."""

    def surprise() -> None:
        raise ZeroDivisionError

    scene.ecr.on_list = surprise
    (outcome,) = await look({HUB: [A]}, scene.how)
    assert outcome.error is not None
    assert outcome.error.kind is FaultKind.INTERNAL
    scene.stop.interrupt()
    (outcome,) = await look({HUB: [A]}, scene.how)
    assert outcome.because == "not looked at: interrupted before it was started"


class Rules:
    """Registries of which one has a mistake of ours in store, and one says no."""

    def __init__(self) -> None:
        self.asked: list[Registry] = []

    def attempts(self, registry: Registry) -> int:
        return self.asked.count(registry)

    async def describe(self, registry: Registry) -> JsonObject:
        self.asked.append(registry)
        if registry == FAR:
            raise ZeroDivisionError
        if registry == B:
            raise refusal("AccessDenied", kind=FaultKind.ACCESS_DENIED)
        rule = {"destinations": [{"region": FAR.region, "registryId": FAR.account}]}
        return {"registryId": registry.account, "replicationConfiguration": {"rules": [rule]}}


def observing(scene: Scene, reader: Any) -> ObserveContext:
    """How the rules of registries are read."""
    return ObserveContext(
        reader=reader,
        owner=None,
        with_templates=(),
        concurrency=scene.how.concurrency,
        stop=scene.stop,
        clock=scene.clock,
        on_event=scene.how.on_event,
    )


async def test_reading_rules(scene: Scene) -> None:
    """The links that are in place, or why that is not known."""
    rules = await read_rules([A, B, FAR], observing(scene, Rules()))
    assert rules[A] == {FAR: ("",)}
    kinds = [warning.kind for warning in rules.values() if isinstance(warning, Fault)]
    assert sorted(kinds) == [FaultKind.ACCESS_DENIED, FaultKind.INTERNAL]
    assert len(scene.seen(RegistryRead)) == 3


async def test_reading_rules_too_late(scene: Scene) -> None:
    """A deadline is a fault of each registry; after an interruption nothing is said."""
    reader: Any = Rules()
    how = observing(scene, reader)
    scene.clock.seconds = 8000
    late = (await read_rules([A], how))[A]
    assert isinstance(late, Fault)
    assert late.kind is FaultKind.TIMEOUT
    scene.stop.interrupt()
    assert await read_rules([A], how) == {}
    assert reader.asked == []
