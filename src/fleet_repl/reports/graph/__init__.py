"""A fleet's links as a picture: for Mermaid, for Graphviz, or as a JSON document.

Pure: an inventory and its topology in, text out. What is drawn is decided once, in `model`;
the three ways to write it down decide nothing.
"""

from fleet_repl.reports.graph.document import GRAPH_SCHEMA, graph_document
from fleet_repl.reports.graph.dot import dot_text
from fleet_repl.reports.graph.mermaid import mermaid_text
from fleet_repl.reports.graph.model import MOST_REGISTRIES, Edge, Graph, Kind, Node, graph_of

__all__ = [
    "GRAPH_SCHEMA",
    "MOST_REGISTRIES",
    "Edge",
    "Graph",
    "Kind",
    "Node",
    "dot_text",
    "graph_document",
    "graph_of",
    "mermaid_text",
]
