"""A graph as the JSON document `fleet-repl/graph/1`. Pure; the keys are a promise."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from msgspec import UNSET, Meta, UnsetType

from fleet_repl.reports.documents.member_types import (
    UNIQUE,
    Account,
    Acknowledged,
    PrefixList,
    RegionName,
)
from fleet_repl.reports.documents.reader import Document
from fleet_repl.reports.documents.shared import (
    WarningDocument,
    prefix_list,
    recast,
)
from fleet_repl.reports.documents.writer import as_json
from fleet_repl.reports.graph.model import Edge, Graph, Kind, Node
from fleet_repl.values.canonical_json import JsonObject

GRAPH_SCHEMA: Final = "fleet-repl/graph/1"

_Positive: TypeAlias = Annotated[int, Meta(ge=1)]
_Id: TypeAlias = Annotated[str, Meta(extra_json_schema={"minLength": 1})]


class NodeDocument(Document, frozen=True):
    id: Annotated[_Id, Meta(description="What edges call it.")]
    kind: Kind
    region: RegionName
    account: Annotated[Account | None, Meta(description="Null where grouped.")]
    name: Annotated[
        str | None, Meta(description="The account's name in the inventory; null where grouped.")
    ]
    registries: Annotated[
        _Positive, Meta(description="How many registries it is; 1 unless grouped.")
    ]

    @classmethod
    def of(cls, node: Node) -> NodeDocument:
        return recast(node, cls)


class EdgeDocument(Document, frozen=True):
    source: Annotated[_Id, Meta(description="The id of a node.")]
    destination: Annotated[_Id, Meta(description="The id of a node.")]
    routes: Annotated[
        tuple[str, ...],
        Meta(
            description="Routes that ask for it; where grouped exactly one.",
            extra_json_schema={"minItems": 1, **UNIQUE},
        ),
    ]
    prefixes: PrefixList
    deletes: Annotated[
        tuple[str, ...] | None,
        Meta(
            description="Those of which deletions travel too; empty for none, null for every "
            "repository.",
            extra_json_schema=UNIQUE,
        ),
    ]
    sources: Annotated[
        _Positive, Meta(description="How many registries it leaves; 1 unless grouped.")
    ]
    destinations: Annotated[
        _Positive, Meta(description="How many registries it reaches; 1 unless grouped.")
    ]
    links: Annotated[_Positive, Meta(description="How many links it is; 1 unless grouped.")]

    live: Annotated[
        tuple[str, ...] | UnsetType,
        Meta(
            description="Those of the routes whose prefixes follow from the repositories that the "
            "source has at each run; the prefixes are all that they may ask for. Missing for none.",
            extra_json_schema={"minItems": 1, **UNIQUE},
        ),
    ] = UNSET

    @classmethod
    def of(cls, edge: Edge) -> EdgeDocument:
        return cls(
            source=edge.source,
            destination=edge.destination,
            routes=edge.routes,
            prefixes=prefix_list(edge.prefixes),
            deletes=prefix_list(edge.deletes),
            sources=edge.sources,
            destinations=edge.destinations,
            links=edge.links,
            live=edge.live or UNSET,
        )


class GraphDocument(Document, frozen=True, kw_only=True, tag_field="schema", tag=GRAPH_SCHEMA):
    """Which registry replicates what into which. Where grouped, a node is all registries of one
    kind in one region, and an edge is what one route asks for between two nodes."""

    fleet: str
    grouped: bool
    nodes: tuple[NodeDocument, ...]
    edges: tuple[EdgeDocument, ...]
    warnings: tuple[WarningDocument, ...]
    acknowledged: Acknowledged = UNSET

    @classmethod
    def of(cls, graph: Graph) -> GraphDocument:
        return cls(
            fleet=graph.fleet,
            grouped=graph.grouped,
            nodes=tuple(map(NodeDocument.of, graph.nodes)),
            edges=tuple(map(EdgeDocument.of, graph.edges)),
            warnings=tuple(recast(warning, WarningDocument) for warning in graph.warnings),
            acknowledged=graph.acknowledged or UNSET,
        )


def _each(part: str, members: dict[str, object]) -> dict[str, object]:
    """Returns the schema of the members of each object in the list `part`."""
    return {part: {"items": {"properties": members}}}


PublishedGraph: TypeAlias = Annotated[
    GraphDocument,
    Meta(
        extra_json_schema={
            "if": {"properties": {"grouped": {"const": True}}},
            "then": {
                "properties": {
                    **_each("nodes", {"account": {"const": None}, "name": {"const": None}}),
                    **_each("edges", {"routes": {"maxItems": 1}}),
                }
            },
            "else": {
                "properties": {
                    **_each(
                        "nodes",
                        {
                            "account": {"type": "string"},
                            "name": {"type": "string"},
                            "registries": {"const": 1},
                        },
                    ),
                    **_each(
                        "edges",
                        {
                            "sources": {"const": 1},
                            "destinations": {"const": 1},
                            "links": {"const": 1},
                        },
                    ),
                }
            },
        }
    ),
]
"""The document as its schema publishes it: what holds for groups, and what for registries."""


def graph_document(graph: Graph) -> JsonObject:
    """Returns the document `fleet-repl/graph/1` of a graph."""
    return as_json(GraphDocument.of(graph))
