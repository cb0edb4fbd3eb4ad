"""Verify that recent images have arrived: source by source, then the policies that may deny them.

The decisions are made in `runs.delivery`: which images to ask about, what answers mean, and whose
fault a missing image is. A registry that fails is a value; its links end as unknown.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from fleet_repl.ecr.policy import Policy, parse_policy
from fleet_repl.engine.answers import answer_of
from fleet_repl.engine.image_arrivals import ArrivalReader, time_out
from fleet_repl.engine.image_sample import Sampler, Samples, SampleShard, taken
from fleet_repl.engine.ports import EventSink, ImageReader, RegistryReader
from fleet_repl.engine.shards import Shard, ShardReaders, shards_of
from fleet_repl.engine.stop import Stop
from fleet_repl.engine.workers import work_through
from fleet_repl.planning.desired import Desired
from fleet_repl.runs.delivery import (
    Arrival,
    Delivery,
    DeliveryState,
    Knowledge,
    LinkDelivery,
    Lookup,
    SourceSample,
    UnreadRegistry,
    evidence_of,
    explained,
    judge,
    knowledge_of,
    lookups,
    needs_policy,
    state_of,
)
from fleet_repl.runs.events import ReadStarted, RegistryRead
from fleet_repl.topology import Link
from fleet_repl.values.clock import Clock
from fleet_repl.values.errors import Fault, unforeseen
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import Prefixes, reduce


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyContext:
    """Everything that a verification needs besides the links."""

    images: ImageReader
    reader: RegistryReader
    desired: Desired
    count: int
    """Images of each source, at the most."""
    since: datetime
    """Images that were pushed earlier do not count."""
    concurrency: int
    stop: Stop
    clock: Clock
    on_event: EventSink
    workers: ShardReaders | None = None
    """Other processes that sample the sources; None: this process does it itself."""
    unread: Mapping[Registry, Fault] = field(default_factory=dict)
    """Sources of whose links nobody can tell which images they carry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """The result of a verification."""

    sampled: int
    """Images that were asked about."""
    links: tuple[LinkDelivery, ...]
    """Every link once, by source and destination."""
    unreadable: tuple[UnreadRegistry, ...]


async def verify(links: Mapping[Registry, tuple[Link, ...]], context: VerifyContext) -> Verified:
    """Find out whether recent images have arrived on these links, which are grouped by source.

    After an interruption the result holds the answers until then. After a deadline, every source
    not yet read gets a timeout fault, and so does every destination with a read outstanding.
    """
    return await _Verification(links, context).run()


class _Verification:
    def __init__(self, links: Mapping[Registry, tuple[Link, ...]], context: VerifyContext) -> None:
        self._links = links
        self._context = context
        self._sampler = Sampler(
            images=context.images,
            reader=context.reader,
            clock=context.clock,
            count=context.count,
            since=context.since,
        )
        self._judged: dict[Registry, list[list[Delivery]]] = {}
        """For each source that was read, the deliveries of its images, by link in their order."""
        self._sampled = 0
        self._faults: dict[Registry, Fault] = {}
        self._arrivals = ArrivalReader(
            images=context.images, stop=context.stop, faults=self._faults
        )
        self._policies: dict[Registry, Policy | Fault] = {}

    async def run(self) -> Verified:
        context, stop = self._context, self._context.stop
        with stop.abandonable():
            if context.workers is None:
                await self._through(sorted(self._links), self._ask)
            else:
                await self._ask_in_shards(context.workers)
        unread = (source for source in self._links if source not in self._judged)
        time_out(self._faults, stop, "DescribeRegistry", unread)
        unclear = sorted(
            {
                link.destination
                for link, deliveries in self._by_link()
                for delivery in deliveries
                if needs_policy(delivery, link, self._context.desired.by_account)
            }
        )
        with stop.abandonable():
            await self._through(unclear, self._read_policy)
        missing = [destination for destination in unclear if destination not in self._policies]
        self._policies |= time_out(self._faults, stop, "GetRegistryPolicy", missing)
        return self._conclude()

    async def _through(
        self, registries: Sequence[Registry], work: Callable[[Registry], Awaitable[None]]
    ) -> None:
        context = self._context
        await work_through(registries, work, concurrency=context.concurrency, stop=context.stop)

    async def _ask(self, source: Registry) -> None:
        self._context.on_event(ReadStarted(registry=source))
        links, received = self._links[source], self._received(source)
        await self._take(source, await taken(self._sampler, source, links, received))

    async def _ask_in_shards(self, workers: ShardReaders) -> None:
        """Have workers sample the sources, and judge each shard while others are sampled."""
        context = self._context
        shards = [
            SampleShard(
                links={source: self._links[source] for source in part},
                received={source: self._received(source) for source in part},
                count=context.count,
                since=context.since,
            )
            for part in shards_of(self._links, workers.width)
        ]

        async def take(shard: Shard[Samples], answer: Samples | Fault) -> None:
            samples: Samples = (
                {**dict.fromkeys(shard.registries, answer)} if isinstance(answer, Fault) else answer
            )
            await self._through(
                tuple(samples), lambda source: self._take(source, samples.pop(source))
            )

        await workers.read(shards, take, context.stop, context.on_event)

    async def _take(self, source: Registry, sample: SourceSample | Fault) -> None:
        """Judge the sample of a source. Only the judgement is kept, not the sample."""
        sample = self._context.unread.get(source, sample)
        if isinstance(sample, Fault):
            self._faults[source] = sample
        else:
            try:
                await self._judge(source, sample)
            except Exception as error:  # noqa: BLE001 - one registry's failure is a value
                self._faults[source] = unforeseen("DescribeImageReplicationStatus", error)
        fault = None if source in self._judged else self._faults.get(source)
        self._context.on_event(RegistryRead(registry=source, error=fault))

    async def _judge(self, source: Registry, sample: SourceSample) -> None:
        """Look up the images at their destinations, and judge; even if that is interrupted."""
        links, context = self._links[source], self._context
        evidence = evidence_of(sample, self._received(source), context.desired.by_account)
        arrivals: dict[Lookup, Arrival] = {}
        try:
            planned = lookups(sample, links, evidence, count=context.count)
            await self._arrivals.look_up(planned, arrivals)
        finally:
            self._judged[source] = judge(sample, links, replace(evidence, arrivals=arrivals))
            self._sampled += len(sample.images)

    def _received(self, source: Registry) -> Prefixes:
        """Prefixes of the repositories that the source itself gets by replication."""
        incoming = self._context.desired.incoming.get(source, ())
        return reduce(prefix for link in incoming for prefix in link.prefixes)

    async def _read_policy(self, destination: Registry) -> None:
        async def read() -> Policy:
            document = await self._context.reader.read_policy(destination)
            return parse_policy(document, self._context.desired.owner, destination)

        policy = self._policies[destination] = await answer_of("GetRegistryPolicy", read())
        if isinstance(policy, Fault):
            self._faults.setdefault(destination, policy)

    def _by_link(self) -> Iterator[tuple[Link, list[Delivery]]]:
        """Every link with the deliveries of its images; none for a source that was not read."""
        for source in sorted(self._links):
            links = self._links[source]
            yield from zip(links, self._judged.get(source, [[] for _ in links]), strict=True)

    def _conclude(self) -> Verified:
        desired = self._context.desired
        knowledge = knowledge_of(desired, self._policies)
        return Verified(
            sampled=self._sampled,
            links=tuple(self._link(link, images, knowledge) for link, images in self._by_link()),
            unreadable=tuple(
                UnreadRegistry(registry=registry, name=desired.names[registry.account], error=fault)
                for registry, fault in sorted(self._faults.items(), key=lambda item: item[0])
            ),
        )

    def _link(self, link: Link, images: list[Delivery], knowledge: Knowledge) -> LinkDelivery:
        state = state_of(images) if link.source in self._judged else DeliveryState.UNKNOWN
        known = tuple(explained(delivery, link, knowledge) for delivery in images)
        return LinkDelivery.of(link, self._context.desired, state, known)
