"""A graph as the JSON document that programs read. It fits its published schema."""

from __future__ import annotations

from typing import Final

from fleet_repl.reports.documents.fields import acknowledged_document, prefixes_document
from fleet_repl.reports.graph.model import Edge, Graph, Node
from fleet_repl.values.canonical_json import JsonObject

GRAPH_SCHEMA: Final = "fleet-repl/graph/1"


def graph_document(graph: Graph) -> JsonObject:
    """The document `fleet-repl/graph/1` of a graph."""
    return {
        "schema": GRAPH_SCHEMA,
        "fleet": graph.fleet,
        "grouped": graph.grouped,
        "nodes": [_node(node) for node in graph.nodes],
        "edges": [_edge(edge) for edge in graph.edges],
        "warnings": [{"kind": one.kind, "message": one.message} for one in graph.warnings],
        **acknowledged_document(graph.acknowledged),
    }


def _node(node: Node) -> JsonObject:
    return {
        "id": node.id,
        "kind": node.kind.value,
        "region": node.region,
        "account": node.account,
        "name": node.name,
        "registries": node.registries,
    }


def _edge(edge: Edge) -> JsonObject:
    return {
        "source": edge.source,
        "destination": edge.destination,
        "routes": list(edge.routes),
        "prefixes": prefixes_document(edge.prefixes),
        "deletes": prefixes_document(edge.deletes),
        "sources": edge.sources,
        "destinations": edge.destinations,
        "links": edge.links,
    }
