"""The findings of documents about images: what is missing where, and where an image does not go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from fleet_repl.planning.explain import Awaited, Reason
from fleet_repl.reports.coverage_words import percent
from fleet_repl.reports.documents.coverage import (
    CoverageDocument,
    CoveredLinkDocument,
    CoveredRouteDocument,
    UnroutedDocument,
)
from fleet_repl.reports.documents.explanation import (
    CarriedDocument,
    ExplanationDocument,
    NotCarriedDocument,
    WaitedDocument,
)
from fleet_repl.reports.documents.in_use import InUseDocument
from fleet_repl.reports.documents.shared import given
from fleet_repl.reports.sarif.finding import Finding, Level, failed, named_place, notes
from fleet_repl.reports.sarif.rules import (
    AWAITED,
    IMAGES,
    IN_USE,
    MISSING,
    NOT_CARRIED,
    OBJECTIVE,
    UNMATCHED,
    UNROUTED,
)
from fleet_repl.runs.delivery import DeliveryState
from fleet_repl.values.errors import FaultKind
from fleet_repl.values.text import counted, listed

_SHOWN: Final = 5
"""The most repositories that a message names."""
_LEVELS: Final = {
    Reason.UNREADABLE: Level.ERROR,
    Reason.NO_RULE: Level.WARNING,
    Reason.NOT_GRANTED: Level.WARNING,
}
"""Of the reasons that are no decision of the inventory's."""


def of_coverage(document: CoverageDocument) -> Iterator[Finding]:
    """Yields what a coverage found: what could not be read, routes, sources and links with gaps."""
    for unread in document.unreadable:
        yield failed(unread, unread.error, Level.ERROR)
    yield from notes(given(document.warnings) or (), Level.WARNING)
    for route in document.routes:
        yield from _of_route(route)
    yield from map(_unrouted, document.unrouted)
    remedies = {route.name: route.remedy for route in document.routes}
    for link in document.links:
        if link.gaps:
            yield _gaps(link, next(filter(None, map(remedies.get, link.routes)), None))
    if document.in_use is not None:
        yield from _in_use(document.in_use)


def _of_route(route: CoveredRouteDocument) -> Iterator[Finding]:
    if route.met is False:
        share = "" if route.share is None else f": {percent(route.share)}"
        yield Finding(
            rule=OBJECTIVE,
            level=Level.ERROR,
            message=f"route {route.name} misses its objective of {percent(route.objective or 0)}"
            f"{share} at the destination that has least",
            remedy=route.remedy,
            same=route.name,
        )
    for prefix in route.unmatched:
        what = f"prefix {prefix}" if prefix else "every repository"
        yield Finding(
            rule=UNMATCHED,
            level=Level.NOTE,
            message=f"route {route.name}: {what} matches no repository of its sources",
            same=f"{route.name} {prefix}",
        )


def _unrouted(source: UnroutedDocument) -> Finding:
    number = counted(len(source.repositories), "repository")
    return Finding(
        rule=UNROUTED,
        level=Level.NOTE,
        message=f"{named_place(source)}: no route carries {number}: "
        f"{listed(source.repositories, _SHOWN)}",
        subject=str(source.registry),
    )


def _gaps(link: CoveredLinkDocument, remedy: str | None) -> Finding:
    repositories = listed([gap.repository for gap in link.gaps], _SHOWN)
    images = sum(gap.missing or 0 for gap in link.gaps)
    what = f"{counted(images, 'image')} of " if images else ""
    return Finding(
        rule=MISSING,
        level=Level.WARNING,
        message=f"{named_place(link.destination)} lacks {what}"
        f"{counted(len(link.gaps), 'repository')} from {named_place(link.source)}: {repositories}",
        remedy=remedy,
        subject=str(link.source.registry),
        same=str(link.destination.registry),
    )


def _in_use(in_use: InUseDocument) -> Iterator[Finding]:
    for use in in_use.images:
        if not use.copies and not use.unknown:
            yield Finding(
                rule=IN_USE,
                level=Level.WARNING,
                message=f"{use.image} runs out of {named_place(use)}, and is in no registry of "
                "another region",
                subject=str(use.registry),
                same=use.image,
            )
    for place in in_use.unasked:
        optional = place.error.kind is FaultKind.ACCESS_DENIED
        yield Finding(
            rule=place.error.kind.value,
            level=Level.NOTE if optional else Level.ERROR,
            message=f"what runs is not known: {place.runtime} in {place.place}: "
            f"{place.error.operation}: {place.error.message}",
            remedy=place.error.hint,
            subject=place.place,
            same=place.runtime.value,
        )


def of_explanation(document: ExplanationDocument) -> Iterator[Finding]:
    """Yields where an image does not go, or has not arrived; the first has what to do about it."""
    items = (
        *_awaited(document.what, given(document.waited)),
        *(
            _carried(document.what, link, link.status)
            for link in document.carried
            if link.status is not None and link.status.is_short
        ),
        *(_not_carried(document.what, why) for why in document.not_carried),
    )
    for nth, finding in enumerate(items):
        yield finding if nth else replace(finding, remedy=document.remedy)


def _awaited(what: str, waited: WaitedDocument | None) -> Iterator[Finding]:
    for image in () if waited is None else waited.images:
        if image.state is not Awaited.THERE:
            because = f": {image.because}" if image.because else ""
            yield Finding(
                rule=f"{AWAITED}{image.state}",
                level=Level.ERROR,
                message=f"{what} is not at {image.destination}{because}",
                subject=image.destination,
                same=what,
            )


def _carried(what: str, link: CarriedDocument, status: DeliveryState) -> Finding:
    return Finding(
        rule=f"{IMAGES}{status}",
        level=Level.ERROR if status.is_problem else Level.WARNING,
        message=f"{what} from {link.source} to {link.destination} is {status}: "
        f"{'; '.join(given(link.facts) or ())}",
        subject=link.source,
        same=f"{what} {link.destination}",
    )


def _not_carried(what: str, why: NotCarriedDocument) -> Finding:
    return Finding(
        rule=f"{NOT_CARRIED}{why.reason}",
        level=_LEVELS.get(why.reason, Level.NOTE),
        message=f"{what} does not get from {why.source} to {why.destination}: {why.because}",
        subject=why.source,
        same=f"{what} {why.destination}",
    )
