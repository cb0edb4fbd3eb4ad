"""Looks whether recent images have arrived, and reports on their links."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from fleet_repl.engine.verify import VerifyContext, verify
from fleet_repl.fleet.context import RunContext, regions_warnings
from fleet_repl.fleet.enrolment import joining_among
from fleet_repl.fleet.repositories import live_desired
from fleet_repl.inventory import Inventory
from fleet_repl.inventory.advice import with_commands
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.enrolment import joining_sentence
from fleet_repl.runs.delivery import DeliveryReport, DeliveryState, LinkDelivery
from fleet_repl.runs.events import VerifyFinished, VerifyStarted
from fleet_repl.topology import Link, Selection, select
from fleet_repl.values.names import AccountId, Registry


async def verify_links(
    selection: Selection, count: int, age: timedelta, context: RunContext
) -> DeliveryReport:
    """Looks at up to `count` images of each source, none older than `age`. Writes nothing. Raises
    SelectionError."""
    clock = context.pace.clock
    scope = select(context.inventory, selection)
    sources = {link.source for link in links_within(scope, context.desired)}
    desired, unread = await live_desired(sources, context)
    context = replace(context, desired=desired)
    links = links_within(scope, desired)
    joining = await joining_among((end for link in links for end in ends_of(link)), context)
    asked = asked_links(links, joining)
    context.on_event(VerifyStarted(run_id=context.run_id, sources=tuple(sorted(asked))))
    how = replace(_verifying(context, count, clock.now() - age), unread=unread)
    verified = await verify(asked, how)
    waiting = _waiting(links, desired, joining)
    advised = (_advised(link, context.inventory) for link in verified.links)
    every = sorted((*advised, *waiting), key=lambda link: (link.source, link.destination))
    report = DeliveryReport(
        run_id=context.run_id,
        started_at=context.started,
        finished_at=clock.now(),
        fleet=context.inventory.name,
        inventory=context.inventory_ref,
        count=count,
        age=age,
        sources=len({link.source for link in links}),
        sampled=verified.sampled,
        links=tuple(every),
        unreadable=verified.unreadable,
        warnings=tuple(regions_warnings(context, selection)),
        interrupted=context.stop.interrupted,
    )
    context.on_event(VerifyFinished(report=report))
    return report


def _verifying(context: RunContext, count: int, since: datetime) -> VerifyContext:
    """Returns how images are asked about."""
    return VerifyContext(
        images=context.registries,
        reader=context.registries,
        desired=context.desired,
        count=count,
        since=since,
        concurrency=context.inventory.apply.concurrency,
        stop=context.stop,
        clock=context.pace.clock,
        on_event=context.on_event,
        workers=context.workers,
    )


def links_within(scope: frozenset[Registry], desired: Desired) -> list[Link]:
    """Returns the links into and out of the scope."""
    return [
        link
        for source, links in desired.outgoing.items()
        for link in links
        if source in scope or link.destination in scope
    ]


def ends_of(link: Link) -> tuple[Registry, Registry]:
    return link.source, link.destination


def asked_links(
    links: list[Link], joining: Mapping[AccountId, str]
) -> Mapping[Registry, tuple[Link, ...]]:
    """Returns the links between accounts none of which is joining, by source."""
    links_of: dict[Registry, list[Link]] = defaultdict(list)
    for link in links:
        if not any(end.account in joining for end in ends_of(link)):
            links_of[link.source].append(link)
    return {source: tuple(own) for source, own in links_of.items()}


def _advised(link: LinkDelivery, inventory: Inventory) -> LinkDelivery:
    """Returns a link whose hints name the inventory in their commands."""
    images = tuple(
        image if image.hint is None else replace(image, hint=with_commands(image.hint, inventory))
        for image in link.images
    )
    return replace(link, images=images)


def _waiting(
    links: list[Link], desired: Desired, joining: Mapping[AccountId, str]
) -> Iterator[LinkDelivery]:
    """Yields the links of accounts that are joining: nobody can be asked about them yet."""
    for link in links:
        if (sentence := joining_sentence(joining, *ends_of(link))) is not None:
            yield LinkDelivery.of(link, desired, DeliveryState.UNKNOWN, joining=sentence)
