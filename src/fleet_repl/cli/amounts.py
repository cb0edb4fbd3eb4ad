"""What an inventory amounts to, as text and as a document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len

from fleet_repl.cli.log import problem_document
from fleet_repl.reports.documents.fields import acknowledged_document
from fleet_repl.reports.text import Page, Style
from fleet_repl.reports.text.sections import add_warnings
from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.errors import InventoryError
from fleet_repl.values.text import visible

if TYPE_CHECKING:
    from fleet_repl.fleet.load import FleetSummary
    from fleet_repl.topology import RouteSummary

SCHEMA: Final = "fleet-repl/validate/1"
COLUMNS = ("sources", "destinations", "links")


def amounts_text(summary: FleetSummary, *, colour: bool = False) -> str:
    """Totals, then a line for each route with its near misses, then warnings. In full."""
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
    width = max(cell_len(visible(name)) for name in ("Routes", *(one.name for one in routes)))
    page.heading(_row("Routes", COLUMNS, width))
    for one in routes:
        numbers = (one.sources, one.destinations, one.links)
        page.add(_row(one.name, [f"{number:,}" for number in numbers], width))
        for miss in one.near_misses:
            page.add(("near miss", Style.CHANGED), f": {miss}", indent=1)


def _row(name: str, cells: Sequence[str], width: int) -> str:
    shown = visible(name)
    padded = shown + " " * (width - cell_len(shown))
    return padded + "".join(
        f"  {cell:>{len(column)}}" for cell, column in zip(cells, COLUMNS, strict=True)
    )


def amounts_document(summary: FleetSummary) -> JsonObject:
    """The same as a JSON object."""
    return {
        "schema": SCHEMA,
        "valid": True,
        "fleet": summary.name,
        "accounts": summary.accounts,
        "registries": summary.registries,
        "external": summary.externals,
        "links": summary.links,
        "rules": summary.rules,
        "routes": [
            {
                "name": one.name,
                "sources": one.sources,
                "destinations": one.destinations,
                "links": one.links,
                "near_misses": list(one.near_misses),
            }
            for one in summary.routes
        ],
        "warnings": [{"kind": one.kind, "message": one.message} for one in summary.warnings],
        **acknowledged_document(summary.acknowledged),
        "problems": [],
    }


def problems_document(error: InventoryError) -> JsonObject:
    """An invalid inventory as a JSON object."""
    problems: list[Json] = [problem_document(one) for one in error.problems]
    return {"schema": SCHEMA, "valid": False, "problems": problems}
