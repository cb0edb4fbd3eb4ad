"""The gaps of a coverage as a table."""

from __future__ import annotations

from collections.abc import Iterator

from fleet_repl.reports.csv.registries import ERROR, error_cells
from fleet_repl.reports.csv.table import Cell, Table, prefix_cell
from fleet_repl.reports.documents.coverage import CoverageDocument, CoveredLinkDocument, GapDocument
from fleet_repl.reports.documents.shared import given, prefixes_of

_NO_END: tuple[None, ...] = (None, None, None)


def coverage_gaps(report: CoverageDocument) -> Table:
    """Returns a row for each repository that is missing at a destination, or lacks images there;
    then for each that no route carries, each running image, and each registry that could not be
    read."""
    columns = (
        *("fleet", "run", "state", "source_account", "source_region", "source_name"),
        *("destination_account", "destination_region", "destination_name"),
        *("repository", "routes", "exists", "rule", "missing_images"),
        *("newest_tag", "newest_digest", "newest_pushed_at", *ERROR),
    )
    head = (report.fleet, report.run_id)
    return Table(columns, ((*head, *row) for row in _rows(report)))


def coverage_links(report: CoverageDocument) -> Table:
    """Returns a row for each link, with what is there of what it carries."""
    columns = (
        *("fleet", "run", "source_account", "source_region", "source_name"),
        *("destination_account", "destination_region", "destination_name"),
        *("state", "prefixes", "routes", "repositories", "repositories_present"),
        *("images", "images_present", "images_pending", "gaps", "joining"),
    )
    head = (report.fleet, report.run_id)
    return Table(columns, ((*head, *_link(link)) for link in report.links))


def _link(link: CoveredLinkDocument) -> tuple[Cell, ...]:
    repositories, images = link.repositories, link.images
    of_images: tuple[Cell, ...] = (None,) * 3
    if images is not None:
        of_images = (images.wanted, images.present, images.pending)
    return (
        *(*_ends(link), link.state, prefix_cell(prefixes_of(link.prefixes))),
        *(" ".join(link.routes), repositories.wanted, repositories.present),
        *(*of_images, len(link.gaps), given(link.joining)),
    )


def _rows(report: CoverageDocument) -> Iterator[tuple[Cell, ...]]:
    no_error = error_cells(None)
    for link in report.links:
        for gap in link.gaps:
            yield ("missing", *_ends(link), *_gap(link, gap), *no_error)
    for source in report.unrouted:
        for name in source.repositories:
            place = (source.account, source.region, source.name)
            yield ("unrouted", *place, *_NO_END, name, *(None,) * 7, *no_error)
    for use in () if report.in_use is None else report.in_use.images:
        place = (use.account, use.region, use.name)
        state = "in-use" if use.copies else "in-use-nowhere-else"
        state = "in-use-unknown" if use.unknown and not use.copies else state
        name, _, digest = use.image.partition("@")
        tag = next(iter(use.tags), None)
        image = (name.partition(":")[0], *(None,) * 4, tag, digest or None, None)
        yield (state, *place, *_NO_END, *image, *no_error)
    for unread in report.unreadable:
        place = (unread.account, unread.region, unread.name)
        yield ("unreadable", *place, *_NO_END, *(None,) * 8, *error_cells(unread.error))


def _ends(link: CoveredLinkDocument) -> tuple[Cell, ...]:
    return tuple(
        cell
        for end in (link.source, link.destination)
        for cell in (end.account, end.region, end.name)
    )


def _gap(link: CoveredLinkDocument, gap: GapDocument) -> tuple[Cell, ...]:
    newest = next(iter(gap.newest), None)
    image = (None,) * 3 if newest is None else (newest.tag, newest.digest, newest.pushed_at)
    return (gap.repository, " ".join(link.routes), gap.exists, gap.rule, gap.missing, *image)
