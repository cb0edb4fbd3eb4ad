"""ECR's answers about sampled images and their destinations, read into values.

Pure. ECR lists the destinations that an image was sent to when it was pushed; `judge` decides what
that means for each link.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from fleet_repl.ecr.rules import Replication
from fleet_repl.runs.delivery.model import PushedImage
from fleet_repl.topology import Link
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.clock import moment
from fleet_repl.values.names import AccountId, Region, Registry
from fleet_repl.values.prefixes import NOTHING, Prefixes, selects

_UNPULLABLE: Final = {
    "ARCHIVED": "it is archived at the destination: nobody can pull it until it is restored there",
    "ACTIVATING": "it is being restored from the archive of the destination",
}
"""Explanations of an image that is at its destination, by its status there."""


class Status(NamedTuple):
    """ECR's replication status of an image at one destination."""

    status: str
    code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledImage:
    """A sampled image, and where ECR says that it was sent."""

    image: PushedImage
    statuses: Mapping[Registry, Status]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSample:
    """The sample that one source gave: its rules and recent images."""

    at: datetime
    replication: Replication
    images: tuple[SampledImage, ...]


class Lookup(NamedTuple):
    """A lookup of an image at a destination: is it there, and since when?"""

    destination: Registry
    repository: str
    digest: str


class Lookups(NamedTuple):
    """The lookups for one source's images, in that order."""

    deciding: tuple[Lookup, ...]
    """Lookups that decide the state of their images."""
    timing: tuple[Lookup, ...]
    """Lookups of images that arrived; the answer only says when."""


class Arrival(NamedTuple):
    """The answer to a lookup."""

    found: bool
    at: datetime | None = None
    status: str | None = None
    """ECR's word for whether it can be pulled there, such as ARCHIVED."""

    @property
    def because(self) -> str | None:
        """The remark that a reader needs on an image that is there, or None."""
        return _UNPULLABLE.get(self.status or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The facts with which the statuses of an image are compared."""

    now: datetime
    replication: Replication
    received: Prefixes = NOTHING
    """The prefixes that the fleet's own links bring into the source."""
    managed: Collection[AccountId] = ()
    """Destinations in these accounts can be looked into."""
    sent: Mapping[tuple[Registry, str], datetime] = field(default_factory=dict)
    """Destination and repository → the push of the oldest sampled image that was sent there."""
    arrivals: Mapping[Lookup, Arrival] = field(default_factory=dict)

    def has_rule(self, link: Link, repository: str) -> bool:
        """Returns whether a rule carries it, one with a filter of an unknown kind included."""
        return selects(self.replication.may_use.get(link.destination, NOTHING), repository)


def parse_statuses(documents: Iterable[JsonObject]) -> Mapping[Registry, Status]:
    """DescribeImageReplicationStatus's list by destination; what is no status is left out."""
    statuses: dict[Registry, Status] = {}
    for document in documents:
        match document:
            case {"registryId": str(account), "region": str(region), "status": str(status)}:
                code = document.get("failureCode")
                statuses[Registry(AccountId(account), Region(region))] = Status(
                    status, code if isinstance(code, str) else None
                )
            case _:
                continue
    return statuses


def arrival_of(detail: JsonObject | None) -> Arrival:
    """Returns the arrival that details at a destination show; None: the image is not there."""
    if detail is None:
        return Arrival(found=False)
    status = detail.get("imageStatus")
    return Arrival(
        found=True,
        at=moment(detail.get("imagePushedAt")),
        status=status if isinstance(status, str) else None,
    )


def evidence_of(
    sample: SourceSample, received: Prefixes, managed: Collection[AccountId] = ()
) -> Evidence:
    """Returns the facts that a sample shows by itself, before any destination was asked."""
    sent: dict[tuple[Registry, str], datetime] = {}
    for sampled in sample.images:
        for destination in sampled.statuses:
            key = (destination, sampled.image.repository)
            sent[key] = min(sampled.image.pushed_at, sent.get(key, sampled.image.pushed_at))
    return Evidence(
        now=sample.at,
        replication=sample.replication,
        received=received,
        managed=managed,
        sent=sent,
    )
