"""Ask accounts and clusters what they run, and look the images up in other regions.

What answers mean is decided in `runs.coverage`. A place that fails is a value.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, TypeVar

from fleet_repl.engine.answers import answer_of
from fleet_repl.engine.image_arrivals import time_out
from fleet_repl.engine.ports import ImageFinder, PodReader, WorkloadReader
from fleet_repl.engine.stop import Stop
from fleet_repl.engine.workers import work_through
from fleet_repl.planning.desired import Desired
from fleet_repl.runs.coverage import (
    CoverageTallies,
    InUse,
    PulledImage,
    Repositories,
    RunningImage,
    Runtime,
    Unasked,
    holders_of,
    image_in_use,
    places_of,
    uses_of,
)
from fleet_repl.values.errors import Fault
from fleet_repl.values.images import ImageName
from fleet_repl.values.names import Registry

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """The services that are asked for running images."""

    runtimes: tuple[Runtime, ...]
    places: Sequence[Registry]
    """Accounts and regions that ECS and Lambda are asked in."""
    contexts: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class InUseContext:
    """Everything that asking what runs needs besides."""

    workloads: WorkloadReader
    pods: PodReader
    images: ImageFinder
    desired: Desired
    tallies: CoverageTallies
    concurrency: int
    stop: Stop
    faults: dict[Registry, Fault]
    """Registries that have failed. They are not asked again, and those that fail are added."""


class _Question(NamedTuple):
    runtime: Runtime
    place: str
    ask: Callable[[], Awaitable[Iterable[RunningImage]]]


async def in_use(survey: Survey, repositories: Repositories, context: InUseContext) -> InUse:
    """Ask what runs, and where else those images are. `repositories`: those of every registry of
    the fleet that could be listed.

    After an interruption, the result holds the answers until then; after a deadline, a place that
    was not asked has a timeout fault.
    """
    return await _Inquiry(context=context).run(survey, repositories)


@dataclass(slots=True, kw_only=True)
class _Inquiry:
    """An inquiry that is under way: the answers so far."""

    context: InUseContext
    running: set[RunningImage] = field(default_factory=set)
    unasked: dict[tuple[Runtime, str], Fault] = field(default_factory=dict)
    answered: set[tuple[Runtime, str]] = field(default_factory=set)

    async def run(self, survey: Survey, repositories: Repositories) -> InUse:
        questions = [*self._questions(survey)]
        await self._through(questions, self._ask)
        self._time_out(questions)
        uses = uses_of(self.running, {*self.context.desired.registries})
        resolved = await self._resolve_all(uses.of_fleet)
        found = await self._find_all(resolved.keys(), holders_of(resolved, repositories))
        images = (
            image_in_use(pulled, running, found[pulled], self.context.desired)
            for pulled, running in resolved.items()
        )
        return InUse(
            runtimes=survey.runtimes,
            images=tuple(sorted(images, key=lambda use: (use.registry, str(use.image)))),
            elsewhere=uses.elsewhere,
            unasked=tuple(
                Unasked(runtime=runtime, place=place, error=fault)
                for (runtime, place), fault in sorted(
                    self.unasked.items(), key=lambda item: item[0]
                )
            ),
        )

    def _questions(self, survey: Survey) -> Iterable[_Question]:
        context = self.context
        for runtime in survey.runtimes:
            if runtime is Runtime.EKS:
                for name in survey.contexts:
                    yield _Question(runtime, name, partial(context.pods.pods, name))
                continue
            ask = {
                Runtime.ECS: context.workloads.tasks,
                Runtime.LAMBDA: self._functions,
            }[runtime]
            for place in survey.places:
                fault = context.faults.get(place)
                if fault is not None and fault.role_refused:
                    self.unasked[runtime, str(place)] = fault
                else:
                    yield _Question(runtime, str(place), partial(ask, place))

    async def _functions(self, place: Registry) -> Iterable[RunningImage]:
        images = await self.context.workloads.functions(place)
        if images.denied is not None:
            self.unasked[Runtime.LAMBDA, str(place)] = images.denied
        return images.running

    async def _through(self, items: Sequence[T], work: Callable[[T], Awaitable[None]]) -> None:
        context = self.context
        with context.stop.abandonable():
            await work_through(items, work, concurrency=context.concurrency, stop=context.stop)

    def _time_out(self, questions: Iterable[_Question]) -> None:
        if self.context.stop.interrupted:
            return
        for question in questions:
            key = question.runtime, question.place
            if key not in self.answered:
                self.unasked.setdefault(key, self.context.stop.timeout(question.runtime))

    async def _ask(self, question: _Question) -> None:
        key = question.runtime, question.place
        running = await answer_of(question.runtime, question.ask())
        if isinstance(running, Fault):
            self.unasked[key] = running
        else:
            self.running |= {*running}
        self.answered.add(key)

    async def _resolve_all(
        self, uses: Mapping[PulledImage, Iterable[RunningImage]]
    ) -> Mapping[PulledImage, list[RunningImage]]:
        names: dict[PulledImage, ImageName] = {}

        async def resolve(pulled: PulledImage) -> None:
            names[pulled] = await self._resolved(pulled)

        await self._through(sorted(uses, key=str), resolve)
        resolved: dict[PulledImage, list[RunningImage]] = defaultdict(list)
        for pulled, running in uses.items():
            # What an interruption or the deadline came before goes by its tag.
            named = names.get(pulled, pulled.image)
            resolved[PulledImage(pulled.registry, named)] += running
        return resolved

    async def _find_all(
        self, images: Set[PulledImage], holders: Mapping[str, tuple[Registry, ...]]
    ) -> Mapping[PulledImage, Mapping[Registry, bool | None]]:
        """Returns for each image which other registries have it. `holders`: the registries that
        have a repository, by its name."""
        found: dict[PulledImage, Mapping[Registry, bool | None]] = {}

        async def look_up(pulled: PulledImage) -> None:
            found[pulled] = await self._find(pulled, holders.get(pulled.image.repository, ()))

        await self._through(sorted(images, key=str), look_up)
        for pulled in images - found.keys():
            found[pulled] = self._too_late(pulled, holders.get(pulled.image.repository, ()))
        return found

    async def _find(
        self, pulled: PulledImage, holders: Iterable[Registry]
    ) -> Mapping[Registry, bool | None]:
        """Returns whether other registries have the image; None where that cannot be known."""
        found = self._unreadable(pulled)
        for place, exists in self._places(pulled, holders).items():
            if place not in self.context.faults:
                found[place] = await self._has(place, pulled.image) if exists else False
        return dict(sorted(found.items()))

    def _too_late(
        self, pulled: PulledImage, holders: Iterable[Registry]
    ) -> Mapping[Registry, bool | None]:
        """Returns the registries that nobody has asked for the image any more. After a deadline
        each gets a timeout fault, after an interruption none."""
        places = self._places(pulled, holders)
        time_out(self.context.faults, self.context.stop, "DescribeImages", places)
        return dict(sorted((self._unreadable(pulled) | dict.fromkeys(places)).items()))

    def _places(self, pulled: PulledImage, holders: Iterable[Registry]) -> Mapping[Registry, bool]:
        return places_of(pulled, holders, self.context.tallies, self.context.desired)

    def _unreadable(self, pulled: PulledImage) -> dict[Registry, bool | None]:
        """Returns the registries in other regions that could not be read: each may have it."""
        return {
            place: None for place in self.context.faults if place.region != pulled.registry.region
        }

    async def _resolved(self, pulled: PulledImage) -> ImageName:
        """Returns the image by the digest that its tag has in its registry, as far as that is
        known: other registries are looked through for the very same content."""
        registry, image = pulled
        if image.digest is not None or registry in self.context.faults:
            return image
        detail = await self._answer(
            registry, self.context.images.find_tag(registry, image.repository, image.tag or "")
        )
        digest = detail.get("imageDigest") if isinstance(detail, Mapping) else None
        if not isinstance(digest, str):
            return image
        return ImageName(repository=image.repository, digest=digest)

    async def _has(self, place: Registry, image: ImageName) -> bool | None:
        images = self.context.images
        detail = await self._answer(
            place,
            images.find_image(place, image.repository, image.digest)
            if image.digest is not None
            else images.find_tag(place, image.repository, image.tag or ""),
        )
        return None if isinstance(detail, Fault) else detail is not None

    async def _answer(self, registry: Registry, read: Awaitable[T]) -> T | Fault:
        answer = await answer_of("DescribeImages", read)
        if isinstance(answer, Fault):
            self.context.faults.setdefault(registry, answer)
        return answer
