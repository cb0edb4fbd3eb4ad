"""What docs/commands.md says of graphs is what the schema and the code say."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.support.pages import Page

from fleet_repl.reports.documents.graph import GRAPH_SCHEMA
from fleet_repl.reports.documents.schemas import schema
from fleet_repl.reports.graph import MOST_REGISTRIES, Kind
from fleet_repl.reports.graph.mermaid import MOST_CHARACTERS, MOST_EDGES
from fleet_repl.reports.graph.model import UNLINKED

HEADING = "## graph"


@pytest.fixture(scope="module")
def section(pages: dict[str, Page]) -> str:
    return str(pages["docs/commands.md"].section(HEADING))


@pytest.mark.parametrize(("nth", "kind"), [(0, "node"), (1, "edge")])
def test_the_tables_have_every_key(nth: int, kind: str, pages: dict[str, Page]) -> None:
    """Of nodes and of edges, in the document's order, and none that is made up."""
    document: Any = schema("graph")
    rows = pages["docs/commands.md"].table(HEADING, nth)
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row[0])]
    assert named == document["$defs"][kind]["required"]


def test_the_prose_names_the_rest(section: str) -> None:
    """The document's own keys, kinds of nodes, and the kind of warning that is a graph's own."""
    named = set(re.findall(r'`"?([\w/-]+)"?`', section))
    assert named >= {*schema("graph")["properties"], *Kind, GRAPH_SCHEMA, UNLINKED}  # type: ignore[misc]


def test_the_limits_are_the_codes(section: str) -> None:
    """When registries become regions, and what Mermaid refuses."""
    assert f"Above {MOST_REGISTRIES} registries" in section
    assert f"more than {MOST_EDGES} edges or {MOST_CHARACTERS:,} characters" in section
