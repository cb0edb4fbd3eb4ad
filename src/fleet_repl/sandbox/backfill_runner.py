"""Carries backfills out: from PREPARING to an end, one image after another, as agenda events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from fleet_repl.sandbox.backfills import Backfill, Item, Result, Status
from fleet_repl.sandbox.images import ACTIVE, Delivery, Push
from fleet_repl.sandbox.replication import Estate
from fleet_repl.sandbox.rules import destinations

SOURCE_GONE: Final = "SOURCE_IMAGE_NOT_FOUND"
TOO_MANY_FAILURES: Final = "TOO_MANY_FAILURES"
"""AWS publishes no list of failure codes; these are the sandbox's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillRunner:
    """Carries out the backfills of a world."""

    estate: Estate
    preparing_seconds: float
    image_seconds: float

    def start(self, backfill: Backfill) -> None:
        self.estate.registries[backfill.source].backfills.append(backfill)
        self.estate.agenda.after(self.preparing_seconds, partial(self._prepared, backfill))

    def stop(self, backfill: Backfill) -> None:
        """End a backfill: at once while it prepares, else after the image that is being copied."""
        if backfill.status is Status.PREPARING:
            self._end(backfill, Status.STOPPED)
        else:
            backfill.status = Status.STOPPING

    def _prepared(self, backfill: Backfill) -> None:
        if not backfill.active:
            return
        backfill.waiting.extend(self._items(backfill))
        backfill.total = len(backfill.waiting)
        backfill.status = Status.IN_PROGRESS
        self._go_on(backfill)

    def _items(self, backfill: Backfill) -> Iterator[Item]:
        """Yields every active image and tag that today's rules send to the destination."""
        state = self.estate.registries[backfill.source]
        rules = state.replication.latest
        for name, repository in sorted(state.repositories.items()):
            if backfill.destination not in destinations(rules, backfill.source, name):
                continue
            for image in repository.images.values():
                if image.status == ACTIVE:
                    for tag in image.tags or (None,):
                        yield Item(repository=name, digest=image.digest, tag=tag)

    def _next(self, backfill: Backfill) -> None:
        item = backfill.waiting.popleft()
        backfill.note(Result(item=item, failure=self._copied(backfill, item)))
        self._go_on(backfill)

    def _go_on(self, backfill: Backfill) -> None:
        if backfill.failing:
            backfill.failure_code = TOO_MANY_FAILURES
            self._end(backfill, Status.FAILED)
        elif backfill.status is Status.STOPPING:
            self._end(backfill, Status.STOPPED)
        elif not backfill.waiting:
            self._end(backfill, Status.COMPLETE)
        else:
            self.estate.agenda.after(self.image_seconds, partial(self._next, backfill))

    def _copied(self, backfill: Backfill, item: Item) -> str | None:
        """Copies one image; returns the failure code, or None."""
        repository = self.estate.registries[backfill.source].repositories[item.repository]
        image = repository.images.get(item.digest)
        if image is None or (item.tag is not None and item.tag not in image.tags):
            return SOURCE_GONE
        push = Push.of(image, item.tag, self.estate.agenda.now())
        failure = self.estate.copy(backfill.source, repository, push, backfill.destination)
        repository.record(item.digest, Delivery(destination=backfill.destination, failure=failure))
        return failure

    def _end(self, backfill: Backfill, status: Status) -> None:
        backfill.status = status
        backfill.ended_at = self.estate.agenda.now()
