"""The images of a source that a verification asks about, and their replication statuses.

Repositories are looked into, the most telling ones first, until there are enough recent images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeAlias

from fleet_repl.ecr.rules import parse_answer
from fleet_repl.engine.answers import GONE, answer_of, asked_again
from fleet_repl.engine.ports import ImageReader, RegistryReader
from fleet_repl.engine.repository_names import repository_names
from fleet_repl.engine.shards import ShardContext
from fleet_repl.engine.workers import work_through
from fleet_repl.runs.delivery import (
    PushedImage,
    SampledImage,
    SourceSample,
    newest,
    parse_statuses,
    recent_images,
    repositories_to_ask,
    sample,
)
from fleet_repl.runs.events import ReadStarted
from fleet_repl.topology import Link
from fleet_repl.values.clock import Clock
from fleet_repl.values.errors import CallError, Fault
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import Prefixes

Samples: TypeAlias = dict[Registry, SourceSample | Fault]
"""The sample of each source, or why there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampler:
    """Takes samples of sources. Every method raises CallError."""

    images: ImageReader
    reader: RegistryReader
    clock: Clock
    count: int
    """Images of each source, at the most."""
    since: datetime
    """Images that were pushed earlier do not count."""

    async def take(
        self, source: Registry, links: Sequence[Link], received: Prefixes
    ) -> SourceSample:
        """A sample of the images that `links` carry. `received`: prefixes of repositories that the
        source itself gets by replication."""
        # The rules come first: that call proves that the session is the account's.
        replication = parse_answer(await asked_again(partial(self.reader.describe, source)))
        images = []
        for image in await self._recent(source, links, received):
            try:
                statuses = await self.images.replication_statuses(
                    source, image.repository, image.digest
                )
            except CallError as error:
                if error.fault.code not in GONE:
                    raise
            else:
                images.append(SampledImage(image=image, statuses=parse_statuses(statuses)))
        return SourceSample(at=self.clock.now(), replication=replication, images=tuple(images))

    async def _recent(
        self, source: Registry, links: Sequence[Link], received: Prefixes
    ) -> tuple[PushedImage, ...]:
        names = await repository_names(source, self.images)
        by_repository: list[tuple[PushedImage, ...]] = []
        for name in repositories_to_ask(names, links, received, count=self.count):
            if recent := await self._newest(source, name):
                by_repository.append(recent)
            if len(by_repository) == self.count:
                break
        return sample(by_repository, count=self.count)

    async def _newest(self, source: Registry, repository: str) -> tuple[PushedImage, ...]:
        """The newest of a repository's recent images. Only one page is held in memory at a time."""
        images = tuple[PushedImage, ...]()
        try:
            async for page in self.images.describe_images(source, repository):
                recent = recent_images(page, repository, since=self.since)
                images = newest((*images, *recent), count=self.count)
        except CallError as error:
            if error.fault.code not in GONE:
                raise
            return ()
        return images


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleShard:
    """Sources whose images one worker samples."""

    links: Mapping[Registry, tuple[Link, ...]]
    """Every source, with the links out of it."""
    received: Mapping[Registry, Prefixes]
    count: int
    since: datetime

    @property
    def registries(self) -> tuple[Registry, ...]:
        return tuple(self.links)

    async def read(self, context: ShardContext) -> Samples:
        """Take the sample of each source."""
        sampler = Sampler(
            images=context.reader,
            reader=context.reader,
            clock=context.clock,
            count=self.count,
            since=self.since,
        )
        samples: Samples = {}

        async def take(source: Registry) -> None:
            context.on_event(ReadStarted(registry=source))
            samples[source] = await taken(
                sampler, source, self.links[source], self.received[source]
            )

        await work_through(
            self.registries, take, concurrency=context.concurrency, stop=context.stop
        )
        return samples


async def taken(
    sampler: Sampler, source: Registry, links: Sequence[Link], received: Prefixes
) -> SourceSample | Fault:
    """The sample of a source, or why there is none."""
    sampled = sampler.take(source, links, received)
    return await answer_of("DescribeImageReplicationStatus", sampled)
