"""A fleet's links as a picture: for Mermaid or for Graphviz.

Pure: an inventory and its topology in, text out. `builder` alone decides what is drawn; the writers
of its two notations, and of its JSON document in `reports.documents`, decide nothing.
"""

from fleet_repl.reports.graph.builder import graph_of
from fleet_repl.reports.graph.dot import dot_text
from fleet_repl.reports.graph.mermaid import mermaid_text
from fleet_repl.reports.graph.model import MOST_REGISTRIES, Edge, Graph, Kind, Node

__all__ = [
    "MOST_REGISTRIES",
    "Edge",
    "Graph",
    "Kind",
    "Node",
    "dot_text",
    "graph_of",
    "mermaid_text",
]
