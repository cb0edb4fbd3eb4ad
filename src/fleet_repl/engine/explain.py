"""Asks AWS about an image: rules of sources, policies of destinations, the image at both ends.

The decisions are made in `runs.explain`. A registry that fails is a value.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from fleet_repl.ecr.rules import Replication
from fleet_repl.engine.observe import ObserveContext, observe
from fleet_repl.engine.ports import ImageFinder, RegistryReader
from fleet_repl.engine.workers import work_through
from fleet_repl.planning.explain import Question
from fleet_repl.planning.observed import Unreadable
from fleet_repl.runs.delivery import (
    Arrival,
    Lookup,
    PushedImage,
    SampledImage,
    arrival_of,
    moment,
    parse_statuses,
)
from fleet_repl.runs.explain import Sightings, links_in_place
from fleet_repl.topology import Link
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import CallError, Fault, unforeseen
from fleet_repl.values.names import Registry

T = TypeVar("T")


class Reader(RegistryReader, ImageFinder, Protocol):
    """Reads of registries and their images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainContext:
    """Everything that asking about an image needs besides the question."""

    reader: Reader
    how: ObserveContext
    """How rules are read: by other processes where there are any. Nothing else is spread, as few
    registries are left once the rules are known."""


async def look_for(question: Question, context: ExplainContext) -> Sightings:
    """Read what decides on a question. Without a source in it, the rules of every managed registry
    are read. After an interruption or a deadline, registries not yet read have a timeout fault."""
    return await _Look(question=question, context=context).run()


@dataclass(slots=True, kw_only=True)
class _Look:
    """A look that is under way: the answers so far."""

    question: Question
    context: ExplainContext
    replications: dict[Registry, Replication | Fault] = field(default_factory=dict)
    policies: dict[Registry, JsonObject | Fault | None] = field(default_factory=dict)
    repositories: dict[Registry, bool] = field(default_factory=dict)
    images: dict[Registry, SampledImage | None] = field(default_factory=dict)
    arrivals: dict[Lookup, Arrival] = field(default_factory=dict)
    faults: dict[Registry, Fault] = field(default_factory=dict)

    async def run(self) -> Sightings:
        question, managed = self.question, self.question.desired.by_account
        sources: Collection[Registry] = question.desired.registries
        if question.source is not None:
            sources = (question.source,) if question.source.account in managed else ()
        await self._read_rules(sources)
        links = list(links_in_place(question, self.replications))
        crossed = {
            link.destination
            for link in links
            if link.crosses_accounts and link.destination.account in managed
        }
        await self._through(sorted(crossed), self._read_policy)
        for destination in crossed:
            self.policies.setdefault(
                destination, self.context.how.stop.timeout("GetRegistryPolicy")
            )
        if question.image.is_image:
            await self._through(sorted({link.source for link in links}), self._find_image)
            reachable = [link for link in links if link.destination.account in managed]
            await self._through(reachable, self._look_up)
        return Sightings(
            at=self.context.how.clock.now(),
            replications=self.replications,
            policies=self.policies,
            repositories=self.repositories,
            images=self.images,
            arrivals=self.arrivals,
            faults=self.faults,
        )

    async def _through(self, items: Sequence[T], work: Callable[[T], Awaitable[None]]) -> None:
        how = self.context.how
        with how.stop.abandonable():
            await work_through(items, work, concurrency=how.concurrency, stop=how.stop)

    async def _answer(
        self, registry: Registry, operation: str, read: Callable[[], Awaitable[T]]
    ) -> T | Fault:
        """The answer of a registry, or its fault, which is kept."""
        try:
            try:
                return await read()
            except CallError as error:
                if not error.transient:
                    raise
            # A fresh session may be refused once.
            return await read()
        except CallError as error:
            fault = error.fault
        except Exception as error:  # noqa: BLE001 - one registry's failure is a value, whatever it is
            fault = unforeseen(operation, error)
        self.faults.setdefault(registry, fault)
        return fault

    async def _read_rules(self, sources: Collection[Registry]) -> None:
        how = replace(self.context.how, owner=None, with_templates=())
        observed, _ = await observe(sources, how)
        # After an interruption, those not yet read are missing.
        self.replications |= dict.fromkeys(sources, how.stop.timeout("DescribeRegistry"))
        for source, result in observed.items():
            if isinstance(result, Unreadable):
                self.replications[source] = self.faults[source] = result.error
            else:
                self.replications[source] = result.replication

    async def _read_policy(self, destination: Registry) -> None:
        reader, repository = self.context.reader, self.question.repository
        policy = await self._answer(
            destination, "GetRegistryPolicy", lambda: reader.read_policy(destination)
        )
        self.policies[destination] = policy
        if isinstance(policy, Fault):
            return
        there = await self._answer(
            destination,
            "DescribeRepositories",
            lambda: reader.has_repository(destination, repository),
        )
        self.repositories[destination] = there is True

    async def _find_image(self, source: Registry) -> None:
        async def read() -> SampledImage | None:
            return await self._image_in(source)

        sampled = await self._answer(source, "DescribeImages", read)
        if not isinstance(sampled, Fault):
            self.images[source] = sampled

    async def _image_in(self, source: Registry) -> SampledImage | None:
        reader, image = self.context.reader, self.question.image
        if image.digest is not None:
            detail = await reader.find_image(source, image.repository, image.digest)
        else:
            detail = await reader.find_tag(source, image.repository, image.tag or "")
        if detail is None or not isinstance(digest := detail.get("imageDigest"), str):
            return None
        pushed_at = moment(detail.get("imagePushedAt")) or self.context.how.clock.now()
        statuses = await reader.replication_statuses(source, image.repository, digest)
        pushed = PushedImage(repository=image.repository, digest=digest, pushed_at=pushed_at)
        return SampledImage(image=pushed, statuses=parse_statuses(statuses))

    async def _look_up(self, link: Link) -> None:
        sampled = self.images.get(link.source)
        if sampled is None:
            return
        reader, image = self.context.reader, sampled.image
        lookup = Lookup(link.destination, image.repository, image.digest)

        async def read() -> Arrival:
            return arrival_of(await reader.find_image(*lookup))

        arrival = await self._answer(link.destination, "DescribeImages", read)
        if not isinstance(arrival, Fault):
            self.arrivals[lookup] = arrival
