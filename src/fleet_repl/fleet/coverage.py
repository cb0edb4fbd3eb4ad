"""Looks whether everything that routes carry is where they send it, and composes the report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from fleet_repl.engine.coverage.in_use import InUseContext, Survey, in_use
from fleet_repl.engine.coverage.run import CoverageContext, cover
from fleet_repl.fleet.context import RunContext
from fleet_repl.fleet.enrolment import joining_among
from fleet_repl.fleet.verify import asked_links, ends_of, links_within
from fleet_repl.planning.desired import Desired
from fleet_repl.runs.coverage import (
    CoverageReport,
    CoverageTallies,
    LinkCoverage,
    Runtime,
    joining_of,
    unrouted,
)
from fleet_repl.runs.delivery import UnreadRegistry
from fleet_repl.topology import Link
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry


async def cover_links(
    scope: frozenset[Registry],
    context: RunContext,
    *,
    with_images: bool,
    runtimes: tuple[Runtime, ...] = (),
    contexts: Sequence[str] = (),
) -> CoverageReport:
    """Looks at the links into and out of the scope. Writes nothing.

    `runtimes`: the services that are asked in the scope what they run; a copy of what they run may
    be in any registry of the fleet. `contexts`: those of a kubeconfig, for EKS.
    """
    inventory, desired = context.inventory, context.desired
    links = links_within(scope, desired)
    joining = await joining_among((end for link in links for end in ends_of(link)), context)
    asked = asked_links(links, joining)
    tallies = CoverageTallies(desired, inventory.routes, with_images=with_images)
    how = _covering(context, with_images=with_images)
    listed = _registries(asked.values(), desired)
    if runtimes:
        listed |= {each for each in desired.registries if each.account not in joining}
    covered = await cover(asked, listed, tallies, how)
    repositories = {
        registry: contents.repositories for registry, contents in covered.contents.items()
    }
    faults = dict(covered.faults)
    running = None
    if runtimes:
        places = sorted(each for each in scope if each.account not in joining)
        survey = Survey(runtimes=runtimes, places=places, contexts=contexts)
        running = await in_use(survey, repositories, _inquiring(context, tallies, faults))
    every: dict[Link, LinkCoverage] = {}
    for link in sorted(links, key=ends_of):
        why = joining_of(link, joining)
        unknown = why is not None or covered.is_unknown(link)
        every[link] = tallies.link(link, unknown=unknown, joining=why)
    sources = sorted({link.source for link in links} & scope)
    return CoverageReport(
        run_id=context.run_id,
        started_at=context.started,
        finished_at=context.pace.clock.now(),
        fleet=inventory.name,
        inventory=context.inventory_ref,
        with_images=with_images,
        routes=tuple(tallies.routes(every, repositories, inventory.path)),
        links=tuple(every.values()),
        unrouted=tuple(unrouted(sources, repositories, desired, inventory.routes)),
        unreadable=_unreadable(faults, desired),
        in_use=running,
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


def _registries(links: Iterable[tuple[Link, ...]], desired: Desired) -> set[Registry]:
    """Returns the ends of links that are managed."""
    ends = {end for group in links for link in group for end in ends_of(link)}
    return {end for end in ends if end.account in desired.by_account}


def _inquiring(
    context: RunContext, tallies: CoverageTallies, faults: dict[Registry, Fault]
) -> InUseContext:
    """Returns how accounts and clusters are asked what they run."""
    # Whoever asks for no running images loads none of this.
    from fleet_repl.aws.workloads import AwsWorkloads  # noqa: PLC0415
    from fleet_repl.fleet.pods import KubectlPods  # noqa: PLC0415

    return InUseContext(
        workloads=AwsWorkloads(context.registries.calls),
        pods=KubectlPods(timeout=context.inventory.apply.timeout),
        images=context.registries,
        desired=context.desired,
        tallies=tallies,
        concurrency=context.inventory.apply.concurrency,
        stop=context.stop,
        faults=faults,
    )


def _unreadable(faults: Mapping[Registry, Fault], desired: Desired) -> tuple[UnreadRegistry, ...]:
    return tuple(
        UnreadRegistry(registry=registry, name=desired.names[registry.account], error=fault)
        for registry, fault in sorted(faults.items(), key=lambda item: item[0])
    )
