"""Nodes of a graph get places in layers, so that edges can be drawn."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, strategies as st

from fleet_repl.reports.html.layers import Edge, layout_of

nodes = st.sampled_from("abcdefgh")
edges = st.lists(
    st.tuples(nodes, nodes).filter(lambda edge: edge[0] != edge[1]), min_size=1, unique=True
)


def test_an_edge_over_a_layer_gets_a_bend_there() -> None:
    """As the module's example has it."""
    layout = layout_of([("a", "b"), ("b", "c"), ("a", "c")])
    assert {node: layer for node, (layer, _) in layout.nodes.items()} == {"a": 0, "b": 1, "c": 2}
    assert sorted(layout.layers[1]) == [False, True]
    assert [layer for layer, _ in layout.edges["a", "c"]] == [0, 1, 2]


def test_one_edge_of_a_cycle_is_turned() -> None:
    """It goes from the right to the left; all others go to the right."""
    layout = layout_of([("a", "b"), ("b", "c"), ("c", "a")])
    assert layout.turned == {("c", "a")}
    assert layout.edges["c", "a"][0] == layout.nodes["a"]


def test_crossings_are_untangled() -> None:
    """Two pairs whose names are in opposite orders are drawn beside each other."""
    layout = layout_of([("a", "y"), ("b", "x")])
    assert layout.nodes["a"][1] == layout.nodes["y"][1]
    assert layout.nodes["b"][1] == layout.nodes["x"][1]


@given(edges=edges)
def test_every_edge_goes_one_layer_to_the_right_at_each_step(edges: list[Edge]) -> None:
    """From its left end to its right end, and no two nodes or bends share a place."""
    layout = layout_of(edges)
    taken = set(layout.nodes.values())
    assert len(taken) == len(layout.nodes)
    for edge in edges:
        ends = tuple(reversed(edge)) if edge in layout.turned else edge
        places = layout.edges[edge]
        assert places[0] == layout.nodes[ends[0]]
        assert places[-1] == layout.nodes[ends[1]]
        assert all(right[0] == left[0] + 1 for left, right in pairwise(places))
        assert not set(places[1:-1]) & taken
        assert all(not layout.layers[layer][place] for layer, place in places[1:-1])
    assert sum(map(sum, layout.layers)) == len(layout.nodes)


@given(data=st.data(), edges=edges)
def test_the_order_of_edges_makes_no_difference(data: st.DataObject, edges: list[Edge]) -> None:
    """So a page of the same fleet always has the same drawing."""
    assert layout_of(data.draw(st.permutations(edges))) == layout_of(edges)
