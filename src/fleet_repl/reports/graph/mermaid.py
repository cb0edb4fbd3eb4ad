"""A graph as a Mermaid flowchart.

Names come from outside, and Mermaid reads directives, tags, Markdown and entities in every text. So
all characters but letters, digits and a few harmless signs are written as their codes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final, assert_never

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

MOST_EDGES: Final = 500
MOST_CHARACTERS: Final = 50_000
"""Mermaid's own limits, `maxEdges` and `maxTextSize`, which a diagram cannot raise itself."""

_TOO_LARGE: Final = (
    f"Mermaid draws at most {MOST_EDGES} edges and {MOST_CHARACTERS:,} characters unless maxEdges "
    "and maxTextSize are raised. Draw less with --account, --label or --region, or use dot."
)
_CLASSES: Final = (
    "  classDef external stroke-dasharray: 5 5",
    "  classDef retired stroke-dasharray: 2 2,color:#888",
)
# Signs between letters belong to names; elsewhere they may begin a list, a line or emphasis. A full
# stop is never harmless: Mermaid makes links of texts such as example.com.
_PLAIN: Final = re.compile(r"[^\W_]|[/,]|(?<=[^\W_])[-_](?=[^\W_])|(?<=[^\W_]|[/,]) (?=[^\W_])")
# `%%{` begins a directive even within a comment, and `<` a tag that may end anywhere below.
_NOT_IN_COMMENTS: Final = re.compile(r"[%<]")


def mermaid_text(graph: Graph, *, full: bool = False) -> str:
    """Returns a `flowchart LR` with a box for each region. `full`: all prefixes are listed."""
    edges = between(graph)
    body = [
        *(_groups(graph, full=full) if graph.grouped else _regions(graph.nodes)),
        *(_edge(edge, grouped=graph.grouped, full=full) for edge in edges),
        *_CLASSES,
    ]
    notes = [title(graph), *warning_lines(graph)]
    comments = [f"  %% {_comment(note)}" for note in notes]
    lines = ["flowchart LR", *comments, *body]
    if len(edges) > MOST_EDGES or sum(len(line) + 1 for line in lines) > MOST_CHARACTERS:
        lines.insert(1, f"  %% {_TOO_LARGE}")
    return "\n".join(lines) + "\n"


def _regions(nodes: Iterable[Node]) -> Iterator[str]:
    by_region = sorted(nodes, key=lambda node: node.region)
    for region, members in groupby(by_region, key=lambda node: node.region):
        yield f'  subgraph {_id("in", region)}["{_escaped(region)}"]'
        yield from (f"    {_node(node)}" for node in members)
        yield "  end"


def _groups(graph: Graph, *, full: bool) -> Iterator[str]:
    inside = within(graph, full=full)
    return (f"  {_node(node, inside.get(node.id, ()))}" for node in graph.nodes)


def _node(node: Node, inside: tuple[str, ...] = ()) -> str:
    text = f'"{_lines((*node_lines(node), *inside))}"'
    match node.kind:
        case Kind.MANAGED:
            shape = f"[{text}]"
        case Kind.EXTERNAL:
            shape = f"([{text}]):::external"
        case Kind.RETIRED:
            shape = f"[{text}]:::retired"
        case other:
            assert_never(other)
    return f"{_id('r', node.id)}{shape}"


def _edge(edge: Edge, *, grouped: bool, full: bool) -> str:
    arrow = "==>" if edge.deletes else "-->"
    text = _lines(edge_lines(edge, grouped=grouped, full=full))
    return f'  {_id("r", edge.source)} {arrow}|"{text}"| {_id("r", edge.destination)}'


def _id(kind: str, name: str) -> str:
    """Returns an id without special characters. Account ids and regions consist of letters, digits
    and `-` in fixed places, so different names keep different ids."""
    return f"{kind}_{re.sub(r'[^A-Za-z0-9]', '_', name)}"


def _lines(lines: Iterable[str]) -> str:
    return "<br/>".join(map(_escaped, lines))


def _escaped(text: str) -> str:
    shown = visible(text)
    plain = {match.start() for match in _PLAIN.finditer(shown)}
    return "".join(char if place in plain else f"#{ord(char)};" for place, char in enumerate(shown))


def _comment(text: str) -> str:
    return _NOT_IN_COMMENTS.sub(lambda sign: f"#{ord(sign[0])};", visible(text))
