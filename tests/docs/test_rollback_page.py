"""docs/rollback.md names every warning of a rollback's plan, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.pages import Page

import fleet_repl.runs.rollback.refusals
from fleet_repl.runs.rollback.targets import FOREIGN_RULES


def test_every_warning_is_explained(pages: dict[str, Page]) -> None:
    """The table below what is refused."""
    source = Path(fleet_repl.runs.rollback.refusals.__file__).read_text(encoding="utf-8")
    kinds = set(re.findall(r'\bkind="([a-z-]+)"', source))
    rows = pages["docs/rollback.md"].table("## What it refuses", 1)
    assert {row[0].strip("`") for row in rows} == kinds | {FOREIGN_RULES}
