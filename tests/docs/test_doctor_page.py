"""docs/doctor.md has every kind of problem and every key of the document."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.support.pages import Page

from fleet_repl.reports.documents.schemas import schema
from fleet_repl.runs.doctor import DESCRIBE, POLICY, SETTING, TEMPLATES, ProblemKind


@pytest.fixture(scope="module")
def page(pages: dict[str, Page]) -> Page:
    return pages["docs/doctor.md"]


def names(rows: Any) -> list[str]:
    """What is written as code in the first cells, but for what it links to."""
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row[0])]


def test_every_kind_of_problem_is_reported(page: Page) -> None:
    """In the order in which problems of equally many accounts come."""
    assert names(page.table("## Problems")) == list(ProblemKind)


def test_every_check_is_reported(page: Page) -> None:
    """Those that come before reads, and each read."""
    named = names(page.table("## The checks"))
    assert named[:3] == ["role", "account", "region"]
    assert {DESCRIBE, POLICY, SETTING, TEMPLATES} <= set(named)


@pytest.mark.parametrize(("nth", "part"), [(0, None), (1, "fleet_problem"), (2, "base")])
def test_the_tables_have_every_key(page: Page, nth: int, part: str | None) -> None:
    """Of the document, its problems and what the run stands on, in the document's order."""
    document: Any = schema("doctor")
    shape = document if part is None else document["$defs"][part]
    assert names(page.table("## The document", nth)) == shape["required"]


def test_the_prose_names_the_rest(page: Page) -> None:
    """Keys of the parts of `base`, and of a registry."""
    named = set(re.findall(r"`([\w/-]+)`", page.section("## The document")))
    parts: Any = schema("doctor")["$defs"]
    for part in ("sts", "way", "state", "examined"):
        assert set(parts[part]["required"]) <= named
