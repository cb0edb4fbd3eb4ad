"""Images that are put again, so that ECR sends them once more: the types. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fleet_repl.values.errors import Fault
from fleet_repl.values.images import ImageName
from fleet_repl.values.names import Registry


class ReputState(StrEnum):
    """The result for an image that was to be put again."""

    LACKING = "lacking"
    """Of a dry run: it would be put again."""
    PUT = "put"
    THERE = "there"
    """Its destinations have it by now, so that nothing was put."""
    GONE = "gone"
    """The image cannot be read in its source: it was deleted or archived there."""
    FAILED = "failed"
    SKIPPED = "skipped"
    """The run was stopped before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reput:
    """An image of a source that destinations lack, and what became of it."""

    source: Registry
    source_name: str = ""
    image: ImageName
    """Its repository and digest."""
    destinations: tuple[Registry, ...]
    """The managed registries that lack it by the document."""
    external: bool = False
    """True if an external registry, into which nobody can look, lacks it too."""
    state: ReputState
    tag: str | None = None
    """The tag that it was put under."""
    parts: int = 0
    """The images of a manifest list that were put before it."""
    error: Fault | None = None

    @property
    def falls_short(self) -> bool:
        """Returns whether the image will not come by this run."""
        return self.state in (ReputState.GONE, ReputState.FAILED, ReputState.SKIPPED)
