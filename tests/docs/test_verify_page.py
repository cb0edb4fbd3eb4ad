"""docs/verify.md has every state, every key of the document, and the bounds that hold."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.support.pages import Page

from fleet_repl.reports.documents.delivery import DELIVERY_SCHEMA
from fleet_repl.reports.documents.schemas import schema
from fleet_repl.runs.delivery import LOOKS, DeliveryState


@pytest.fixture(scope="module")
def page(pages: dict[str, Page]) -> Page:
    return pages["docs/verify.md"]


def names(rows: Any) -> list[str]:
    """What is written as code in the first cells."""
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row[0])]


def test_every_state_is_reported_with_its_exit_code(page: Page) -> None:
    """In the order in which they make a link's state."""
    rows = page.table("## What the states mean")
    assert names(rows) == list(DeliveryState)
    for state, (_, _, code) in zip(DeliveryState, rows, strict=True):
        assert code == ("4" if state.is_problem else "0")


@pytest.mark.parametrize(("nth", "kind"), [(0, None), (1, "link"), (2, "image")])
def test_the_tables_have_every_key(page: Page, nth: int, kind: str | None) -> None:
    """Of the document, its links and their images, in the document's order."""
    document: Any = schema("delivery")
    shape = document if kind is None else document["$defs"][kind]
    assert names(page.table("## The document", nth)) == shape["required"]


def test_the_prose_names_the_rest(page: Page) -> None:
    """Keys of the parts, and the schema's own name."""
    named = set(re.findall(r'`"?([\w/-]+)"?`', page.section("## The document")))
    parts: Any = schema("delivery")["$defs"]
    for part in ("summary", "times", "source", "destination", "unreadable"):
        assert set(parts[part]["required"]) <= named
    assert DELIVERY_SCHEMA in named


def test_the_bounds_are_the_codes(page: Page) -> None:
    """How many repositories are looked into, and arrivals looked up, for each image."""
    text = page.section("## What it costs")
    assert len(re.findall(rf"\b{LOOKS} \W count\b", text)) == 2
