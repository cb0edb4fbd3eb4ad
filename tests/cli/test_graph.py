"""The fleet as a picture: what is on stdout, and what the flags leave of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from tests.support.command_line import Cli

from fleet_repl.reports.documents.schemas import schema

MERMAID = """\
flowchart LR
  %% Fleet demo: 2 registries, 1 link
  subgraph in_eu_west_1["eu-west-1"]
    r_111111111111_eu_west_1["build<br/>111111111111<br/>eu-west-1"]
    r_222222222222_eu_west_1["spoke<br/>222222222222<br/>eu-west-1"]
  end
  r_111111111111_eu_west_1 -->|"golden<br/>base/"| r_222222222222_eu_west_1
  classDef external stroke-dasharray: 5 5
  classDef retired stroke-dasharray: 2 2,color:#888
"""
DOT = """\
digraph "demo" {
  // Fleet demo: 2 registries, 1 link
  rankdir=LR;
  node [shape=box];
  subgraph "cluster_eu-west-1" {
    label="eu-west-1";
    "111111111111/eu-west-1" [label="build\\n111111111111\\neu-west-1"];
    "222222222222/eu-west-1" [label="spoke\\n222222222222\\neu-west-1"];
  }
  "111111111111/eu-west-1" -> "222222222222/eu-west-1" [label="golden\\nbase/"];
}
"""
MORE = """
[[accounts]]
id = "333333333333"
name = "edge"
labels = { env = "dev" }
regions = ["eu-west-1", "us-east-1"]

[[external]]
id = "444444444444"
name = "partner"
regions = ["eu-west-1"]

[[routes]]
name = "onward"
from = { accounts = "spoke" }
to = { accounts = ["edge", "partner"], regions = "eu-west-1" }
replicate_deletes = true
"""


@pytest.fixture
def larger(inventory: str) -> str:
    """The hub and the spoke, which has somewhere to go itself."""
    path = Path(inventory)
    path.write_text(path.read_text(encoding="utf-8") + MORE, encoding="utf-8")
    return inventory


@pytest.mark.parametrize(
    ("args", "text"),
    [((), MERMAID), (("--format", "mermaid"), MERMAID), (("--format", "dot"), DOT)],
)
def test_a_hub_and_a_spoke(cli: Cli, inventory: str, args: tuple[str, ...], text: str) -> None:
    """One edge, drawn for Mermaid unless something else is asked for."""
    ended = cli("graph", inventory, *args)
    assert (ended.code, ended.out, ended.err) == (0, text, "")


def test_as_a_document(cli: Cli, larger: str) -> None:
    """It fits its schema, and says who is linked with whom and what to look out for."""
    ended = cli("graph", larger, "--format", "json")
    assert (ended.code, ended.err) == (0, "")
    document = json.loads(ended.out)
    Draft202012Validator(schema("graph")).validate(document)
    assert [node["kind"] for node in document["nodes"]] == ["managed"] * 4 + ["external"]
    assert [
        (item["source"], item["destination"], item["deletes"]) for item in document["edges"]
    ] == [
        ("111111111111/eu-west-1", "222222222222/eu-west-1", []),
        ("222222222222/eu-west-1", "333333333333/eu-west-1", None),
        ("222222222222/eu-west-1", "444444444444/eu-west-1", None),
    ]
    assert document["warnings"] == [
        {
            "kind": "not-transitive",
            "message": "route onward starts from 1 registry that route golden replicates to, but "
            "ECR does not pass on what arrived by replication: 111111111111/eu-west-1 → "
            "222222222222/eu-west-1 → 333333333333/eu-west-1 carries nothing of base/; let a "
            "route lead there from 111111111111/eu-west-1 if it should",
        },
        {
            "kind": "unlinked",
            "message": "1 registry has no link in or out: 333333333333/us-east-1 (edge)",
        },
    ]


def test_warnings_are_comments(cli: Cli, larger: str) -> None:
    """In a picture's text they say what the picture cannot."""
    warning = "unlinked: 1 registry has no link in or out: 333333333333/us-east-1 (edge)\n"
    assert f"\n  %% {warning}" in cli("graph", larger).out
    assert f"\n  // {warning}" in cli("graph", larger, "--format", "dot").out


@pytest.mark.parametrize(
    ("args", "nodes"),
    [
        (("--account", "build"), ["1", "2"]),
        (("--account", "spoke"), ["1", "2", "3", "4"]),
        (("--label", "env=dev"), ["2", "3", "3"]),
        (("--label", "env=dev", "--region", "us-east-1"), ["3"]),
    ],
)
def test_flags_leave_links_into_and_out_of_a_selection(
    cli: Cli, larger: str, args: tuple[str, ...], nodes: list[str]
) -> None:
    """With their other ends, and with selected registries that have no link."""
    ended = cli("graph", larger, "--format", "json", *args)
    assert ended.code == 0
    assert [node["id"][0] for node in json.loads(ended.out)["nodes"]] == nodes


def test_a_selection_of_nothing(cli: Cli, larger: str) -> None:
    """A slip is wrong use, not an empty picture."""
    ended = cli("graph", larger, "--account", "partner")
    assert (ended.code, ended.out) == (64, "")
    assert ended.err == 'fleet-repl: account "partner" is external: nothing of it is managed here\n'


def test_verbose_lists_every_prefix(cli: Cli, inventory: str) -> None:
    """Where they would be cut otherwise."""
    path = Path(inventory)
    seven = [f"{letter}x/" for letter in "abcdefg"]
    text = path.read_text(encoding="utf-8").replace('["base/"]', json.dumps(seven))
    path.write_text(text, encoding="utf-8")
    assert "<br/>ax/, bx/, cx/, dx/, ex/ and 2 more" in cli("graph", inventory).out
    assert f"<br/>{', '.join(seven)}" in cli("graph", inventory, "-v").out


def test_prefixes_that_are_known_only_at_each_run(cli: Cli, inventory: str) -> None:
    """An edge says that its prefixes are all that its routes may ask for, and of which routes;
    grouped or not. Other edges say nothing."""
    fixed = Path(inventory).read_text(encoding="utf-8")
    live = fixed + 'exclude = ["base/private/"]\n'
    Path(inventory).write_text(live, encoding="utf-8")
    line = "golden<br/>base/<br/>at most, by the repositories at each run"
    assert f'|"{line}"|' in cli("graph", inventory).out
    (edge,) = json.loads(cli("graph", inventory, "--format", "json").out)["edges"]
    assert (edge["prefixes"], edge["live"]) == (["base/"], ["golden"])
    second = fixed[fixed.index("[[routes]]") :].replace('"golden"', '"all"')
    Path(inventory).write_text(live + second.replace('"base/"', '"team/"'), encoding="utf-8")
    drawn = cli("graph", inventory).out
    assert "<br/>of golden at most, by the repositories at each run" in drawn
    Path(inventory).write_text(fixed, encoding="utf-8")
    (edge,) = json.loads(cli("graph", inventory, "--format", "json").out)["edges"]
    assert "live" not in edge
