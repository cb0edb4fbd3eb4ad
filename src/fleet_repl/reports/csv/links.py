"""Documents as tables with a row for each link."""

from __future__ import annotations

from collections import Counter
from typing import Final

from fleet_repl.reports.changed_links import ChangedLink, changed_links, names_of
from fleet_repl.reports.csv.registries import ERROR, error_cells
from fleet_repl.reports.csv.table import Cell, Table, one_line, pairs, prefix_cell
from fleet_repl.reports.documents.backfill import BackfillDocument, BackfillReportDocument
from fleet_repl.reports.documents.delivery import DeliveryDocument, LinkDocument
from fleet_repl.reports.documents.explanation import (
    AwaitedImageDocument,
    CarriedDocument,
    ExplanationDocument,
    NotCarriedDocument,
)
from fleet_repl.reports.documents.plan import PlanDocument
from fleet_repl.reports.documents.report import ReportDocument
from fleet_repl.reports.documents.shared import (
    NamedPlaceDocument,
    given,
    prefixes_of,
    registry_named,
)
from fleet_repl.runs.delivery import DeliveryState

_ENDS: Final = (
    *("source_account", "source_region", "source_name"),
    *("destination_account", "destination_region", "destination_name"),
)
_OF_IMAGES: Final = tuple(
    state for state in DeliveryState if state not in (DeliveryState.UNKNOWN, DeliveryState.IDLE)
)


def changed_links_table(document: PlanDocument | ReportDocument) -> Table:
    """Returns a row for each change of a link, and for each link that is held."""
    names = names_of(document)
    columns = ("fleet", *_ENDS, "wave", "change", "prefixes", "routes", "outcome", "because")

    def cells(link: ChangedLink) -> tuple[Cell, ...]:
        return (
            *(document.fleet, *link.source, names[link.source.account]),
            *(*link.destination, names.get(link.destination.account)),
            *(link.wave, link.change, prefix_cell(link.prefixes), " ".join(link.routes)),
            *(link.outcome, link.because),
        )

    return Table(columns, map(cells, changed_links(document)))


def delivery_links(report: DeliveryDocument) -> Table:
    """Returns a row for each link, with its sampled images by state."""
    columns = (
        *("fleet", "run", *_ENDS, "state", "prefixes", "routes", "images"),
        *(f"images_{state.replace('-', '_')}" for state in _OF_IMAGES),
        *("because", "remedy"),
    )
    head = (report.fleet, report.run_id)
    return Table(columns, ((*head, *_delivered(link)) for link in report.links))


def _delivered(link: LinkDocument) -> tuple[Cell, ...]:
    states = Counter(image.state for image in link.images)
    problems = [image for image in link.images if image.state.is_problem]
    return (
        *(*_end(link.source), *_end(link.destination), link.state),
        *(prefix_cell(prefixes_of(link.prefixes)), " ".join(link.routes), len(link.images)),
        *(states[state] for state in _OF_IMAGES),
        given(link.joining)
        or "; ".join(dict.fromkeys(image.because for image in problems if image.because)),
        "; ".join(dict.fromkeys(one_line(image.hint) for image in problems if image.hint)),
    )


def backfill_links(report: BackfillReportDocument) -> Table:
    """Returns a row for each backfill."""
    columns = (
        *("fleet", "run", *_ENDS, "state", "started", "id", "status", "started_at", "ended_at"),
        *("copies", "completed", "failed", "failure_codes", "because", *ERROR),
    )
    head = (report.fleet, report.run_id)
    return Table(columns, ((*head, *_backfilled(backfill)) for backfill in report.backfills))


def _backfilled(backfill: BackfillDocument) -> tuple[Cell, ...]:
    return (
        *(*_end(backfill.source), *_end(backfill.destination), backfill.state, backfill.started),
        *(backfill.id, backfill.status, backfill.started_at, backfill.ended_at),
        *(backfill.total, backfill.completed, backfill.failed),
        pairs({code: "?" if n is None else n for code, n in backfill.failure_codes.items()}),
        backfill.because or backfill.failure_code,
        *error_cells(backfill.error),
    )


def explained_links(explanation: ExplanationDocument) -> Table:
    """Returns a row for each link that carries an image, and each registry it does not get to."""
    columns = (
        *("fleet", "what", "source_account", "source_region"),
        *("destination_account", "destination_region", "carried", "routes", "prefix", "status"),
        *("reason", "because", "facts", "awaited", "awaited_because"),
    )
    head = (explanation.fleet, explanation.what)
    waited = given(explanation.waited)
    awaited = {image.destination: image for image in (waited.images if waited else ())}
    every: tuple[CarriedDocument | NotCarriedDocument, ...]
    every = (*explanation.carried, *explanation.not_carried)
    return Table(
        columns,
        ((*head, *_explained(link), *_awaited(awaited.get(link.destination))) for link in every),
    )


def _awaited(image: AwaitedImageDocument | None) -> tuple[Cell, Cell]:
    return (None, None) if image is None else (image.state.value, image.because)


def _explained(link: CarriedDocument | NotCarriedDocument) -> tuple[Cell, ...]:
    ends = (*registry_named(link.source), *registry_named(link.destination))
    facts = "; ".join(given(link.facts) or ())
    if isinstance(link, CarriedDocument):
        prefix = link.prefix or "*"
        return (*ends, True, " ".join(link.routes), prefix, link.status, None, None, facts)
    return (*ends, False, None, None, None, link.reason, link.because, facts)


def _end(place: NamedPlaceDocument) -> tuple[Cell, ...]:
    return (place.account, place.region, place.name)
