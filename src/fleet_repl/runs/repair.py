"""Repairs: what a document says that destinations lack, and what keeps ECR from copying it. Pure.

A document only says where to look. Whether a rule and a grant are in place is decided by a fresh
look, and what a backfill copies is ECR's own answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from fleet_repl.ecr.policy import CREATE_REPOSITORY, REPLICATE_IMAGE
from fleet_repl.ecr.policy.evaluate import Permissions, in_force
from fleet_repl.inventory.model import InventoryRef
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.observed import Observation, Observed, Unreadable
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import NOTHING, selects


@dataclass(frozen=True, slots=True, kw_only=True)
class LackingLink:
    """A link whose destination lacks images."""

    source: Registry
    destination: Registry
    repositories: tuple[str, ...]
    """The repositories that the destination lacks, or lacks images of."""
    images: tuple[tuple[str, str], ...] = ()
    """Repository and digest of each image that is named: pairs, as there may be a million."""
    is_whole: bool = True
    """True if every image that the destination is known to lack is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacking:
    """The images that destinations lack, as a document says."""

    fleet: str
    inventory: InventoryRef
    at: datetime
    """The time when the document was made."""
    links: tuple[LackingLink, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """A missing rule or grant, without which a backfill would copy nothing, or would fail."""

    source: Registry
    destination: Registry
    because: str
    repositories: tuple[str, ...]


class Outlook:
    """The result of a fresh look at links: the obstacles, and registries that could not be read."""

    def __init__(self, desired: Desired, observation: Observation) -> None:
        self._desired = desired
        self._observation = observation
        self._permissions: dict[Registry, Permissions] = {}

    def fault(self, link: LackingLink) -> Fault | None:
        """Returns why it cannot be known whether a link is in place; None where it can."""
        ends = [link.source, *self._asked(link)]
        found = (self._observation.get(end) for end in ends)
        return next((end.error for end in found if isinstance(end, Unreadable)), None)

    def is_read(self, link: LackingLink) -> bool:
        """Returns whether a link's ends were read before a stop."""
        return all(end in self._observation for end in (link.source, *self._asked(link)))

    def obstacles(self, link: LackingLink) -> tuple[tuple[Obstacle, ...], tuple[Obstacle, ...]]:
        """Returns what keeps ECR from copying repositories of a link, each reason once; and what
        keeps it from creating others, which counts only where these are not there."""
        lacking = self._reasons(link, link.repositories, (REPLICATE_IMAGE,))
        denied = set[str]().union(*lacking.values())
        rest = [repository for repository in link.repositories if repository not in denied]
        creating = self._reasons(link, rest, (REPLICATE_IMAGE, CREATE_REPOSITORY))
        return _obstacles(link, lacking), _obstacles(link, creating)

    def _reasons(
        self, link: LackingLink, repositories: Iterable[str], actions: tuple[str, ...]
    ) -> Mapping[str, list[str]]:
        """Returns why ECR would not copy repositories of a link, with the repositories."""
        source, reasons = self._observation.get(link.source), dict[str, list[str]]()
        if not isinstance(source, Observed):
            return reasons
        carried = source.replication.outgoing.get(link.destination, NOTHING)
        permissions = self._permissions_of(link.destination) if self._asked(link) else None
        let_in, account = carried, link.source.account
        if permissions is not None:
            # What is let in by its prefix needs no look of its own: there may be a million.
            let_in = tuple(
                prefix for prefix in carried if permissions.lacks(account, prefix, actions) is None
            )
        for repository in repositories:
            if selects(let_in, repository):
                continue
            because: str | None = "no replication rule of the source carries it"
            if permissions is not None and selects(carried, repository):
                because = permissions.lacks(account, repository, actions)
            if because is not None:
                reasons.setdefault(because, []).append(repository)
        return reasons

    def _asked(self, link: LackingLink) -> tuple[Registry, ...]:
        """The destination where its policy decides and can be read."""
        crosses = link.source.account != link.destination.account
        managed = link.destination.account in self._desired.by_account
        return (link.destination,) if crosses and managed else ()

    def _permissions_of(self, destination: Registry) -> Permissions | None:
        seen = self._observation.get(destination)
        if not isinstance(seen, Observed) or seen.policy is None:
            return None
        if destination not in self._permissions:
            trusted = self._desired.trusted.get(destination.account, frozenset())
            self._permissions[destination] = in_force(
                seen.policy, destination, self._desired.owner.partition, trusted
            )
        return self._permissions[destination]


def _obstacles(link: LackingLink, reasons: Mapping[str, list[str]]) -> tuple[Obstacle, ...]:
    return tuple(
        Obstacle(
            source=link.source,
            destination=link.destination,
            because=because,
            repositories=tuple(repositories),
        )
        for because, repositories in reasons.items()
    )


def unknown_links(lacking: Lacking, desired: Desired) -> tuple[LackingLink, ...]:
    """Returns the links of a document that the inventory does not ask for."""
    known = {
        (link.source, link.destination) for links in desired.outgoing.values() for link in links
    }
    return tuple(link for link in lacking.links if (link.source, link.destination) not in known)


def by_source(links: Iterable[LackingLink]) -> Mapping[Registry, tuple[Registry, ...]]:
    """Returns the destinations of some links by source."""
    ends: dict[Registry, list[Registry]] = {}
    for link in links:
        ends.setdefault(link.source, []).append(link.destination)
    return {source: tuple(destinations) for source, destinations in sorted(ends.items())}
