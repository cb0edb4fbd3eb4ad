"""A valid inventory as text: totals, routes and warnings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len

from fleet_repl.reports.text.page import Page, Style
from fleet_repl.reports.text.sections import add_warnings
from fleet_repl.values.text import visible

if TYPE_CHECKING:
    from fleet_repl.planning.fleet_summary import FleetSummary
    from fleet_repl.topology import RouteSummary

BY_NAME: Final = "its prefixes follow from the repositories that each source has at each run"
COLUMNS = ("sources", "destinations", "links")


def summary_text(summary: FleetSummary, *, colour: bool = False, width: int | None = None) -> str:
    """Totals, then a line for each route with its near misses, then warnings; nothing is cut.

    `width`: the columns of the terminal; None wraps no line.
    """
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
    digits = max(len(f"{number:,}") for number in totals.values())
    for name, number in totals.items():
        page.add(f"{name:<10}  {number:>{digits},}", indent=1)
    _add_routes(page, summary.routes)
    add_warnings(page, summary.warnings, summary.acknowledged)
    return page.render(colour=colour, width=width)


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
        if route.by_name:
            page.add(BY_NAME, indent=1)
        for miss in route.near_misses:
            page.add(("near miss", Style.CHANGED), f": {miss}", indent=1)


def _row(name: str, cells: Sequence[str], width: int) -> str:
    shown = visible(name)
    padded = shown + " " * (width - cell_len(shown))
    return padded + "".join(
        f"  {cell:>{len(column)}}" for cell, column in zip(cells, COLUMNS, strict=True)
    )
