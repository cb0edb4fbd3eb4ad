"""`fleet-repl validate`: problems of an inventory, or its links and rules in numbers. Offline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len

from fleet_repl.cli.command import Call
from fleet_repl.cli.flags import Format
from fleet_repl.cli.options import ValidateOptions
from fleet_repl.reports.text.page import Page, Style
from fleet_repl.reports.text.sections import add_warnings
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import InventoryError
from fleet_repl.values.exit_code import ExitCode
from fleet_repl.values.text import visible

if TYPE_CHECKING:
    from fleet_repl.planning.fleet_summary import FleetSummary
    from fleet_repl.topology import RouteSummary


COLUMNS = ("sources", "destinations", "links")


def validate(call: Call[ValidateOptions]) -> ExitCode:
    """Names every problem at once, each with its place and what would be right. Of a valid
    inventory it tells the registries, links and rules, and what each route does.

    Example: fleet-repl validate inventories/prod.toml
    """
    as_json = call.options.format is Format.JSON
    try:
        inventory = call.load_inventory(call.options.inventory, secrets_required=False)
        summary = call.backend.describe(call.recalled(inventory))
    except InventoryError as error:
        if not as_json:
            raise
        call.show(_json_text(problems_document(error)))
        return ExitCode.ERROR
    colour = call.streams.has_colour(call.streams.stdout)
    call.show(
        _json_text(summary_document(summary)) if as_json else summary_text(summary, colour=colour)
    )
    return ExitCode.OK


def summary_text(summary: FleetSummary, *, colour: bool = False) -> str:
    """Totals, then a line for each route with its near misses, then warnings; nothing is cut."""
    page = Page(full=True)
    page.add((f"Fleet {summary.name} is valid", Style.HEADING))
    page.gap()
    totals = {
        "accounts": summary.accounts,
        "registries": summary.registries,
        "external": summary.externals,
        "links": summary.links,
        "rules": summary.rules,
    }
    width = max(len(f"{number:,}") for number in totals.values())
    for name, number in totals.items():
        page.add(f"{name:<10}  {number:>{width},}", indent=1)
    _add_routes(page, summary.routes)
    add_warnings(page, summary.warnings, summary.acknowledged)
    return page.render(colour=colour)


def _add_routes(page: Page, routes: Sequence[RouteSummary]) -> None:
    if not routes:
        page.gap()
        page.add("No routes: nothing shall replicate.")
        return
    width = max(cell_len(visible(name)) for name in ("Routes", *(route.name for route in routes)))
    page.heading(_row("Routes", COLUMNS, width))
    for route in routes:
        numbers = (route.sources, route.destinations, route.links)
        page.add(_row(route.name, [f"{number:,}" for number in numbers], width))
        for miss in route.near_misses:
            page.add(("near miss", Style.CHANGED), f": {miss}", indent=1)


def _row(name: str, cells: Sequence[str], width: int) -> str:
    shown = visible(name)
    padded = shown + " " * (width - cell_len(shown))
    return padded + "".join(
        f"  {cell:>{len(column)}}" for cell, column in zip(cells, COLUMNS, strict=True)
    )


def summary_document(summary: FleetSummary) -> JsonObject:
    """A valid inventory as a JSON object."""
    from fleet_repl.reports.documents import validation  # noqa: PLC0415 - msgspec takes long to load

    return validation.valid_document(summary)


def problems_document(error: InventoryError) -> JsonObject:
    """An invalid inventory as a JSON object."""
    from fleet_repl.reports.documents import validation  # noqa: PLC0415 - msgspec takes long to load

    return validation.invalid_document(error.problems)


def _json_text(document: JsonObject) -> str:
    from fleet_repl.reports.documents import writer  # noqa: PLC0415 - msgspec takes long to load

    return writer.json_text(document)
