"""Decides whether an image is where it is awaited, may still come, or cannot come. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from fleet_repl.planning.explain import (
    Awaited,
    AwaitedImage,
    NotCarried,
    Question,
    Reason,
    carrying,
)
from fleet_repl.runs.delivery import Arrival, Delivery, DeliveryState, Lookup
from fleet_repl.runs.explain import (
    Sightings,
    answers_on_links,
    delivery_on,
    explain_sightings,
    links_in_place,
)
from fleet_repl.topology import Link
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry

_FRESH: Final = timedelta(minutes=1)
"""For so long after a push, ECR may not list yet where it sends the image."""
_LAGGING: Final = "ECR does not list it yet, or does not show it there yet"
_ARCHIVED: Final = "ARCHIVED"
_RESTORED: Final = "ACTIVATING"


def awaited_images(
    question: Question, seen: Sightings, before: Mapping[Registry, str]
) -> tuple[AwaitedImage, ...]:
    """Returns the state of an image at every registry that it is awaited in, by destination.

    Those are the destinations of the question, else those of the links that routes make and that
    carry the image. `before`: the digests that the look before this one found, by source. What ECR
    says of a digest that was pushed just now is believed only when it says so twice.

    Several sources may lead to a destination. The image is there as soon as one of them has
    brought it, and it may come as long as one of them may bring it.
    """
    _, stopped = answers_on_links(question, seen)
    blocked = {(why.source, why.destination): why for why in stopped}
    in_place = {_ends(link): link for link in links_in_place(question, seen.replications)}
    wanted = {_ends(link): link for link in carrying(question)}
    judge = _Judge(question, seen, before)
    states: dict[Registry, list[AwaitedImage]] = defaultdict(list)
    for link in judge.counted({**wanted, **in_place}.values()):
        ends = _ends(link)
        state = judge.on(link, blocked.get(ends), is_in_place=ends in in_place)
        states[link.destination].append(state)
    reasons: Mapping[Registry, str] = {}
    if not states.keys() >= {*question.destinations}:
        # No rule and no route leads to some of them.
        left_out = explain_sightings(question, seen).not_carried
        reasons = {why.destination: why.because for why in left_out}
    return tuple(
        min(states[destination], key=_rank)
        if states[destination]
        else AwaitedImage(
            destination=destination, state=Awaited.CANNOT_COME, because=reasons.get(destination)
        )
        for destination in sorted(question.destinations or judge.wanted(wanted.values()))
    )


def _ends(link: Link) -> tuple[Registry, Registry]:
    return link.source, link.destination


@dataclass(frozen=True, slots=True)
class _Judge:
    question: Question
    seen: Sightings
    before: Mapping[Registry, str]

    def wanted(self, links: Iterable[Link]) -> set[Registry]:
        """The destinations of links of routes, without those of accounts that are joining."""
        joining = self.seen.joining
        return {
            link.destination
            for link in self.counted(links)
            if not any(end.account in joining for end in _ends(link))
        }

    def counted(self, links: Iterable[Link]) -> Iterator[Link]:
        """Yields the links that the image is awaited on.

        Without a source and destinations in the question, a registry that gets the image from
        another one does not count as a source: what arrives by replication is not passed on. For
        example, build sends to shop, and shop to its second region. Of an image in build, only
        shop waits for it. ECR lists destinations only of what was pushed, so a registry with such
        a list does count.
        """
        links = list(links)
        if self.question.source is not None or self.question.destinations:
            yield from links
            return
        holders = {source for source, sampled in self.seen.images.items() if sampled is not None}
        fed = {
            link.destination
            for link in carrying(self.question)
            if not holders or link.source in holders
        }
        roots = {link.source for link in links} - fed
        for link in links:
            sampled = self.seen.images.get(link.source)
            if not holders:
                if not roots or link.source in roots:
                    yield link
            elif sampled is not None and (link.source in roots or sampled.statuses):
                yield link

    def on(self, link: Link, why: NotCarried | None, *, is_in_place: bool) -> AwaitedImage:
        """Returns the state of the image by what is known of one link."""
        destination, seen = link.destination, self.seen
        sampled = seen.images.get(link.source)
        state = AwaitedImage(destination=destination, state=Awaited.CANNOT_COME)
        if sampled is not None:
            image = sampled.image
            state = replace(
                state, source=link.source, digest=image.digest, pushed_at=image.pushed_at
            )
            arrival = seen.arrivals.get(Lookup(destination, image.repository, image.digest))
            if arrival is not None and arrival.found:
                return _arrived(state, arrival)
        if why is not None and why.certain:
            passing = why.reason is Reason.UNREADABLE and self._passes(link)
            kept = Awaited.ON_ITS_WAY if passing else Awaited.CANNOT_COME
            return replace(state, state=kept, because=why.because)
        delivery = delivery_on(self.question, link, seen) if is_in_place else None
        if delivery is not None:
            return self._delivered(state, delivery, link)
        fault = seen.faults.get(link.source)
        if link.source in seen.images or fault is None:
            return replace(state, state=Awaited.NOT_PUSHED, because="it is in no source yet")
        kept = Awaited.ON_ITS_WAY if fault.passing else Awaited.CANNOT_COME
        return replace(state, state=kept, because=f"the source could not be read: {fault}")

    def _delivered(self, state: AwaitedImage, delivery: Delivery, link: Link) -> AwaitedImage:
        """Returns the state of an image that was not seen at the destination."""
        image = delivery.image
        lookup = Lookup(link.destination, image.repository, image.digest)
        managed = link.destination.account in self.question.desired.by_account
        is_new = self.before.get(link.source) != image.digest
        kept: Awaited = Awaited.CANNOT_COME
        because = ": ".join(filter(None, (delivery.code, delivery.because))) or None
        if delivery.state is DeliveryState.COMPLETE and not managed:
            kept, because = Awaited.THERE, "ECR says so: its account is external"
        elif delivery.state is DeliveryState.IN_PROGRESS:
            kept = Awaited.ON_ITS_WAY
        elif delivery.state is DeliveryState.FAILED:
            pass
        elif managed and lookup not in self.seen.arrivals:
            kept, because = self._unseen(link)
        elif is_new and self.seen.at - image.pushed_at < _FRESH:
            kept, because = Awaited.ON_ITS_WAY, _LAGGING
        return replace(state, state=kept, because=because)

    def _unseen(self, link: Link) -> tuple[Awaited, str]:
        """Returns the state of an image that was not looked up at a managed destination."""
        fault = self.seen.faults.get(link.destination)
        if fault is not None and not fault.passing:
            return Awaited.CANNOT_COME, f"the destination could not be read: {fault}"
        return Awaited.ON_ITS_WAY, "it was not looked up there yet"

    def _passes(self, link: Link) -> bool:
        """Returns whether what could not be read of a link may be read in a while."""
        faults = (
            self.seen.replications.get(link.source),
            self.seen.policies.get(link.destination),
            self.seen.repositories.get(link.destination),
        )
        return all(fault.passing for fault in faults if isinstance(fault, Fault))


def _arrived(state: AwaitedImage, arrival: Arrival) -> AwaitedImage:
    """Returns the state of an image that is at the destination, where it may be archived."""
    states = {_ARCHIVED: Awaited.CANNOT_COME, _RESTORED: Awaited.ON_ITS_WAY}
    there = states.get(arrival.status or "", Awaited.THERE)
    return replace(state, state=there, because=arrival.because)


def _rank(image: AwaitedImage) -> int:
    """The best state first: an image that some source has and cannot send is worse than one that
    may still be pushed to another source only if it is the same image."""
    if image.state is Awaited.CANNOT_COME and image.digest is None:
        return len(Awaited)
    order = (Awaited.THERE, Awaited.ON_ITS_WAY, Awaited.CANNOT_COME, Awaited.NOT_PUSHED)
    return order.index(image.state)
