"""docs/coverage.md has every key of the document, every state, and the bounds that hold."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.support.pages import Page

from fleet_repl.engine.coverage.compare import LONG_LISTS, MOST, NEWEST
from fleet_repl.engine.coverage.pending import ASKED, GRACE
from fleet_repl.reports.documents.coverage import COVERAGE_SCHEMA
from fleet_repl.reports.documents.schemas import schema
from fleet_repl.runs.coverage import CoverageState


@pytest.fixture(scope="module")
def page(pages: dict[str, Page]) -> Page:
    return pages["docs/coverage.md"]


def names(rows: Any) -> list[str]:
    """What is written as code in the first cells."""
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row[0])]


@pytest.mark.parametrize(
    ("nth", "kind"),
    [
        (0, None),
        (1, "covered_route"),
        (2, "covered_link"),
        (3, "gap"),
        (4, "in_use"),
        (5, "image_in_use"),
    ],
)
def test_the_tables_have_every_key(page: Page, nth: int, kind: str | None) -> None:
    """Of the document, its routes, links, gaps and running images."""
    document: Any = schema("coverage")
    shape = document if kind is None else document["$defs"][kind]
    assert set(names(page.table("## The document", nth))) == set(shape["properties"])


def test_the_prose_names_the_rest(page: Page) -> None:
    """Keys of the parts, the states, and the schema's own name."""
    text = page.section("## The document")
    named = set(re.findall(r"`([\w/-]+)`", text))
    parts: Any = schema("coverage")["$defs"]
    for part in ("tally", "missing_image", "unrouted", "workload", "unasked"):
        assert set(parts[part]["required"]) <= named
    assert {COVERAGE_SCHEMA, *CoverageState} <= named


def test_the_bounds_are_the_codes(page: Page) -> None:
    """How many images are held, asked about and named."""
    text = page.section("## Images")
    assert f"{MOST:,} are held at a time" in text
    assert (LONG_LISTS, GRACE.total_seconds()) == (2, 3600)
    assert f"newest {ASKED} of them" in text
    assert f"newest {NEWEST} missing images" in text
