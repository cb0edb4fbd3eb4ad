"""What a wait for an image has seen: where the image is, and where it is not yet. The types."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from fleet_repl.values.names import Registry


class Awaited(StrEnum):
    """The state of an image at a registry that it is awaited in."""

    THERE = "there"
    ON_ITS_WAY = "on-its-way"
    NOT_PUSHED = "not-pushed"
    """It is in none of the sources that send it there."""
    CANNOT_COME = "cannot-come"
    """Waiting does not help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitedImage:
    """An image at one of the registries that it is awaited in."""

    destination: Registry
    state: Awaited
    source: Registry | None = None
    """The registry that sends it; None where none has it or no link leads there."""
    digest: str | None = None
    """The digest that is awaited; None where the image is in no source yet."""
    pushed_at: datetime | None = None
    """When it was pushed to its source: since then the destination lacks it."""
    because: str | None = None
    """What keeps it, or what is remarkable about it."""
    seconds: float | None = None
    """Where it is there: from the start of the wait until that was seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TagMove:
    """A tag that got another digest during a wait."""

    source: Registry
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """A wait for an image, which has ended."""

    started_at: datetime
    within: float
    """The seconds after which it was to end at the latest."""
    seconds: float
    """The seconds that it took."""
    images: tuple[AwaitedImage, ...]
    """By destination. Empty where no link carries the image."""
    moves: tuple[TagMove, ...] = ()

    @property
    def complete(self) -> bool:
        """Returns whether the image is everywhere that it was awaited in."""
        return bool(self.images) and not self.lacking

    @property
    def lacking(self) -> tuple[AwaitedImage, ...]:
        """The registries that do not have it."""
        return tuple(image for image in self.images if image.state is not Awaited.THERE)
