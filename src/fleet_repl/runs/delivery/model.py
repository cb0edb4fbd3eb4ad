"""The deliveries of recent images on their links: the types and their totals.

Pure values. One `Delivery` is one image on one link that carries its repository.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median
from typing import Literal

from fleet_repl.inventory.model import InventoryRef
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.plan import Warning
from fleet_repl.topology import Link
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import Prefixes


class DeliveryState(StrEnum):
    """The state of an image's delivery; for a link, the first of these that an image is in."""

    FAILED = "failed"
    """ECR says so, with a code."""
    MISSING = "missing"
    """The image should have been sent, was not, and is not at the destination."""
    NO_RULE = "no-rule"
    """The link is wanted, but no rule of the source carries it."""
    UNKNOWN = "unknown"
    """For a link only: its source could not be read, or an account of its ends is joining."""
    IN_PROGRESS = "in-progress"
    COMPLETE = "complete"
    NOT_SENT = "not-sent"
    """There was nothing to send it by when it was pushed."""
    IDLE = "idle"
    """For a link only: none of the sampled images falls under it."""

    @property
    def is_problem(self) -> bool:
        """Returns whether somebody has to do something about it."""
        return self in _PROBLEMS

    @property
    def is_short(self) -> bool:
        """Returns whether an image in this state neither arrived nor is on its way."""
        return self.is_problem or self is DeliveryState.NOT_SENT


_PROBLEMS = frozenset(
    {
        DeliveryState.FAILED,
        DeliveryState.MISSING,
        DeliveryState.NO_RULE,
        DeliveryState.UNKNOWN,
    }
)
_RANK = {state: rank for rank, state in enumerate(DeliveryState)}


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedImage:
    """An image of a source registry."""

    repository: str
    digest: str
    tags: tuple[str, ...] = ()
    pushed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One image on one link."""

    image: PushedImage
    state: DeliveryState
    code: str | None = None
    """ECR's failure code."""
    seconds: float | None = None
    """From push to arrival where the times show it; of one in progress, since its push."""
    because: str | None = None
    """The cause of the state, in words that all images of the link with this cause share."""
    hint: str | None = None
    """The remedy for the reader."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkDelivery:
    """The deliveries of the sampled images that fall under one link."""

    source: Registry
    source_name: str
    destination: Registry
    destination_name: str
    external: bool
    """The destination is not managed: nothing could be looked up there."""
    prefixes: Prefixes
    routes: tuple[str, ...]
    state: DeliveryState
    images: tuple[Delivery, ...] = ()
    """In the order of the sample."""
    joining: str | None = None
    """The reason why it is no problem that nothing is known of the link, where the account of its
    source or of its destination is joining: a sentence."""

    @classmethod
    def of(
        cls,
        link: Link,
        desired: Desired,
        state: DeliveryState,
        images: tuple[Delivery, ...] = (),
        *,
        joining: str | None = None,
    ) -> LinkDelivery:
        """The deliveries on a link of a desired state."""
        return cls(
            source=link.source,
            source_name=desired.names[link.source.account],
            destination=link.destination,
            destination_name=desired.names[link.destination.account],
            external=link.destination.account not in desired.by_account,
            prefixes=link.prefixes,
            routes=link.routes,
            state=state,
            images=images,
            joining=joining,
        )

    @property
    def is_problem(self) -> bool:
        """Returns whether somebody has to do something about the link."""
        return self.state.is_problem and self.joining is None

    def having(self, state: DeliveryState) -> tuple[Delivery, ...]:
        """The images in that state."""
        return tuple(image for image in self.images if image.state is state)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadRegistry:
    """A registry that would not tell."""

    registry: Registry
    name: str
    error: Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """The times from push to arrival, of the images for which they are known."""

    measured: int
    median: float
    """Seconds, as `slowest` is."""
    slowest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReport:
    """The deliveries of recent images: every link in scope exactly once, by its ends."""

    run_id: str
    started_at: datetime
    finished_at: datetime
    fleet: str
    inventory: InventoryRef
    count: int
    """Images asked about for each source, at the most."""
    age: timedelta
    """The greatest age of the sampled images, counted from their push."""
    sources: int
    """Registries that links in scope start from."""
    sampled: int
    """Images asked about."""
    links: tuple[LinkDelivery, ...]
    unreadable: tuple[UnreadRegistry, ...] = ()
    """Sources, and destinations that something was to be looked up in."""
    warnings: tuple[Warning, ...] = ()
    """About accounts that did not say their regions, if there are any."""
    interrupted: bool = False

    @property
    def status(self) -> Literal["ok", "partial", "interrupted"]:
        """`partial`: something failed, is missing, or could not be read."""
        if self.interrupted:
            return "interrupted"
        bad = self.unreadable or self.warnings or any(link.is_problem for link in self.links)
        return "partial" if bad else "ok"

    @property
    def link_states(self) -> Counter[DeliveryState]:
        """The number of links in each state."""
        return Counter(link.state for link in self.links)

    @property
    def image_states(self) -> Counter[DeliveryState]:
        """The number of deliveries in each state; an image counts once for each link."""
        return Counter(image.state for link in self.links for image in link.images)

    @property
    def times(self) -> Times | None:
        """The times that images took, or None where no time is known."""
        return times_of(image for link in self.links for image in link.images)


def state_of(deliveries: Iterable[Delivery]) -> DeliveryState:
    """The state of a link with these images; idle without any."""
    return min(
        (delivery.state for delivery in deliveries),
        key=_RANK.__getitem__,
        default=DeliveryState.IDLE,
    )


def times_of(deliveries: Iterable[Delivery]) -> Times | None:
    """The times of those that arrived, as far as they are known."""
    seconds = [
        delivery.seconds
        for delivery in deliveries
        if delivery.state is DeliveryState.COMPLETE and delivery.seconds is not None
    ]
    if not seconds:
        return None
    return Times(measured=len(seconds), median=median(seconds), slowest=max(seconds))
