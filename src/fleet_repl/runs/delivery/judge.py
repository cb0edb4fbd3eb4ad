"""Judges an image's delivery by ECR's list of its destinations, and by a destination's absence from
the list.

Pure. ECR lists the destinations that an image was sent to when it was pushed. A destination that is
not listed got nothing: there was no rule, or the image was there before it. When a rule was made
nobody tells, so only an older image of the same repository proves that it was in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from fleet_repl.runs.delivery.evidence import (
    Arrival,
    Evidence,
    Lookup,
    Lookups,
    SampledImage,
    SourceSample,
)
from fleet_repl.runs.delivery.explain import COPIED_BY
from fleet_repl.runs.delivery.model import Delivery, DeliveryState, PushedImage
from fleet_repl.runs.delivery.sample import LOOKS, carried, in_turn
from fleet_repl.topology import Link
from fleet_repl.values.prefixes import selects

_COMPLETE: Final = "COMPLETE"
_FAILED: Final = "FAILED"
_IN_PROGRESS: Final = "IN_PROGRESS"

_BACKFILL: Final = "fleet-repl backfill copies what is there already"
_EARLIER: Final = "pushed before the rule was in place"
_HOPPED: Final = (
    f"{_EARLIER}, or not pushed here at all: what arrives by replication is not passed on"
)
_THERE: Final = "not listed by ECR, yet there: copied by a backfill, or pushed there"
_GONE: Final = "it arrived, and is not there any more"
_RULELESS: Final = "no replication rule of the source carries it"
_OVERDUE: Final = "an older image of the repository was sent there, this one was not"
_UNSEEN: Final = "; it could not be looked up there"


def lookups(
    sample: SourceSample, links: Sequence[Link], evidence: Evidence, *, count: int
) -> Lookups:
    """Returns the lookups at managed destinations, at most `LOOKS` for each image wanted.

    First come the images that seem to be missing, then others that were not sent although a rule
    would carry them: they may be there all the same. Last come images that arrived, for the time
    that it took. The links take turns, one image each.
    """
    overdue: list[list[Lookup]] = []
    unsent: list[list[Lookup]] = []
    arrived: list[list[Lookup]] = []
    for link in links:
        if link.destination.account not in evidence.managed:
            continue
        under = [
            sampled for sampled in sample.images if selects(link.prefixes, sampled.image.repository)
        ]
        lacking: tuple[list[Lookup], list[Lookup]] = ([], [])
        for sampled in under:
            if _is_unsent(sampled, link, evidence):
                lacking[_is_overdue(sampled, link, evidence)].append(_lookup(sampled, link))
        unsent.append(lacking[False])
        overdue.append(lacking[True])
        arrived.append([_lookup(sampled, link) for sampled in under if _is_complete(sampled, link)])
    deciding = tuple(dict.fromkeys((*in_turn(overdue), *in_turn(unsent))))[: count * LOOKS]
    timing = tuple(dict.fromkeys(in_turn(arrived)))[: count * LOOKS - len(deciding)]
    return Lookups(deciding, timing)


def judge(sample: SourceSample, links: Sequence[Link], evidence: Evidence) -> list[list[Delivery]]:
    """For each link, in their order, what became of each image that falls under it."""
    places = {link.destination: at for at, link in enumerate(links)}
    deliveries: list[list[Delivery]] = [[] for _ in links]
    for sampled in sample.images:
        for link in carried(links, sampled.image.repository):
            deliveries[places[link.destination]].append(_judge(sampled, link, evidence))
    return deliveries


def _judge(sampled: SampledImage, link: Link, evidence: Evidence) -> Delivery:
    image = sampled.image
    status = sampled.statuses.get(link.destination)
    arrival = evidence.arrivals.get(_lookup(sampled, link))
    if status is None:
        return _unlisted(sampled, link, evidence, arrival)
    state = status.status
    if state == _COMPLETE:
        return _complete(image, arrival)
    if state == _FAILED:
        return Delivery(image=image, state=DeliveryState.FAILED, code=status.code)
    return Delivery(
        image=image,
        state=DeliveryState.IN_PROGRESS,
        seconds=max(0.0, (evidence.now - image.pushed_at).total_seconds()),
        because=None if state == _IN_PROGRESS else f"ECR calls it {state}",
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
    sampled: SampledImage, link: Link, evidence: Evidence, arrival: Arrival | None
) -> Delivery:
    image = sampled.image
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
    because = _HOPPED if _is_hopped(sampled, evidence) else _EARLIER
    state, hint = DeliveryState.NOT_SENT, _BACKFILL
    if _is_overdue(sampled, link, evidence):
        because, hint = _OVERDUE, COPIED_BY
        # It may be there all the same, by a backfill: who has not looked cannot miss it.
        state = DeliveryState.NOT_SENT if unseen else DeliveryState.MISSING
    return Delivery(image=image, state=state, because=because + _UNSEEN * unseen, hint=hint)


def _is_unsent(sampled: SampledImage, link: Link, evidence: Evidence) -> bool:
    unlisted = link.destination not in sampled.statuses
    return unlisted and evidence.has_rule(link, sampled.image.repository)


def _is_complete(sampled: SampledImage, link: Link) -> bool:
    status = sampled.statuses.get(link.destination)
    return status is not None and status.status == _COMPLETE


def _is_overdue(sampled: SampledImage, link: Link, evidence: Evidence) -> bool:
    """Returns whether an older image of the repository, sent there, shows a rule in place."""
    oldest = evidence.sent.get((link.destination, sampled.image.repository))
    proven = oldest is not None and oldest < sampled.image.pushed_at
    return proven and not _is_hopped(sampled, evidence)


def _is_hopped(sampled: SampledImage, evidence: Evidence) -> bool:
    """Returns whether it may be a replica: an image that was sent anywhere was pushed here."""
    return not sampled.statuses and selects(evidence.received, sampled.image.repository)


def _lookup(sampled: SampledImage, link: Link) -> Lookup:
    return Lookup(link.destination, sampled.image.repository, sampled.image.digest)
