"""Ask a fleet what became of recent images: first the sources, then what is left to look up.

Which images, what answers mean and whose fault it is are decided in `delivery`. A registry that
fails is a value; its links are told as unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from fleet_repl.delivery import (
    Arrival,
    Delivery,
    DeliveryState,
    Knowledge,
    LinkDelivery,
    Lookup,
    PushedImage,
    Sighting,
    SourceSample,
    UnreadRegistry,
    evidence_of,
    explained,
    judge,
    lookups,
    moment,
    needs_policy,
    parse_statuses,
    recent_images,
    repositories_to_ask,
    sample,
    state_of,
)
from fleet_repl.desired import Desired
from fleet_repl.engine.concluding import unforeseen
from fleet_repl.engine.crew import work_through
from fleet_repl.engine.stopping import Stop
from fleet_repl.errors import CallError, Fault, FaultKind
from fleet_repl.grants import Policy, parse_policy
from fleet_repl.names import Registry
from fleet_repl.outcomes import ReadStarted, RegistryRead
from fleet_repl.pacing import Clock
from fleet_repl.ports import EventSink, ImageReader, RegistryReader
from fleet_repl.prefixes import Prefixes, reduce
from fleet_repl.rules import parse_answer
from fleet_repl.topology import Link

_GONE: Final = frozenset({"ImageNotFoundException", "RepositoryNotFoundException"})
"""What was listed a moment ago has been deleted since: no failure, just no image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifying:
    """What verifying needs beside the links."""

    images: ImageReader
    reader: RegistryReader
    desired: Desired
    count: int
    """Images for each source, at the most."""
    since: datetime
    """None that was pushed before."""
    crew: int
    stop: Stop
    clock: Clock
    on_event: EventSink


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was found out."""

    sampled: int
    links: tuple[LinkDelivery, ...]
    """Every link once, by source and destination."""
    unreadable: tuple[UnreadRegistry, ...]


async def verify(links: Mapping[Registry, tuple[Link, ...]], how: Verifying) -> Verified:
    """Find out what became of recent images on these links, which are grouped by source.

    After an interruption it tells what was found until then. A deadline that passes is an error
    of each source it left unread.
    """
    return await _Verification(links, how).run()


class _Verification:
    """One fleet being asked."""

    def __init__(self, links: Mapping[Registry, tuple[Link, ...]], how: Verifying) -> None:
        self._links = links
        self._how = how
        self._samples: dict[Registry, SourceSample] = {}
        self._faults: dict[Registry, Fault] = {}
        self._arrivals: dict[Lookup, Arrival] = {}
        self._policies: dict[Registry, Policy | Fault] = {}

    async def run(self) -> Verified:
        how = self._how
        with how.stop.abandonable():
            await work_through(sorted(self._links), self._ask, crew=how.crew, stop=how.stop)
        if not how.stop.interrupted:
            late = Fault(
                kind=FaultKind.TIMEOUT, operation="DescribeRegistry", message=how.stop.because
            )
            for source in self._links:
                if source not in self._samples:
                    self._faults.setdefault(source, late)
        with how.stop.abandonable():
            wanted = [one for source in self._samples for one in self._lookups(source)]
            await work_through(wanted, self._look_up, crew=how.crew, stop=how.stop)
            unclear = sorted(
                {
                    link.destination
                    for link, deliveries in self._judged()
                    for one in deliveries
                    if needs_policy(one, link, how.desired.by_account)
                }
            )
            await work_through(unclear, self._read_policy, crew=how.crew, stop=how.stop)
        return self._conclude()

    async def _ask(self, source: Registry) -> None:
        how = self._how
        how.on_event(ReadStarted(registry=source))
        try:
            self._samples[source] = await self._sample(source)
        except CallError as error:
            self._faults[source] = error.fault
        except Exception as error:  # noqa: BLE001 - one registry's failure is a value, whatever it is
            self._faults[source] = unforeseen("DescribeImageReplicationStatus", error)
        how.on_event(RegistryRead(registry=source, error=self._faults.get(source)))

    async def _sample(self, source: Registry) -> SourceSample:
        # The rules come first: that call proves that the account is the one that was meant.
        replication = parse_answer(await self._how.reader.describe(source))
        sightings = []
        for image in await self._recent(source):
            try:
                told = await self._how.images.replication_statuses(
                    source, image.repository, image.digest
                )
            except CallError as error:
                if error.fault.code not in _GONE:
                    raise
            else:
                sightings.append(Sighting(image=image, statuses=parse_statuses(told)))
        return SourceSample(
            at=self._how.clock.now(), replication=replication, sightings=tuple(sightings)
        )

    async def _recent(self, source: Registry) -> tuple[PushedImage, ...]:
        """The sample of a source: repositories are looked into until there are enough."""
        how, links = self._how, self._links[source]
        repositories = await how.images.describe_repositories(source)
        names = [name for one in repositories if isinstance(name := one.get("repositoryName"), str)]
        found: list[tuple[PushedImage, ...]] = []
        for name in repositories_to_ask(names, links, self._received(source), count=how.count):
            try:
                details = await how.images.describe_images(source, name)
            except CallError as error:
                if error.fault.code not in _GONE:
                    raise
                continue
            if recent := recent_images(details, name, since=how.since, count=how.count):
                found.append(recent)
            if len(found) == how.count:
                break
        return sample(found, count=how.count)

    def _received(self, source: Registry) -> Prefixes:
        incoming = self._how.desired.incoming.get(source, ())
        return reduce(prefix for link in incoming for prefix in link.prefixes)

    def _lookups(self, source: Registry) -> tuple[Lookup, ...]:
        how, told = self._how, self._samples[source]
        evidence = evidence_of(told, self._received(source))
        return lookups(told, self._links[source], evidence, how.desired.by_account, count=how.count)

    async def _look_up(self, lookup: Lookup) -> None:
        """Whether an image is at a destination; one that fails is asked nothing more."""
        if lookup.destination in self._faults:
            return
        try:
            found = await self._how.images.find_image(*lookup)
        except CallError as error:
            self._faults[lookup.destination] = error.fault
        except Exception as error:  # noqa: BLE001 - one registry's failure is a value, whatever it is
            self._faults[lookup.destination] = unforeseen("DescribeImages", error)
        else:
            at = None if found is None else moment(found.get("imagePushedAt"))
            self._arrivals[lookup] = Arrival(found=found is not None, at=at)

    async def _read_policy(self, destination: Registry) -> None:
        try:
            document = await self._how.reader.read_policy(destination)
            self._policies[destination] = parse_policy(
                document, self._how.desired.owner, destination
            )
        except CallError as error:
            self._fail_policy(destination, error.fault)
        except Exception as error:  # noqa: BLE001 - one registry's failure is a value, whatever it is
            self._fail_policy(destination, unforeseen("GetRegistryPolicy", error))

    def _fail_policy(self, destination: Registry, fault: Fault) -> None:
        self._policies[destination] = fault
        self._faults.setdefault(destination, fault)

    def _judged(self) -> list[tuple[Link, list[Delivery]]]:
        """Every link with what is known of its images; none of a source that did not tell."""
        found: list[tuple[Link, list[Delivery]]] = []
        for source in sorted(self._links):
            links, told = self._links[source], self._samples.get(source)
            if told is None:
                found += [(link, []) for link in links]
                continue
            evidence = evidence_of(told, self._received(source))
            evidence = replace(evidence, arrivals=self._arrivals)
            found += zip(links, judge(told, links, evidence), strict=True)
        return found

    def _conclude(self) -> Verified:
        desired = self._how.desired
        known = Knowledge(
            partition=desired.owner.partition,
            actions=desired.actions,
            manages_grants=desired.manages_grants,
            managed=desired.by_account,
            policies=self._policies,
        )
        return Verified(
            sampled=sum(len(one.sightings) for one in self._samples.values()),
            links=tuple(self._link(link, found, known) for link, found in self._judged()),
            unreadable=tuple(
                UnreadRegistry(registry=one, name=desired.names[one.account], error=fault)
                for one, fault in sorted(self._faults.items(), key=lambda item: item[0])
            ),
        )

    def _link(self, link: Link, found: list[Delivery], known: Knowledge) -> LinkDelivery:
        names = self._how.desired.names
        told = link.source in self._samples
        return LinkDelivery(
            source=link.source,
            source_name=names[link.source.account],
            destination=link.destination,
            destination_name=names[link.destination.account],
            external=link.destination.account not in known.managed,
            prefixes=link.prefixes,
            routes=link.routes,
            state=state_of(found) if told else DeliveryState.UNKNOWN,
            images=tuple(explained(one, link, known) for one in found),
        )
