"""A small fleet as a drawing: its registries in layers, and an arrow for each link. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Final

from fleet_repl.reports.html.figures import Arrow, Box, Drawing
from fleet_repl.reports.html.layers import Layout, layout_of
from fleet_repl.reports.html.links import LinkView
from fleet_repl.reports.html.marks import Mark, Tone
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.text import counted

MOST_REGISTRIES: Final = 60
"""The most registries of a drawing."""
MOST_LINKS: Final = 150
"""The most links of a drawing; nobody could follow more lines."""
WIDTH: Final = 208
"""The width of a box; its height is `HEIGHT`."""
HEIGHT: Final = 46
_ACROSS: Final = 330
"""From the left side of a layer to that of the next."""
_DOWN: Final = 62
"""From the upper side of a box to that of the next."""
_BEND: Final = 16
"""The room for an arrow that passes a layer."""
_MARGIN: Final = 8
_LONGEST_NAME: Final = 24


def drawing_of(
    links: Sequence[LinkView],
    marks: Sequence[Mark],
    names: Mapping[AccountId, str],
    tones: Mapping[Registry, Tone],
) -> Drawing | None:
    """Returns the drawing of links; None for none, for too many, and for too many registries.

    `marks`: the worst first. `tones`: the colour of each registry; others are idle.
    """
    ends = {str(end): end for link in links for end in (link.source, link.destination)}
    edges: dict[tuple[str, str], list[LinkView]] = {}
    for link in links:
        if link.source != link.destination:
            edges.setdefault((str(link.source), str(link.destination)), []).append(link)
    if not edges or len(ends) > MOST_REGISTRIES or len(edges) > MOST_LINKS:
        return None
    layout = layout_of(edges)
    tops = _tops(layout)
    boxes = tuple(
        Box(
            x=_x(layer),
            y=tops[layer][place],
            name=_short(names.get(ends[node].account, ends[node].account)),
            detail=f"{ends[node].account} {ends[node].region}",
            tone=tones.get(ends[node], Tone.IDLE),
        )
        for node, (layer, place) in sorted(layout.nodes.items())
    )
    arrows = tuple(
        Arrow(
            path=_path([_port(layout, tops, *point) for point in points]),
            mark=min((link.mark for link in edges[edge]), key=marks.index),
            backwards=edge in layout.turned,
            text=_text(
                sorted(edges[edge], key=lambda link: (marks.index(link.mark), link.text)), names
            ),
        )
        for edge, points in layout.edges.items()
    )
    return Drawing(
        width=_x(len(layout.layers) - 1) + WIDTH + _MARGIN,
        height=max(map(_height, layout.layers)) + 2 * _MARGIN,
        boxes=boxes,
        arrows=arrows,
        text=f"{counted(len(boxes), 'registry')} and {counted(len(arrows), 'link')} between them",
    )


def _text(links: Sequence[LinkView], names: Mapping[AccountId, str]) -> str:
    source, destination = links[0].source, links[0].destination
    states = "; ".join(f"{link.mark.word}: {link.text}" for link in links)
    ends = (names.get(end.account, end.account) + f" {end.region}" for end in (source, destination))
    return f"{' → '.join(ends)}: {states}"


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _x(layer: int) -> int:
    return _MARGIN + layer * _ACROSS


def _height(layer: Sequence[bool]) -> int:
    return sum(_DOWN if is_node else _BEND for is_node in layer)


def _tops(layout: Layout) -> list[list[int]]:
    """Returns the upper sides of the places of each layer; a layer that is less high than others
    is in the middle."""
    highest = max(map(_height, layout.layers))
    tops = []
    for layer in layout.layers:
        start = _MARGIN + (highest - _height(layer)) // 2
        steps = accumulate((_DOWN if is_node else _BEND for is_node in layer), initial=start)
        tops.append(list(steps)[:-1])
    return tops


def _port(layout: Layout, tops: list[list[int]], layer: int, place: int) -> tuple[int, int]:
    """Returns where an arrow reaches the left side of a place."""
    half = HEIGHT if layout.layers[layer][place] else _BEND
    return _x(layer), tops[layer][place] + half // 2


def _path(ports: Sequence[tuple[int, int]]) -> str:
    """Returns a curve from the right side of a box through bends to the left side of another."""
    (x, y), *_ = ports
    x += WIDTH
    parts = [f"M{x} {y}"]
    for left, top in ports[1:]:
        middle = (x + left) // 2
        parts.append(f"C{middle} {y} {middle} {top} {left} {top}")
        x, y = left + WIDTH, top
        parts.append(f"H{x}")
    return "".join(parts[:-1])
