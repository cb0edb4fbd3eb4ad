"""Find out what has arrived of everything that links carry: names first, then images.

What the answers mean is decided in `runs.coverage`. A registry that fails is a value; its links
are unknown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple, Protocol

import anyio.lowlevel

from fleet_repl.engine.answers import answer_of
from fleet_repl.engine.coverage.compare import Comparer
from fleet_repl.engine.coverage.survey import Contents, Survey, SurveyShard, surveyed
from fleet_repl.engine.image_arrivals import time_out
from fleet_repl.engine.ports import EventSink, ImageLister, RegistryReader
from fleet_repl.engine.shards import Shard, ShardReaders, shards_of
from fleet_repl.engine.stop import Stop
from fleet_repl.engine.workers import work_through
from fleet_repl.planning.desired import Desired
from fleet_repl.runs.coverage import Comparison, CoverageTallies, Repositories
from fleet_repl.topology import Link
from fleet_repl.values.clock import Clock
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry


class Reader(RegistryReader, ImageLister, Protocol):
    """Reads of registries and all their images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageContext:
    """Everything that a coverage needs besides the links."""

    reader: Reader
    desired: Desired
    with_images: bool
    concurrency: int
    stop: Stop
    clock: Clock
    on_event: EventSink
    workers: ShardReaders | None = None
    """Other processes that list repositories; None: this process does it itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """The result of a coverage."""

    contents: Mapping[Registry, Contents]
    """The registries that were listed."""
    faults: Mapping[Registry, Fault]
    unfinished: frozenset[Registry]
    """Registries that were not listed, and sources whose repositories were not all compared."""

    @property
    def repositories(self) -> Repositories:
        """The repositories of the registries that were listed."""
        return {registry: contents.repositories for registry, contents in self.contents.items()}

    def is_unknown(self, link: Link) -> bool:
        """Returns whether an end of the link could not be read, or not in time."""
        ends = (link.source, link.destination)
        return any(end in self.unfinished or end in self.faults for end in ends)


class _Job(NamedTuple):
    source: Registry
    repository: str
    destinations: Mapping[Registry, bool]
    """Each with whether it has the repository."""


async def cover(
    links: Mapping[Registry, tuple[Link, ...]],
    registries: Iterable[Registry],
    tallies: CoverageTallies,
    context: CoverageContext,
) -> Covered:
    """List the repositories of all `registries`, and count in `tallies` what has arrived on these
    links, which are grouped by source.

    After an interruption, the result holds the answers until then. After a deadline, every
    registry with reads outstanding gets a timeout fault.
    """
    return await _Coverage(links, tallies, context).run(sorted(registries))


class _Coverage:
    def __init__(
        self,
        links: Mapping[Registry, tuple[Link, ...]],
        tallies: CoverageTallies,
        context: CoverageContext,
    ) -> None:
        self._links = links
        self._tallies = tallies
        self._context = context
        self._comparer = Comparer(images=context.reader, clock=context.clock)
        self._contents: dict[Registry, Contents] = {}
        self._faults: dict[Registry, Fault] = {}
        self._under_way: Counter[Registry] = Counter()
        """Repositories that are being compared, by source."""
        self._begun: set[Registry] = set()
        """Sources of which all repositories are done or under way."""

    async def run(self, registries: Sequence[Registry]) -> Covered:
        stop = self._context.stop
        with stop.abandonable():
            await self._survey(registries)
        unread = {*registries} - self._contents.keys()
        time_out(self._faults, stop, "DescribeRepositories", unread)
        with stop.abandonable():
            await work_through(
                self._all_jobs(), self._work, concurrency=self._context.concurrency, stop=stop
            )
        late = {
            source for source in self._links if self._under_way[source] or source not in self._begun
        }
        time_out(self._faults, stop, "DescribeImages", late)
        return Covered(
            contents=self._contents, faults=self._faults, unfinished=frozenset(late | unread)
        )

    def _all_jobs(self) -> Iterator[_Job]:
        """Yields the work of one source after the other, made only when it is its turn: a fleet may
        have millions of repositories."""
        for source in sorted(self._links):
            # The last job of a source reads nothing. Where names alone tell all, it is the only
            # job, and gives other tasks their turn.
            for job in chain(self._jobs(source), [_Job(source, "", {})]):
                self._under_way[source] += 1
                yield job
            self._begun.add(source)

    async def _work(self, job: _Job) -> None:
        await anyio.lowlevel.checkpoint()
        await self._compare(job)
        self._under_way[job.source] -= 1

    async def _survey(self, registries: Sequence[Registry]) -> None:
        context = self._context
        if context.workers is None:

            async def read(registry: Registry) -> None:
                self._keep(registry, await surveyed(registry, context.reader, context.on_event))

            await work_through(registries, read, concurrency=context.concurrency, stop=context.stop)
            return

        async def take(shard: Shard[Survey], answer: Survey | Fault) -> None:
            survey = (
                dict.fromkeys(shard.registries, answer) if isinstance(answer, Fault) else answer
            )
            for registry, contents in survey.items():
                self._keep(registry, contents)

        shards = [
            SurveyShard(registries=part) for part in shards_of(registries, context.workers.width)
        ]
        await context.workers.read(shards, take, context.stop, context.on_event)

    def _keep(self, registry: Registry, contents: Contents | Fault) -> None:
        if isinstance(contents, Fault):
            self._faults[registry] = contents
        else:
            self._contents[registry] = contents

    def _jobs(self, source: Registry) -> Iterator[_Job]:
        """Yields the repositories of a source whose images have to be looked at, and counts those
        that names alone tell enough about."""
        if source not in self._contents:
            return
        for repository in sorted(self._contents[source].repositories):
            asked: dict[Registry, bool] = {}
            for link in self._links[source]:
                there = self._contents.get(link.destination)
                if there is None or not self._tallies.wants(link, repository):
                    continue
                exists = repository in there.repositories
                if exists and not self._context.with_images:
                    self._count(link, repository, None, exists=True)
                else:
                    asked[link.destination] = exists
            if asked:
                yield _Job(source, repository, asked)

    async def _compare(self, job: _Job) -> None:
        """Look at the images of a repository. A registry that has failed is not asked again."""
        asked = {end: exists for end, exists in job.destinations.items() if end not in self._faults}
        if job.source in self._faults or not asked:
            return
        comparing = self._comparer.compare(
            job.source, job.repository, asked, whole=self._context.with_images
        )
        compared = await answer_of("DescribeImages", comparing)
        if isinstance(compared, Fault):
            self._faults[job.source] = compared
            return
        for link in self._links[job.source]:
            comparison = compared.get(link.destination)
            if isinstance(comparison, Fault):
                self._faults.setdefault(link.destination, comparison)
            elif comparison is not None:
                self._count(link, job.repository, comparison, exists=asked[link.destination])

    def _count(
        self, link: Link, repository: str, comparison: Comparison | None, *, exists: bool
    ) -> None:
        has_rule = self._contents[link.source].has_rule(link.destination, repository)
        self._tallies.add(link, repository, comparison, exists=exists, has_rule=has_rule)
