"""Ask a fleet what became of recent images: source by source, then the policies that deny.

Which images, what answers mean and whose fault it is are decided in `delivery`. A registry that
fails is a value; its links are told as unknown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from fleet_repl.ecr.policy import Policy, parse_policy
from fleet_repl.ecr.rules import parse_answer
from fleet_repl.engine.ports import EventSink, ImageReader, RegistryReader
from fleet_repl.engine.stop import Stop
from fleet_repl.engine.workers import work_through
from fleet_repl.planning.desired import Desired
from fleet_repl.runs.delivery import (
    TIMINGS,
    Arrival,
    Delivery,
    DeliveryState,
    Knowledge,
    LinkDelivery,
    Lookup,
    Lookups,
    PushedImage,
    Sighting,
    SourceSample,
    UnreadRegistry,
    arrival_of,
    evidence_of,
    explained,
    judge,
    lookups,
    needs_policy,
    newest,
    parse_statuses,
    recent_images,
    repositories_to_ask,
    sample,
    state_of,
)
from fleet_repl.runs.events import ReadStarted, RegistryRead
from fleet_repl.topology import Link
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.clock import Clock
from fleet_repl.values.errors import CallError, Fault, FaultKind, unforeseen
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import Prefixes, reduce

_GONE: Final = frozenset({"ImageNotFoundException", "RepositoryNotFoundException"})
"""What was listed a moment ago has been deleted since: no failure, just no image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyContext:
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


async def verify(links: Mapping[Registry, tuple[Link, ...]], how: VerifyContext) -> Verified:
    """Find out what became of recent images on these links, which are grouped by source.

    After an interruption it tells what was found until then. A deadline that passes is an error
    of each source it left unread, and of each destination where something was still to be read.
    """
    return await _Verification(links, how).run()


class _Verification:
    """One fleet being asked."""

    def __init__(self, links: Mapping[Registry, tuple[Link, ...]], how: VerifyContext) -> None:
        self._links = links
        self._how = how
        self._judged: dict[Registry, list[list[Delivery]]] = {}
        """For each source that told, what became of its images, by link in their order."""
        self._sampled = 0
        self._faults: dict[Registry, Fault] = {}
        self._timings: Counter[Registry] = Counter()
        self._policies: dict[Registry, Policy | Fault] = {}

    async def run(self) -> Verified:
        how = self._how
        with how.stop.abandonable():
            await work_through(sorted(self._links), self._ask, crew=how.crew, stop=how.stop)
        self._too_late("DescribeRegistry", (one for one in self._links if one not in self._judged))
        unclear = sorted(
            {
                link.destination
                for link, deliveries in self._told()
                for one in deliveries
                if needs_policy(one, link, how.desired.by_account)
            }
        )
        with how.stop.abandonable():
            await work_through(unclear, self._read_policy, crew=how.crew, stop=how.stop)
        unread = [one for one in unclear if one not in self._policies]
        self._policies |= self._too_late("GetRegistryPolicy", unread)
        return self._conclude()

    def _too_late(self, operation: str, left: Iterable[Registry]) -> dict[Registry, Fault]:
        """What a deadline left unread is an error of each; an interruption is nobody's."""
        stop = self._how.stop
        if stop.interrupted:
            return {}
        late = Fault(kind=FaultKind.TIMEOUT, operation=operation, message=stop.because)
        faults = dict.fromkeys(left, late)
        self._faults = faults | self._faults
        return faults

    async def _ask(self, source: Registry) -> None:
        """Everything about one source. Of what was asked, only what it means is kept."""
        how = self._how
        how.on_event(ReadStarted(registry=source))
        try:
            await self._judge(source, await self._sample(source))
        except CallError as error:
            self._faults[source] = error.fault
        except Exception as error:  # noqa: BLE001 - one registry's failure is a value, whatever it is
            self._faults[source] = unforeseen("DescribeImageReplicationStatus", error)
        fault = None if source in self._judged else self._faults.get(source)
        how.on_event(RegistryRead(registry=source, error=fault))

    async def _judge(self, source: Registry, told: SourceSample) -> None:
        """What became of its images, an interruption in the midst of looking them up included."""
        links = self._links[source]
        evidence = evidence_of(told, self._received(source), self._how.desired.by_account)
        arrivals: dict[Lookup, Arrival] = {}
        try:
            await self._look_up_all(lookups(told, links, evidence, count=self._how.count), arrivals)
        finally:
            self._judged[source] = judge(told, links, replace(evidence, arrivals=arrivals))
            self._sampled += len(told.sightings)

    async def _sample(self, source: Registry) -> SourceSample:
        # The rules come first: that call proves that the account is the one that was meant.
        replication = parse_answer(await self._described(source))
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

    async def _described(self, source: Registry) -> JsonObject:
        """The source's rules. What AWS refuses to a fresh role or session is asked for again."""
        try:
            return await self._how.reader.describe(source)
        except CallError as error:
            if not error.transient:
                raise
        return await self._how.reader.describe(source)

    async def _recent(self, source: Registry) -> tuple[PushedImage, ...]:
        """The sample of a source: repositories are looked into until there are enough."""
        how, links = self._how, self._links[source]
        repositories = await how.images.describe_repositories(source)
        names = [name for one in repositories if isinstance(name := one.get("repositoryName"), str)]
        found: list[tuple[PushedImage, ...]] = []
        for name in repositories_to_ask(names, links, self._received(source), count=how.count):
            if recent := await self._newest(source, name):
                found.append(recent)
            if len(found) == how.count:
                break
        return sample(found, count=how.count)

    async def _newest(self, source: Registry, repository: str) -> tuple[PushedImage, ...]:
        """The newest of a repository's recent images; no more of it is ever held than a page."""
        how, found = self._how, tuple[PushedImage, ...]()
        try:
            async for page in how.images.describe_images(source, repository):
                recent = recent_images(page, repository, since=how.since)
                found = newest((*found, *recent), count=how.count)
        except CallError as error:
            if error.fault.code not in _GONE:
                raise
            return ()
        return found

    def _received(self, source: Registry) -> Prefixes:
        incoming = self._how.desired.incoming.get(source, ())
        return reduce(prefix for link in incoming for prefix in link.prefixes)

    async def _look_up_all(self, wanted: Lookups, arrivals: dict[Lookup, Arrival]) -> None:
        """Look up whether images are at their destinations; what a deadline cuts off is told."""
        rest = [*wanted.deciding, *self._within_bound(wanted.timing)]
        for at, lookup in enumerate(rest):
            if self._how.stop.requested:
                self._too_late("DescribeImages", (one.destination for one in rest[at:]))
                return
            # One that fails is asked nothing more.
            if lookup.destination not in self._faults:
                await self._look_up(lookup, arrivals)

    def _within_bound(self, timing: Iterable[Lookup]) -> Iterator[Lookup]:
        """Those for which their destinations are still to be asked in this run."""
        for one in timing:
            self._timings[one.destination] += 1
            if self._timings[one.destination] <= TIMINGS:
                yield one

    async def _look_up(self, lookup: Lookup, arrivals: dict[Lookup, Arrival]) -> None:
        try:
            found = await self._how.images.find_image(*lookup)
        except CallError as error:
            self._faults[lookup.destination] = error.fault
        except Exception as error:  # noqa: BLE001 - one registry's failure is a value, whatever it is
            self._faults[lookup.destination] = unforeseen("DescribeImages", error)
        else:
            arrivals[lookup] = arrival_of(found)

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

    def _told(self) -> Iterator[tuple[Link, list[Delivery]]]:
        """Every link with what is known of its images; none of a source that did not tell."""
        for source in sorted(self._links):
            links = self._links[source]
            yield from zip(links, self._judged.get(source, [[] for _ in links]), strict=True)

    def _conclude(self) -> Verified:
        desired = self._how.desired
        known = Knowledge(
            partition=desired.owner.partition,
            actions=desired.actions,
            manages_grants=desired.manages_grants,
            managed=desired.by_account,
            trusted=desired.trusted,
            policies=self._policies,
        )
        return Verified(
            sampled=self._sampled,
            links=tuple(self._link(link, found, known) for link, found in self._told()),
            unreadable=tuple(
                UnreadRegistry(registry=one, name=desired.names[one.account], error=fault)
                for one, fault in sorted(self._faults.items(), key=lambda item: item[0])
            ),
        )

    def _link(self, link: Link, found: list[Delivery], known: Knowledge) -> LinkDelivery:
        names = self._how.desired.names
        told = link.source in self._judged
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
