"""The lines of text at nodes and edges. Each notation escapes them itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fleet_repl.reports.graph.model import Edge, Graph, Kind, Node
from fleet_repl.values.prefixes import EVERY_REPOSITORY, Prefixes
from fleet_repl.values.text import counted, listed

_PREFIXES_SHOWN: Final = 5


def warning_lines(graph: Graph) -> list[str]:
    """Returns a line for each warning, and the number of warnings that are acknowledged."""
    lines = [f"{warning.kind}: {warning.message}" for warning in graph.warnings]
    if graph.acknowledged:
        lines.append(f"{counted(graph.acknowledged, 'warning')} acknowledged")
    return lines


def title(graph: Graph) -> str:
    """Returns the fleet and the numbers of registries and links in its graph."""
    registries = counted(sum(node.registries for node in graph.nodes), "registry")
    if graph.grouped:
        hubs = sum(node.account is not None for node in graph.nodes)
        and_hubs = f" and {counted(hubs, 'hub')}" if hubs else ""
        return f"Fleet {graph.fleet}: {registries}, drawn as regions{and_hubs}"
    return f"Fleet {graph.fleet}: {registries}, {counted(len(graph.edges), 'link')}"


def node_lines(node: Node) -> tuple[str, ...]:
    """Returns name, id and region; for a group, its region and number of registries."""
    kind = () if node.kind is Kind.MANAGED else (node.kind.value,)
    if node.account is None:
        return (node.region, counted(node.registries, "registry"), *kind)
    name = () if node.name is None or node.name == node.account else (node.name,)
    return (*name, node.account, node.region, *kind)


def between(graph: Graph) -> tuple[Edge, ...]:
    """Returns the edges between two nodes. Links within a group are lines in its node instead."""
    return tuple(edge for edge in graph.edges if edge.source != edge.destination)


def within(graph: Graph, *, full: bool) -> Mapping[str, tuple[str, ...]]:
    """Returns the lines on the links within each group, by the id of its node."""
    lines: dict[str, tuple[str, ...]] = {}
    for edge in graph.edges:
        if edge.source == edge.destination:
            first, *others = edge_lines(edge, grouped=graph.grouped, full=full)
            lines[edge.source] = (*lines.get(edge.source, ()), f"within: {first}", *others)
    return lines


def edge_lines(edge: Edge, *, grouped: bool, full: bool) -> tuple[str, ...]:
    """Returns what changes, routes, prefixes, which of them are not known yet, which deletions
    travel, and in a grouped graph the counts."""
    named = filter(None, (edge.change, ", ".join(edge.routes)))
    lines = [*named, _prefixes(edge.prefixes, full=full)]
    if edge.live:
        of = "" if edge.live == edge.routes else f"of {', '.join(edge.live)} "
        lines.append(f"{of}at most, by the repositories at each run")
    if edge.deletes == edge.prefixes:
        lines.append("with deletes")
    elif edge.deletes:
        lines.append(f"with deletes of {_prefixes(edge.deletes, full=full)}")
    if grouped:
        ends = f"{counted(edge.sources, 'source')}, {counted(edge.destinations, 'destination')}"
        lines.append(f"{ends}, {counted(edge.links, 'link')}")
    return tuple(lines)


def _prefixes(prefixes: Prefixes, *, full: bool) -> str:
    if prefixes == EVERY_REPOSITORY:
        return "every repository"
    every = full or len(prefixes) <= _PREFIXES_SHOWN + 1
    return listed(prefixes, len(prefixes) if every else _PREFIXES_SHOWN)
