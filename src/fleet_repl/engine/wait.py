"""Waits until an image is where it is awaited, cannot come any more, or the time is up.

It looks again and again, less and less often, and asks no more about destinations that have the
image. What answers mean is decided in `runs.awaited`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Final

from fleet_repl.engine.explain import Look
from fleet_repl.engine.ports import EventSink
from fleet_repl.engine.retry import Pace
from fleet_repl.engine.stop import Stop
from fleet_repl.planning.explain import Awaited, AwaitedImage, Explanation, TagMove, Waited
from fleet_repl.runs.awaited import awaited_images
from fleet_repl.runs.events import ImageArrived, ImageAwaited, ImageFound
from fleet_repl.runs.explain import Sightings, explain_sightings
from fleet_repl.values.names import Registry

FIRST_DELAY: Final = 2.0
GROWTH: Final = 1.5
LONGEST_DELAY: Final = 30.0
"""Seconds between two looks: each delay is so many times the delay before, up to the longest."""
_JITTER: Final = 0.25
"""The share of a delay that it is made shorter or longer by, at the most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitContext:
    """Everything that a wait needs besides the look at the question."""

    pace: Pace
    stop: Stop
    on_event: EventSink


async def wait(look: Look, within: float, context: WaitContext) -> Explanation:
    """Wait for the image of a look's question; at most `within` seconds, but for one look.

    Returns the explanation of the last look, with what the wait has seen. It ends at once where
    waiting does not help.
    """
    return await _Wait(look=look, within=within, context=context).run()


@dataclass(slots=True, kw_only=True)
class _Wait:
    look: Look
    within: float
    context: WaitContext
    images: tuple[AwaitedImage, ...] = ()
    """By the last look."""
    digests: dict[Registry, str] = field(default_factory=dict)
    """Source → the digest that the last look found there."""
    arrived: dict[tuple[Registry, str | None], float] = field(default_factory=dict)
    """Destination and digest → the seconds after which the image was seen there."""
    moves: list[TagMove] = field(default_factory=list)

    async def run(self) -> Explanation:
        pace, stop, delay = self.context.pace, self.context.stop, FIRST_DELAY
        started_at, began = pace.clock.now(), pace.clock.monotonic()
        seen = await self._round(began, None)
        while not self._is_over and (left := self._left(began)) > 0 and not stop.interrupted:
            with stop.abandonable():
                jitter = pace.uniform(1 - _JITTER, 1 + _JITTER)
                await pace.clock.sleep(min(delay * jitter, left))
            if not stop.interrupted:
                lacking = [image for image in self.images if image.state is not Awaited.THERE]
                seen = await self._round(began, {image.destination for image in lacking})
            delay = min(delay * GROWTH, LONGEST_DELAY)
        waited = Waited(
            started_at=started_at,
            within=self.within,
            seconds=pace.clock.monotonic() - began,
            images=self.images,
            moves=tuple(self.moves),
        )
        return self._explained(seen, waited)

    async def _round(self, began: float, destinations: Collection[Registry] | None) -> Sightings:
        """Look for the image, in `destinations` or everywhere, and report what has changed."""
        seen = await self.look.run(destinations)
        spent = self.context.pace.clock.monotonic() - began
        found = self._find(seen)
        images = awaited_images(self.look.question, seen, self.digests)
        self.digests = found
        self.images = tuple(self._noted(image, spent) for image in images)
        there = sum(image.state is Awaited.THERE for image in images)
        self.context.on_event(ImageAwaited(there=there, asked=len(images)))
        return seen

    @property
    def _is_over(self) -> bool:
        """Returns whether waiting changes nothing any more."""
        states = {image.state for image in self.images}
        return states <= {Awaited.THERE} or Awaited.CANNOT_COME in states

    def _left(self, began: float) -> float:
        spent = self.context.pace.clock.monotonic() - began
        return min(self.within - spent, self.context.stop.remaining)

    def _find(self, seen: Sightings) -> dict[Registry, str]:
        """Returns the digests that a look found, and reports those that are new."""
        present = {
            source: sampled.image.digest
            for source, sampled in seen.images.items()
            if sampled is not None
        }
        what = str(self.look.question.image)
        for source, digest in sorted(present.items()):
            before = self.digests.get(source)
            if digest == before:
                continue
            self.context.on_event(
                ImageFound(what=what, source=source, digest=digest, before=before)
            )
            if before is not None:
                self.moves.append(TagMove(source=source, before=before, after=digest))
        return present

    def _noted(self, image: AwaitedImage, spent: float) -> AwaitedImage:
        """Returns the state of an image with the time at which it was first seen there."""
        if image.state is not Awaited.THERE:
            return image
        key = image.destination, image.digest
        if key not in self.arrived:
            self.arrived[key] = spent
            what = str(self.look.question.image)
            self.context.on_event(
                ImageArrived(what=what, destination=image.destination, seconds=spent)
            )
        return replace(image, seconds=self.arrived[key])

    def _explained(self, seen: Sightings, waited: Waited) -> Explanation:
        interrupted = self.context.stop.interrupted and not waited.complete
        seen = replace(seen, interrupted=interrupted)
        explanation = replace(explain_sightings(self.look.question, seen), waited=waited)
        if waited.complete:
            return replace(explanation, remedy=None)
        on_its_way = any(image.state is Awaited.ON_ITS_WAY for image in waited.images)
        if explanation.remedy is None and on_its_way and not interrupted:
            remedy = "it is on its way: wait longer for it, with --within"
            return replace(explanation, remedy=remedy)
        return explanation
