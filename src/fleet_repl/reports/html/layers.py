"""The places of the nodes of a directed graph in layers, so that most edges go to the right. Pure.

The steps are those of Sugiyama's method: edges of cycles are turned round, each node goes one layer
right of the farthest node that leads to it, an edge over several layers gets a bend in each, and
the nodes of a layer are ordered by the average place of their neighbours.

    a → b, b → c, a → c        layer 0: a     layer 1: b, and a bend of a → c     layer 2: c
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import Final, TypeAlias

Edge: TypeAlias = tuple[str, str]
_Node: TypeAlias = tuple[str, ...]
"""A node by its name alone; a bend by both ends of its edge and its layer."""

_SWEEPS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Places as layer, counted from the left, and place in the layer, counted from the top."""

    nodes: Mapping[str, tuple[int, int]]
    edges: Mapping[Edge, tuple[tuple[int, int], ...]]
    """The places that an edge goes through, from the left to the right."""
    turned: frozenset[Edge]
    """The edges that go from the right to the left."""
    layers: tuple[tuple[bool, ...], ...]
    """The places of each layer; true for a node, false for a bend."""


def layout_of(edges: Iterable[Edge]) -> Layout:
    """Returns a layout of a graph, the same for the same edges in any order. No edge may have one
    node at both ends."""
    ordered = sorted(set(edges))
    turned = _turned(ordered)
    forward = sorted({(b, a) if (a, b) in turned else (a, b) for a, b in ordered})
    layers = _layers(forward)
    chains = {edge: _chain(edge, layers) for edge in forward}
    orders = _ordered(chains.values(), layers)
    places = {
        node: (layer, place)
        for layer, order in enumerate(orders)
        for place, node in enumerate(order)
    }
    return Layout(
        nodes={node: places[(node,)] for node in layers},
        edges={
            (a, b): tuple(places[node] for node in chains[(b, a) if (a, b) in turned else (a, b)])
            for a, b in ordered
        },
        turned=turned,
        layers=tuple(tuple(len(node) == 1 for node in order) for order in orders),
    )


def _turned(edges: Sequence[Edge]) -> frozenset[Edge]:
    """Returns the edges to turn round so that no cycle is left; none where there is no cycle.

    They go against an order in which nodes that are rather sources than destinations come first.
    """
    if not _has_cycle(edges):
        return frozenset()
    balance: defaultdict[str, int] = defaultdict(int)
    for source, destination in edges:
        balance[source] += 1
        balance[destination] -= 1
    order = sorted(balance, key=lambda node: (-balance[node], node))
    rank = {node: place for place, node in enumerate(order)}
    return frozenset(edge for edge in edges if rank[edge[0]] > rank[edge[1]])


def _has_cycle(edges: Sequence[Edge]) -> bool:
    """Returns whether some nodes are left when all without an incoming edge are taken away again
    and again."""
    left = set(edges)
    while left:
        ends = {destination for _, destination in left}
        kept = {edge for edge in left if edge[0] in ends}
        if kept == left:
            return True
        left = kept
    return False


def _layers(edges: Sequence[Edge]) -> dict[str, int]:
    before: defaultdict[str, list[str]] = defaultdict(list)
    for source, destination in edges:
        before[destination].append(source)
    layers: dict[str, int] = {}

    def layer(node: str) -> int:
        if node not in layers:
            layers[node] = max((layer(other) + 1 for other in before[node]), default=0)
        return layers[node]

    for node in sorted({end for edge in edges for end in edge}):
        layer(node)
    return layers


def _chain(edge: Edge, layers: Mapping[str, int]) -> tuple[_Node, ...]:
    source, destination = edge
    between = range(layers[source] + 1, layers[destination])
    return ((source,), *((source, destination, str(at)) for at in between), (destination,))


def _ordered(chains: Iterable[Sequence[_Node]], layers: Mapping[str, int]) -> list[list[_Node]]:
    """Returns the order of nodes and bends in each layer, after sweeps to the left and right."""
    rows: defaultdict[int, set[_Node]] = defaultdict(set)
    beside: defaultdict[tuple[_Node, int], list[_Node]] = defaultdict(list)
    for chain in chains:
        for layer, node in enumerate(chain, start=layers[chain[0][0]]):
            rows[layer].add(node)
        for left, right in pairwise(chain):
            beside[left, 1].append(right)
            beside[right, -1].append(left)
    order = {layer: sorted(nodes) for layer, nodes in rows.items()}
    places = {node: nth for nodes in order.values() for nth, node in enumerate(nodes)}
    for sweep in range(_SWEEPS):
        step = -1 if sweep % 2 == 0 else 1
        for layer in sorted(order, reverse=step == 1):
            averages = {
                node: fmean(places[other] for other in beside[node, step] or (node,))
                for node in order[layer]
            }
            order[layer].sort(key=lambda node: (averages[node], node))
            places |= {node: nth for nth, node in enumerate(order[layer])}
    return [order[layer] for layer in sorted(order)]
