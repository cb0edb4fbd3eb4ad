"""docs/explain.md has every reason and every key of the document."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.support.pages import Page

from fleet_repl.planning.explain import Reason
from fleet_repl.reports.documents.explanation import EXPLAIN_SCHEMA
from fleet_repl.reports.documents.schemas import schema


@pytest.fixture(scope="module")
def page(pages: dict[str, Page]) -> Page:
    return pages["docs/explain.md"]


def names(rows: Any) -> list[str]:
    """What is written as code in the first cells."""
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row[0])]


def test_every_reason_is_explained(page: Page) -> None:
    """In the order in which they are looked for."""
    assert names(page.table("## Why not")) == list(Reason)


@pytest.mark.parametrize(("nth", "kind"), [(0, "carried"), (1, "notcarried")])
def test_the_tables_have_every_key(page: Page, nth: int, kind: str) -> None:
    """Of the links and of the registries, in the document's order."""
    parts: Any = schema("explain")["$defs"]
    kinds = {name.replace("_", ""): part for name, part in parts.items()}
    assert names(page.table("## The document", nth)) == list(kinds[kind]["properties"])


def test_the_prose_names_the_rest(page: Page) -> None:
    """Keys of the whole, and the schema's own name."""
    named = set(re.findall(r"`([\w/-]+)`", page.section("## The document")))
    assert {*schema("explain")["required"], EXPLAIN_SCHEMA} <= named  # type: ignore[misc]
