"""Have recent images arrived: which links are asked about, and the report on them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from fleet_repl.engine.ports import EventSink, ImageReader, RegistryReader
from fleet_repl.engine.stop import Stop
from fleet_repl.engine.verify import Verifying, verify
from fleet_repl.inventory.model import InventoryRef
from fleet_repl.planning.desired import Desired
from fleet_repl.runs.delivery import DeliveryReport
from fleet_repl.runs.events import VerifyFinished, VerifyStarted
from fleet_repl.topology import Link
from fleet_repl.values.clock import Clock
from fleet_repl.values.names import Registry


class Registries(RegistryReader, ImageReader, Protocol):
    """Registries and their images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The run that a verification is part of."""

    run_id: str
    started_at: datetime
    inventory: InventoryRef
    desired: Desired
    registries: Registries
    crew: int
    stop: Stop
    clock: Clock
    on_event: EventSink


async def verify_links(
    scope: frozenset[Registry], count: int, age: timedelta, around: Surroundings
) -> DeliveryReport:
    """Ask about `count` images of each source, none older than `age`. Writes nothing."""
    links = _links(scope, around.desired)
    around.on_event(VerifyStarted(run_id=around.run_id, sources=tuple(sorted(links))))
    how = Verifying(
        images=around.registries,
        reader=around.registries,
        desired=around.desired,
        count=count,
        since=around.clock.now() - age,
        crew=around.crew,
        stop=around.stop,
        clock=around.clock,
        on_event=around.on_event,
    )
    found = await verify(links, how)
    report = DeliveryReport(
        run_id=around.run_id,
        started_at=around.started_at,
        finished_at=around.clock.now(),
        fleet=around.desired.owner.fleet,
        inventory=around.inventory,
        count=count,
        age=age,
        sources=len(links),
        sampled=found.sampled,
        links=found.links,
        unreadable=found.unreadable,
        interrupted=around.stop.interrupted,
    )
    around.on_event(VerifyFinished(report=report))
    return report


def _links(scope: frozenset[Registry], desired: Desired) -> Mapping[Registry, tuple[Link, ...]]:
    """The links into and out of the scope, by source."""
    found: dict[Registry, list[Link]] = defaultdict(list)
    for source, links in desired.outgoing.items():
        for link in links:
            if source in scope or link.destination in scope:
                found[source].append(link)
    return {source: tuple(links) for source, links in found.items()}
