"""A question about an image of a fleet, and its answer: the types."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from fleet_repl.inventory import Inventory, Route
from fleet_repl.planning.desired import Desired
from fleet_repl.topology import Link
from fleet_repl.values.errors import Fault
from fleet_repl.values.images import ImageName
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.prefixes import selects


class Awaited(StrEnum):
    """The state of an image at a registry that it is awaited in."""

    THERE = "there"
    ON_ITS_WAY = "on-its-way"
    NOT_PUSHED = "not-pushed"
    """No source that sends images there has the image."""
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
    """The time of the push to its source: since then the destination lacks it."""
    because: str | None = None
    """The reason why it is kept from there, or a remark about it."""
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


class Reason(StrEnum):
    """The kinds of reasons why an image does not get from one registry to another."""

    SAME_REGISTRY = "same-registry"
    EXTERNAL_SOURCE = "external-source"
    RETIRED = "retired"
    OTHER_PREFIX = "other-prefix"
    """A route leads there, with other prefixes."""
    NOT_TRANSITIVE = "not-transitive"
    NO_SOURCE = "no-source"
    """No route starts from the source."""
    EXTERNAL = "external"
    NO_ROUTE = "no-route"
    NO_RULE = "no-rule"
    """A route asks for it, and no rule of the source carries it."""
    NOT_GRANTED = "not-granted"
    """A rule carries it, and the destination's registry policy does not surely let it in."""
    UNREADABLE = "unreadable"
    JOINING = "joining"
    """The account of an end is joining, so that nobody can be asked yet. It is no failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The question where an image of a fleet goes."""

    image: ImageName
    inventory: Inventory
    desired: Desired
    source: Registry | None = None
    """The registry that it is pushed to; None: any."""
    destinations: tuple[Registry, ...] = ()
    """The registries that it should get to; none: any."""

    @property
    def repository(self) -> str:
        return self.image.repository

    @property
    def registries(self) -> Collection[Registry]:
        """The managed registries that the answer may depend on."""
        every = self.desired.registries
        if self.source is None or not self.destinations:
            return every
        return [registry for registry in every if registry in (self.source, *self.destinations)]

    @property
    def sources(self) -> Collection[Registry]:
        """The registries whose rules decide on the answer."""
        return self.desired.registries if self.source is None else (self.source,)

    @property
    def asking(self) -> frozenset[str]:
        """The routes that ask for the repository, wherever they lead."""
        routes = self.inventory.routes
        return frozenset(route.name for route in routes if route.wants(self.repository))

    def route_by_name(self, link: Link) -> Route | None:
        """The first route of a link with `exclude` or `only` and a prefix of the repository."""
        routes = {route.name: route for route in self.inventory.routes}
        return next(
            (
                routes[name]
                for name in link.routes
                if routes[name].by_name and selects(routes[name].prefixes, self.repository)
            ),
            None,
        )

    def is_about(self, source: Registry, destination: Registry) -> bool:
        """Returns whether the question is about these two registries."""
        return self.source in (None, source) and (
            not self.destinations or destination in self.destinations
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """A registry that the image gets to from another."""

    source: Registry
    destination: Registry
    routes: tuple[str, ...]
    """The routes that carry it; none for a rule in place that no route asks for."""
    prefix: str
    """The prefix that carries it; empty for every repository."""
    status: str | None = None
    """The state of the image's delivery, where ECR was asked about it."""
    facts: tuple[str, ...] = ()
    """Sentences: the rule and the statements in place, and what became of the image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotCarried:
    """A registry that the image does not get to from another."""

    source: Registry
    destination: Registry
    reason: Reason
    because: str
    facts: tuple[str, ...] = ()
    """Sentences, as in `Carried`."""
    remedy: str | None = field(default=None, repr=False)
    """The remedy that is known where it was found out."""
    certain: bool = field(default=True, repr=False)
    """False where it may get there all the same: a statement only may keep it out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The places to which an image goes and does not go, and the one thing to do about it."""

    image: ImageName
    fleet: str
    names: Mapping[AccountId, str]
    live: bool = False
    """True if AWS was asked, and not the inventory alone."""
    carried: tuple[Carried, ...]
    """By source and destination."""
    not_carried: tuple[NotCarried, ...]
    """By destination. Without a source in the question: the registries that the image gets to from
    no registry, each with the source from which it comes nearest."""
    unreadable: Mapping[Registry, Fault] = field(default_factory=dict)
    interrupted: bool = False
    """True if somebody stopped the run before everything was read."""
    remedy: str | None = None
    """A sentence; after a colon at its end, commands or text to paste follow on their own lines."""

    waited: Waited | None = None
    """Of a wait: where the image is and where it is not yet."""

    @property
    def status(self) -> Literal["ok", "partial", "interrupted"]:
        """`partial`: a registry could not be read; of a wait: the image is not everywhere."""
        if self.interrupted:
            return "interrupted"
        fails = self.unreadable if self.waited is None else not self.waited.complete
        return "partial" if fails else "ok"
