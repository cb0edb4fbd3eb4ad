"""A graph of a fleet as values: nodes, edges, and warnings to its reader."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from fleet_repl.planning.plan import Warning
from fleet_repl.values.names import AccountId, Region
from fleet_repl.values.prefixes import NOTHING, Prefixes

MOST_REGISTRIES: Final = 40
"""The most registries of a graph with a node for each; larger graphs are grouped."""
UNLINKED: Final = "unlinked"
"""The kind of warning about registries without any link."""


class Kind(StrEnum):
    MANAGED = "managed"
    EXTERNAL = "external"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A registry; in a grouped graph, all registries of a kind in a region."""

    id: str
    """`account/region`; for a group, `region`, `external/region` or `retired/region`."""
    kind: Kind
    region: Region
    account: AccountId | None = None
    """None for a group, and so is `name`."""
    name: str | None = None
    registries: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A link; in a grouped graph, all links of a route between two groups."""

    source: str
    """The id of a node."""
    destination: str
    routes: tuple[str, ...]
    prefixes: Prefixes
    deletes: Prefixes = NOTHING
    """The part of `prefixes` whose deletions are replicated."""
    live: tuple[str, ...] = ()
    """Those of `routes` whose prefixes follow from the repositories that the source has at each
    run: of them, `prefixes` are all that they may ask for."""
    sources: int = 1
    destinations: int = 1
    links: int = 1
    change: str | None = None
    """In a drawing of changes, what changes about the link. Not in the graph's document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Nodes and edges, sorted, so that equal fleets have equal graphs."""

    fleet: str
    grouped: bool
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    warnings: tuple[Warning, ...] = ()
    acknowledged: int = 0
