"""Asks AWS about an image: rules of sources, policies of destinations, the image at both ends.

The decisions are made in `runs.explain`. A registry that fails is a value.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol, TypeVar

from fleet_repl.ecr.rules import Replication
from fleet_repl.engine.answers import answer_of, asked_again
from fleet_repl.engine.observe import ObserveContext, observe
from fleet_repl.engine.ports import ImageFinder, RegistryReader
from fleet_repl.engine.workers import work_through
from fleet_repl.planning.explain import Question
from fleet_repl.planning.observed import Unreadable
from fleet_repl.planning.repository_routes import There
from fleet_repl.runs.delivery import (
    Arrival,
    Lookup,
    PushedImage,
    SampledImage,
    arrival_of,
    parse_statuses,
)
from fleet_repl.runs.explain import Sightings, links_in_place
from fleet_repl.topology import Link
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.clock import moment
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import AccountId, Registry

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
    joining: Mapping[AccountId, str]
    """Accounts that are joining, whose registries are not asked, each with a sentence."""
    there: There
    """The repositories that count, of routes that leave new ones."""


@dataclass(slots=True, kw_only=True)
class Look:
    """A look at what decides on a question: the answers so far."""

    question: Question
    context: ExplainContext
    replications: dict[Registry, Replication | Fault] = field(default_factory=dict)
    policies: dict[Registry, JsonObject | Fault | None] = field(default_factory=dict)
    repositories: dict[Registry, bool | Fault] = field(default_factory=dict)
    images: dict[Registry, SampledImage | None] = field(default_factory=dict)
    arrivals: dict[Lookup, Arrival] = field(default_factory=dict)
    faults: dict[Registry, Fault] = field(default_factory=dict)

    async def run(self, destinations: Collection[Registry] | None = None) -> Sightings:
        """Read what decides on the question. Without a source in it, the rules of every managed
        registry are read. After an interruption or a deadline, registries not yet read have a
        timeout fault.

        Called again, it looks for the image in all sources, in `destinations` (None: in all) and in
        those to which a source sends another image by now. It reads those rules and policies again
        whose fault may have passed.
        """
        for registry in [at for at, fault in self.faults.items() if fault.passing]:
            self.replications.pop(registry, None)
            self.policies.pop(registry, None)
            del self.faults[registry]
        question = self.question
        await self._read_rules(self._askable(question.sources))
        links = list(links_in_place(question, self.replications))
        crossed = {link.destination for link in links if link.crosses_accounts}
        await self._read_policies(self._askable(crossed))
        if question.image.is_image:
            await self._find_images(links, destinations)
        return self._seen()

    def _seen(self) -> Sightings:
        how = self.context.how
        return Sightings(
            at=how.clock.now(),
            replications=dict(self.replications),
            policies=dict(self.policies),
            repositories=dict(self.repositories),
            images=dict(self.images),
            arrivals=dict(self.arrivals),
            faults=dict(self.faults),
            joining=self.context.joining,
            there=self.context.there,
            interrupted=how.stop.interrupted,
        )

    def _askable(self, registries: Collection[Registry]) -> list[Registry]:
        """The registries that can be asked: managed, and of no account that is joining."""
        managed, joining = self.question.desired.by_account, self.context.joining
        return sorted(
            registry
            for registry in registries
            if registry.account in managed and registry.account not in joining
        )

    async def _through(self, items: Sequence[T], work: Callable[[T], Awaitable[None]]) -> None:
        how = self.context.how
        with how.stop.abandonable():
            await work_through(items, work, concurrency=how.concurrency, stop=how.stop)

    def _late(self, registry: Registry, operation: str) -> Fault:
        """The fault of a registry that a stop left unread. An interruption is nobody's fault."""
        stop = self.context.how.stop
        late = stop.timeout(operation)
        if not stop.interrupted:
            self.faults.setdefault(registry, late)
        return late

    async def _answer(
        self, registry: Registry, operation: str, read: Callable[[], Awaitable[T]]
    ) -> T | Fault:
        """The answer of a registry, or its fault, which is kept."""
        answer = await answer_of(operation, asked_again(read))
        if isinstance(answer, Fault):
            self.faults.setdefault(registry, answer)
        return answer

    async def _read_rules(self, sources: Sequence[Registry]) -> None:
        """Reads the rules of sources without an answer; a stop is the answer of the rest."""
        unread = [source for source in sources if source not in self.replications]
        if not unread:
            return
        observed, _ = await observe(
            unread, replace(self.context.how, owner=None, with_templates=())
        )
        for source in unread:
            result = observed.get(source)
            if result is None:
                self.replications[source] = self._late(source, "DescribeRegistry")
            elif isinstance(result, Unreadable):
                self.replications[source] = self.faults[source] = result.error
            else:
                self.replications[source] = result.replication

    async def _read_policies(self, destinations: Sequence[Registry]) -> None:
        """Read the policies that were not read yet, as `_read_rules` does."""
        unread = [end for end in destinations if end not in self.policies]
        await self._through(unread, self._read_policy)
        for destination in unread:
            if destination not in self.policies:
                self.policies[destination] = self._late(destination, "GetRegistryPolicy")

    async def _read_policy(self, destination: Registry) -> None:
        reader, repository = self.context.reader, self.question.repository
        policy = await self._answer(
            destination, "GetRegistryPolicy", lambda: reader.read_policy(destination)
        )
        if not isinstance(policy, Fault):
            self.repositories[destination] = await self._answer(
                destination,
                "DescribeRepositories",
                lambda: reader.has_repository(destination, repository),
            )
        # Only now: without its repository the policy would be judged wrongly after a stop.
        self.policies[destination] = policy

    async def _find_images(
        self, links: Collection[Link], destinations: Collection[Registry] | None
    ) -> None:
        """Look for the image in the sources of links, and then in `destinations`."""
        before = dict(self.images)
        await self._through(sorted({link.source for link in links}), self._find_image)
        askable = {*self._askable([link.destination for link in links])}
        asked = [
            link
            for link in links
            if link.destination in askable
            and (
                destinations is None
                or link.destination in destinations
                or _digest(self.images.get(link.source)) != _digest(before.get(link.source))
            )
        ]
        await self._through(asked, self._look_up)
        if self.context.how.stop.requested:
            for link in links:
                if link.source not in self.images:
                    self._late(link.source, "DescribeImages")

    async def _find_image(self, source: Registry) -> None:
        sampled = await self._answer(source, "DescribeImages", partial(self._image_in, source))
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
        status = None if sampled is None else sampled.statuses.get(link.destination)
        if sampled is None or (status is not None and status.status == "IN_PROGRESS"):
            return
        reader, image = self.context.reader, sampled.image
        lookup = Lookup(link.destination, image.repository, image.digest)

        async def read() -> Arrival:
            return arrival_of(await reader.find_image(*lookup))

        arrival = await self._answer(link.destination, "DescribeImages", read)
        if not isinstance(arrival, Fault):
            self.arrivals[lookup] = arrival


def _digest(sampled: SampledImage | None) -> str | None:
    return None if sampled is None else sampled.image.digest
