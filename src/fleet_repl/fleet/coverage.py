"""Looks whether everything that routes carry is where they send it, and composes the report."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import anyio.to_thread

from fleet_repl.engine.coverage.in_use import InUseContext, Survey, in_use
from fleet_repl.engine.coverage.run import CoverageContext, Covered, cover
from fleet_repl.fleet.context import RunContext, regions_warnings
from fleet_repl.fleet.enrolment import joining_among
from fleet_repl.fleet.repositories import known_there
from fleet_repl.fleet.verify import asked_links, ends_of, links_within
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.enrolment import joining_sentence
from fleet_repl.runs.coverage import (
    CoverageReport,
    CoverageTallies,
    InUse,
    LinkCoverage,
    Runtime,
    unrouted,
)
from fleet_repl.runs.delivery import UnreadRegistry
from fleet_repl.topology import EVERYTHING, Link, Selection
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import AccountId, Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageOptions:
    """What a coverage looks at besides the repositories of links."""

    selection: Selection = EVERYTHING
    with_images: bool = False
    """Digests are compared, too."""
    runtimes: tuple[Runtime, ...] = ()
    """The services that are asked in the scope what they run. A copy of what they run may be in any
    registry of the fleet, so all of them are listed then."""
    contexts: Sequence[str] = ()
    """Contexts of a kubeconfig, for EKS."""


async def cover_links(
    scope: frozenset[Registry], context: RunContext, options: CoverageOptions
) -> CoverageReport:
    """Looks at the links into and out of the scope. Writes nothing."""
    inventory, desired = context.inventory, context.desired
    links = sorted(links_within(scope, desired), key=ends_of)
    places = _places(links, desired, every=bool(options.runtimes))
    joining = await joining_among(places, context)
    places = {place for place in places if place.account not in joining}
    tallies = CoverageTallies(
        desired,
        inventory.routes,
        with_images=options.with_images,
        there=await known_there(context),
    )
    how = _covering(context, with_images=options.with_images)
    covered = await cover(asked_links(links, joining), places, tallies, how)
    if options.runtimes:
        survey = Survey(
            runtimes=options.runtimes, places=sorted(scope & places), contexts=options.contexts
        )
        running, faults = await _running(survey, covered, tallies, context)
        covered = replace(covered, faults=faults)
    else:
        running = None
    every = _coverages(links, joining, covered, tallies)
    # In a thread: of a large fleet this goes through millions of names.
    report = await anyio.to_thread.run_sync(
        _report, scope, every, covered, tallies, context, options
    )
    return replace(report, in_use=running)


def _places(links: Sequence[Link], desired: Desired, *, every: bool) -> set[Registry]:
    """Returns the registries to be listed: the managed ends of links, or `every` one that is not
    retired."""
    ends = {end for link in links for end in ends_of(link) if end.account in desired.by_account}
    if not every:
        return ends
    return ends | {other for other in desired.registries if other.account not in desired.retired}


async def _running(
    survey: Survey, covered: Covered, tallies: CoverageTallies, context: RunContext
) -> tuple[InUse, Mapping[Registry, Fault]]:
    """Returns what runs, and the faults of registries with those that this has met."""
    # Whoever does not ask what runs loads none of this.
    from fleet_repl.aws.workloads import AwsWorkloads  # noqa: PLC0415
    from fleet_repl.fleet.pods import KubectlPods  # noqa: PLC0415

    faults = dict(covered.faults)
    how = InUseContext(
        workloads=AwsWorkloads(context.registries.calls),
        pods=KubectlPods(timeout=context.inventory.apply.timeout),
        images=context.registries,
        desired=context.desired,
        tallies=tallies,
        concurrency=context.inventory.apply.concurrency,
        stop=context.stop,
        faults=faults,
    )
    return await in_use(survey, covered.repositories, how), faults


def _coverages(
    links: Sequence[Link],
    joining: Mapping[AccountId, str],
    covered: Covered,
    tallies: CoverageTallies,
) -> Mapping[Link, LinkCoverage]:
    coverages: dict[Link, LinkCoverage] = {}
    for link in links:
        why = joining_sentence(joining, link.source, link.destination)
        unknown = why is not None or covered.is_unknown(link)
        coverages[link] = tallies.link(link, unknown=unknown, joining=why)
    return coverages


def _report(
    scope: Collection[Registry],
    links: Mapping[Link, LinkCoverage],
    covered: Covered,
    tallies: CoverageTallies,
    context: RunContext,
    options: CoverageOptions,
) -> CoverageReport:
    inventory, desired = context.inventory, context.desired
    repositories = covered.repositories
    sources = sorted({link.source for link in links if link.source in scope})
    return CoverageReport(
        run_id=context.run_id,
        started_at=context.started,
        finished_at=context.pace.clock.now(),
        fleet=inventory.name,
        inventory=context.inventory_ref,
        with_images=options.with_images,
        routes=tuple(tallies.routes(links, repositories, inventory)),
        links=tuple(links.values()),
        unrouted=tuple(unrouted(sources, repositories, desired, inventory.routes)),
        unreadable=tuple(
            UnreadRegistry(registry=registry, name=desired.names[registry.account], error=fault)
            for registry, fault in sorted(covered.faults.items(), key=lambda item: item[0])
        ),
        warnings=tuple(regions_warnings(context, options.selection)),
        interrupted=context.stop.interrupted,
    )


def _covering(context: RunContext, *, with_images: bool) -> CoverageContext:
    """Returns how repositories and images are read."""
    return CoverageContext(
        reader=context.registries,
        desired=context.desired,
        with_images=with_images,
        concurrency=context.inventory.apply.concurrency,
        stop=context.stop,
        clock=context.pace.clock,
        on_event=context.on_event,
        workers=context.workers,
    )
