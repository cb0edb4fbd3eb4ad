"""`fleet-repl graph`: which registry replicates what into which, as a picture. Offline."""

from __future__ import annotations

from typing import assert_never

from fleet_repl.cli.command import Call
from fleet_repl.cli.flags import Notation
from fleet_repl.cli.options import GraphOptions
from fleet_repl.reports.to_json import to_json
from fleet_repl.values.exit_code import ExitCode


def graph(call: Call[GraphOptions]) -> ExitCode:
    """Each link is an edge; above 40 registries, each route between two regions is one, and hubs
    stand beside their region. Comments warn of chains that carry nothing and of registries without
    any link.

    Example: fleet-repl graph inventories/prod.toml --format dot | dot -Tsvg > prod.svg
    """
    from fleet_repl.reports.graph import dot_text, mermaid_text  # noqa: PLC0415

    inventory = call.load_resolved(call.options.inventory)
    # The JSON document has groups and their links only: its reader can find the hubs by counting.
    pictured = call.options.format is not Notation.JSON
    drawn = call.backend.graph(inventory, call.options.selection, with_hubs=pictured)
    match call.options.format:
        case Notation.MERMAID:
            text = mermaid_text(drawn, full=call.options.verbose)
        case Notation.DOT:
            text = dot_text(drawn, full=call.options.verbose)
        case Notation.JSON:
            text = to_json(drawn)
        case other:
            assert_never(other)
    call.streams.emit(text)
    return ExitCode.OK
