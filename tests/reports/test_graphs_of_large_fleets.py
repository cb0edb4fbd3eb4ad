"""Large fleets as pictures: regions without loops, and the hubs that all is built around."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st
from tests.support.links import make_link

from fleet_repl.inventory import Account, Inventory, Route, Selector
from fleet_repl.reports.documents.graph import graph_document
from fleet_repl.reports.graph import Graph, dot_text, graph_of, mermaid_text
from fleet_repl.topology import Topology
from fleet_repl.values.names import AccountId, Region, Registry
from fleet_repl.values.prefixes import EVERY_REPOSITORY

REGIONS = (Region("eu-west-1"), Region("us-east-1"))


def at(number: int, region: int = 0) -> Registry:
    return Registry(AccountId(f"{number:012}"), REGIONS[region])


def drawn(
    pairs: Iterable[tuple[Registry, Registry]], *, accounts: int = 60, with_hubs: bool = True
) -> Graph:
    """The graph of accounts in two regions that have these links."""
    inventory = Inventory(
        path="demo.toml",
        digest="",
        name="demo",
        accounts=tuple(
            Account(id=at(number).account, name=f"account-{number}", regions=REGIONS, role=None)
            for number in range(accounts)
        ),
        routes=(Route(name="golden", source=Selector(), destination=Selector()),),
    )
    links = tuple(
        make_link(
            source=source, destination=destination, prefixes=EVERY_REPOSITORY, routes=("golden",)
        )
        for source, destination in pairs
    )
    return graph_of(inventory, Topology(links=links, routes=()), with_hubs=with_hubs)


def hubs(graph: Graph) -> list[str]:
    return [node.id for node in graph.nodes if node.account is not None]


STAR = [(at(0), at(number, region)) for number in range(1, 60) for region in (0, 1)]


def test_a_hub_and_its_spokes() -> None:
    """The hub has a box of its own, and its spokes are two regions."""
    graph = drawn(STAR)
    assert mermaid_text(graph).splitlines()[1:] == [
        "  %% Fleet demo: 120 registries, drawn as regions and 1 hub",
        "  %% unlinked: 1 registry has no link in or out: 000000000000/us-east-1 (account-0)",
        '  r_000000000000_eu_west_1["account-0<br/>000000000000<br/>eu-west-1"]',
        '  r_eu_west_1["eu-west-1<br/>59 registries"]',
        '  r_us_east_1["us-east-1<br/>60 registries"]',
        (
            '  r_000000000000_eu_west_1 -->|"golden<br/>every repository<br/>'
            '1 source, 59 destinations, 59 links"| r_eu_west_1'
        ),
        (
            '  r_000000000000_eu_west_1 -->|"golden<br/>every repository<br/>'
            '1 source, 59 destinations, 59 links"| r_us_east_1'
        ),
        "  classDef external stroke-dasharray: 5 5",
        "  classDef retired stroke-dasharray: 2 2,color:#888",
    ]


def test_the_document_is_as_it_was() -> None:
    """Programs that read it have groups alone, and the links within one as an edge."""
    document = graph_document(drawn(STAR, with_hubs=False))
    assert [node["account"] for node in document["nodes"]] == [None, None]  # type: ignore[union-attr, index, call-overload]
    ends = [(edge["source"], edge["destination"]) for edge in document["edges"]]  # type: ignore[union-attr, index, call-overload]
    assert ends == [("eu-west-1", "eu-west-1"), ("eu-west-1", "us-east-1")]


def test_several_hubs() -> None:
    """Each with spokes of its own."""
    pairs = [(at(hub), at(number)) for hub in range(3) for number in range(3 + hub, 60, 3)]
    assert hubs(drawn(pairs)) == [str(at(hub)) for hub in range(3)]


def test_what_collects_from_many_is_a_hub_too() -> None:
    """Whichever way the images go."""
    assert hubs(drawn((end, start) for start, end in STAR)) == [str(at(0))]


def test_in_a_mesh_nobody_stands_out() -> None:
    """All are linked to all."""
    some = range(45)
    graph = drawn((at(item), at(other)) for item in some for other in some if item != other)
    assert hubs(graph) == []
    assert "within: golden" in dot_text(graph)


@pytest.mark.parametrize("more", [0, 1])
def test_of_too_many_equal_ones_none_is_singled_out(more: int) -> None:
    """Forty can be drawn; of more that are alike nobody could say why these."""
    number = 40 + more
    pairs = [(at(hub), at(number + hub * 8 + spoke)) for hub in range(number) for spoke in range(8)]
    assert len(hubs(drawn(pairs, accounts=number * 9))) == (0 if more else 40)


@given(
    ends=st.lists(
        st.tuples(st.integers(0, 59), st.integers(0, 59), st.integers(0, 1), st.integers(0, 1)),
        max_size=40,
        unique=True,
    ),
    star=st.booleans(),
)
def test_no_box_has_a_loop_and_no_link_is_lost(
    ends: list[tuple[int, int, int, int]], star: bool
) -> None:
    """Whatever the links are: an arrow leads from one box to another, and the counts add up."""
    pairs = {(at(a, r), at(b, s)) for a, b, r, s in ends if (a, r) != (b, s)} | {*STAR[: star * 99]}
    graph = drawn(sorted(pairs))
    assert sum(edge.links for edge in graph.edges) == len(pairs)
    assert sum(node.registries for node in graph.nodes) == 120
    for text, arrow in (
        (mermaid_text(graph), r"^  (\S+) [-=]{2}>\|.*\| (\S+)$"),
        (dot_text(graph), r'^  ("\S+") -> ("\S+") \['),
    ):
        arrows = re.findall(arrow, text, re.MULTILINE)
        assert all(start != end for start, end in arrows)
        assert len(arrows) + text.count("within") == len(graph.edges)


def test_hubs_are_taken_out_of_groups_only() -> None:
    """Where each registry has a box anyway, nothing is different."""
    few = drawn(STAR[:20], accounts=20)
    assert not few.grouped
    assert few == replace(drawn(STAR[:20], accounts=20, with_hubs=False))
