"""What ECR's list of destinations says of an image, and what it means that one is not on it.

Pure. ECR lists the destinations that an image was sent to when it was pushed. One that is not
listed got nothing: there was no rule, or the image was there before it. When a rule was made
nobody tells, so only an older image of the same repository proves that it was in place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, NamedTuple

from fleet_repl.ecr.rules import Replication
from fleet_repl.runs.delivery.model import Delivery, DeliveryState, PushedImage
from fleet_repl.runs.delivery.sample import LOOKS, carried, in_turn, moment
from fleet_repl.topology import Link
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import AccountId, Region, Registry
from fleet_repl.values.prefixes import NOTHING, Prefixes, selects

_COMPLETE: Final = "COMPLETE"
_FAILED: Final = "FAILED"
_IN_PROGRESS: Final = "IN_PROGRESS"

_BACKFILL: Final = "fleet-repl backfill copies what is there already"
_AGAIN: Final = "push it again, or else fleet-repl backfill --force copies it"
_EARLIER: Final = "pushed before the rule was in place"
_HOPPED: Final = (
    f"{_EARLIER}, or not pushed here at all: what arrives by replication is not passed on"
)
_THERE: Final = "not listed by ECR, yet there: copied by a backfill, or pushed there"
_GONE: Final = "it arrived, and is not there any more"
_UNPULLABLE: Final = {
    "ARCHIVED": "it is archived at the destination: nobody can pull it until it is restored there",
    "ACTIVATING": "it is being restored from the archive of the destination",
}
"""What is to be said of an image that is at its destination, by its status there."""
_RULELESS: Final = "no replication rule of the source carries it"
_OVERDUE: Final = "an older image of the repository was sent there, this one was not"
_UNSEEN: Final = "; it could not be looked up there"


class Status(NamedTuple):
    """What ECR tells of an image at one destination."""

    status: str
    code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A sampled image, and where ECR says that it was sent."""

    image: PushedImage
    statuses: Mapping[Registry, Status]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSample:
    """What one source told of itself."""

    at: datetime
    replication: Replication
    sightings: tuple[Sighting, ...]


class Lookup(NamedTuple):
    """Whether an image is at a destination, and since when."""

    destination: Registry
    repository: str
    digest: str


class Lookups(NamedTuple):
    """What to look up for one source's images, in that order."""

    deciding: tuple[Lookup, ...]
    """What is told of these images depends on it."""
    timing: tuple[Lookup, ...]
    """These arrived; the answer only says when."""


class Arrival(NamedTuple):
    """The answer to a lookup."""

    found: bool
    at: datetime | None = None
    status: str | None = None
    """ECR's word for whether it can be pulled there, such as ARCHIVED."""

    @property
    def because(self) -> str | None:
        """What a reader has to know of an image that is there; None: nothing."""
        return _UNPULLABLE.get(self.status or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What an image's statuses are held against."""

    now: datetime
    replication: Replication
    received: Prefixes = NOTHING
    """What the fleet's own links bring into the source."""
    managed: Collection[AccountId] = ()
    """Destinations in these accounts can be looked into."""
    sent: Mapping[tuple[Registry, str], datetime] = field(default_factory=dict)
    """Destination and repository → the push of the oldest sampled image that was sent there."""
    arrivals: Mapping[Lookup, Arrival] = field(default_factory=dict)

    def has_rule(self, link: Link, repository: str) -> bool:
        """Whether a rule carries it, one with a filter of an unknown kind included."""
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
    """What the details of an image at a destination say; None: it is not there."""
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
    """What the sample says of itself, before anything was looked up at a destination."""
    sent: dict[tuple[Registry, str], datetime] = {}
    for sighting in sample.sightings:
        for destination in sighting.statuses:
            key = (destination, sighting.image.repository)
            sent[key] = min(sighting.image.pushed_at, sent.get(key, sighting.image.pushed_at))
    return Evidence(
        now=sample.at,
        replication=sample.replication,
        received=received,
        managed=managed,
        sent=sent,
    )


def lookups(
    sample: SourceSample, links: Sequence[Link], evidence: Evidence, *, count: int
) -> Lookups:
    """What to look up at managed destinations, at most `LOOKS` for each image wanted.

    First the images that seem to be missing, then others that were not sent although a rule
    would carry them: they may be there all the same. Then those that arrived, for the time it
    took. Turn by turn one for each link.
    """
    overdue: list[list[Lookup]] = []
    unsent: list[list[Lookup]] = []
    arrived: list[list[Lookup]] = []
    for link in links:
        if link.destination.account not in evidence.managed:
            continue
        under = [
            sighting
            for sighting in sample.sightings
            if selects(link.prefixes, sighting.image.repository)
        ]
        lacking: tuple[list[Lookup], list[Lookup]] = ([], [])
        for sighting in under:
            if _is_unsent(sighting, link, evidence):
                lacking[_is_overdue(sighting, link, evidence)].append(_lookup(sighting, link))
        unsent.append(lacking[False])
        overdue.append(lacking[True])
        arrived.append(
            [_lookup(sighting, link) for sighting in under if _is_complete(sighting, link)]
        )
    deciding = tuple(dict.fromkeys((*in_turn(overdue), *in_turn(unsent))))[: count * LOOKS]
    timing = tuple(dict.fromkeys(in_turn(arrived)))[: count * LOOKS - len(deciding)]
    return Lookups(deciding, timing)


def judge(sample: SourceSample, links: Sequence[Link], evidence: Evidence) -> list[list[Delivery]]:
    """For each link, in their order, what became of each image that falls under it."""
    places = {link.destination: at for at, link in enumerate(links)}
    deliveries: list[list[Delivery]] = [[] for _ in links]
    for sighting in sample.sightings:
        for link in carried(links, sighting.image.repository):
            deliveries[places[link.destination]].append(_judge(sighting, link, evidence))
    return deliveries


def _judge(sighting: Sighting, link: Link, evidence: Evidence) -> Delivery:
    image = sighting.image
    status = sighting.statuses.get(link.destination)
    arrival = evidence.arrivals.get(_lookup(sighting, link))
    if status is None:
        return _unlisted(sighting, link, evidence, arrival)
    told = status.status
    if told == _COMPLETE:
        return _complete(image, arrival)
    if told == _FAILED:
        return Delivery(image=image, state=DeliveryState.FAILED, code=status.code)
    return Delivery(
        image=image,
        state=DeliveryState.IN_PROGRESS,
        seconds=max(0.0, (evidence.now - image.pushed_at).total_seconds()),
        because=None if told == _IN_PROGRESS else f"ECR calls it {told}",
    )


def _complete(image: PushedImage, arrival: Arrival | None) -> Delivery:
    done = Delivery(image=image, state=DeliveryState.COMPLETE)
    if arrival is None:
        return done
    if not arrival.found:
        return replace(done, because=_GONE)
    done = replace(done, because=arrival.because)
    if arrival.at is None or arrival.at < image.pushed_at:
        # It was there before this push, so its time says nothing about this one.
        return done
    return replace(done, seconds=(arrival.at - image.pushed_at).total_seconds())


def _unlisted(
    sighting: Sighting, link: Link, evidence: Evidence, arrival: Arrival | None
) -> Delivery:
    image = sighting.image
    if not evidence.has_rule(link, image.repository):
        return Delivery(
            image=image,
            state=DeliveryState.NO_RULE,
            because=_RULELESS,
            hint=f"fleet-repl apply puts it in place; {_BACKFILL}",
        )
    if arrival is not None and arrival.found:
        because = "; ".join(filter(None, (_THERE, arrival.because)))
        return Delivery(image=image, state=DeliveryState.COMPLETE, because=because)
    unseen = arrival is None and link.destination.account in evidence.managed
    because = _HOPPED if _is_hopped(sighting, evidence) else _EARLIER
    state, hint = DeliveryState.NOT_SENT, _BACKFILL
    if _is_overdue(sighting, link, evidence):
        because, hint = _OVERDUE, _AGAIN
        # It may be there all the same, by a backfill: who has not looked cannot miss it.
        state = DeliveryState.NOT_SENT if unseen else DeliveryState.MISSING
    return Delivery(image=image, state=state, because=because + _UNSEEN * unseen, hint=hint)


def _is_unsent(sighting: Sighting, link: Link, evidence: Evidence) -> bool:
    unlisted = link.destination not in sighting.statuses
    return unlisted and evidence.has_rule(link, sighting.image.repository)


def _is_complete(sighting: Sighting, link: Link) -> bool:
    status = sighting.statuses.get(link.destination)
    return status is not None and status.status == _COMPLETE


def _is_overdue(sighting: Sighting, link: Link, evidence: Evidence) -> bool:
    """Whether an older image of the repository, sent there, shows that the rule was in place."""
    oldest = evidence.sent.get((link.destination, sighting.image.repository))
    proven = oldest is not None and oldest < sighting.image.pushed_at
    return proven and not _is_hopped(sighting, evidence)


def _is_hopped(sighting: Sighting, evidence: Evidence) -> bool:
    """Whether it may have come by replication: an image that was sent anywhere was pushed here."""
    return not sighting.statuses and selects(evidence.received, sighting.image.repository)


def _lookup(sighting: Sighting, link: Link) -> Lookup:
    return Lookup(link.destination, sighting.image.repository, sighting.image.digest)
