"""Looks whether recent images have arrived, and reports on their links."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta

from fleet_repl.engine.verify import VerifyContext, verify
from fleet_repl.fleet.context import RunContext
from fleet_repl.planning.desired import Desired
from fleet_repl.runs.delivery import DeliveryReport
from fleet_repl.runs.events import VerifyFinished, VerifyStarted
from fleet_repl.topology import Link
from fleet_repl.values.names import Registry


async def verify_links(
    scope: frozenset[Registry], count: int, age: timedelta, context: RunContext
) -> DeliveryReport:
    """Looks at up to `count` images of each source, none older than `age`. Writes nothing."""
    desired, clock = context.desired, context.pace.clock
    links = _links(scope, desired)
    context.on_event(VerifyStarted(run_id=context.run_id, sources=tuple(sorted(links))))
    verify_context = VerifyContext(
        images=context.registries,
        reader=context.registries,
        desired=desired,
        count=count,
        since=clock.now() - age,
        concurrency=context.inventory.apply.concurrency,
        stop=context.stop,
        clock=clock,
        on_event=context.on_event,
        workers=context.workers,
    )
    verified = await verify(links, verify_context)
    report = DeliveryReport(
        run_id=context.run_id,
        started_at=context.started,
        finished_at=clock.now(),
        fleet=context.inventory.name,
        inventory=context.inventory_ref,
        count=count,
        age=age,
        sources=len(links),
        sampled=verified.sampled,
        links=verified.links,
        unreadable=verified.unreadable,
        interrupted=context.stop.interrupted,
    )
    context.on_event(VerifyFinished(report=report))
    return report


def _links(scope: frozenset[Registry], desired: Desired) -> Mapping[Registry, tuple[Link, ...]]:
    """Returns the links into and out of the scope, by source."""
    links_of: dict[Registry, list[Link]] = defaultdict(list)
    for source, links in desired.outgoing.items():
        for link in links:
            if source in scope or link.destination in scope:
                links_of[source].append(link)
    return {source: tuple(links) for source, links in links_of.items()}
