"""docs/runs.md has every field of the list of runs, and makes none up."""

from __future__ import annotations

import re
from typing import Any

from tests.support.pages import Page

from fleet_repl.reports.documents.schemas import schema


def test_the_list_has_every_field(pages: dict[str, Page]) -> None:
    """The fields of the document, of a freeze and of a run, in their tables."""
    document: Any = schema("runs")
    section = "## The list as a document"
    lists, runs = (pages["docs/runs.md"].table(section, nth) for nth in range(2))
    named = {name for row in lists for name in re.findall(r"`([a-z_]+)`", " ".join(row))}
    listed = (document, document["$defs"]["freeze"], document["$defs"]["unreadable"])
    assert named == {name for item in listed for name in item["properties"]} - {"schema"}
    named = {name for row in runs for name in re.findall(r"`([a-z_]+)`", row[0])}
    assert named == set(document["$defs"]["run"]["properties"])


def test_every_purpose_is_named(pages: dict[str, Page]) -> None:
    """What a run may be for."""
    document: Any = schema("runs")
    (row,) = (
        row
        for row in pages["docs/runs.md"].table("## The list as a document", 1)
        if row[0] == "`purpose`"
    )
    purposes = document["$defs"]["run"]["properties"]["purpose"]["enum"]
    assert re.findall(r"`(\w+)`", row[1]) == purposes
