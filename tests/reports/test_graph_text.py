"""A graph as Mermaid, as DOT and as JSON, as it is written."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator

from fleet_repl.planning.plan import Warning
from fleet_repl.reports.documents.graph import graph_document
from fleet_repl.reports.documents.schemas import schema
from fleet_repl.reports.documents.writer import json_text
from fleet_repl.reports.graph import (
    Edge,
    Graph,
    Kind,
    Node,
    dot_text,
    mermaid_text,
)
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import AccountId, Region


def node(digit: str, region: str, name: str | None, kind: Kind = Kind.MANAGED) -> Node:
    account = AccountId(digit * 12)
    return Node(
        id=f"{account}/{region}",
        kind=kind,
        region=Region(region),
        account=account,
        name=account if name is None else name,
    )


SINGLE = Graph(
    fleet="prod",
    grouped=False,
    nodes=(
        node("1", "us-east-1", "build"),
        node("2", "eu-west-1", None),
        node("2", "us-east-1", None),
        node("4", "eu-west-1", 'Müller "& <Söhne>"', Kind.EXTERNAL),
        node("5", "us-east-1", "old", Kind.RETIRED),
    ),
    edges=(
        Edge(
            source="111111111111/us-east-1",
            destination="222222222222/eu-west-1",
            routes=("golden", "dr"),
            prefixes=("base/", "golden/"),
            deletes=("golden/",),
        ),
        Edge(
            source="111111111111/us-east-1",
            destination="222222222222/us-east-1",
            routes=("golden",),
            prefixes=("base/", "golden/"),
        ),
        Edge(
            source="222222222222/eu-west-1",
            destination="444444444444/eu-west-1",
            routes=("all",),
            prefixes=("",),
            deletes=("",),
        ),
    ),
    warnings=(Warning(kind="not-transitive", message="1 → 2 → 4 carries nothing of <base>"),),
)
GROUPED = Graph(
    fleet="prod",
    grouped=True,
    nodes=(
        Node(id="eu-west-1", kind=Kind.MANAGED, region=Region("eu-west-1"), registries=1_200),
        Node(id="external/eu-west-1", kind=Kind.EXTERNAL, region=Region("eu-west-1")),
        Node(id="retired/us-east-1", kind=Kind.RETIRED, region=Region("us-east-1"), registries=2),
    ),
    edges=(
        Edge(
            source="eu-west-1",
            destination="eu-west-1",
            routes=("golden",),
            prefixes=("base/",),
            deletes=("base/",),
            sources=2,
            destinations=1_198,
            links=1_199,
        ),
        Edge(
            source="eu-west-1",
            destination="external/eu-west-1",
            routes=("partner",),
            prefixes=("",),
        ),
    ),
)


def test_registries_as_mermaid() -> None:
    """In boxes by region; names as codes where Mermaid would take them for something else."""
    assert mermaid_text(SINGLE) == (
        "flowchart LR\n"
        "  %% Fleet prod: 5 registries, 3 links\n"
        "  %% not-transitive: 1 → 2 → 4 carries nothing of #60;base>\n"
        '  subgraph in_eu_west_1["eu-west-1"]\n'
        '    r_222222222222_eu_west_1["222222222222<br/>eu-west-1"]\n'
        '    r_444444444444_eu_west_1(["Müller#32;#34;#38;#32;#60;Söhne#62;#34;'
        '<br/>444444444444<br/>eu-west-1<br/>external"]):::external\n'
        "  end\n"
        '  subgraph in_us_east_1["us-east-1"]\n'
        '    r_111111111111_us_east_1["build<br/>111111111111<br/>us-east-1"]\n'
        '    r_222222222222_us_east_1["222222222222<br/>us-east-1"]\n'
        '    r_555555555555_us_east_1["old<br/>555555555555<br/>us-east-1<br/>retired"]:::retired\n'
        "  end\n"
        '  r_111111111111_us_east_1 ==>|"golden, dr<br/>base/, golden/'
        '<br/>with deletes of golden/"| r_222222222222_eu_west_1\n'
        '  r_111111111111_us_east_1 -->|"golden<br/>base/, golden/"| r_222222222222_us_east_1\n'
        '  r_222222222222_eu_west_1 ==>|"all<br/>every repository<br/>with deletes"| '
        "r_444444444444_eu_west_1\n"
        "  classDef external stroke-dasharray: 5 5\n"
        "  classDef retired stroke-dasharray: 2 2,color:#888\n"
    )


def test_regions_as_mermaid() -> None:
    """With how many registries, sources, destinations and links they stand for; links within a
    region are told in its box, as a loop would have nowhere to be."""
    assert mermaid_text(GROUPED) == (
        "flowchart LR\n"
        "  %% Fleet prod: 1,203 registries, drawn as regions\n"
        '  r_eu_west_1["eu-west-1<br/>1,200 registries<br/>within#58;#32;golden<br/>base/'
        '<br/>with deletes<br/>2 sources, 1,198 destinations, 1,199 links"]\n'
        '  r_external_eu_west_1(["eu-west-1<br/>1 registry<br/>external"]):::external\n'
        '  r_retired_us_east_1["us-east-1<br/>2 registries<br/>retired"]:::retired\n'
        '  r_eu_west_1 -->|"partner<br/>every repository<br/>'
        '1 source, 1 destination, 1 link"| r_external_eu_west_1\n'
        "  classDef external stroke-dasharray: 5 5\n"
        "  classDef retired stroke-dasharray: 2 2,color:#888\n"
    )


def test_registries_as_dot() -> None:
    """In clusters by region; a link whose deletes travel is bold."""
    assert dot_text(SINGLE) == (
        'digraph "prod" {\n'
        "  // Fleet prod: 5 registries, 3 links\n"
        "  // not-transitive: 1 → 2 → 4 carries nothing of <base>\n"
        "  rankdir=LR;\n"
        "  node [shape=box];\n"
        '  subgraph "cluster_eu-west-1" {\n'
        '    label="eu-west-1";\n'
        '    "222222222222/eu-west-1" [label="222222222222\\neu-west-1"];\n'
        '    "444444444444/eu-west-1" [label="Müller \\"&amp; <Söhne>\\"'
        '\\n444444444444\\neu-west-1\\nexternal", style=dashed];\n'
        "  }\n"
        '  subgraph "cluster_us-east-1" {\n'
        '    label="us-east-1";\n'
        '    "111111111111/us-east-1" [label="build\\n111111111111\\nus-east-1"];\n'
        '    "222222222222/us-east-1" [label="222222222222\\nus-east-1"];\n'
        '    "555555555555/us-east-1" [label="old\\n555555555555\\nus-east-1\\nretired", '
        "style=dotted, fontcolor=gray40];\n"
        "  }\n"
        '  "111111111111/us-east-1" -> "222222222222/eu-west-1" [label="golden, dr\\n'
        'base/, golden/\\nwith deletes of golden/", style=bold];\n'
        '  "111111111111/us-east-1" -> "222222222222/us-east-1" [label="golden\\n'
        'base/, golden/"];\n'
        '  "222222222222/eu-west-1" -> "444444444444/eu-west-1" [label="all\\n'
        'every repository\\nwith deletes", style=bold];\n'
        "}\n"
    )


def test_regions_as_dot() -> None:
    """The same counts, without clusters."""
    assert dot_text(GROUPED) == (
        'digraph "prod" {\n'
        "  // Fleet prod: 1,203 registries, drawn as regions\n"
        "  rankdir=LR;\n"
        "  node [shape=box];\n"
        '  "eu-west-1" [label="eu-west-1\\n1,200 registries\\nwithin: golden\\nbase/\\n'
        'with deletes\\n2 sources, 1,198 destinations, 1,199 links"];\n'
        '  "external/eu-west-1" [label="eu-west-1\\n1 registry\\nexternal", style=dashed];\n'
        '  "retired/us-east-1" [label="us-east-1\\n2 registries\\nretired", '
        "style=dotted, fontcolor=gray40];\n"
        '  "eu-west-1" -> "external/eu-west-1" [label="partner\\nevery repository\\n'
        '1 source, 1 destination, 1 link"];\n'
        "}\n"
    )


def test_a_link_in_json() -> None:
    """Null is every repository, and no deletes are an empty list."""
    document = graph_document(SINGLE)
    assert {key: document[key] for key in ("schema", "fleet", "grouped")} == {
        "schema": "fleet-repl/graph/1",
        "fleet": "prod",
        "grouped": False,
    }
    assert json.loads(json_text(document["nodes"]))[3] == {
        "id": "444444444444/eu-west-1",
        "kind": "external",
        "region": "eu-west-1",
        "account": "444444444444",
        "name": 'Müller "& <Söhne>"',
        "registries": 1,
    }
    assert json.loads(json_text(document["edges"]))[1:] == [
        {
            "source": "111111111111/us-east-1",
            "destination": "222222222222/us-east-1",
            "routes": ["golden"],
            "prefixes": ["base/", "golden/"],
            "deletes": [],
            "sources": 1,
            "destinations": 1,
            "links": 1,
        },
        {
            "source": "222222222222/eu-west-1",
            "destination": "444444444444/eu-west-1",
            "routes": ["all"],
            "prefixes": None,
            "deletes": None,
            "sources": 1,
            "destinations": 1,
            "links": 1,
        },
    ]
    assert document["warnings"] == [
        {"kind": "not-transitive", "message": "1 → 2 → 4 carries nothing of <base>"}
    ]


def errors(document: JsonObject) -> list[str]:
    return [error.message for error in Draft202012Validator(schema("graph")).iter_errors(document)]


@pytest.mark.parametrize("graph", [SINGLE, GROUPED])
def test_the_schema_is_strict(graph: Graph) -> None:
    """It takes both kinds of graph, and neither for the other; no key too many or too few."""
    document = graph_document(graph)
    assert errors(document) == []
    assert errors({**document, "grouped": not graph.grouped})
    assert errors({**document, "extra": 1})
    assert errors({key: value for key, value in document.items() if key != "nodes"})


def test_the_schema_knows_every_kind() -> None:
    """A kind of node that is added to the code is missing in no schema."""
    text = json.dumps(schema("graph"))
    assert json.dumps([kind.value for kind in Kind]) in text


def test_long_lists_of_prefixes_are_cut() -> None:
    """Unless everything is asked for; one more than fits is not worth a word."""
    seven = tuple(f"{letter}/" for letter in "abcdefg")
    for prefixes, shown, whole in (
        (seven, "a/, b/, c/, d/, e/ and 2 more", ", ".join(seven)),
        (seven[:6], ", ".join(seven[:6]), ", ".join(seven[:6])),
    ):
        graph = replace(SINGLE, edges=(replace(SINGLE.edges[1], prefixes=prefixes),))
        for text in (mermaid_text, dot_text):
            assert f'{shown}"' in text(graph)
            assert f'{whole}"' in text(graph, full=True)


@pytest.mark.parametrize(("edges", "prefixes"), [(501, ("a/",)), (1, ("a" * 50_000,))])
def test_what_mermaid_refuses_to_draw_is_reported(edges: int, prefixes: tuple[str, ...]) -> None:
    """It is right all the same, and can be drawn where the limits are raised."""
    edge = replace(SINGLE.edges[1], prefixes=prefixes)
    fits = replace(SINGLE, edges=(SINGLE.edges[1],) * 200)
    assert "maxEdges" not in mermaid_text(fits)
    lines = mermaid_text(replace(SINGLE, edges=(edge,) * edges)).splitlines()
    assert lines[1] == (
        "  %% Mermaid draws at most 500 edges and 50,000 characters unless maxEdges and "
        "maxTextSize are raised. Draw less with --account, --label or --region, or use dot."
    )
    assert sum("-->" in line for line in lines) == edges
