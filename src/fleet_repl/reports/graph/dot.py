"""A graph in Graphviz's DOT language.

Names come from outside, so every id and label is a quoted string. Quotes and backslashes, which DOT
knows there, and `&`, which begins an entity in labels, are escaped. No label is HTML.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from fleet_repl.reports.graph.labels import (
    between,
    edge_lines,
    node_lines,
    title,
    warning_lines,
    within,
)
from fleet_repl.reports.graph.model import Edge, Graph, Kind, Node
from fleet_repl.values.text import visible

_STYLES: Final = {
    Kind.MANAGED: "",
    Kind.EXTERNAL: ", style=dashed",
    Kind.RETIRED: ", style=dotted, fontcolor=gray40",
}
_ESCAPES: Final = str.maketrans({"\\": "\\\\", '"': '\\"', "&": "&amp;"})


def dot_text(graph: Graph, *, full: bool = False) -> str:
    """Returns a `digraph` with a cluster for each region. `full`: all prefixes are listed."""
    notes = [title(graph), *warning_lines(graph)]
    lines = [
        f"digraph {_quoted(graph.fleet)} {{",
        *(f"  // {visible(note)}" for note in notes),
        "  rankdir=LR;",
        "  node [shape=box];",
        *(_groups(graph, full=full) if graph.grouped else _regions(graph.nodes)),
        *(_edge(edge, grouped=graph.grouped, full=full) for edge in between(graph)),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _regions(nodes: Iterable[Node]) -> Iterator[str]:
    by_region = sorted(nodes, key=lambda node: node.region)
    for region, members in groupby(by_region, key=lambda node: node.region):
        yield f"  subgraph {_quoted(f'cluster_{region}')} {{"
        yield f"    label={_quoted(region)};"
        yield from (f"    {_node(node)}" for node in members)
        yield "  }"


def _groups(graph: Graph, *, full: bool) -> Iterator[str]:
    inside = within(graph, full=full)
    return (f"  {_node(node, inside.get(node.id, ()))}" for node in graph.nodes)


def _node(node: Node, inside: tuple[str, ...] = ()) -> str:
    label = _quoted(*node_lines(node), *inside)
    return f"{_quoted(node.id)} [label={label}{_STYLES[node.kind]}];"


def _edge(edge: Edge, *, grouped: bool, full: bool) -> str:
    label = _quoted(*edge_lines(edge, grouped=grouped, full=full))
    style = ", style=bold" if edge.deletes else ""
    return f"  {_quoted(edge.source)} -> {_quoted(edge.destination)} [label={label}{style}];"


def _quoted(*lines: str) -> str:
    return '"' + "\\n".join(visible(line).translate(_ESCAPES) for line in lines) + '"'
